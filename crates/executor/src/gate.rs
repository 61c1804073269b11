//! The program that looks at a container's mounts before the container's own begins (`sandbox::gate`): taken from the image
//! of the sandboxes, once, and bound into the containers that need it.

use std::io;
use std::path::{Path, PathBuf};

use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use crate::context::Context;
use crate::runtime::{Runtime, words};

/// Where a container has it. `/dev` is a file system of the container's own, so that nothing is left in the image.
pub const PATH: &str = "/dev/km";
/// Where the image of sandboxes has it.
const IN_IMAGE: &str = "/km";

/// The program as the Docker host sees it, taken from the sandbox `id` where it is not here yet.
///
/// # Errors
/// What the engine or the disk says.
pub async fn program(context: &Context, id: &str) -> Result<PathBuf, String> {
    let image = &context.flags.pod_infra_container_image;
    let name: String = Sha256::digest(image).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let (here, below) = (&context.flags.root_dir, Path::new("programs").join(name));
    let file = here.join(&below);
    let taken = context.gate.get_or_try_init(|| async {
        // those of images of before are nobody's but of containers that have them open
        if !file.is_file() {
            take(&context.runtime, id, &file).await.map_err(|error| format!("cannot take {IN_IMAGE}: {error}"))?;
        }
        Ok::<_, String>(())
    });
    taken.await?;
    Ok(context.placement.host_root.join(below))
}

async fn take(runtime: &Runtime, id: &str, file: &Path) -> io::Result<()> {
    let directory = file.parent().ok_or_else(|| io::Error::other("no directory"))?;
    std::fs::create_dir_all(directory)?;
    let (archive, next) = (file.with_extension("tar"), file.with_extension("new"));
    let options = DownloadFromContainerOptionsBuilder::default().path(IN_IMAGE).build();
    let mut pieces = runtime.docker().download_from_container(id, Some(options));
    let mut spool = tokio::fs::File::create(&archive).await?;
    while let Some(piece) = pieces.next().await {
        spool.write_all(&piece.map_err(|error| io::Error::other(words(&error)))?).await?;
    }
    spool.flush().await?;
    let unpacked = tokio::task::spawn_blocking({
        let (archive, next, file) = (archive.clone(), next, file.to_owned());
        move || {
            let mut entries = tar::Archive::new(std::fs::File::open(archive)?);
            let mut entry = entries.entries()?.next().ok_or_else(|| io::Error::other("it is empty"))??;
            entry.unpack(&next)?;
            std::fs::rename(next, file)
        }
    });
    let outcome = unpacked.await.map_err(io::Error::other)?;
    let _ = tokio::fs::remove_file(archive).await;
    outcome
}
