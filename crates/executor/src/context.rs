//! What every pod's worker shares: the node, the engine, the API server, and the way to the minion.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service, ServiceAccount};
use kube::api::{Api, ListParams, PostParams};
use serde::de::DeserializeOwned;
use tokio::sync::{OnceCell, mpsc};

use crate::channel::{TaskState, ToMinion};
use crate::env::{self, Sources};
use crate::events::Recorder;
use crate::files::PodDirectory;
use crate::flags::Flags;
use crate::objects::Watches;
use crate::placement::Placement;
use crate::pod;
use crate::runtime::Runtime;
use crate::volumes::Tokens;

/// How long the API server may take for one object or list.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How long it may take where what was had before serves as well: a container is to start again soon.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// The node, as seen by what runs on it.
pub struct Context {
    /// The flags.
    pub flags: Flags,
    /// The node's name.
    pub node: String,
    /// Where it is.
    pub placement: Placement,
    /// The engine.
    pub runtime: Runtime,
    /// The API server.
    pub client: kube::Client,
    /// Watches of what pods use.
    pub watches: Watches,
    /// Tokens of pods, until they are to be replaced.
    pub tokens: Tokens,
    /// Whether the program of [`gate`](crate::gate) is here.
    pub gate: OnceCell<()>,
    /// Kubernetes events.
    pub events: Recorder,
    /// What the minion is told; it waits while the minion does not read.
    pub minion: mpsc::Sender<ToMinion>,
    /// What a container without limits may use of the node: `cpu` in cores, `memory` in bytes.
    pub limits: BTreeMap<String, f64>,
}

impl Context {
    /// Tells the minion a task's state.
    pub async fn report(&self, task_id: &str, state: TaskState, message: &str) {
        tracing::info!(task = task_id, %state, message, "task");
        let update = ToMinion::Update { task_id: task_id.to_owned(), state, message: message.to_owned() };
        // a closed queue means that the minion is gone, and we with it
        let _ = self.minion.send(update).await;
    }

    /// The pod's directory.
    #[must_use]
    pub fn directory(&self, uid: &str) -> PodDirectory {
        PodDirectory::new(&self.flags.root_dir, &self.placement.host_root, uid)
    }

    /// Where the node's own files lie, which is what a hostPath names: here, and on the Docker host.
    #[must_use]
    pub fn node_files(&self) -> (PathBuf, PathBuf) {
        (self.flags.root_dir.join("host"), self.placement.host_root.join("host"))
    }

    /// Everything the pod's environments are made of. What does not exist is left out.
    ///
    /// # Errors
    /// When the API server cannot say.
    pub async fn sources(&self, pod: &Pod, pod_ip: String) -> kube::Result<Sources> {
        let namespace = pod::namespace(pod);
        let (maps, secrets) = env::references(pod);
        let mut sources = Sources {
            pod_ip,
            host_ip: self.placement.address.to_string(),
            node_limits: self.limits.clone(),
            services: self.services(pod).await?,
            ..Sources::default()
        };
        for name in maps {
            if let Some(map) = self.get::<ConfigMap>(namespace, &name).await? {
                sources.config_maps.insert(name, map);
            }
        }
        for name in secrets {
            if let Some(secret) = self.get::<Secret>(namespace, &name).await? {
                sources.secrets.insert(name, secret);
            }
        }
        Ok(sources)
    }

    /// One object of the API server's, if it exists.
    ///
    /// # Errors
    /// When the API server cannot say.
    pub async fn get<K>(&self, namespace: &str, name: &str) -> kube::Result<Option<K>>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
        K::DynamicType: Default,
    {
        bounded(Api::<K>::namespaced(self.client.clone(), namespace).get_opt(name)).await
    }

    /// A token of a service account.
    ///
    /// # Errors
    /// When the API server does not give one.
    pub async fn token(&self, namespace: &str, account: &str, request: &TokenRequest) -> kube::Result<TokenRequest> {
        let accounts = Api::<ServiceAccount>::namespaced(self.client.clone(), namespace);
        bounded(accounts.create_token_request(account, &PostParams::default(), request)).await
    }

    /// Services whose variables the pod gets: `kubernetes`, and those of its namespace unless it wants none.
    async fn services(&self, pod: &Pod) -> kube::Result<Vec<Service>> {
        let namespace = pod::namespace(pod);
        let links = pod::spec(pod).enable_service_links != Some(false);
        let mut services: Vec<Service> = Vec::new();
        if links {
            let api: Api<Service> = Api::namespaced(self.client.clone(), namespace);
            services = bounded(api.list(&ListParams::default())).await?.items;
        }
        let has_kubernetes = namespace == "default" && links;
        if !has_kubernetes && let Some(kubernetes) = self.get::<Service>("default", "kubernetes").await? {
            services.insert(0, kubernetes);
        }
        Ok(services)
    }
}

/// A request that ends in time: an API server that hangs is one that is not there.
pub(crate) async fn bounded<T>(request: impl Future<Output = kube::Result<T>>) -> kube::Result<T> {
    within(TIMEOUT, request).await
}

/// Requests that end within `time`.
pub(crate) async fn within<T>(time: Duration, requests: impl Future<Output = kube::Result<T>>) -> kube::Result<T> {
    match tokio::time::timeout(time, requests).await {
        Ok(outcome) => outcome,
        Err(elapsed) => Err(kube::Error::Service(elapsed.into())),
    }
}
