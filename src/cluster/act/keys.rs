//! The cluster's keys in its volume, reached through the API server's container, whether that runs or not.

use std::collections::BTreeMap;

use bollard::errors::Error as DockerError;
use bollard::query_parameters::{DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder};
use futures::TryStreamExt;

use super::refused;
use crate::cluster::archive::{self, Entry};
use crate::cluster::engine::Engine;
use crate::cluster::name::ClusterName;
use crate::cluster::pki::Pki;
use crate::failure::Failure;

/// Where the volume is mounted.
const DIRECTORY: &str = "/var/lib/k8sm/pki";

/// The most that the volume's files may be together, in bytes: they are some tens of kilobytes.
const LIMIT: usize = 4 << 20;

/// The keys of a cluster.
///
/// # Errors
/// When there is no such cluster, or its keys were never written.
pub(crate) async fn of(engine: &Engine, cluster: &ClusterName) -> Result<Pki, Failure> {
    read(engine, &cluster.of("apiserver")).await?.ok_or_else(|| {
        Failure::conflict(format!("cluster {cluster} has no keys yet"))
            .hint(format!("`k8sm up{}` completes it", cluster.flag()))
    })
}

/// Reads the keys; none where they were never written.
///
/// # Errors
/// When there is no such container, or what it holds cannot be read.
pub(crate) async fn read(engine: &Engine, container: &str) -> Result<Option<Pki>, Failure> {
    let unread = || Failure::failed(format!("read the cluster's keys through container {container}"));
    let options = DownloadFromContainerOptionsBuilder::default().path(DIRECTORY).build();
    let mut chunks = engine.docker.download_from_container(container, Some(options));
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.try_next().await.map_err(|error| absent(container, error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LIMIT {
            return Err(unread().because(anyhow::anyhow!("they are larger than {LIMIT} bytes")));
        }
    }
    let files = archive::unpack(&bytes).map_err(|error| unread().because(error))?;
    // The archive's paths begin with the directory's own name.
    let files: BTreeMap<String, Vec<u8>> =
        files.into_iter().filter_map(|(path, content)| Some((path.split_once('/')?.1.to_owned(), content))).collect();
    Pki::from_files(files).map_err(|error| unread().because(error))
}

fn absent(container: &str, error: DockerError) -> Failure {
    match error {
        DockerError::DockerResponseServerError { status_code: 404, .. } => {
            Failure::conflict(format!("container {container} is not there")).hint("`k8sm cluster list` lists clusters")
        }
        error => Failure::failed(format!("read the cluster's keys through container {container}")).because(error),
    }
}

/// Writes the keys.
///
/// # Errors
/// When the engine refuses them.
pub(crate) async fn write(engine: &Engine, container: &str, pki: &Pki) -> Result<(), Failure> {
    let entries: Vec<Entry> =
        pki.files().iter().map(|(name, content)| Entry::secret(name.clone(), content.clone())).collect();
    upload(engine, container, DIRECTORY, &[], &entries).await
}

/// Extracts files below `path` of a container.
///
/// # Errors
/// When the engine refuses them.
pub(crate) async fn upload(
    engine: &Engine,
    container: &str,
    path: &str,
    directories: &[(&str, u32)],
    entries: &[Entry],
) -> Result<(), Failure> {
    let what = || Failure::environment(format!("write files into container {container}"));
    let bytes = archive::pack(directories, entries).map_err(|error| what().because(error))?;
    let options = UploadToContainerOptionsBuilder::default().path(path).build();
    let sent = engine.docker.upload_to_container(container, Some(options), bollard::body_full(bytes.into()));
    sent.await.map_err(refused(format!("write files into container {container}")))
}
