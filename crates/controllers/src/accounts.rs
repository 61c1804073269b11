//! The service account `default` and the ConfigMap `kube-root-ca.crt` in every namespace.

use std::sync::Arc;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Error, ResourceExt};
use serde_json::json;

use crate::answer::accept;
use crate::context::{Context, ROOT_CA};
use crate::queue::{Next, Queue};

const ACCOUNT: &str = "default";
/// Kubernetes' note in the ConfigMap.
const DESCRIPTION: (&str, &str) = (
    "kubernetes.io/description",
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal \
     service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
);

/// Starts the controller's listeners; the future does its work until shutdown. `root_ca` is the certificate authority in
/// PEM, where there is one to publish.
pub fn start(context: Context, root_ca: Option<String>) -> impl Future<Output = ()> {
    let queue = Arc::new(Queue::<String>::new("service-account", &context.queues));
    let own = Arc::clone(&queue);
    context.namespaces.listen(move |change| {
        if let Some(namespace) = change.new {
            own.add(namespace.name_any());
        }
    });
    let own = Arc::clone(&queue);
    context.accounts.listen(move |change| {
        if let (Some(account), None) = (change.old, change.new) {
            own.add(account.namespace().unwrap_or_default());
        }
    });
    let own = Arc::clone(&queue);
    context.root_cas.listen(move |change| own.add(change.any().and_then(|map| map.namespace()).unwrap_or_default()));
    let shutdown = context.shutdown.clone();
    let root_ca = root_ca.map(Arc::new);
    queue.work(2, shutdown, move |namespace| {
        let (context, root_ca) = (context.clone(), root_ca.clone());
        async move { reconcile(&context, &namespace, root_ca.as_deref()).await }
    })
}

fn is_active(namespace: &Namespace) -> bool {
    let phase = namespace.status.as_ref().and_then(|status| status.phase.as_deref());
    namespace.metadata.deletion_timestamp.is_none() && phase != Some("Terminating")
}

async fn reconcile(context: &Context, namespace: &str, root_ca: Option<&String>) -> anyhow::Result<Next> {
    if !context.namespaces.get(namespace).is_some_and(|namespace| is_active(&namespace)) {
        return Ok(Next::Wait);
    }
    if context.accounts.get(&format!("{namespace}/{ACCOUNT}")).is_none() {
        let mut account = ServiceAccount::default();
        account.metadata.name = Some(ACCOUNT.to_owned());
        let api: Api<ServiceAccount> = Api::namespaced(context.client.clone(), namespace);
        let created = accept(api.create(&PostParams::default(), &account).await);
        if let Some(account) = created.context("cannot create the service account `default`")? {
            context.accounts.wrote(account);
        }
    }
    if let Some(root_ca) = root_ca {
        publish(context, namespace, root_ca).await.context("cannot publish the certificate authority")?;
    }
    Ok(Next::Wait)
}

async fn publish(context: &Context, namespace: &str, root_ca: &str) -> Result<(), Error> {
    let api: Api<ConfigMap> = Api::namespaced(context.client.clone(), namespace);
    let data = [("ca.crt".to_owned(), root_ca.to_owned())].into();
    let written = match context.root_cas.get(&format!("{namespace}/{ROOT_CA}")) {
        Some(known) if known.data.as_ref() == Some(&data) => return Ok(()),
        Some(_) => {
            let patch = Patch::Merge(json!({ "data": data }));
            api.patch(ROOT_CA, &PatchParams::default(), &patch).await
        }
        None => {
            let mut map = ConfigMap { data: Some(data), ..ConfigMap::default() };
            map.metadata.name = Some(ROOT_CA.to_owned());
            map.metadata.annotations = Some([(DESCRIPTION.0.to_owned(), DESCRIPTION.1.to_owned())].into());
            api.create(&PostParams::default(), &map).await
        }
    };
    if let Some(map) = accept(written)? {
        context.root_cas.wrote(map);
    }
    Ok(())
}
