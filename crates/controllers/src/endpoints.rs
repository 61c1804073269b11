//! Endpoints of services: the addresses and ports of the pods that a service selects.

mod subsets;

use std::sync::Arc;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::{Endpoints, Pod, Service};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, PostParams};

use crate::answer::accept;
use crate::context::Context;
use crate::queue::{Next, Queue};
use crate::service;
use crate::store::{Key, key, split};

const WORKERS: usize = 5;

/// Starts the controller's listeners; the future does its work until shutdown.
pub fn start(context: Context) -> impl Future<Output = ()> {
    let queue = Arc::new(Queue::<Key>::new("endpoints", &context.queues));
    service::listen(&context, &queue);
    let own = Arc::clone(&queue);
    context.endpoints.listen(move |change| {
        if let Some(endpoints) = change.any() {
            own.add(key(&**endpoints));
        }
    });
    let shutdown = context.shutdown.clone();
    queue.work(WORKERS, shutdown, move |key| {
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
            accept(api.delete(name, &DeleteParams::default()).await)
                .with_context(|| format!("cannot delete endpoints {key}"))?;
        }
        return Ok(Next::Wait);
    };
    if !service::has_selector(&service) {
        return Ok(Next::Wait);
    }
    let pods = context.pods.select(|pod| service::selects(&service, pod));
    let wanted = wanted(&service, known.as_deref(), &pods);
    let written = match &known {
        Some(known) if subsets::equal(known, &wanted) => return Ok(Next::Wait),
        Some(_) => api.replace(name, &PostParams::default(), &wanted).await,
        None => api.create(&PostParams::default(), &wanted).await,
    };
    // somebody else wrote meanwhile: what they wrote comes by the watch and brings the key here again
    if let Some(endpoints) = accept(written).with_context(|| format!("cannot write endpoints {key}"))? {
        context.endpoints.wrote(endpoints);
    }
    Ok(Next::Wait)
}

/// The object as it should be: that of now with other subsets and labels, or a new one.
fn wanted(service: &Service, known: Option<&Endpoints>, pods: &[Arc<Pod>]) -> Endpoints {
    let mut endpoints = known.cloned().unwrap_or_default();
    endpoints.metadata.name = service.metadata.name.clone();
    endpoints.metadata.namespace = service.metadata.namespace.clone();
    let mut labels = service.metadata.labels.clone().unwrap_or_default();
    labels.insert(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned());
    if service::is_headless(service) {
        labels.insert(service::HEADLESS.to_owned(), String::new());
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
