//! Binding a pod to this node: a Binding with all of the task's annotations, or, for a pod that is bound already (a
//! relaunch), a patch of its annotations (reference/k8sm-behaviour.md, 3.5).

use std::time::Duration;

use k8s_openapi::api::core::v1::{Binding, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Status};
use kube::api::{Api, Patch, PatchParams, PostParams};

use crate::pod;

/// How often a request is made anew where the API server cannot be reached.
const TRIES: u32 = 6;
/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Why a pod could not be bound: the message of its TASK_FAILED.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The API server refused the binding.
    #[error("create-binding-failure")]
    Binding(#[source] Box<kube::Error>),
    /// The pod is bound, and its annotations could not be changed.
    #[error("annotation-update-failure")]
    Annotations(#[source] Box<kube::Error>),
    /// The pod is another one by now, or bound to another node.
    #[error("create-binding-failure")]
    Other,
}

/// Binds `pod`, as its task has it, to `node`; the pod as it is then.
///
/// # Errors
/// When the API server refuses, or is not there for half a minute.
pub async fn bind(client: &kube::Client, pod: &Pod, node: &str) -> Result<Pod, BindError> {
    let api: Api<Pod> = Api::namespaced(client.clone(), pod::namespace(pod));
    if pod::spec(pod).node_name.as_deref().is_none_or(str::is_empty) {
        match retry(|| post(&api, pod, node)).await {
            Ok(()) => return Ok(bound(pod, node)),
            // bound by an earlier launch whose answer was lost, or by a task that died since
            Err(error) if is_status(&error, 409) => {}
            Err(error) => return Err(BindError::Binding(Box::new(error))),
        }
    }
    let current = retry(|| api.get(pod::name(pod))).await.map_err(|error| BindError::Annotations(Box::new(error)))?;
    if pod::uid(&current) != pod::uid(pod) || pod::spec(&current).node_name.as_deref() != Some(node) {
        return Err(BindError::Other);
    }
    let annotations = &pod.metadata.annotations;
    let patch = Patch::Merge(serde_json::json!({"metadata": {"uid": pod::uid(pod), "annotations": annotations}}));
    let parameters = PatchParams::default();
    retry(|| api.patch(pod::name(pod), &parameters, &patch))
        .await
        .map_err(|error| BindError::Annotations(Box::new(error)))
}

async fn post(api: &Api<Pod>, pod: &Pod, node: &str) -> kube::Result<()> {
    let binding = Binding {
        metadata: ObjectMeta {
            name: pod.metadata.name.clone(),
            namespace: pod.metadata.namespace.clone(),
            uid: pod.metadata.uid.clone(),
            annotations: pod.metadata.annotations.clone(),
            ..ObjectMeta::default()
        },
        target: ObjectReference {
            kind: Some("Node".to_owned()),
            name: Some(node.to_owned()),
            ..ObjectReference::default()
        },
    };
    let _: Status = api.create_subresource("binding", pod::name(pod), &PostParams::default(), &binding).await?;
    Ok(())
}

/// The pod as the binding leaves it, without asking for it.
fn bound(pod: &Pod, node: &str) -> Pod {
    let mut pod = pod.clone();
    pod.spec.get_or_insert_default().node_name = Some(node.to_owned());
    pod
}

/// Makes a request, again where the API server is not there or has no time.
pub(crate) async fn retry<T, F>(mut request: impl FnMut() -> F) -> kube::Result<T>
where
    F: Future<Output = kube::Result<T>>,
{
    let mut wait = Duration::from_millis(250);
    for _ in 1..TRIES {
        match tokio::time::timeout(TIMEOUT, request()).await {
            Ok(Err(error)) if is_transient(&error) => tracing::debug!(%error, "the API server did not answer"),
            Ok(outcome) => return outcome,
            Err(_) => tracing::debug!("the API server takes too long"),
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
    request().await
}

/// Whether the same request may be answered otherwise later.
#[must_use]
pub fn is_transient(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => status.code >= 500 || status.code == 429,
        _ => true,
    }
}

/// Whether the API server answered with that HTTP status.
#[must_use]
pub fn is_status(error: &kube::Error, code: u16) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == code)
}
