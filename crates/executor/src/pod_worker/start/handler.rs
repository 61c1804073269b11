//! By which of the engine's runtimes a pod runs: the handler of its RuntimeClass.

use k8s_openapi::api::node::v1::RuntimeClass;
use kube::api::Api;

use super::Worker;
use crate::context::bounded;
use crate::pod;

impl Worker {
    /// The engine's name of the runtime, which refuses one that it does not have; its own choice where the pod has no class.
    /// What a sandbox runs by, its containers run by too, whatever becomes of the class: it is asked for a `new` sandbox.
    pub(super) async fn handler(&self, new: bool) -> Result<Option<String>, String> {
        let Some(name) = pod::spec(&self.pod).runtime_class_name.as_deref() else { return Ok(None) };
        if let Some(kept) = self.kept.as_ref().filter(|_| !new) {
            return Ok(kept.handler.clone());
        }
        let classes: Api<RuntimeClass> = Api::all(self.context.client.clone());
        match (bounded(classes.get_opt(name)).await, &self.kept) {
            (Ok(Some(class)), _) => Ok(Some(class.handler)),
            (Ok(None), _) => Err(format!("failed to get sandbox runtime: RuntimeClass.node.k8s.io {name:?} not found")),
            (Err(_), Some(kept)) => Ok(kept.handler.clone()),
            (Err(error), None) => {
                tracing::warn!(%error, name, "cannot fetch a RuntimeClass");
                Err("failed to get sandbox runtime: the API server did not answer".to_owned())
            }
        }
    }
}
