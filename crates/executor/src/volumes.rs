//! Volumes that a pod's containers mount: emptyDir on disk, hostPath inside the node's own files, and those made of files:
//! configMap, secret, downwardAPI, projected. Every other kind is refused by name, and the pod waits.

mod atomic;
mod keep;
mod payload;

pub use keep::Keeper;

use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, HostPathVolumeSource, Pod, Volume};

use crate::context::Context;
use crate::pod;

/// A file's mode where nobody says.
const DEFAULT_MODE: i32 = 0o644;

/// Why a volume cannot be mounted: the message of a FailedMount event.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// A kind that this node does not serve.
    #[error("MountVolume.SetUp failed for volume \"{0}\" : this node does not support volumes of its kind")]
    Unsupported(String),
    /// What it is made from does not exist, or not so.
    #[error("MountVolume.SetUp failed for volume \"{0}\" : {1}")]
    Source(String, String),
    /// The API server could not say.
    #[error("MountVolume.SetUp failed for volume \"{0}\" : the API server did not answer")]
    Api(String, #[source] Box<kube::Error>),
    /// It could not be written.
    #[error("MountVolume.SetUp failed for volume \"{0}\" : cannot write it")]
    Io(String, #[source] io::Error),
}

/// The pod's volumes by name: where the Docker host has each.
pub type Volumes = HashMap<String, PathBuf>;

/// Makes the pod's volumes, or finds them made.
///
/// # Errors
/// The first that cannot be.
pub async fn prepare(context: &Context, pod: &Pod) -> Result<Volumes, VolumeError> {
    let all = pod::spec(pod).volumes.iter().flatten();
    let made = all.map(|volume| async move {
        let host = one(context, pod, volume).await?;
        Ok::<_, VolumeError>((volume.name.clone(), host))
    });
    Ok(futures::future::try_join_all(made).await?.into_iter().collect())
}

async fn one(context: &Context, pod: &Pod, volume: &Volume) -> Result<PathBuf, VolumeError> {
    let name = &volume.name;
    if let Some(empty) = &volume.empty_dir {
        if empty.medium.as_deref().is_some_and(|medium| !medium.is_empty()) {
            return Err(VolumeError::Unsupported(name.clone()));
        }
        let (here, host) = directory(context, pod, "kubernetes.io~empty-dir", name);
        make_shared(&here).map_err(|error| VolumeError::Io(name.clone(), error))?;
        return Ok(host);
    }
    if let Some(source) = &volume.host_path {
        let (here, host) = context.node_files();
        return host_path(source, &here, &host).map_err(|error| VolumeError::Source(name.clone(), error));
    }
    let Some(kind) = payload::kind(volume) else { return Err(VolumeError::Unsupported(name.clone())) };
    make(context, pod, volume).await?;
    Ok(directory(context, pod, kind, name).1)
}

/// Where the volume lies, here and on the Docker host.
fn directory(context: &Context, pod: &Pod, kind: &str, name: &str) -> (PathBuf, PathBuf) {
    let below = Path::new("volumes").join(kind).join(name);
    let pod = context.directory(pod::uid(pod));
    (pod.here.join(&below), pod.host.join(below))
}

/// Brings a volume of files to what it is to hold; gives for how long that is good, where that is known.
async fn make(context: &Context, pod: &Pod, volume: &Volume) -> Result<Option<Duration>, VolumeError> {
    let payload = payload::of(context, pod, volume).await?;
    let (here, _) = directory(context, pod, payload::kind(volume).unwrap_or_default(), &volume.name);
    atomic::write(&here, &payload.files).map_err(|error| VolumeError::Io(volume.name.clone(), error))?;
    Ok(payload.renew)
}

/// The container's mounts as Docker's binds.
///
/// # Errors
/// When one names a volume that the pod does not have, or asks for what this node does not serve.
pub fn binds(container: &Container, volumes: &Volumes) -> Result<Vec<String>, String> {
    let mounts = container.volume_mounts.iter().flatten();
    mounts
        .map(|mount| {
            let source = volumes.get(&mount.name).ok_or_else(|| format!("volume \"{}\" not found", mount.name))?;
            let sub_path = mount.sub_path.as_deref().or(mount.sub_path_expr.as_deref()).unwrap_or_default();
            if !sub_path.is_empty() {
                return Err(format!("volume mount \"{}\": this node does not support subPath", mount.name));
            }
            let mode = if mount.read_only == Some(true) { ":ro" } else { "" };
            Ok(format!("{}:{}{mode}", source.display(), mount.mount_path))
        })
        .collect()
}

/// A directory that every user of the pod may write.
fn make_shared(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if !directory.is_dir() {
        std::fs::create_dir_all(directory)?;
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o777))?;
    }
    Ok(())
}

/// A hostPath is a path among the node's own files, never the developer's machine.
fn host_path(source: &HostPathVolumeSource, here: &Path, host: &Path) -> Result<PathBuf, String> {
    let below: PathBuf =
        Path::new(&source.path).components().filter(|part| matches!(part, Component::Normal(_))).collect();
    if Path::new(&source.path).components().any(|part| part == Component::ParentDir) {
        return Err(format!("hostPath {} must not contain \"..\"", source.path));
    }
    let path = here.join(&below);
    match source.type_.as_deref().unwrap_or_default() {
        "" | "DirectoryOrCreate" => std::fs::create_dir_all(&path).map_err(|error| error.to_string())?,
        "Directory" if path.is_dir() => {}
        "File" if path.is_file() => {}
        "FileOrCreate" => {
            let made = std::fs::OpenOptions::new().create(true).append(true).open(&path);
            made.map_err(|error| error.to_string())?;
        }
        type_ => return Err(format!("hostPath type check failed: {} is not a {type_}", source.path)),
    }
    Ok(host.join(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_path_stays_inside_the_nodes_files() {
        let directory = tempfile::tempdir().unwrap();
        let find = |path: &str, type_: &str| {
            let source = HostPathVolumeSource { path: path.into(), type_: Some(type_.into()) };
            host_path(&source, directory.path(), Path::new("/volume/host"))
        };
        assert_eq!(find("/data/x", ""), Ok("/volume/host/data/x".into()));
        assert!(directory.path().join("data/x").is_dir());
        assert!(find("/../etc", "").is_err());
        assert!(find("/missing", "Directory").is_err());
        assert_eq!(find("/", ""), Ok("/volume/host".into()));
    }
}
