//! Namespaces: what of them is written where.

use serde_json::json;

use crate::harness::{Etcd, Server};

/// A namespace's finalizers are changed at `/finalize`, metadata with them; elsewhere they stay.
#[tokio::test]
async fn a_namespace_is_finalized_by_itself() {
    let etcd = Etcd::start();
    let server = Server::start(&etcd).await;
    let api = server.admin();
    let mut whole = api.make("/api/v1/namespaces", &json!({"metadata": {"name": "e2e"}})).await;
    let (one, finalize) = ("/api/v1/namespaces/e2e", "/api/v1/namespaces/e2e/finalize");
    whole["spec"]["finalizers"] = json!(["kubernetes", "e2e.example.com/fake"]);
    whole["metadata"]["labels"]["a"] = "b".into();
    let (code, changed) = api.put(finalize, &whole).await;
    assert_eq!((code, &changed["spec"], &changed["metadata"]["labels"]["a"]), (200, &whole["spec"], &json!("b")));
    let bad = json!({"metadata": {"name": "e2e"}, "spec": {"finalizers": ["x"]}});
    let (code, refusal) = api.put(finalize, &bad).await;
    assert_eq!((code, &refusal["details"]["causes"][0]["field"]), (422, &json!("spec.finalizers[0]")));
    let none = json!({"metadata": {"name": "e2e"}, "spec": {"finalizers": []}});
    let (code, changed) = api.put(finalize, &none).await;
    assert_eq!((code, changed["spec"].get("finalizers")), (200, None), "{changed}");
    assert_eq!(changed["metadata"]["labels"], json!({"kubernetes.io/metadata.name": "e2e"}));
    let (code, changed) = api.patch(one, "merge", &json!({"spec": {"finalizers": ["a.b/c"]}})).await;
    assert_eq!((code, changed["spec"].get("finalizers")), (200, None), "{changed}");
    let (code, _) = api.patch(&format!("{one}/status"), "merge", &json!({"status": {"phase": "Terminating"}})).await;
    assert_eq!(code, 422, "it is not being deleted");
}
