//! The floor: bare containers through the same API, with the same dependencies between them.

use std::collections::HashMap;
use std::time::Instant;

use bollard::Docker;
use bollard::models::{
    ContainerCreateBody, EndpointSettings, HostConfig, NetworkConnectRequest, NetworkCreateRequest, NetworkingConfig,
    VolumeCreateRequest,
};
use bollard::query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptions};
use futures::{StreamExt, TryStreamExt};

/// More starts at once do not help: they wait for each other in the engine.
const AT_ONCE: usize = 4;
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

/// A pod's container and its sandbox, in the order in which they are removed.
fn pod_containers(name: &str) -> [String; 2] {
    [format!("{name}-container"), format!("{name}-sandbox")]
}

/// Starts a bare sandbox on a network, then a container in it, which is created while the sandbox starts, as the executor
/// does. Gives the names of both.
pub(crate) async fn pod(docker: &Docker, name: &str, network: &str) -> anyhow::Result<[String; 2]> {
    let [container, sandbox] = pod_containers(name);
    create(docker, &sandbox, network).await?;
    let inside = format!("container:{sandbox}");
    let create = create(docker, &container, &inside);
    let start = async { Ok(docker.start_container(&sandbox, None).await?) };
    futures::try_join!(create, start)?;
    docker.start_container(&container, None).await?;
    Ok([container, sandbox])
}

/// Creates a bare container on a network: `container:NAME` is another container's.
pub(crate) async fn create(docker: &Docker, name: &str, network: &str) -> anyhow::Result<()> {
    let own = !network.starts_with("container:");
    let body = ContainerCreateBody {
        image: Some("busybox".to_owned()),
        cmd: Some(vec!["sleep".to_owned(), "3600".to_owned()]),
        host_config: Some(HostConfig { network_mode: Some(network.to_owned()), ..HostConfig::default() }),
        networking_config: own.then(|| NetworkingConfig {
            endpoints_config: Some(HashMap::from([(network.to_owned(), EndpointSettings::default())])),
        }),
        ..ContainerCreateBody::default()
    };
    docker.create_container(Some(CreateContainerOptionsBuilder::new().name(name).build()), body).await?;
    Ok(())
}

/// Removes a container, running or not.
pub(crate) async fn remove(docker: &Docker, name: String) -> anyhow::Result<()> {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    docker.remove_container(&name, Some(options)).await?;
    Ok(())
}
