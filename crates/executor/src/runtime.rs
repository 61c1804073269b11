//! Docker, as pods need it: every request to the engine is made here or below.

pub mod container;
pub mod events;
pub mod exec;
pub mod garbage;
pub mod images;
pub mod inspect;
pub mod sandbox;
mod turn;
mod usage;
mod volumes;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::ContainerUpdateBody;
use bollard::query_parameters::{
    KillContainerOptionsBuilder, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
    StopContainerOptionsBuilder,
};
use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::sync::Semaphore;

use crate::observed::Observed;
pub use turn::Turn;
use turn::Turns;

/// Labels of a pod's containers (docs/architecture.md, "Containers of a pod").
pub mod label {
    /// The cluster.
    pub const CLUSTER: &str = "io.k8sm.cluster";
    /// The node.
    pub const NODE: &str = "io.k8sm.node";
    /// The hostname of a component's container.
    pub const HOSTNAME: &str = "io.k8sm.hostname";
    /// The pod's name.
    pub const POD_NAME: &str = "io.kubernetes.pod.name";
    /// The pod's namespace.
    pub const POD_NAMESPACE: &str = "io.kubernetes.pod.namespace";
    /// The pod's UID.
    pub const POD_UID: &str = "io.kubernetes.pod.uid";
    /// The container's name, `POD` for a sandbox.
    pub const CONTAINER_NAME: &str = "io.kubernetes.container.name";
    /// How often it was restarted before.
    pub const RESTART_COUNT: &str = "io.kubernetes.container.restartCount";
    /// What it was made from.
    pub const HASH: &str = "io.kubernetes.container.hash";
    /// The pod's grace period, seconds.
    pub const GRACE: &str = "io.kubernetes.pod.terminationGracePeriod";
}

/// The container name of a sandbox.
pub const SANDBOX_NAME: &str = "POD";
/// More starts than this at once make none of them faster (feasibility: an engine saturates at four to eight).
const CONCURRENT_STARTS: usize = 4;
/// How long a container takes to die at most, where nothing is the matter.
const DYING: Duration = Duration::from_secs(1);
/// How long the engine may take to answer anything but a stop or a pull.
const TIMEOUT: u64 = 120;

/// The engine, with what makes a container ours.
#[derive(Debug)]
pub struct Runtime {
    docker: Docker,
    cluster: String,
    node: String,
    network: String,
    pause_image: String,
    starts: Semaphore,
    turns: Turns,
}

/// A pod that has containers here, by their labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The pod's UID.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Runtime {
    /// Connects to the engine at `endpoint` (`unix://…`) and agrees on an API version.
    ///
    /// # Errors
    /// When there is no engine, or it does not answer.
    pub async fn connect(
        endpoint: &str,
        cluster: &str,
        node: &str,
        network: &str,
        pause_image: &str,
    ) -> Result<Self, Error> {
        let docker = Docker::connect_with_unix(endpoint, TIMEOUT, API_DEFAULT_VERSION)?.negotiate_version().await?;
        Ok(Self {
            docker,
            cluster: cluster.to_owned(),
            node: node.to_owned(),
            network: network.to_owned(),
            pause_image: pause_image.to_owned(),
            starts: Semaphore::new(CONCURRENT_STARTS),
            turns: Turns::default(),
        })
    }

    /// The engine itself, for what only one caller asks of it.
    #[must_use]
    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    /// Everything Docker has of the pod `uid`.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn observe(&self, uid: &str) -> Result<Observed, Error> {
        let filters = self.filters(Some(uid));
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let listed = self.docker.list_containers(Some(options)).await?;
        let inspections = listed.into_iter().filter_map(|summary| summary.id).map(|id| async move {
            match self.docker.inspect_container(&id, None).await {
                Ok(inspection) => Ok(Some(inspection)),
                Err(error) if is_status(&error, 404) => Ok(None), // removed since it was listed
                Err(error) => Err(error),
            }
        });
        let mut observed = Observed::default();
        for inspection in futures::future::try_join_all(inspections).await?.into_iter().flatten() {
            inspect::sort_in(inspection, &self.network, &mut observed);
        }
        observed.sandboxes.sort_by_key(|sandbox| Reverse(sandbox.attempt));
        observed.containers.sort_by_key(|container| Reverse(container.attempt));
        Ok(observed)
    }

    /// The address of a running sandbox on the pods network; `None` where it is on another.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn address(&self, id: &str) -> Result<Option<IpAddr>, Error> {
        let inspection = self.docker.inspect_container(id, None).await?;
        Ok(inspect::address(inspection.network_settings, &self.network))
    }

    /// The pods that have containers on this node.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn owners(&self) -> Result<Vec<Owner>, Error> {
        let filters = self.filters(None);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let listed = self.docker.list_containers(Some(options)).await?;
        let mut owners: Vec<Owner> = Vec::new();
        for labels in listed.into_iter().filter_map(|summary| summary.labels) {
            let read = |key: &str| labels.get(key).cloned().unwrap_or_default();
            let (uid, namespace, name) = (read(label::POD_UID), read(label::POD_NAMESPACE), read(label::POD_NAME));
            let owner = Owner { uid, namespace, name };
            if !owner.uid.is_empty() && !owners.contains(&owner) {
                owners.push(owner);
            }
        }
        Ok(owners)
    }

    /// Starts a container that was made, one of a few at a time. One that runs already is left alone.
    ///
    /// # Errors
    /// When the engine cannot start it: its message says why.
    pub async fn start(&self, id: &str) -> Result<(), Error> {
        let _turn = self.starts.acquire().await.expect("the semaphore is never closed");
        self.docker.start_container(id, None::<StartContainerOptions>).await
    }

    /// Stops a container: its stop signal, `grace` later SIGKILL. Returns when it has ended. One that is gone is no error.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn stop(&self, id: &str, grace: Duration) -> Result<(), Error> {
        if grace.is_zero() {
            let kill = KillContainerOptionsBuilder::default().signal("SIGKILL").build();
            return ignore(self.docker.kill_container(id, Some(kill)).await, &[404, 409]);
        }
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let patient = self.docker.clone().with_timeout(grace + Duration::from_secs(TIMEOUT));
        let options = StopContainerOptionsBuilder::default().t(seconds).build();
        let mut stopped = std::pin::pin!(patient.stop_container(id, Some(options)));
        let outcome = tokio::select! {
            outcome = &mut stopped => outcome,
            () = tokio::time::sleep(grace + DYING) => {
                self.unbind(id).await;
                stopped.await
            }
        };
        ignore(outcome, &[304, 404])
    }

    /// Lets a container that was killed and is still there have all of the processor: thousands of processes that share a
    /// tenth of it take minutes to die.
    async fn unbind(&self, id: &str) {
        let body = ContainerUpdateBody { cpu_quota: Some(-1), ..ContainerUpdateBody::default() };
        if let Err(error) = self.docker.update_container(id, body).await {
            tracing::debug!(container = id, error = words(&error), "cannot hurry a container's end");
        }
    }

    /// Removes a container with its anonymous volumes, running or not. One that is gone, or going, is no error.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn remove(&self, id: &str) -> Result<(), Error> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        ignore(self.docker.remove_container(id, Some(options)).await, &[404, 409])
    }

    /// Filters of requests: our cluster, our node, and one pod or all.
    fn filters(&self, uid: Option<&str>) -> HashMap<String, Vec<String>> {
        let mut labels = vec![format!("{}={}", label::CLUSTER, self.cluster), format!("{}={}", label::NODE, self.node)];
        labels.push(match uid {
            Some(uid) => format!("{}={uid}", label::POD_UID),
            None => label::POD_UID.to_owned(),
        });
        HashMap::from([("label".to_owned(), labels)])
    }
}

/// Whether the engine answered with that HTTP status.
#[must_use]
pub fn is_status(error: &Error, status: u16) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code, .. } if *status_code == status)
}

/// The engine's own words, without the HTTP around them.
#[must_use]
pub fn words(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Error::DockerStreamError { error } => error.trim().to_owned(),
        error => error.to_string(),
    }
}

fn ignore(outcome: Result<(), Error>, statuses: &[u16]) -> Result<(), Error> {
    match outcome {
        Err(error) if statuses.iter().any(|status| is_status(&error, *status)) => Ok(()),
        outcome => outcome,
    }
}
