//! Deletion of namespaces: everything in it is deleted, then the finalizer `kubernetes` is taken off.

mod left;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, PostParams, Request};
use kube::core::PartialObjectMeta;
use kube::core::discovery::{ApiCapabilities, verbs};
use kube::discovery::{ApiResource, Discovery, Scope};
use kube::{Client, Error, ResourceExt};

use crate::context::Context;
use crate::queue::{Next, Queue};
use left::Left;

const FINALIZER: &str = "kubernetes";
/// Contents that end by themselves (pods with their grace period) are looked at again after this long.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Starts the controller's listeners; the future does its work until shutdown.
pub fn start(context: Context) -> impl Future<Output = ()> {
    let queue = Arc::new(Queue::<String>::new("namespace", &context.queues));
    let own = Arc::clone(&queue);
    context.namespaces.listen(move |change| {
        if let Some(namespace) = change.new.filter(|namespace| is_going(namespace)) {
            own.add(namespace.name_any());
        }
    });
    let (own, namespaces) = (Arc::clone(&queue), Arc::clone(&context.namespaces));
    // pods are what takes time; the last one's end is the moment to look again
    context.pods.listen(move |change| {
        let (Some(pod), None) = (change.old, change.new) else { return };
        let name = pod.namespace().unwrap_or_default();
        if namespaces.get(&name).is_some_and(|namespace| is_going(&namespace)) {
            own.add(name);
        }
    });
    let shutdown = context.shutdown.clone();
    queue.work(2, shutdown, move |name| {
        let context = context.clone();
        async move { reconcile(&context, &name).await }
    })
}

fn is_going(namespace: &Namespace) -> bool {
    let finalizers = namespace.spec.as_ref().and_then(|spec| spec.finalizers.as_ref());
    let waits = finalizers.is_some_and(|finalizers| finalizers.iter().any(|finalizer| finalizer == FINALIZER));
    namespace.metadata.deletion_timestamp.is_some() && waits
}

async fn reconcile(context: &Context, name: &str) -> anyhow::Result<Next> {
    let Some(namespace) = context.namespaces.get(name).filter(|namespace| is_going(namespace)) else {
        return Ok(Next::Wait);
    };
    let left = empty(&context.client, name).await.with_context(|| format!("cannot empty namespace {name}"))?;
    let namespace = tell(context, namespace, &left)
        .await
        .with_context(|| format!("cannot write the status of namespace {name}"))?;
    if let Some(failure) = left.failure() {
        bail!("cannot empty namespace {name}: {failure}");
    }
    if !left.is_nothing() {
        tracing::debug!(namespace = name, ?left, "contents are still going");
        return Ok(Next::After(LOOK_AGAIN));
    }
    finalize(&context.client, &namespace).await.with_context(|| format!("cannot finalize namespace {name}"))?;
    Ok(Next::Wait)
}

/// Deletes everything in the namespace, of every kind that the API server serves; gives what is still there. Pods go before
/// all else, as in Kubernetes 1.33: what guards them (a network policy, say) holds until their end.
async fn empty(client: &Client, namespace: &str) -> anyhow::Result<Left> {
    let served = Discovery::new(client.clone()).run().await.context("cannot discover the kinds that are served")?;
    let all = served.groups().flat_map(|group| group.recommended_resources());
    let kinds: Vec<_> =
        all.filter(|(_, capabilities)| capabilities.scope == Scope::Namespaced && is_deletable(capabilities)).collect();
    let is_pods = |resource: &ApiResource| resource.group.is_empty() && resource.plural == "pods";
    let mut left = Left::default();
    for pods_turn in [true, false] {
        for (resource, capabilities) in kinds.iter().filter(|(resource, _)| is_pods(resource) == pods_turn) {
            match empty_of(client, namespace, resource, capabilities).await {
                Ok(objects) => left.add(resource, &objects),
                Err(error) => left.failures.push(format!("{}: {error}", resource.plural)),
            }
        }
        if !left.is_nothing() {
            break;
        }
    }
    Ok(left)
}

/// Writes down what is still there, unless it stands there already; gives the namespace as it then is.
async fn tell(context: &Context, namespace: Arc<Namespace>, left: &Left) -> anyhow::Result<Arc<Namespace>> {
    let known = namespace.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    if known.is_empty() && left.is_nothing() {
        // it is gone in a moment
        return Ok(namespace);
    }
    let Some(conditions) = left.conditions(known, Timestamp::now()) else { return Ok(namespace) };
    let mut told = (*namespace).clone();
    told.status.get_or_insert_default().conditions = Some(conditions);
    let body = serde_json::to_vec(&told)?;
    let request = Request::new("/api/v1/namespaces").replace_subresource(
        "status",
        &namespace.name_any(),
        &PostParams::default(),
        body,
    )?;
    match context.client.request::<Namespace>(request).await {
        Ok(written) => {
            context.namespaces.wrote(written.clone());
            Ok(Arc::new(written))
        }
        // changed meanwhile: the change brings it here again
        Err(Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(namespace),
        Err(error) => Err(error.into()),
    }
}

fn is_deletable(capabilities: &ApiCapabilities) -> bool {
    capabilities.supports_operation(verbs::LIST) && capabilities.supports_operation(verbs::DELETE)
}

async fn empty_of(
    client: &Client,
    namespace: &str,
    resource: &ApiResource,
    capabilities: &ApiCapabilities,
) -> Result<Vec<PartialObjectMeta<DynamicObject>>, Error> {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, resource);
    let list = api.list_metadata(&ListParams::default()).await?;
    if list.items.iter().all(|object| object.metadata.deletion_timestamp.is_some()) {
        return Ok(list.items);
    }
    if capabilities.supports_operation(verbs::DELETE_COLLECTION) {
        api.delete_collection(&DeleteParams::background(), &ListParams::default()).await?;
    } else {
        for object in &list.items {
            match api.delete(&object.name_any(), &DeleteParams::background()).await {
                Err(Error::Api(status)) if matches!(status.code, 404 | 409) => {}
                other => drop(other?),
            }
        }
    }
    Ok(api.list_metadata(&ListParams::default().limit(500)).await?.items)
}

async fn finalize(client: &Client, namespace: &Namespace) -> anyhow::Result<()> {
    let mut namespace = namespace.clone();
    if let Some(finalizers) = namespace.spec.as_mut().and_then(|spec| spec.finalizers.as_mut()) {
        finalizers.retain(|finalizer| finalizer != FINALIZER);
    }
    let name = namespace.name_any();
    let body = serde_json::to_vec(&namespace)?;
    let request =
        Request::new("/api/v1/namespaces").replace_subresource("finalize", &name, &PostParams::default(), body)?;
    match client.request::<Namespace>(request).await {
        // changed meanwhile: the change brings it here again
        Err(Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_deleted_namespace_with_the_finalizer_is_emptied() {
        let namespace = |deleted: bool, finalizers: &[&str]| -> Namespace {
            let deleted = deleted.then_some("2026-01-01T00:00:00Z");
            serde_json::from_value(
                json!({"metadata": {"name": "n", "deletionTimestamp": deleted}, "spec": {"finalizers": finalizers}}),
            )
            .unwrap()
        };
        assert!(is_going(&namespace(true, &["kubernetes"])));
        assert!(!is_going(&namespace(false, &["kubernetes"])));
        assert!(!is_going(&namespace(true, &["other"])));
    }
}
