//! What a cluster has from the beginning: its namespaces, and the service `kubernetes` with this server behind it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use kube_api::{Status, kinds};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::auth::{MASTERS, User};
use crate::authorize::{policy, rbac};
use crate::verbs::create::create;
use crate::verbs::manager::{Author, Manager};
use crate::verbs::modify::{Decision, Place, modify};
use crate::verbs::update::decide;

const NAMESPACES: &[&str] = &["default", "kube-system", "kube-public", "kube-node-lease"];
/// The priorities of what a cluster cannot do without.
const CLASSES: [(&str, u32, &str); 2] = [
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
];
const PAUSE: Duration = Duration::from_secs(1);

/// Makes what is missing as soon as storage answers.
pub(crate) async fn run(api: Arc<Api>, shutdown: CancellationToken) {
    let work = async {
        api.store.wait_loaded().await;
        while let Err(error) = make(&api).await {
            tracing::warn!(%error, "cannot make what a cluster has from the beginning; trying again in {PAUSE:?}");
            tokio::time::sleep(PAUSE).await;
        }
        api.set_bootstrapped();
        tracing::info!("ready");
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = work => {}
    }
}

async fn make(api: &Api) -> anyhow::Result<()> {
    api.store.check_format().await?;
    for name in NAMESPACES {
        let namespace = json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}});
        ensure(api, "", "namespaces", "", namespace).await?;
    }
    for default in policy::defaults()? {
        reconcile(api, default).await?;
    }
    for (name, value, text) in CLASSES {
        let class = json!({"kind": "PriorityClass", "apiVersion": "scheduling.k8s.io/v1", "metadata": {"name": name},
            "value": value, "description": text, "preemptionPolicy": "PreemptLowerPriority"});
        ensure(api, "scheduling.k8s.io", "priorityclasses", "", class).await?;
    }
    let first = Ipv4Addr::from(u32::from(api.options.service_cluster_ip_range.network()) + 1);
    let service = json!({"kind": "Service", "apiVersion": "v1",
        "metadata": {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {"type": "ClusterIP", "clusterIP": first, "ports":
            [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": api.options.secure_port}]}});
    ensure(api, "", "services", "default", service).await?;
    let Some(address) = advertised(api) else { return Ok(()) };
    let port = api.options.secure_port;
    let endpoints = json!({"kind": "Endpoints", "apiVersion": "v1",
        "metadata": {"name": "kubernetes", "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
        "subsets": [{"addresses": [{"ip": address}], "ports": [{"name": "https", "port": port, "protocol": "TCP"}]}]});
    put(api, "", "endpoints", endpoints, "subsets").await?;
    let slice = json!({"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1",
        "metadata": {"name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}},
        "addressType": "IPv4", "endpoints": [{"addresses": [address], "conditions": {"ready": true}}],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}]});
    put(api, "discovery.k8s.io", "endpointslices", slice, "endpoints").await?;
    Ok(())
}

/// The address under which pods reach this server.
fn advertised(api: &Api) -> Option<IpAddr> {
    let options = &api.options;
    let bound = Some(options.bind_address).filter(|address| !address.is_unspecified());
    // nobody reaches a loopback address but the machine itself
    options.advertise_address.or(bound).filter(|address| options.secure_port != 0 && !address.is_loopback())
}

/// Makes the object unless it is there.
async fn ensure(api: &Api, group: &str, plural: &str, namespace: &str, object: Value) -> Result<(), Status> {
    let kind = kinds::find(group, "v1", plural).ok_or_else(Status::no_such_path)?;
    let key = crate::api::key(namespace, kube_api::meta::name(&object));
    if api.store.shelf(plural).is_some_and(|shelf| shelf.get(&key).is_some()) {
        return Ok(());
    }
    let (user, manager) = (ourselves(), Manager::server());
    let author = Author { user: &user, manager: &manager };
    match create(api, kind, namespace, object, author, false).await {
        Ok(_) => Ok(()),
        Err(status) if status.reason == "AlreadyExists" => Ok(()),
        Err(status) => Err(status),
    }
}

/// Makes a default role or binding, or adds to the one that is there what it lacks.
async fn reconcile(api: &Api, policy::Default { plural, namespace, object }: policy::Default) -> Result<(), Status> {
    let kind = kinds::find(rbac::GROUP, "v1", plural).ok_or_else(Status::no_such_path)?;
    let name = kube_api::meta::name(&object);
    let key = crate::api::key(namespace, name);
    match api.store.shelf(plural).and_then(|shelf| shelf.get(&key)) {
        // memory was filled a moment ago: what lacks nothing there is not asked of etcd again
        Some(there) if policy::complete(&there.value(), &object).is_none() => return Ok(()),
        Some(_) => {}
        None => ensure(api, rbac::GROUP, plural, namespace, object.clone()).await?,
    }
    let (user, manager) = (ourselves(), Manager::server());
    let author = Author { user: &user, manager: &manager };
    modify(api, Place { kind, key: &key, name }, false, |old| match policy::complete(old, &object) {
        Some(completed) => decide(api, kind, author, completed, old),
        None => Ok(Decision::Keep),
    })
    .await
    .map(drop)
}

/// This server as a user.
fn ourselves() -> User {
    User::known("system:apiserver", "", vec![MASTERS.to_owned()])
}

/// Makes the object in `default`, or sets that field of the one that is there.
async fn put(api: &Api, group: &str, plural: &str, object: Value, field: &str) -> Result<(), Status> {
    ensure(api, group, plural, "default", object.clone()).await?;
    let kind = kinds::find(group, "v1", plural).ok_or_else(Status::no_such_path)?;
    let name = kube_api::meta::name(&object);
    let key = crate::api::key("default", name);
    let place = Place { kind, key: &key, name };
    let (user, manager) = (ourselves(), Manager::server());
    let author = Author { user: &user, manager: &manager };
    modify(api, place, false, |old| {
        let mut new = old.clone();
        new[field] = object[field].clone();
        decide(api, kind, author, new, old)
    })
    .await
    .map(drop)
}
