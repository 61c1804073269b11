//! The images of a cluster: this executable as the one image of all servers, and etcd's.

pub(crate) mod elf;
pub(crate) mod etcd;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use bollard::Docker;
use bollard::query_parameters::CreateImageOptionsBuilder;
use bytes::Bytes;
use futures::StreamExt;
use ring::digest::{Context as Hasher, SHA256};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::archive;
use super::name;
use super::spec::hex12;
use crate::failure::Failure;

/// This executable, held open: it may be replaced on disk while we run.
const EXECUTABLE: &str = "/proc/self/exe";

/// The name of the image of this executable: `k8sm/km:<version>-<first 12 of its sha256>`.
///
/// # Errors
/// A failure of the environment when the executable cannot be read.
pub(crate) fn km_image() -> Result<String, Failure> {
    let digest =
        digest(Path::new(EXECUTABLE)).map_err(|error| Failure::environment("read this executable").because(error))?;
    Ok(format!("k8sm/km:{}-{digest}", env!("CARGO_PKG_VERSION")))
}

/// The first twelve digits of a file's sha256.
pub(crate) fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher) = (File::open(path)?, Hasher::new(&SHA256));
    let mut bytes = vec![0; CHUNK];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(hex12(hasher.finish().as_ref())),
            length => hasher.update(&bytes[..length]),
        }
    }
}

/// What an image is made of.
pub(crate) struct Recipe {
    /// Its name, with tag.
    pub(crate) image: String,
    /// Empty directories, with their mode.
    pub(crate) directories: Vec<(String, u32)>,
    /// Executables and libraries: path in the image, and on this machine.
    pub(crate) files: Vec<(String, PathBuf)>,
    /// Instructions of a Dockerfile, as `ENTRYPOINT ["/km"]`.
    pub(crate) changes: Vec<String>,
}

impl Recipe {
    /// The image of this executable.
    pub(crate) fn km(image: &str) -> Self {
        Self {
            image: image.to_owned(),
            directories: vec![("tmp".into(), 0o1777), ("etc".into(), 0o755)],
            files: vec![("km".into(), EXECUTABLE.into())],
            changes: vec!["ENTRYPOINT [\"/km\"]".into(), format!("LABEL {}=km", name::IMAGE)],
        }
    }

    /// Sends the image to the engine, for `cluster`. An interrupt breaks it off in the midst of the archive, so that the
    /// engine has nothing or, where it has all of it, the image.
    ///
    /// # Errors
    /// When a file cannot be read, or the engine refuses it.
    pub(crate) async fn send(
        self,
        docker: &Docker,
        cluster: &str,
        run: &str,
        interrupt: &CancellationToken,
    ) -> anyhow::Result<()> {
        let (repo, tag) = self.image.rsplit_once(':').ok_or_else(|| anyhow!("image {} has no tag", self.image))?;
        let mut changes = self.changes.clone();
        changes.push(format!("LABEL {}={cluster} {}={run}", name::CLUSTER, name::RUN));
        let options = CreateImageOptionsBuilder::default().from_src("-").repo(repo).tag(tag).changes(changes).build();
        let what = format!("send image {}", self.image);
        let (chunks, received) = mpsc::channel(8);
        let interrupt = interrupt.clone();
        let packed = tokio::task::spawn_blocking(move || {
            let broken = chunks.clone();
            let packed = self.pack(Chunks { chunks, held: Vec::new(), interrupt });
            if packed.is_err() {
                // Without this the engine would take what it got for the whole.
                let _ = broken.blocking_send(Err(io::ErrorKind::BrokenPipe.into()));
            }
            packed
        });
        let body = bollard::body_try_stream(futures::stream::unfold(received, |mut received| async {
            received.recv().await.map(|chunk| (chunk, received))
        }));
        let mut answers = std::pin::pin!(docker.create_image(Some(options), Some(body), None));
        let mut refused = None;
        while let Some(answer) = answers.next().await {
            refused = answer.err().or(refused);
        }
        // The reason why the archive broke off says more than what the engine thought of the rest.
        let packed = packed.await.context("pack the image")?;
        match (packed, refused) {
            (Err(error), _) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context(what),
            (_, Some(error)) => Err(error).context(what),
            _ => Ok(()),
        }
    }

    /// Writes the image's one layer.
    fn pack(self, chunks: Chunks) -> io::Result<()> {
        let mut builder = tar::Builder::new(chunks);
        for (path, mode) in &self.directories {
            archive::append_directory(&mut builder, path, *mode)?;
        }
        for (path, source) in &self.files {
            archive::append_executable(&mut builder, path, source)?;
        }
        builder.into_inner()?.flush()
    }
}

/// A writer whose bytes go to a request's body, in chunks.
struct Chunks {
    chunks: mpsc::Sender<io::Result<Bytes>>,
    held: Vec<u8>,
    interrupt: CancellationToken,
}

/// How many bytes are sent at once.
const CHUNK: usize = 256 * 1024;

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.interrupt.is_cancelled() {
            // Not the kind `Interrupted`, after which writers try again.
            return Err(io::Error::other("interrupted"));
        }
        let chunk = Bytes::from(std::mem::take(&mut self.held));
        self.chunks.blocking_send(Ok(chunk)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_the_start_of_the_sha256() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        assert_eq!(digest(file.path()).unwrap(), "ba7816bf8f01");
    }

    #[tokio::test]
    async fn an_image_s_layer_holds_the_executable() {
        let recipe = Recipe::km("k8sm/km:test");
        let (chunks, mut received) = mpsc::channel(8);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![7; CHUNK + 1]).unwrap();
        let recipe = Recipe { files: vec![("km".into(), file.path().into())], ..recipe };
        let interrupt = CancellationToken::new();
        let packed = tokio::task::spawn_blocking(move || recipe.pack(Chunks { chunks, held: Vec::new(), interrupt }));
        let mut layer = Vec::new();
        while let Some(chunk) = received.recv().await {
            layer.extend_from_slice(&chunk.unwrap());
        }
        packed.await.unwrap().unwrap();
        let files = archive::unpack(&layer).unwrap();
        assert_eq!(files, [("km".to_owned(), vec![7; CHUNK + 1])]);
    }
}
