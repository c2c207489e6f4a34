//! The recorder of metrics and its text exposition.
//!
//! Installed once, before anything is counted. Nobody but us keeps it in shape: without [`Recorder::upkeep`] every few
//! seconds, the samples of histograms would pile up until somebody reads the metrics.

use std::fs;
use std::time::Duration;

use ::metrics::Recorder as _;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::metrics::{Counter, Definition, Gauge, Histogram, Labels};
use super::series;

/// Between two rounds of upkeep.
const UPKEEP_S: u64 = 5;

/// Reads what was recorded.
#[derive(Debug, Clone)]
pub struct Recorder(PrometheusHandle);

/// Why there is no recorder.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    #[error("the buckets of a histogram are not accepted")]
    Buckets(#[source] BuildError),
    #[error("this process has a recorder of metrics already")]
    AlreadyInstalled,
}

// === impl Recorder ===

impl Recorder {
    /// Makes the recorder of this process. Every metric whose labels list their values is there from the start with 0,
    /// so that a rate over it knows where it began.
    ///
    /// # Errors
    ///
    /// A process has one recorder; the second one is refused.
    pub fn install() -> Result<Self, RecorderError> {
        let (recorder, handle) = build()?;
        ::metrics::set_global_recorder(recorder).map_err(|_| RecorderError::AlreadyInstalled)?;
        series::installed();
        register();
        Ok(handle)
    }

    /// All metrics in the text format of Prometheus, version 0.0.4.
    pub fn render(&self) -> String {
        measure();
        self.0.render()
    }

    /// Folds new samples into their buckets.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }

    /// Upkeep every few seconds, until it is cancelled.
    pub async fn keep(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(Duration::from_secs(UPKEEP_S));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.upkeep();
        }
    }
}

fn build() -> Result<(PrometheusRecorder, Recorder), RecorderError> {
    let mut builder = PrometheusBuilder::new();
    for histogram in Histogram::ALL {
        let name = Matcher::Full(histogram.definition().name.to_owned());
        builder = builder.set_buckets_for_metric(name, histogram.buckets()).map_err(RecorderError::Buckets)?;
    }
    let recorder = builder.build_recorder();
    for counter in Counter::ALL {
        let Definition { name, help, .. } = counter.definition();
        recorder.describe_counter(name.into(), None, help.into());
    }
    for gauge in Gauge::ALL {
        let Definition { name, help, .. } = gauge.definition();
        recorder.describe_gauge(name.into(), None, help.into());
    }
    for histogram in Histogram::ALL {
        let Definition { name, help, .. } = histogram.definition();
        recorder.describe_histogram(name.into(), None, help.into());
    }
    let handle = Recorder(recorder.handle());
    Ok((recorder, handle))
}

/// Makes the series whose labels are known beforehand.
fn register() {
    for counter in Counter::ALL {
        each_series(&counter.definition(), |labels| counter.add(0, labels));
    }
    for gauge in Gauge::ALL {
        each_series(&gauge.definition(), |labels| gauge.set(0, labels));
    }
}

/// Every combination of the values that the labels list; none where a label lists none.
fn each_series(definition: &Definition, mut register: impl FnMut(Labels<'_>)) {
    let mut series = vec![Vec::new()];
    for label in definition.labels {
        let longer = |labels: &Vec<_>| {
            let labels = labels.clone();
            label.values.iter().map(move |value| [labels.clone(), vec![(label.name, *value)]].concat())
        };
        series = series.iter().flat_map(longer).collect();
    }
    for labels in series {
        register(&labels);
    }
}

/// Sets the gauges that nobody else watches.
fn measure() {
    if let Some(bytes) = fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident_bytes) {
        Gauge::ResidentMemory.set(bytes, &[]);
    }
}

/// The resident set from the text of `/proc/self/status`, where Linux counts it in units of 1024 bytes.
fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests;
