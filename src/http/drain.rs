//! The end of the server, without losing a request: readiness off, wait until it has been noticed, accept no more,
//! finish what is in progress, and cut what does not finish. Contract: always ends, at the latest after `drain_delay`
//! and `drain_timeout`, and at once on a second signal.

use std::future::Future;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::listener::Serving;
use super::spec::DrainSpec;
use crate::telemetry::health::Health;

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every request was answered.
    Complete,
    /// `drain_timeout` passed with so many connections open, which were cut.
    TimedOut { cut: usize },
    /// A second signal came with so many connections open, which were cut.
    Forced { cut: usize },
}

/// The signals that ask the process to end. Once made, they no longer kill it.
#[derive(Debug)]
pub struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

// === impl EndSignals ===

impl EndSignals {
    /// Starts to listen to SIGTERM and SIGINT; both mean the same.
    ///
    /// # Errors
    ///
    /// The system refuses a handler.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one and says which it was.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Drains the main listener. The operations listener is left alone, so that probes and scrapes see the drain; abort it
/// afterwards. `second_signal` ends the wait.
pub async fn drain(
    spec: DrainSpec,
    health: &Health,
    main: &Serving,
    second_signal: impl Future<Output = ()>,
) -> Drained {
    health.set_draining();
    tracing::info!(connections = main.connections(), "drain begins");
    let phases = async {
        tokio::time::sleep(spec.drain_delay).await;
        main.finish();
        tokio::time::timeout(spec.drain_timeout, main.closed()).await
    };
    let in_time = tokio::select! {
        biased;
        () = second_signal => None,
        in_time = phases => Some(in_time.is_ok()),
    };
    let drained = match in_time {
        Some(true) => Drained::Complete,
        Some(false) => Drained::TimedOut { cut: main.abort().await },
        None => Drained::Forced { cut: main.abort().await },
    };
    tracing::info!(?drained, "drain ended");
    drained
}
