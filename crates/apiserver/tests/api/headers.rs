//! What answers say in their heads.

use crate::harness::{Etcd, Server};

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
