//! How much of the disk a pod's emptyDirs take.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use k8s_openapi::api::core::v1::Pod;

use super::{EMPTY_DIR, directory, is_memory};
use crate::context::Context;
use crate::pod;

/// Bytes of a block as the kernel counts a file's.
const BLOCK: u64 = 512;

/// Bytes of each emptyDir of the pod that is `wanted`, by its name. One in memory takes none of the disk, and is left out.
pub async fn of_empty_dirs(context: &Context, pod: &Pod, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    let volumes = pod::spec(pod).volumes.iter().flatten();
    for volume in volumes.filter(|volume| volume.empty_dir.is_some() && !is_memory(volume) && wanted(&volume.name)) {
        let (here, _) = directory(context, pod, EMPTY_DIR, &volume.name);
        let used = tokio::task::spawn_blocking(move || used(&here)).await.unwrap_or_default();
        all.insert(volume.name.clone(), used);
    }
    all
}

/// Bytes on disk of all below a directory. Links are not followed, and what goes meanwhile counts nothing.
fn used(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => used(&entry.path()),
        Ok(found) => found.blocks() * BLOCK,
        Err(_) => 0,
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_not_followed() {
        let (volume, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("large"), vec![1; 1 << 20]).unwrap();
        std::os::unix::fs::symlink(outside.path(), volume.path().join("link")).unwrap();
        std::fs::create_dir(volume.path().join("deep")).unwrap();
        std::fs::write(volume.path().join("deep/file"), vec![1; 100_000]).unwrap();
        let used = used(volume.path());
        assert!((100_000..1 << 20).contains(&used), "{used}");
    }
}
