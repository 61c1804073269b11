//! Volumes that a pod's containers mount: emptyDir on disk or in memory, hostPath inside the node's own files, and those made
//! of files: configMap, secret, downwardAPI, projected. Every other kind is refused by name, and the pod waits.

mod atomic;
mod host_path;
mod inside;
mod keep;
mod payload;
mod token;
pub mod usage;

pub use keep::{Keeper, objects};
pub use token::Tokens;

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, EmptyDirVolumeSource, Pod, Volume, VolumeMount};
use kube_api::quantity::Quantity;

use crate::context::{Context, PATIENCE};
use crate::env;
use crate::pod;
use crate::runtime::words;
use crate::security;

/// A file's mode where nobody says.
const DEFAULT_MODE: i32 = 0o644;
/// The mode of a volume's directory, and the bit by which what is made in a directory has its group.
const SHARED: u32 = 0o777;
const SET_GROUP: u32 = 0o2000;
/// The name of emptyDirs in paths.
const EMPTY_DIR: &str = "kubernetes.io~empty-dir";

/// Why a volume cannot be mounted: the message of a FailedMount event.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// A kind that this node does not serve.
    #[error("MountVolume.SetUp failed for volume \"{0}\" : this node does not support volumes of its kind")]
    Unsupported(String),
    /// What it is made from does not exist, or not so.
    #[error("MountVolume.SetUp failed for volume \"{0}\" : {1}")]
    Source(String, String),
    /// The API server does not give what it is made from.
    #[error("MountVolume.SetUp failed for volume \"{0}\" : {1}")]
    Refused(String, String),
    /// The API server could not say.
    #[error("MountVolume.SetUp failed for volume \"{0}\" : the API server did not answer")]
    Api(String, #[source] Box<kube::Error>),
    /// It could not be written.
    #[error("MountVolume.SetUp failed for volume \"{0}\" : cannot write it")]
    Io(String, #[source] io::Error),
}

/// A volume that is there to be mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounted {
    /// What Docker calls it: a path of the Docker host, or the name of a volume in memory.
    source: PathBuf,
    /// Where its files are.
    place: Place,
    /// Whether containers may only read it, whatever they ask for: the node writes it.
    read_only: bool,
}

/// Where a volume's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// A path here.
    Here(PathBuf),
    /// In memory: a path of the Docker host, and here only by way of the sandbox.
    Memory(PathBuf),
}

/// The pod's volumes by name.
pub type Volumes = HashMap<String, Mounted>;

/// Makes the pod's volumes, or finds them made.
///
/// # Errors
/// The first that cannot be.
pub async fn prepare(context: &Context, pod: &Pod) -> Result<Volumes, VolumeError> {
    let all = pod::spec(pod).volumes.iter().flatten();
    let made = all.map(|volume| async move {
        let mounted = one(context, pod, volume).await?;
        Ok::<_, VolumeError>((volume.name.clone(), mounted))
    });
    Ok(futures::future::try_join_all(made).await?.into_iter().collect())
}

async fn one(context: &Context, pod: &Pod, volume: &Volume) -> Result<Mounted, VolumeError> {
    let name = &volume.name;
    if let Some(empty) = volume.empty_dir.as_ref().filter(|_| is_memory(volume)) {
        return memory(context, pod, name, empty).await;
    }
    if volume.empty_dir.is_some() {
        let (here, source) = directory(context, pod, EMPTY_DIR, name);
        make_shared(&here, security::fs_group(pod)).map_err(|error| VolumeError::Io(name.clone(), error))?;
        return Ok(Mounted { source, place: Place::Here(here), read_only: false });
    }
    if let Some(source) = &volume.host_path {
        let (here, host) = context.node_files();
        let below = host_path::find(source, &here).map_err(|error| VolumeError::Source(name.clone(), error))?;
        return Ok(Mounted { source: host.join(&below), place: Place::Here(here.join(below)), read_only: false });
    }
    let Some(kind) = payload::kind(volume) else { return Err(VolumeError::Unsupported(name.clone())) };
    let (here, source) = directory(context, pod, kind, name);
    if atomic::is_made(&here) {
        remake(context, pod, volume).await?;
    } else {
        make(context, pod, volume).await?;
    }
    Ok(Mounted { source, place: Place::Here(here), read_only: true })
}

/// Brings a volume that was made up to date. It stays as it is where its source is gone or does not come, as a mounted one does in
/// Kubernetes: whoever has it can be started again.
async fn remake(context: &Context, pod: &Pod, volume: &Volume) -> Result<(), VolumeError> {
    match tokio::time::timeout(PATIENCE, make(context, pod, volume)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error @ (VolumeError::Source(..) | VolumeError::Refused(..) | VolumeError::Api(..)))) => {
            tracing::warn!(pod = pod::name(pod), volume = volume.name, %error, "the volume is used as it is");
        }
        Ok(Err(error)) => return Err(error),
        Err(_) => {
            let pod = pod::name(pod);
            tracing::warn!(pod, volume = volume.name, "the API server takes too long: the volume is used as it is");
        }
    }
    Ok(())
}

/// Whether the volume is an emptyDir in memory.
fn is_memory(volume: &Volume) -> bool {
    volume.empty_dir.as_ref().is_some_and(|empty| empty.medium.as_deref() == Some("Memory"))
}

/// The engine's names of the pod's volumes in memory. Its sandbox has them as well: what they hold outlives containers.
#[must_use]
pub fn in_memory(pod: &Pod) -> Vec<(String, String)> {
    let volumes = pod::spec(pod).volumes.iter().flatten().filter(|volume| is_memory(volume));
    volumes.map(|volume| (volume.name.clone(), memory_name(pod, &volume.name))).collect()
}

fn memory_name(pod: &Pod, volume: &str) -> String {
    format!("k8s_{}_{volume}", pod::uid(pod))
}

async fn memory(
    context: &Context,
    pod: &Pod,
    name: &str,
    empty: &EmptyDirVolumeSource,
) -> Result<Mounted, VolumeError> {
    let own = memory_name(pod, name);
    let limit = empty.size_limit.as_ref().and_then(|limit| limit.0.parse::<Quantity>().ok()).map(Quantity::as_f64);
    let node = context.limits.get("memory").copied();
    // as Kubernetes: no more than the volume, the pod, or the node may have
    let bytes = limit.into_iter().chain(pod::memory_limit(pod)).chain(node).filter(|bytes| *bytes > 0.0);
    let bytes = bytes.min_by(f64::total_cmp).unwrap_or(0.0) as u64;
    let made = context.runtime.create_memory(&own, pod::uid(pod), bytes, security::fs_group(pod)).await;
    let host = made.map_err(|error| VolumeError::Source(name.to_owned(), words(&error)))?;
    Ok(Mounted { source: own.into(), place: Place::Memory(host), read_only: false })
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
    let group = security::fs_group(pod);
    atomic::write(&here, &payload.files, group).map_err(|error| VolumeError::Io(volume.name.clone(), error))?;
    Ok(payload.renew)
}

/// A mount of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// As Docker takes it: `source:destination[:modes]`.
    pub bind: String,
    /// Where the container has it.
    pub at: String,
    /// Where a part of a volume that containers write to is: it may be moved until it is mounted.
    pub part: Option<Part>,
}

/// Where a part of a volume is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// At a path here.
    Here(PathBuf),
    /// At a path of the volume's own file system.
    Memory(PathBuf),
}

/// Whether a container has a part of a volume in memory, which only the pod's sandbox shows, once it runs.
#[must_use]
pub fn wants_sandbox(container: &Container, volumes: &Volumes) -> bool {
    let parts = container.volume_mounts.iter().flatten().filter(|mount| {
        let asked = |path: &Option<String>| path.as_deref().is_some_and(|path| !path.is_empty());
        asked(&mount.sub_path) || asked(&mount.sub_path_expr)
    });
    let in_memory = |mount: &VolumeMount| volumes.get(&mount.name).map(|volume| &volume.place);
    parts.into_iter().any(|mount| matches!(in_memory(mount), Some(Place::Memory(_))))
}

/// The container's mounts; `variables` are its own, for a `subPathExpr`; `sandbox` is the sandbox's socket.
///
/// # Errors
/// When one names a volume that the pod does not have, or a part of it that leads out of it, or asks for what the engine cannot.
pub fn binds(
    container: &Container,
    volumes: &Volumes,
    variables: &[(String, String)],
    sandbox: &Path,
) -> Result<Vec<Bind>, String> {
    let mounts = container.volume_mounts.iter().flatten();
    mounts
        .map(|mount| {
            let mut part = None;
            let volume = volumes.get(&mount.name).ok_or_else(|| format!("volume \"{}\" not found", mount.name))?;
            mountable(mount)?;
            let below = sub_path(mount, variables)?;
            let refused = |why: String| {
                let (volume, container) = (&mount.name, &container.name);
                format!("failed to prepare subPath for volumeMount \"{volume}\" of container \"{container}\": {why}")
            };
            let source = match (&volume.place, below.as_str()) {
                (_, "") => volume.source.clone(),
                (Place::Here(here), below) => {
                    let found = inside::resolve(here, below).map_err(refused)?;
                    part = (!volume.read_only).then(|| Part::Here(here.join(&found)));
                    volume.source.join(found)
                }
                (Place::Memory(host), below) => {
                    let shown = sandbox::client::volume(sandbox, &mount.name);
                    let shown =
                        shown.map_err(|error| refused(format!("the pod's sandbox does not show it: {error}")))?;
                    let found = inside::resolve_in(&inside::opened(shown), below).map_err(refused)?;
                    part = Some(Part::Memory(Path::new("/").join(&found)));
                    host.join(found)
                }
            };
            let read_only = (mount.read_only == Some(true) || volume.read_only).then_some("ro");
            // an engine's volume would be filled with what the image has at the path
            let whole = below.is_empty() && matches!(volume.place, Place::Memory(_));
            let empty = whole.then_some("nocopy");
            let modes: Vec<_> = read_only.into_iter().chain(empty).collect();
            let modes = if modes.is_empty() { String::new() } else { format!(":{}", modes.join(",")) };
            let at = mount.mount_path.clone();
            Ok(Bind { bind: format!("{}:{at}{modes}", source.display()), at, part })
        })
        .collect()
}

/// Refuses a mount that must be read-only all the way down: the engine leaves what is mounted below it as it is, and a container
/// that relies on more must not start. (`IfPossible` may be less; the status says that it is.)
fn mountable(mount: &VolumeMount) -> Result<(), String> {
    let name = &mount.name;
    match mount.recursive_read_only.as_deref() {
        Some("Enabled") => {
            Err(format!("volume \"{name}\" requested recursive read-only mode, but it is not supported by the runtime"))
        }
        _ => Ok(()),
    }
}

/// The part of the volume that is mounted; empty: all of it.
fn sub_path(mount: &VolumeMount, variables: &[(String, String)]) -> Result<String, String> {
    let Some(expression) = mount.sub_path_expr.as_deref().filter(|expression| !expression.is_empty()) else {
        return Ok(mount.sub_path.clone().unwrap_or_default());
    };
    let missing = std::cell::RefCell::new(None);
    let expanded = env::expand(expression, |name| {
        let value = variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        if value.as_deref().is_none_or(str::is_empty) {
            *missing.borrow_mut() = Some(name.to_owned());
        }
        value
    });
    match missing.into_inner() {
        Some(name) => Err(format!("missing value for {name}")),
        None if expanded.starts_with('/') => Err(format!("subPath {expanded} must not be an absolute path")),
        None => Ok(expanded),
    }
}

/// A directory that every user of the pod may write, and that belongs to `group`.
fn make_shared(directory: &Path, group: Option<u32>) -> io::Result<()> {
    if !directory.is_dir() {
        std::fs::create_dir_all(directory)?;
        give(directory, SHARED, group)?;
    }
    Ok(())
}

/// Gives the directory its mode, whatever this process' umask is, and where `group` is one, to it, with all that is made in it.
fn give(directory: &Path, mode: u32, group: Option<u32>) -> io::Result<()> {
    // the mode first: who is not in the group may not set its bit, but the bit stays when the directory is given away
    let mode = if group.is_some() { mode | SET_GROUP } else { mode };
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(mode))?;
    chown(directory, None, group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sub_path_may_be_made_of_the_containers_variables() {
        let volume = tempfile::tempdir().unwrap();
        let mounted = Mounted { source: "/host".into(), place: Place::Here(volume.path().into()), read_only: false };
        let volumes = Volumes::from([("v".to_owned(), mounted)]);
        let bind = |mount: serde_json::Value| {
            let container = serde_json::json!({"name": "c", "volumeMounts": [mount]});
            let variables = [("POD".to_owned(), "p-1".to_owned()), ("UP".to_owned(), "../x".to_owned())];
            let binds = binds(&serde_json::from_value(container).unwrap(), &volumes, &variables, Path::new("/none"));
            binds.map(|binds| binds.into_iter().map(|bind| (bind.bind, bind.part.is_some())).collect::<Vec<_>>())
        };
        let mount = |expression: &str| serde_json::json!({"name": "v", "mountPath": "/m", "subPathExpr": expression});
        assert_eq!(bind(mount("logs/$(POD)")), Ok(vec![("/host/logs/p-1:/m".to_owned(), true)]));
        assert!(volume.path().join("logs/p-1").is_dir());
        assert_eq!(bind(mount("$(NONE)")), Err("missing value for NONE".into()));
        assert!(bind(mount("$(UP)")).unwrap_err().starts_with("failed to prepare subPath for volumeMount \"v\""));
        let whole = serde_json::json!({"name": "v", "mountPath": "/m", "readOnly": true});
        assert_eq!(bind(whole), Ok(vec![("/host:/m:ro".to_owned(), false)]));
    }

    #[test]
    fn what_must_be_read_only_all_the_way_down_is_not_mounted() {
        let mounted = Mounted { source: "/host".into(), place: Place::Here("/none".into()), read_only: false };
        let volumes = Volumes::from([("v".to_owned(), mounted)]);
        let bind = |mode: &str| {
            let mount =
                serde_json::json!({"name": "v", "mountPath": "/m", "readOnly": true, "recursiveReadOnly": mode});
            let container = serde_json::json!({"name": "c", "volumeMounts": [mount]});
            binds(&serde_json::from_value(container).unwrap(), &volumes, &[], Path::new("/none"))
        };
        assert!(bind("IfPossible").is_ok() && bind("Disabled").is_ok());
        let words = "volume \"v\" requested recursive read-only mode, but it is not supported by the runtime";
        assert_eq!(bind("Enabled").unwrap_err(), words);
    }
}
