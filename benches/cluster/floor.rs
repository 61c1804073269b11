//! The floor: bare containers through the same API, with the same dependencies between them.

use std::time::Instant;

use bollard::Docker;
use bollard::models::{NetworkConnectRequest, NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters::RemoveVolumeOptions;
use futures::{StreamExt, TryStreamExt};

use super::containers::{AT_ONCE, create, pod, pod_containers, remove};

/// The components, and whether each is on the pods' network too.
const COMPONENTS: [(&str, bool); 7] = [
    ("etcd", false),
    ("mesosmaster1", false),
    ("apiserver", true),
    ("mesosslave1", true),
    ("mesosslave2", true),
    ("controller", false),
    ("scheduler", false),
];
const NETWORKS: [&str; 2] = ["control", "pods"];
const VOLUMES: [&str; 4] = ["etcd", "pki", "mesosslave1", "mesosslave2"];

/// As many containers, networks and volumes as a cluster with its DNS has, that do nothing.
pub(crate) struct Cluster {
    name: String,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        Self { name: format!("bench-floor-{}", std::process::id()) }
    }

    fn of(&self, thing: &str) -> String {
        format!("{}-{thing}", self.name)
    }

    /// Makes all of it, and gives the seconds it took.
    pub(crate) async fn up(&self, docker: &Docker) -> anyhow::Result<f64> {
        let began = Instant::now();
        let networks = futures::future::try_join_all(NETWORKS.map(|network| {
            docker.create_network(NetworkCreateRequest { name: self.of(network), ..NetworkCreateRequest::default() })
        }));
        let volumes = futures::future::try_join_all(VOLUMES.map(|volume| {
            docker.create_volume(VolumeCreateRequest { name: Some(self.of(volume)), ..VolumeCreateRequest::default() })
        }));
        futures::try_join!(networks, volumes)?;
        futures::stream::iter(COMPONENTS.map(anyhow::Ok))
            .try_for_each_concurrent(AT_ONCE, |(component, on_pods)| self.start(docker, component, on_pods))
            .await?;
        // the cluster's DNS is a pod, and needs a node
        pod(docker, &self.of("dns"), &self.of("pods")).await?;
        Ok(began.elapsed().as_secs_f64())
    }

    async fn start(&self, docker: &Docker, component: &str, on_pods: bool) -> anyhow::Result<()> {
        let name = self.of(component);
        create(docker, &name, &self.of("control")).await?;
        if on_pods {
            let request = NetworkConnectRequest { container: name.clone(), endpoint_config: None };
            docker.connect_network(&self.of("pods"), request).await?;
        }
        docker.start_container(&name, None).await?;
        Ok(())
    }

    /// Removes all of it, and gives the seconds it took.
    pub(crate) async fn down(&self, docker: &Docker) -> anyhow::Result<f64> {
        let began = Instant::now();
        let dns = pod_containers(&self.of("dns"));
        futures::stream::iter(dns.into_iter().chain(COMPONENTS.map(|(component, _)| self.of(component))))
            .map(|container| remove(docker, container))
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<()>>()
            .await?;
        let networks = futures::future::try_join_all(NETWORKS.map(|network| {
            let name = self.of(network);
            async move { docker.remove_network(&name).await }
        }));
        let volumes = futures::future::try_join_all(VOLUMES.map(|volume| {
            let name = self.of(volume);
            async move { docker.remove_volume(&name, None::<RemoveVolumeOptions>).await }
        }));
        futures::try_join!(networks, volumes)?;
        Ok(began.elapsed().as_secs_f64())
    }
}
