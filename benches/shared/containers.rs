//! Bare containers that do nothing, through the same API: what floors are made of. Shared by the benches.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, EndpointSettings, HostConfig, NetworkingConfig};
use bollard::query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder};

/// More starts at once do not help: they wait for each other in the engine. The executor does as many.
pub(crate) const AT_ONCE: usize = 4;

/// A pod's container and its sandbox, in the order in which they are removed.
pub(crate) fn pod_containers(name: &str) -> [String; 2] {
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
