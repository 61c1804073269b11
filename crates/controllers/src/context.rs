//! What all controllers share: the client, one store a kind, the recorder of events, the signal to end.

use std::sync::Arc;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{
    ConfigMap, Endpoints, Namespace, Node, Pod, ReplicationController, ResourceQuota, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::Api;
use kube::runtime::watcher;
use kube::{Client, Resource};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::events::Recorder;
use crate::queue::Metrics;
use crate::store::{Object, Store};
use crate::tokens;

/// Where nodes renew their leases.
pub const NODE_LEASES: &str = "kube-node-lease";
/// The ConfigMap that brings the cluster's certificate authority to pods.
pub const ROOT_CA: &str = "kube-root-ca.crt";

/// Shared by all controllers; cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// The API server.
    pub client: Client,
    /// Records events.
    pub events: Recorder,
    /// What controllers' queues are measured by.
    pub queues: Metrics,
    /// All pods, without what no controller reads.
    pub pods: Arc<Store<Pod>>,
    /// All replication controllers.
    pub controllers: Arc<Store<ReplicationController>>,
    /// All services.
    pub services: Arc<Store<Service>>,
    /// All endpoints.
    pub endpoints: Arc<Store<Endpoints>>,
    /// All endpoint slices.
    pub slices: Arc<Store<EndpointSlice>>,
    /// All namespaces.
    pub namespaces: Arc<Store<Namespace>>,
    /// All nodes.
    pub nodes: Arc<Store<Node>>,
    /// The nodes' leases.
    pub leases: Arc<Store<Lease>>,
    /// All service accounts.
    pub accounts: Arc<Store<ServiceAccount>>,
    /// All resource quotas.
    pub quotas: Arc<Store<ResourceQuota>>,
    /// The secrets that are to hold a token of an account, and no other secret.
    pub token_secrets: Arc<Store<Secret>>,
    /// The ConfigMaps named [`ROOT_CA`].
    pub root_cas: Arc<Store<ConfigMap>>,
    /// Cancelled when the controllers are to end.
    pub shutdown: CancellationToken,
}

impl Object for ReplicationController {}
impl Object for Service {}
impl Object for Endpoints {}
impl Object for EndpointSlice {}
impl Object for Namespace {}
impl Object for Lease {}
impl Object for ServiceAccount {}
impl Object for ResourceQuota {}
impl Object for ConfigMap {}
impl Object for Secret {}

impl Object for Node {
    fn trim(&mut self) {
        self.meta_mut().managed_fields = None;
        if let Some(status) = &mut self.status {
            status.images = None;
        }
    }
}

impl Object for Pod {
    fn trim(&mut self) {
        self.meta_mut().managed_fields = None;
        let Some(spec) = &mut self.spec else { return };
        (spec.volumes, spec.affinity, spec.image_pull_secrets) = (None, None, None);
        (spec.dns_config, spec.host_aliases) = (None, None);
        // a sidecar runs beside the containers and may serve as they do; other init containers are gone by then
        let sidecars = spec.init_containers.take().unwrap_or_default().into_iter();
        spec.containers.extend(sidecars.filter(|container| container.restart_policy.as_deref() == Some("Always")));
        for container in &mut spec.containers {
            // endpoints read ports; nobody reads the rest
            let (name, ports) = (std::mem::take(&mut container.name), container.ports.take());
            *container = k8s_openapi::api::core::v1::Container { name, ports, ..Default::default() };
        }
    }
}

impl Context {
    /// Empty stores.
    #[must_use]
    pub fn new(client: Client, queues: Metrics, shutdown: CancellationToken) -> Self {
        Self {
            events: Recorder::new(client.clone()),
            queues,
            client,
            pods: Arc::default(),
            controllers: Arc::default(),
            services: Arc::default(),
            endpoints: Arc::default(),
            slices: Arc::default(),
            namespaces: Arc::default(),
            nodes: Arc::default(),
            leases: Arc::default(),
            accounts: Arc::default(),
            quotas: Arc::default(),
            token_secrets: Arc::default(),
            root_cas: Arc::default(),
            shutdown,
        }
    }

    /// Starts the watches. Listeners must be there already: what is listed first is told to them too.
    pub fn follow(&self, tasks: &mut JoinSet<()>) {
        self.spawn(tasks, &self.pods, watcher::Config::default());
        self.spawn(tasks, &self.controllers, watcher::Config::default());
        self.spawn(tasks, &self.services, watcher::Config::default());
        self.spawn(tasks, &self.endpoints, watcher::Config::default());
        self.spawn(tasks, &self.slices, watcher::Config::default());
        self.spawn(tasks, &self.namespaces, watcher::Config::default());
        self.spawn(tasks, &self.nodes, watcher::Config::default());
        self.spawn(tasks, &self.accounts, watcher::Config::default());
        self.spawn(tasks, &self.quotas, watcher::Config::default());
        self.spawn(tasks, &self.token_secrets, watcher::Config::default().fields(&format!("type={}", tokens::TYPE)));
        self.spawn(tasks, &self.root_cas, watcher::Config::default().fields(&format!("metadata.name={ROOT_CA}")));
        let (store, shutdown) = (Arc::clone(&self.leases), self.shutdown.clone());
        let api = Api::namespaced(self.client.clone(), NODE_LEASES);
        tasks.spawn(async move { store.follow(api, watcher::Config::default(), shutdown).await });
    }

    /// Waits until every store has seen everything once.
    pub async fn ready(&self) {
        tokio::join!(
            self.pods.ready(),
            self.controllers.ready(),
            self.services.ready(),
            self.endpoints.ready(),
            self.slices.ready(),
            self.namespaces.ready(),
            self.nodes.ready(),
            self.leases.ready(),
            self.accounts.ready(),
            self.quotas.ready(),
            self.token_secrets.ready(),
            self.root_cas.ready(),
        );
    }

    fn spawn<K: Object>(&self, tasks: &mut JoinSet<()>, store: &Arc<Store<K>>, config: watcher::Config) {
        let (store, api, shutdown) = (Arc::clone(store), Api::<K>::all(self.client.clone()), self.shutdown.clone());
        tasks.spawn(async move { store.follow(api, config, shutdown).await });
    }
}
