//! Endpoints of services: the addresses and ports of the pods that a service selects.

mod subsets;

use std::sync::Arc;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::{Endpoints, Pod, Service};
use kube::api::{Api, DeleteParams, PostParams};
use kube::{Error, ResourceExt};

use crate::context::Context;
use crate::queue::{Next, Queue};
use crate::store::{Change, Key, key, split};

const WORKERS: usize = 5;

/// Starts the controller's listeners; the future does its work until shutdown.
pub fn start(context: Context) -> impl Future<Output = ()> {
    let queue = Arc::new(Queue::<Key>::default());
    let own = Arc::clone(&queue);
    context.services.listen(move |change| {
        if let Some(service) = change.any() {
            own.add(key(&**service));
        }
    });
    let own = Arc::clone(&queue);
    context.endpoints.listen(move |change| {
        if let Some(endpoints) = change.any() {
            own.add(key(&**endpoints));
        }
    });
    let (own, services) = (Arc::clone(&queue), Arc::clone(&context.services));
    context.pods.listen(move |change: &Change<Pod>| {
        if matches!((change.old, change.new), (Some(old), Some(new)) if subsets::same_endpoint(old, new)) {
            return;
        }
        for pod in change.old.into_iter().chain(change.new) {
            for service in services.select(|service| subsets::selects(service, pod)) {
                own.add(key(&*service));
            }
        }
    });
    let shutdown = context.shutdown.clone();
    queue.work("endpoints", WORKERS, shutdown, move |key| {
        let context = context.clone();
        async move { reconcile(&context, &key).await }
    })
}

async fn reconcile(context: &Context, key: &str) -> anyhow::Result<Next> {
    let (namespace, name) = split(key);
    let api: Api<Endpoints> = Api::namespaced(context.client.clone(), namespace);
    let known = context.endpoints.get(key);
    let Some(service) = context.services.get(key) else {
        if known.is_some_and(|known| is_made_here(&known)) {
            let deleted = api.delete(name, &DeleteParams::default()).await;
            accept(deleted.map(drop)).with_context(|| format!("cannot delete endpoints {key}"))?;
        }
        return Ok(Next::Wait);
    };
    if !subsets::has_selector(&service) {
        return Ok(Next::Wait);
    }
    let pods = context.pods.select(|pod| subsets::selects(&service, pod));
    let wanted = wanted(&service, known.as_deref(), &pods);
    let written = match &known {
        Some(known) if subsets::equal(known, &wanted) => return Ok(Next::Wait),
        Some(_) => api.replace(name, &PostParams::default(), &wanted).await,
        None => api.create(&PostParams::default(), &wanted).await,
    };
    // somebody else wrote meanwhile: what they wrote comes by the watch and brings the key here again
    accept(written.map(|endpoints| context.endpoints.wrote(endpoints)))
        .with_context(|| format!("cannot write endpoints {key}"))?;
    Ok(Next::Wait)
}

/// The object as it should be: that of now with other subsets and labels, or a new one.
fn wanted(service: &Service, known: Option<&Endpoints>, pods: &[Arc<Pod>]) -> Endpoints {
    let mut endpoints = known.cloned().unwrap_or_default();
    endpoints.metadata.name = service.metadata.name.clone();
    endpoints.metadata.namespace = service.metadata.namespace.clone();
    let mut labels = service.metadata.labels.clone().unwrap_or_default();
    labels.insert(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned());
    if service.spec.as_ref().and_then(|spec| spec.cluster_ip.as_deref()) == Some("None") {
        labels.insert("service.kubernetes.io/headless".to_owned(), String::new());
    }
    endpoints.metadata.labels = Some(labels);
    endpoints.subsets = Some(subsets::subsets(service, pods)).filter(|subsets| !subsets.is_empty());
    endpoints
}

/// The label by which Kubernetes 1.33 marks endpoints that its controller made.
const MANAGED_BY: (&str, &str) = ("endpoints.kubernetes.io/managed-by", "endpoint-controller");

/// Endpoints of services without selector are somebody else's, and stay.
fn is_made_here(endpoints: &Endpoints) -> bool {
    endpoints.labels().get(MANAGED_BY.0).is_some_and(|by| by == MANAGED_BY.1)
}

fn accept(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(Error::Api(status)) if status.code == 403 && status.message.contains("being terminated") => Ok(()),
        other => other,
    }
}
