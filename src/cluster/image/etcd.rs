//! etcd's image: this machine's `etcd` wrapped with the libraries that it needs, or pulled.

use std::path::{Path, PathBuf};

use anyhow::Context;
use bollard::Docker;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::StreamExt;

use super::{Recipe, digest, elf};
use crate::cluster::name;

/// This machine's `etcd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnEtcd {
    pub(crate) executable: PathBuf,
    /// The name of the image that wraps it.
    pub(crate) image: String,
}

/// The `etcd` executable of this machine: the first on the PATH. One that cannot be read is none.
pub(crate) fn on_this_machine() -> Option<OwnEtcd> {
    let path = std::env::var_os("PATH")?;
    let executable =
        std::env::split_paths(&path).map(|directory| directory.join("etcd")).find(|file| is_executable(file))?;
    let image = image_of(&executable).ok()?;
    Some(OwnEtcd { executable, image })
}

fn image_of(executable: &Path) -> std::io::Result<String> {
    Ok(format!("k8sm/etcd:{}", digest(executable)?))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Pulls `image`.
///
/// # Errors
/// What the engine said.
pub(crate) async fn pull(docker: &Docker, image: &str) -> anyhow::Result<()> {
    let image = if image.rsplit('/').next().is_some_and(|last| last.contains([':', '@'])) {
        image.to_owned()
    } else {
        // Without a tag the engine would pull every one.
        format!("{image}:latest")
    };
    let options = CreateImageOptionsBuilder::default().from_image(&image).build();
    let mut answers = std::pin::pin!(docker.create_image(Some(options), None, None));
    while let Some(answer) = answers.next().await {
        answer.with_context(|| format!("pull image {image}"))?;
    }
    Ok(())
}

/// The image that wraps `executable`: `/usr/local/bin/etcd`, and its libraries where its linker looks for them.
///
/// # Errors
/// When it cannot be read, or a library is missing.
pub(crate) fn wrapped(executable: &Path) -> anyhow::Result<Recipe> {
    let what = || format!("wrap {} into an image", executable.display());
    let image = image_of(executable).with_context(what)?;
    let inside = |path: &Path| path.to_string_lossy().trim_start_matches('/').to_owned();
    let libraries = elf::libraries(executable).with_context(what)?;
    let mut files: Vec<(String, PathBuf)> = libraries.into_iter().map(|path| (inside(&path), path)).collect();
    files.push(("usr/local/bin/etcd".into(), executable.to_owned()));
    Ok(Recipe {
        image,
        directories: vec![("tmp".into(), 0o1777), ("var/lib/etcd".into(), 0o700)],
        files,
        changes: vec![
            "ENV PATH=/usr/local/bin".into(),
            "ENTRYPOINT [\"/usr/local/bin/etcd\"]".into(),
            format!("LABEL {}=etcd", name::IMAGE),
        ],
    })
}
