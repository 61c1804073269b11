//! By which of the engine's runtimes a pod runs: the handler of its RuntimeClass.

use k8s_openapi::api::node::v1::RuntimeClass;
use kube::api::Api;

use super::Worker;
use crate::pod;

impl Worker {
    /// The engine's name of the runtime, which refuses one that it does not have; its own choice where the pod has no class.
    pub(super) async fn handler(&self) -> Result<Option<String>, String> {
        let Some(name) = pod::spec(&self.pod).runtime_class_name.as_deref() else { return Ok(None) };
        let classes: Api<RuntimeClass> = Api::all(self.context.client.clone());
        match classes.get_opt(name).await {
            Ok(Some(class)) => Ok(Some(class.handler)),
            Ok(None) => Err(format!("failed to get sandbox runtime: RuntimeClass.node.k8s.io {name:?} not found")),
            Err(error) => {
                tracing::warn!(%error, name, "cannot fetch a RuntimeClass");
                Err("failed to get sandbox runtime: the API server did not answer".to_owned())
            }
        }
    }
}
