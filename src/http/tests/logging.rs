//! What a request leaves behind in the log and in the metrics.

use std::io;
use std::sync::{Arc, Mutex};

use metrics_exporter_prometheus::PrometheusBuilder;

use super::fixtures::{Server, listener_spec, request, soon};

/// Collects what is logged.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn requests(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let events = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        events.filter(|event| event["message"] == "request").collect()
    }
}

// The runtime of a test has one thread, so that subscriber and recorder of this thread see all of its tasks.
#[tokio::test]
async fn a_request_leaves_one_line_and_one_count() {
    let page = Page::default();
    let writer = page.clone();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    // Whether a line is wanted is decided once, by all subscribers where there are several; by a single one only where
    // it is that of the thread that comes by first, which may be another test's and have none.
    let _second = tracing::Dispatch::new(tracing_subscriber::fmt().with_writer(io::sink).finish());
    tracing::callsite::rebuild_interest_cache();
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _counted = metrics::set_default_local_recorder(&recorder);

    let server = Server::start(listener_spec());
    let lines = ["X-Request-Id: r1", "Authorization: Bearer SECRET"];
    assert_eq!(server.get("/SECRET/w:1/plain/a.jpg?SECRET", &lines).await.status, 200);
    assert_eq!(server.get("/missing", &[]).await.status, 404);
    let mut gone = server.client().await;
    gone.send(request("GET", "/slow", &[])).await;
    soon(server.toy.begun.notified()).await;
    drop(gone);
    soon(server.toy.dropped.notified()).await;
    server.serving.finish();
    soon(server.serving.closed()).await;

    let requests = page.requests();
    let fields = |name: &str| requests.iter().map(|line| line[name].clone()).collect::<Vec<_>>();
    assert_eq!(fields("status"), [200, 404, 499]);
    assert_eq!(fields("path"), ["/…/w:1/plain/a.jpg", "/missing", "/slow"]);
    assert_eq!((&requests[0]["id"], &requests[0]["cache"]), (&"r1".into(), &"miss".into()));
    assert_eq!((&requests[0]["bytes"], &requests[0]["origin_ms"]), (&10.into(), &38.1.into()));
    assert_eq!((&requests[1]["kind"], &requests[1]["route"]), (&"no-original".into(), &"image".into()));
    assert!(!String::from_utf8_lossy(&page.0.lock().unwrap()).contains("SECRET"));

    let metrics = metrics.render();
    for line in [
        "tintype_requests_total{route=\"image\",status=\"200\",cache=\"miss\"} 1",
        "tintype_requests_total{route=\"image\",status=\"404\",cache=\"none\"} 1",
        "tintype_requests_total{route=\"image\",status=\"499\",cache=\"none\"} 1",
        "tintype_errors_total{kind=\"no-original\"} 1",
        "tintype_connections 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}
