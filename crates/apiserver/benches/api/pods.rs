//! Pods as people have them: about 1.6 KiB each.

use anyhow::Context;
use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

use crate::server::Server;

/// The namespace of the pods that are listed.
pub(crate) const NAMESPACE: &str = "crowd";
/// The label that few of them have.
pub(crate) const FEW: &str = "few";
/// Every so many pods one has it.
const FEW_EVERY: usize = 500;
/// Makes a pod as large as it is said to be.
const PADDING: usize = 561;
const AT_ONCE: usize = 32;

/// A pod of that name.
pub(crate) fn pod(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "crowd", "tier": "backend", "release": "stable"},
            "annotations": {"example.com/note": "x".repeat(PADDING)}},
        "spec": {"automountServiceAccountToken": false, "containers": [{"name": "main",
            "image": "registry.example.com/team/service:1.25.3",
            "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
            "env": [{"name": "MODE", "value": "production"}, {"name": "LEVEL", "value": "info"}],
            "resources": {"limits": {"cpu": "500m", "memory": "128Mi"}, "requests": {"cpu": "100m", "memory": "64Mi"}},
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}}]}})
}

/// Makes the namespace and the pods in it through the API.
pub(crate) async fn create(server: &Server, count: usize) -> anyhow::Result<()> {
    let client = server.client()?;
    let post = |path: String, object: Value| {
        let request = client.post(server.url(&path)).header("content-type", "application/json");
        async move {
            let answer = request.body(object.to_string()).send().await.with_context(|| format!("post to {path}"))?;
            let code = answer.status();
            anyhow::ensure!(code.as_u16() == 201, "{path}: {code}: {}", answer.text().await.unwrap_or_default());
            Ok(())
        }
    };
    post("/api/v1/namespaces".to_owned(), json!({"metadata": {"name": NAMESPACE}})).await?;
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods");
    let pods = (0..count).map(|n| {
        let mut pod = pod(&format!("pod-{n:05}"));
        if n % FEW_EVERY == 0 {
            pod["metadata"]["labels"][FEW] = "yes".into();
        }
        pod
    });
    futures::stream::iter(pods)
        .map(|pod| post(path.clone(), pod))
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}
