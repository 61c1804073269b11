//! What answers say in their heads.

use serde_json::json;

use crate::harness::{Etcd, Server};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test]
async fn every_answer_has_an_audit_id() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let stranger = server.client(None);
    let id = |answer: reqwest::Response| answer.headers()["audit-id"].to_str().unwrap().to_owned();
    let mut seen = Vec::new();
    for path in [MAPS, "/api/v1/namespaces/default/configmaps/none", "/nothing", "/healthz", "/version", "/metrics"] {
        for client in [&api.client, &stranger] {
            seen.push(id(client.get(format!("{}{path}", api.url)).send().await.unwrap()));
        }
    }
    let body = json!({"metadata": {"name": "m"}}).to_string();
    let made = api.client.post(format!("{}{MAPS}", api.url)).header("content-type", "application/json").body(body);
    seen.push(id(made.send().await.unwrap()));
    assert!(seen.iter().all(|id| id.len() == 36 && uuid::Uuid::parse_str(id).is_ok()), "{seen:?}");
    let number = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), number, "an id is one answer's");
    for (chosen, kept) in [("mine", true), ("", false)] {
        let asked = api.client.get(format!("{}{MAPS}", api.url)).header("audit-id", chosen);
        assert_eq!(id(asked.send().await.unwrap()) == chosen, kept);
    }
}

#[tokio::test]
async fn metrics_come_in_the_format_that_is_asked_for() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    for path in ["/metrics", "/metrics/slis"] {
        for (accept, kind, end) in [
            (None, "text/plain; version=0.0.4; charset=utf-8", false),
            (
                Some("application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5"),
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                true,
            ),
        ] {
            let mut request = api.client.get(format!("{}{path}", api.url));
            if let Some(accept) = accept {
                request = request.header("accept", accept);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.headers()["content-type"].to_str().unwrap(), kind, "{path}");
            assert_eq!(answer.text().await.unwrap().ends_with("# EOF\n"), end, "{path}");
        }
    }
}

/// A refusal comes at once, before the body: the stream must not be reset while its client still writes, for curl loses the answer then.
#[tokio::test]
async fn a_refusal_leaves_its_client_the_time_to_end_a_small_body() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let mut tls = crate::harness::tls(server.files.path(), None);
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().http2_prior_knowledge();
    let (sender, body) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let body = reqwest::Body::wrap_stream(tokio_stream::wrappers::ReceiverStream::new(body));
    let request = client.build().unwrap().post(format!("{}{MAPS}", server.url)).bearer_auth(crate::keys::TOKEN);
    let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
    assert_eq!((answer.version(), answer.status().as_u16()), (reqwest::Version::HTTP_2, 403));
    assert!(answer.text().await.unwrap().contains("\"reason\":\"Forbidden\""));
    for _ in 0..4 {
        // a reset would come right behind the answer
        let reset = tokio::time::timeout(std::time::Duration::from_millis(50), sender.closed()).await;
        assert!(reset.is_err(), "the stream is reset");
        sender.send(Ok(vec![b' '; 1024])).await.unwrap();
    }
}
