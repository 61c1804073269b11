//! Endpoints of services: the addresses and ports of the pods that a service selects.

mod subsets;

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::{Endpoints, Pod, Service};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, PostParams, Preconditions};
use parking_lot::Mutex;

use crate::answer::accept;
use crate::context::Context;
use crate::queue::{Next, Queue};
use crate::service;
use crate::store::{Key, key, split};

const WORKERS: usize = 5;

/// Services whose end was seen, and whose Endpoints are to go with them.
type Ended = Arc<Mutex<HashSet<Key>>>;

/// Starts the controller's listeners; the future does its work until shutdown.
pub fn start(context: Context) -> impl Future<Output = ()> {
    let queue = Arc::new(Queue::<Key>::new("endpoints", &context.queues));
    let ended = Ended::default();
    let known = Arc::clone(&ended);
    context.services.listen(move |change| {
        match (change.old, change.new) {
            (Some(service), None) => known.lock().insert(key(&**service)),
            (_, Some(service)) => known.lock().remove(&key(&**service)),
            (None, None) => false,
        };
    });
    service::listen(&context, &queue);
    let own = Arc::clone(&queue);
    context.endpoints.listen(move |change| {
        if let Some(endpoints) = change.any() {
            own.add(key(&**endpoints));
        }
    });
    let shutdown = context.shutdown.clone();
    queue.work(WORKERS, shutdown, move |key| {
        let (context, ended) = (context.clone(), Arc::clone(&ended));
        async move { reconcile(&context, &ended, &key).await }
    })
}

async fn reconcile(context: &Context, ended: &Ended, key: &str) -> anyhow::Result<Next> {
    let (namespace, name) = split(key);
    let api: Api<Endpoints> = Api::namespaced(context.client.clone(), namespace);
    let known = context.endpoints.get(key);
    let Some(service) = context.services.get(key) else {
        let has_ended = ended.lock().contains(key);
        if let Some(known) = known.filter(|known| has_ended || is_made_here(known)) {
            let preconditions = Some(Preconditions { uid: known.uid(), resource_version: None });
            let params = DeleteParams { preconditions, ..DeleteParams::default() };
            accept(api.delete(name, &params).await).with_context(|| format!("cannot delete endpoints {key}"))?;
        }
        ended.lock().remove(key);
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

/// Endpoints that somebody else made need no service to be there, but go with one whose end was seen.
fn is_made_here(endpoints: &Endpoints) -> bool {
    endpoints.labels().get(MANAGED_BY.0).is_some_and(|by| by == MANAGED_BY.1)
}
