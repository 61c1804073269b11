//! Endpoint slices of services: what proxies and DNS read. A service with a selector gets them from its pods, one without from
//! the Endpoints that somebody writes for it.
//!
//! `group` says which endpoints there are, `plan` how they lie in slices; this file does it.

mod group;
mod index;
mod plan;

use std::sync::Arc;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::{Endpoints, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{Api, DeleteParams, PostParams, Preconditions};
use kube::{Resource, ResourceExt};

use crate::answer::accept;
use crate::context::Context;
use crate::queue::{Next, Queue};
use crate::service;
use crate::store::{Key, key, split};
use index::Index;
use plan::{Plan, plan};

const WORKERS: usize = 5;
/// The label by which a slice names its service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// The label that tells whose a slice is.
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
/// Kubernetes' names for the makers of slices: from pods, and from Endpoints.
const FROM_PODS: &str = "endpointslice-controller.k8s.io";
const FROM_ENDPOINTS: &str = "endpointslicemirroring-controller.k8s.io";
/// Endpoints with this label, or this annotation of an old leader election, are not mirrored.
const SKIP_MIRROR: &str = "endpointslice.kubernetes.io/skip-mirror";
const ELECTION: &str = "control-plane.alpha.kubernetes.io/leader";
/// Annotations that are about the Endpoints object alone.
const OWN_ANNOTATIONS: &[&str] =
    &["endpoints.kubernetes.io/last-change-trigger-time", "kubectl.kubernetes.io/last-applied-configuration"];

/// Starts the controller's listeners; the future does its work until shutdown.
pub fn start(context: Context) -> impl Future<Output = ()> {
    let (queue, index) = (Arc::new(Queue::<Key>::new("endpointslice", &context.queues)), Arc::new(Index::default()));
    service::listen(&context, &queue);
    let own = Arc::clone(&queue);
    context.endpoints.listen(move |change| {
        if let Some(endpoints) = change.any() {
            own.add(key(&**endpoints));
        }
    });
    let (own, known) = (Arc::clone(&queue), Arc::clone(&index));
    context.slices.listen(move |change| {
        for service in known.changed(change.old.map(|old| &**old), change.new.map(|new| &**new)) {
            own.add(service);
        }
    });
    let shutdown = context.shutdown.clone();
    queue.work(WORKERS, shutdown, move |key| {
        let (context, index) = (context.clone(), Arc::clone(&index));
        async move { reconcile(&context, &index, &key).await }
    })
}

async fn reconcile(context: &Context, index: &Index, key: &str) -> anyhow::Result<Next> {
    let service = context.services.get(key);
    let known: Vec<_> = index.of(key).iter().filter_map(|slice| context.slices.get(slice)).collect();
    let of = |manager: &str| -> Vec<Arc<EndpointSlice>> {
        known.iter().filter(|slice| slice.labels().get(MANAGED_BY).is_some_and(|by| by == manager)).cloned().collect()
    };
    let selecting = service.as_deref().filter(|service| service::has_selector(service));
    let from_pods = match selecting {
        Some(service) => {
            let pods = context.pods.select(|pod| service::selects(service, pod));
            plan(&of_service(service), &of(FROM_PODS), group::of_pods(service, &pods))
        }
        None => Plan::clear(&of(FROM_PODS)),
    };
    let endpoints = context.endpoints.get(key);
    let mirrored = match (service.as_deref(), endpoints.as_deref()) {
        (Some(service), Some(endpoints)) if is_mirrored(service, endpoints) => {
            plan(&of_endpoints(endpoints), &of(FROM_ENDPOINTS), group::of_endpoints(endpoints))
        }
        _ => Plan::clear(&of(FROM_ENDPOINTS)),
    };
    for plan in [from_pods, mirrored] {
        carry_out(context, split(key).0, plan).await.with_context(|| format!("cannot write the slices of {key}"))?;
    }
    Ok(Next::Wait)
}

/// Writes before it deletes: an endpoint that moves to another slice is never in none.
async fn carry_out(context: &Context, namespace: &str, plan: Plan) -> Result<(), kube::Error> {
    let api: Api<EndpointSlice> = Api::namespaced(context.client.clone(), namespace);
    for slice in plan.create {
        if let Some(slice) = accept(api.create(&PostParams::default(), &slice).await)? {
            context.slices.wrote(slice);
        }
    }
    for slice in plan.update {
        if let Some(slice) = accept(api.replace(&slice.name_any(), &PostParams::default(), &slice).await)? {
            context.slices.wrote(slice);
        }
    }
    for slice in plan.delete {
        let preconditions = Some(Preconditions { uid: slice.uid(), resource_version: None });
        let params = DeleteParams { preconditions, ..DeleteParams::default() };
        if accept(api.delete(&slice.name_any(), &params).await)?.is_some() {
            context.slices.removed(&slice);
        }
    }
    Ok(())
}

/// Whether the Endpoints are somebody else's, who wants them to be seen.
fn is_mirrored(service: &Service, endpoints: &Endpoints) -> bool {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let skipped = endpoints.labels().get(SKIP_MIRROR).is_some_and(|skip| skip == "true");
    selector.is_none_or(|selector| selector.is_empty())
        && !service::is_external(service)
        && !skipped
        && !endpoints.annotations().contains_key(ELECTION)
}

/// What all slices of a service's pods have in common.
fn of_service(service: &Service) -> ObjectMeta {
    let mut metadata = template(service, FROM_PODS);
    let labels = metadata.labels.get_or_insert_default();
    labels.remove(service::HEADLESS);
    if service::is_headless(service) {
        labels.insert(service::HEADLESS.to_owned(), String::new());
    }
    metadata
}

/// What all slices that mirror Endpoints have in common.
fn of_endpoints(endpoints: &Endpoints) -> ObjectMeta {
    let mut metadata = template(endpoints, FROM_ENDPOINTS);
    let mut annotations = endpoints.annotations().clone();
    annotations.retain(|name, _| !OWN_ANNOTATIONS.contains(&name.as_str()));
    metadata.annotations = Some(annotations);
    metadata
}

/// Slices have the labels of their owner, a service or its Endpoints of the same name, and their own.
fn template<K: Resource<DynamicType = ()>>(owner: &K, manager: &str) -> ObjectMeta {
    let name = owner.name_any();
    let mut labels = owner.labels().clone();
    labels.insert(SERVICE_NAME.to_owned(), name.clone());
    labels.insert(MANAGED_BY.to_owned(), manager.to_owned());
    ObjectMeta {
        generate_name: Some(format!("{name}-")),
        namespace: owner.namespace(),
        labels: Some(labels),
        owner_references: Some(vec![OwnerReference {
            api_version: K::api_version(&()).into_owned(),
            kind: K::kind(&()).into_owned(),
            name,
            uid: owner.uid().unwrap_or_default(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }]),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn endpoints_of_somebody_else_are_mirrored_unless_they_say_no() {
        let mirrored = |spec: serde_json::Value, metadata: serde_json::Value| {
            let service = serde_json::from_value(json!({"metadata": {"name": "web"}, "spec": spec})).unwrap();
            is_mirrored(&service, &serde_json::from_value(json!({ "metadata": metadata })).unwrap())
        };
        assert!(mirrored(json!({}), json!({"name": "web"})));
        assert!(!mirrored(json!({"selector": {"a": "b"}}), json!({"name": "web"})));
        assert!(!mirrored(json!({"type": "ExternalName"}), json!({"name": "web"})));
        assert!(!mirrored(json!({}), json!({"name": "web", "labels": {SKIP_MIRROR: "true"}})));
        assert!(!mirrored(json!({}), json!({"name": "web", "annotations": {ELECTION: "{}"}})));
    }

    #[test]
    fn a_slice_says_whose_it_is() {
        let service: Service = serde_json::from_value(json!({
            "metadata": {"name": "web", "namespace": "ns", "uid": "7", "labels": {"app": "web"}}, "spec": {"clusterIP": "None"}
        }))
        .unwrap();
        assert_eq!(
            serde_json::to_value(of_service(&service)).unwrap(),
            json!({
                "generateName": "web-", "namespace": "ns",
                "labels": {"app": "web", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                           "kubernetes.io/service-name": "web", "service.kubernetes.io/headless": ""},
                "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": "web", "uid": "7", "controller": true,
                                     "blockOwnerDeletion": true}],
            })
        );
    }
}
