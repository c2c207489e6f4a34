//! Google Cloud Storage and Azure, as far as a scripted server can play them: what is asked, and what it becomes.

use tintype::origin::{AzSpec, Fetched, GsSpec, OriginSetupError, Origins, OriginsSpec, Validators};

use super::scripted::{Scripted, Step, answer, head};
use super::support::{fetch, limits, origins, refusal};

const OBJECT: &[(&str, &str)] = &[("etag", "\"v1\""), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")];

async fn store() -> Scripted {
    Scripted::start(|asked| {
        if asked.target.contains("missing") {
            answer("404 Not Found", &[], b"")
        } else if asked.target.contains("secret") {
            answer("403 Forbidden", &[], b"")
        } else if asked.field("if-none-match") == Some("\"v1\"") {
            vec![Step::Send(head("304 Not Modified", OBJECT))]
        } else {
            answer("200 OK", OBJECT, b"picture")
        }
    })
    .await
}

fn spec(server: &Scripted) -> OriginsSpec {
    let endpoint = Some(server.url("/"));
    OriginsSpec {
        gs: GsSpec { enabled: true, endpoint: endpoint.clone(), anonymous: true },
        az: AzSpec { enabled: true, endpoint, account: Some("account".to_owned()), anonymous: true },
        limits: limits(),
        ..OriginsSpec::default()
    }
}

#[tokio::test]
async fn objects_are_read() {
    let server = store().await;
    let origins = origins(&spec(&server));
    let cases = [
        ("gs://bucket/a b/c%d.jpg?17", "/bucket/a%20b%2Fc%25d%2Ejpg?generation=17"),
        ("gs://bucket/a?latest", "/bucket/a"),
        ("az://container/a b/c%d.jpg?17", "/container/a%20b/c%25d.jpg"),
        ("abs://$web/ü", "/$web/%C3%BC"),
    ];
    for (source, target) in cases {
        let original = fetch(&origins, source).await.expect(source);
        assert_eq!(&original.bytes[..], b"picture");
        assert_eq!(original.last_modified_s, Some(784_111_777));
        let asked = server.requests();
        let last = asked.last().expect("a request");
        assert_eq!(last.target, target);
        assert_eq!(last.field("authorization"), None);
    }
}

#[tokio::test]
async fn answers_mean_what_they_mean_elsewhere() {
    let server = store().await;
    let origins = origins(&spec(&server));
    let known = Validators { etag: Some("\"v1\"".to_owned()), ..Validators::default() };
    for scheme in ["gs", "az"] {
        assert_eq!(refusal(&origins, &format!("{scheme}://b/missing")).await, (404, "original-not-found"));
        assert_eq!(refusal(&origins, &format!("{scheme}://b/secret")).await, (403, "origin-status"));
        let again = origins.fetch(&format!("{scheme}://b/a"), Some(&known)).await.expect("an answer");
        assert!(matches!(again, Fetched::NotModified { .. }), "{again:?}");
    }
}

#[tokio::test]
async fn an_account_is_needed() {
    let az = AzSpec { enabled: true, anonymous: true, ..AzSpec::default() };
    let made = Origins::new(&OriginsSpec { az, ..OriginsSpec::default() });
    if std::env::var_os("AZURE_STORAGE_ACCOUNT_NAME").is_none() {
        assert!(matches!(made, Err(OriginSetupError::ObjectStore { scheme: "az", .. })));
    }
}
