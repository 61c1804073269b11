//! Watches the size of emptyDirs that have a limit.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube_api::quantity::Quantity;

use super::{directory, is_memory};
use crate::context::Context;
use crate::plan::Cause;
use crate::pod;

/// How often directories are measured: Kubernetes' kubelet does every ten seconds too.
const PERIOD: Duration = Duration::from_secs(10);
/// Bytes of a block as the kernel counts a file's.
const BLOCK: u64 = 512;

/// An emptyDir with its limit.
struct Limited {
    name: String,
    limit: String,
    bytes: u64,
    directory: PathBuf,
}

/// Returns when a volume of the pod exceeds its limit; never, where none has one. One in memory cannot.
pub async fn exceeded(context: &Context, pod: &Pod) -> Cause {
    let volumes = pod::spec(pod).volumes.iter().flatten();
    let limited = volumes.filter_map(|volume| {
        let empty = volume.empty_dir.as_ref().filter(|_| !is_memory(volume))?;
        let limit = empty.size_limit.as_ref()?.0.clone();
        let bytes = limit.parse::<Quantity>().ok().map(Quantity::as_f64).filter(|bytes| *bytes > 0.0)? as u64;
        let (directory, _) = directory(context, pod, super::EMPTY_DIR, &volume.name);
        Some(Limited { name: volume.name.clone(), limit, bytes, directory })
    });
    let limited: Vec<_> = limited.collect();
    if limited.is_empty() {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(PERIOD).await;
        for Limited { name, limit, bytes, directory } in &limited {
            let directory = directory.clone();
            let used = tokio::task::spawn_blocking(move || used(&directory)).await.unwrap_or_default();
            if used > *bytes {
                let message = format!("Usage of EmptyDir volume \"{name}\" exceeds the limit \"{limit}\". ");
                return Cause { reason: "Evicted", message };
            }
        }
    }
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
