//! Counted, rendered, kept.

use std::collections::BTreeSet;

use super::super::metrics::{engine_info, metrics_markdown, status_label};
use super::*;

/// What is rendered after `count` has counted, with a recorder of this test alone.
fn rendered(count: impl FnOnce(&Recorder)) -> String {
    let (recorder, handle) = build().unwrap();
    ::metrics::with_local_recorder(&recorder, || {
        count(&handle);
        handle.render()
    })
}

fn definitions() -> Vec<Definition> {
    let counters = Counter::ALL.iter().map(|metric| metric.definition());
    let gauges = Gauge::ALL.iter().map(|metric| metric.definition());
    counters.chain(gauges).chain(Histogram::ALL.iter().map(|metric| metric.definition())).collect()
}

#[test]
fn names_say_their_unit_and_type() {
    let definitions = definitions();
    assert_eq!(definitions.iter().map(|metric| metric.name).collect::<BTreeSet<_>>().len(), definitions.len());
    for Definition { name, unit, help, .. } in &definitions {
        assert!(name.starts_with("tintype_") && help.ends_with('.') && !help.contains('|'), "{name}");
        assert_eq!(name.contains("_bytes"), *unit == "bytes", "{name}");
        assert_eq!(name.contains("_seconds"), *unit == "seconds", "{name}");
    }
    assert!(Counter::ALL.iter().all(|counter| counter.definition().name.ends_with("_total")));
    assert!(Gauge::ALL.iter().all(|gauge| !gauge.definition().name.ends_with("_total")));
    let has_unit = |name: &str| name.ends_with("_seconds") || name.ends_with("_width");
    assert!(Histogram::ALL.iter().all(|histogram| has_unit(histogram.definition().name)));
}

#[test]
fn the_page_has_a_row_for_each_metric() {
    let page = metrics_markdown();
    assert_eq!(page.lines().filter(|line| line.starts_with("| `tintype_")).count(), definitions().len());
    assert!(
        page.contains("| `tintype_flights` | gauge | flights | `kind` (variant, original, mount, look) |"),
        "{page}"
    );
}

#[test]
fn what_is_counted_is_rendered() {
    let text = rendered(|_| {
        Counter::Requests.add(2, &[("route", "image"), ("status", status_label(200)), ("cache", "hit")]);
        Counter::Requests.add(1, &[("route", "image"), ("status", status_label(200)), ("cache", "hit")]);
        Gauge::CacheBytes.set(7, &[("tier", "memory")]);
        engine_info("0.1.0", "8.14.1", "a\"b");
    });
    assert!(text.contains("tintype_requests_total{route=\"image\",status=\"200\",cache=\"hit\"} 3"), "{text}");
    assert!(text.contains("# TYPE tintype_requests_total counter"), "{text}");
    assert!(text.contains("# HELP tintype_cache_bytes Bytes kept in each tier."), "{text}");
    assert!(text.contains("tintype_cache_bytes{tier=\"memory\"} 7"), "{text}");
    let info = "tintype_engine_info{version=\"0.1.0\",libvips=\"8.14.1\",fingerprint=\"a\\\"b\"} 1";
    assert!(text.contains(info), "{text}");
}

#[test]
fn series_with_known_labels_are_there_from_the_start() {
    let text = rendered(|_| register());
    assert!(text.contains("tintype_shed_total{reason=\"queue_full\"} 0"), "{text}");
    assert!(text.contains("tintype_cache_events_total{tier=\"originals_memory\",event=\"evict\"} 0"), "{text}");
    assert!(text.contains("\ntintype_queue_jobs 0"), "{text}");
    assert!(!text.contains("tintype_requests_total") && !text.contains("tintype_engine_info"), "{text}");
}

#[test]
fn durations_fall_into_buckets() {
    let text = rendered(|recorder| {
        for ms in [0, 1, 3, 70_000] {
            Histogram::Stage.record(Duration::from_millis(ms), &[("stage", "decode")]);
            recorder.upkeep();
        }
    });
    for (le, count) in [("0.001", 2), ("0.0025", 2), ("0.005", 3), ("60", 3), ("+Inf", 4)] {
        let line = format!("tintype_stage_seconds_bucket{{stage=\"decode\",le=\"{le}\"}} {count}\n");
        assert!(text.contains(&line), "{line}{text}");
    }
    assert!(text.contains("# TYPE tintype_stage_seconds histogram"), "{text}");
}

#[test]
fn a_held_gauge_falls_when_it_is_dropped() {
    let mut while_held = String::new();
    let text = rendered(|recorder| {
        let first = Gauge::Flights.hold(&[("kind", "variant")]);
        let _second = Gauge::Flights.hold(&[("kind", "variant")]);
        drop(first);
        while_held = recorder.render();
    });
    assert!(while_held.contains("tintype_flights{kind=\"variant\"} 1"), "{while_held}");
    assert!(text.contains("tintype_flights{kind=\"variant\"} 0"), "{text}");
}

#[test]
#[should_panic(expected = "does not have the labels")]
fn a_value_that_is_not_listed_is_a_bug() {
    Counter::Shed.add(1, &[("reason", "bad mood")]);
}

#[test]
#[should_panic(expected = "does not have the labels")]
fn a_missing_label_is_a_bug() {
    Counter::Shed.add(1, &[]);
}

#[test]
fn statuses_are_a_bounded_set() {
    let labels: BTreeSet<_> = (0..=u16::MAX).map(status_label).collect();
    assert_eq!(labels.len(), 28 + 6);
    for (status, label) in [(200, "200"), (418, "4xx"), (599, "5xx"), (99, "other"), (600, "other"), (65_535, "other")]
    {
        assert_eq!(status_label(status), label, "{status}");
    }
}

#[test]
fn the_resident_set_is_read_from_the_kernel() {
    assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t    1234 kB\nThreads:\t1\n"), Some(1234 * 1024));
    for status in ["", "VmRSS:\t\n", "VmRSS:\t1 MB\n", "VmRSS:\t18446744073709551615 kB\n"] {
        assert_eq!(resident_bytes(status), None, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn upkeep_goes_on_until_it_is_cancelled() {
    let (recorder, handle) = build().unwrap();
    let stop = CancellationToken::new();
    let keeper = handle.clone().keep(stop.clone());
    let _guard = ::metrics::set_default_local_recorder(&recorder);
    Histogram::Stage.record(Duration::ZERO, &[("stage", "queue")]);
    tokio::time::timeout(Duration::from_secs(3 * UPKEEP_S), keeper).await.expect_err("it goes on");
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(1), handle.keep(stop)).await.expect("it ends when it is told to");
}
