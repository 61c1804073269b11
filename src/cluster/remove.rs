//! Taking away: a whole cluster, or what one run of `up` made. Containers first, then what they hold.

use std::collections::HashMap;
use std::time::Duration;

use bollard::errors::Error as DockerError;
use bollard::models::{ContainerSummary, ContainerUpdateBody, ImageSummary};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder, RemoveVolumeOptions,
};
use futures::future::join_all;

use super::engine::Engine;
use super::name::{self, ClusterName};
use crate::failure::Failure;

/// How often containers are looked for again: an executor may make another one until its slave is gone.
const ROUNDS: usize = 5;

/// What was taken away.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) containers: usize,
    pub(crate) networks: usize,
    pub(crate) volumes: usize,
    pub(crate) images: usize,
}

impl Removed {
    /// Whether there was nothing.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Removes everything of the cluster, and the images that `up` made and that no container uses any more.
///
/// # Errors
/// The first thing that could not be removed; all else is removed nevertheless.
pub(crate) async fn cluster(engine: &Engine, cluster: &ClusterName) -> Result<Removed, Failure> {
    let mut removed = labelled(engine, &format!("{}={cluster}", name::CLUSTER)).await?;
    removed.images = images(engine, name::IMAGE).await?;
    Ok(removed)
}

/// Removes what the run made.
///
/// # Errors
/// As `cluster`.
pub(crate) async fn run(engine: &Engine, run: &str) -> Result<Removed, Failure> {
    let mut removed = things(engine, run).await?;
    removed.images = images(engine, &run_label(run)).await?;
    Ok(removed)
}

/// The same, but for images.
///
/// # Errors
/// As `cluster`.
pub(crate) async fn things(engine: &Engine, run: &str) -> Result<Removed, Failure> {
    labelled(engine, &run_label(run)).await
}

/// Removes a slave's container and those of the pods on it; its volume and its image stay.
///
/// # Errors
/// As `cluster`.
pub(crate) async fn slave(engine: &Engine, cluster: &ClusterName, hostname: &str) -> Result<(), Failure> {
    // First the slave, that nothing starts again what is taken away after it.
    for label in [name::HOSTNAME, name::NODE] {
        let labels = [format!("{}={cluster}", name::CLUSTER), format!("{label}={hostname}")];
        containers(engine, &labels).await?;
    }
    Ok(())
}

fn run_label(run: &str) -> String {
    format!("{}={run}", name::RUN)
}

async fn labelled(engine: &Engine, label: &str) -> Result<Removed, Failure> {
    let mut removed = Removed { containers: containers(engine, &[label.to_owned()]).await?, ..Removed::default() };
    let (networks, volumes) = tokio::join!(networks(engine, label), volumes(engine, label));
    (removed.networks, removed.volumes) = (networks?, volumes?);
    Ok(removed)
}

fn filter(label: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![label.to_owned()])])
}

/// Removes the containers with all of these labels.
async fn containers(engine: &Engine, labels: &[String]) -> Result<usize, Failure> {
    let mut count = 0;
    for _ in 0..ROUNDS {
        let filters = HashMap::from([("label".to_owned(), labels.to_vec())]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let mut found = listed("containers", engine.docker.list_containers(Some(options)).await)?;
        if found.is_empty() {
            return Ok(count);
        }
        // Components go first, that nothing starts again what is taken away after them.
        let is_component =
            |one: &ContainerSummary| one.labels.as_ref().is_some_and(|labels| labels.contains_key(name::COMPONENT));
        let pods = found
            .iter()
            .position(is_component)
            .map(|_| found.extract_if(.., |one| !is_component(one)).collect::<Vec<_>>());
        for batch in [found, pods.unwrap_or_default()] {
            let gone =
                join_all(batch.into_iter().filter_map(|one| one.id).map(|id| remove_container(engine, id))).await;
            count += gone.len();
            gone.into_iter().collect::<Result<Vec<()>, Failure>>()?;
        }
    }
    let label = labels.join(", ");
    Err(Failure::failed(format!("containers labelled {label} keep appearing")).hint("is another `k8sm up` running?"))
}

/// Removes a container. Thousands of processes that share a small part of the processor die too slowly for the engine, which
/// gives up: then they get all of it, and a second try.
async fn remove_container(engine: &Engine, id: String) -> Result<(), Failure> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    let mut done = engine.docker.remove_container(&id, Some(options.clone())).await;
    if let Err(DockerError::DockerResponseServerError { status_code: 500, .. }) = done {
        let body = ContainerUpdateBody { cpu_quota: Some(-1), ..ContainerUpdateBody::default() };
        let _ = engine.docker.update_container(&id, body).await;
        done = engine.docker.remove_container(&id, Some(options)).await;
    }
    gone("container", &id, done)
}

async fn networks(engine: &Engine, label: &str) -> Result<usize, Failure> {
    let options = ListNetworksOptionsBuilder::default().filters(&filter(label)).build();
    let found = listed("networks", engine.docker.list_networks(Some(options)).await)?;
    let names: Vec<String> = found.into_iter().filter_map(|network| network.name).collect();
    let removed = join_all(names.iter().map(|name| remove_network(engine, name)));
    removed.await.into_iter().collect::<Result<Vec<()>, _>>().map(|all| all.len())
}

/// How often a network that is still in use is tried again, and the pause before.
const RETRIES: usize = 10;
const PAUSE: Duration = Duration::from_millis(100);

/// Removes a network whose containers are gone. An engine may be behind with that for a moment; and one of version 20.10
/// may count an endpoint too many, where containers were started at once, until it is restarted.
async fn remove_network(engine: &Engine, name: &str) -> Result<(), Failure> {
    let in_use = |error: &DockerError| matches!(error, DockerError::DockerResponseServerError { message, .. } if message.contains("active endpoints"));
    for _ in 0..RETRIES {
        match engine.docker.remove_network(name).await {
            Err(error) if in_use(&error) => tokio::time::sleep(PAUSE).await,
            done => return gone("network", name, done),
        }
    }
    let last = engine.docker.remove_network(name).await;
    let used = last.as_ref().is_err_and(in_use);
    gone("network", name, last).map_err(|failure| match used {
        true => failure.hint(format!(
            "`docker network inspect {name}` shows who uses it; where nobody does, the engine has lost count: \
             `k8sm down` removes it when the engine has been restarted"
        )),
        false => failure,
    })
}

async fn volumes(engine: &Engine, label: &str) -> Result<usize, Failure> {
    let options = ListVolumesOptionsBuilder::default().filters(&filter(label)).build();
    let found = listed("volumes", engine.docker.list_volumes(Some(options)).await)?.volumes.unwrap_or_default();
    let removed = join_all(found.iter().map(|volume| async {
        gone("volume", &volume.name, engine.docker.remove_volume(&volume.name, None::<RemoveVolumeOptions>).await)
    }));
    removed.await.into_iter().collect::<Result<Vec<()>, _>>().map(|all| all.len())
}

/// Removes the images with that label. One that a container of another cluster uses stays: the engine knows.
async fn images(engine: &Engine, label: &str) -> Result<usize, Failure> {
    let options = ListImagesOptionsBuilder::default().filters(&filter(label)).build();
    let found = listed("images", engine.docker.list_images(Some(options)).await)?;
    // Where two sent the same image at once, the earlier one has lost its name to the later one.
    let names = |image: ImageSummary| {
        let mut tags = image.repo_tags;
        tags.retain(|tag| tag != "<none>:<none>");
        if tags.is_empty() { vec![image.id] } else { tags }
    };
    let tags: Vec<String> = found.into_iter().flat_map(names).collect();
    let removed = join_all(tags.iter().map(|tag| async move {
        let options = RemoveImageOptionsBuilder::default().build();
        match engine.docker.remove_image(tag, Some(options), None).await {
            Ok(_) => Ok(1),
            Err(DockerError::DockerResponseServerError { status_code: 409, .. }) => Ok(0),
            Err(error) => gone("image", tag, Err(error)).map(|()| 0),
        }
    }));
    removed.await.into_iter().sum()
}

/// The result of a removal; what is gone already was what we wanted.
fn gone(kind: &str, name: &str, result: Result<(), DockerError>) -> Result<(), Failure> {
    match result {
        Ok(()) | Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        // Somebody else is removing it at this moment.
        Err(DockerError::DockerResponseServerError { message, .. })
            if ["already in progress", "unrecognized image ID"].iter().any(|words| message.contains(words)) =>
        {
            Ok(())
        }
        Err(error) => Err(Failure::failed(format!("remove {kind} {name}")).because(error)),
    }
}

fn listed<T>(kind: &str, result: Result<T, DockerError>) -> Result<T, Failure> {
    result.map_err(|error| Failure::environment(format!("list Docker's {kind}")).because(error))
}
