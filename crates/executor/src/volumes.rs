//! Volumes that a pod's containers mount: emptyDir on disk, hostPath inside the node's own files, configmaps and secrets.
//! Every other kind is refused by name, and the pod waits.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Component, Path, PathBuf};

use k8s_openapi::api::core::v1::{
    ConfigMap, ConfigMapVolumeSource, Container, HostPathVolumeSource, KeyToPath, Pod, Secret, SecretVolumeSource,
    Volume,
};

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
    let mut volumes = Volumes::new();
    for volume in pod::spec(pod).volumes.iter().flatten() {
        volumes.insert(volume.name.clone(), one(context, pod, volume).await?);
    }
    Ok(volumes)
}

async fn one(context: &Context, pod: &Pod, volume: &Volume) -> Result<PathBuf, VolumeError> {
    let name = &volume.name;
    let directory = |kind: &str| {
        let below = Path::new("volumes").join(kind).join(name);
        let pod = context.directory(pod::uid(pod));
        (pod.here.join(&below), pod.host.join(below))
    };
    if let Some(empty) = &volume.empty_dir {
        if empty.medium.as_deref().is_some_and(|medium| !medium.is_empty()) {
            return Err(VolumeError::Unsupported(name.clone()));
        }
        let (here, host) = directory("kubernetes.io~empty-dir");
        make_shared(&here).map_err(|error| VolumeError::Io(name.clone(), error))?;
        return Ok(host);
    }
    if let Some(source) = &volume.host_path {
        let (here, host) = context.node_files();
        return host_path(source, &here, &host).map_err(|error| VolumeError::Source(name.clone(), error));
    }
    let (kind, files) = if let Some(source) = &volume.config_map {
        let map = context.get::<ConfigMap>(pod::namespace(pod), &source.name).await;
        ("kubernetes.io~configmap", config_map(source, map.map_err(|e| VolumeError::Api(name.clone(), Box::new(e)))?))
    } else if let Some(source) = &volume.secret {
        let wanted = source.secret_name.as_deref().unwrap_or_default();
        let secret = context.get::<Secret>(pod::namespace(pod), wanted).await;
        ("kubernetes.io~secret", secret_files(source, secret.map_err(|e| VolumeError::Api(name.clone(), Box::new(e)))?))
    } else {
        return Err(VolumeError::Unsupported(name.clone()));
    };
    let (here, host) = directory(kind);
    let files = files.map_err(|error| VolumeError::Source(name.clone(), error))?;
    write(&here, &files).map_err(|error| VolumeError::Io(name.clone(), error))?;
    Ok(host)
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

/// Files of a volume: path, content, mode.
type Files = Vec<(String, Vec<u8>, u32)>;

fn config_map(source: &ConfigMapVolumeSource, map: Option<ConfigMap>) -> Result<Files, String> {
    let Some(map) = map else {
        return absent(source.optional, format!("configmap \"{}\" not found", source.name));
    };
    let text = map.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.into_bytes()));
    let bytes = map.binary_data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0));
    let data = text.chain(bytes).collect();
    select(data, source.items.as_deref(), source.default_mode, source.optional)
}

fn secret_files(source: &SecretVolumeSource, secret: Option<Secret>) -> Result<Files, String> {
    let Some(secret) = secret else {
        let name = source.secret_name.as_deref().unwrap_or_default();
        return absent(source.optional, format!("secret \"{name}\" not found"));
    };
    let data = secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect();
    select(data, source.items.as_deref(), source.default_mode, source.optional)
}

fn absent(optional: Option<bool>, message: String) -> Result<Files, String> {
    if optional == Some(true) { Ok(Files::new()) } else { Err(message) }
}

/// All keys, or those that `items` names, under the names it gives them.
fn select(
    mut data: BTreeMap<String, Vec<u8>>,
    items: Option<&[KeyToPath]>,
    mode: Option<i32>,
    optional: Option<bool>,
) -> Result<Files, String> {
    let mode_of = |own: Option<i32>| (own.or(mode).unwrap_or(DEFAULT_MODE) as u32) & 0o777;
    let Some(items) = items.filter(|items| !items.is_empty()) else {
        return Ok(data.into_iter().map(|(key, value)| (key, value, mode_of(None))).collect());
    };
    let mut files = Files::new();
    for item in items {
        if Path::new(&item.path).components().any(|part| !matches!(part, Component::Normal(_))) {
            return Err(format!("path {} must be relative and must not contain \"..\"", item.path));
        }
        match data.remove(&item.key) {
            Some(value) => files.push((item.path.clone(), value, mode_of(item.mode))),
            None if optional == Some(true) => {}
            None => return Err(format!("references non-existent config key: {}", item.key)),
        }
    }
    Ok(files)
}

fn write(directory: &Path, files: &Files) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(directory)?;
    for (path, content, mode) in files {
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, content)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(*mode))?;
    }
    Ok(())
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

    #[test]
    fn items_choose_and_rename_keys() {
        let data = || BTreeMap::from([("a".to_owned(), b"1".to_vec()), ("b".to_owned(), b"2".to_vec())]);
        let item = |key: &str, path: &str| KeyToPath { key: key.into(), path: path.into(), mode: Some(0o400) };
        assert_eq!(select(data(), None, None, None).unwrap().len(), 2);
        assert_eq!(
            select(data(), Some(&[item("a", "x/y")]), None, None).unwrap(),
            [("x/y".to_owned(), b"1".to_vec(), 0o400)]
        );
        assert!(select(data(), Some(&[item("c", "c")]), None, None).is_err());
        assert!(select(data(), Some(&[item("a", "../a")]), None, None).is_err());
    }
}
