//! The node's lease, by which it is heard: renewed every ten seconds.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, OwnerReference};
use kube::api::{Api, Patch, PatchParams, PostParams};

use super::{RETRY, TIMEOUT};
use crate::binding::is_status;
use crate::context::Context;

/// Where leases of nodes are.
const LEASES: &str = "kube-node-lease";
/// How long a lease holds, and how often it is renewed: Kubernetes' own.
const LEASE_SECONDS: i32 = 40;
const RENEW: Duration = Duration::from_secs(10);

/// Renews it for ever, and makes it where it is not there.
pub(super) async fn keep(context: &Context) {
    let api: Api<Lease> = Api::namespaced(context.client.clone(), LEASES);
    loop {
        match tokio::time::timeout(TIMEOUT, renew(context, &api)).await {
            Ok(Ok(true)) => tokio::time::sleep(RENEW).await,
            Ok(Ok(false)) => tokio::time::sleep(RETRY).await,
            Ok(Err(error)) => {
                tracing::warn!(%error, "cannot renew the node's lease");
                tokio::time::sleep(RETRY).await;
            }
            Err(_) => tracing::warn!("cannot renew the node's lease: the API server takes too long"),
        }
    }
}

/// Renews it, or makes it; false where there is no node yet, which is to own it: one that nobody owns would outlive its node.
async fn renew(context: &Context, api: &Api<Lease>) -> kube::Result<bool> {
    let now = MicroTime(Timestamp::now());
    let patch = Patch::Merge(serde_json::json!({"spec": {"holderIdentity": context.node, "renewTime": now,
        "leaseDurationSeconds": LEASE_SECONDS}}));
    match api.patch(&context.node, &PatchParams::default(), &patch).await {
        Err(error) if is_status(&error, 404) => {
            let nodes: Api<Node> = Api::all(context.client.clone());
            let Some(uid) = nodes.get_opt(&context.node).await?.and_then(|node| node.metadata.uid) else {
                return Ok(false);
            };
            let (kind, name) = ("Node".to_owned(), context.node.clone());
            let owner = OwnerReference { api_version: "v1".to_owned(), kind, name, uid, ..OwnerReference::default() };
            let lease = Lease {
                metadata: ObjectMeta {
                    name: Some(context.node.clone()),
                    namespace: Some(LEASES.to_owned()),
                    owner_references: Some(vec![owner]),
                    ..ObjectMeta::default()
                },
                spec: Some(LeaseSpec {
                    holder_identity: Some(context.node.clone()),
                    lease_duration_seconds: Some(LEASE_SECONDS),
                    renew_time: Some(now),
                    ..LeaseSpec::default()
                }),
            };
            api.create(&PostParams::default(), &lease).await.map(|_| true)
        }
        outcome => outcome.map(|_| true),
    }
}
