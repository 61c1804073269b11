//! The fetcher: files that a command wants in its sandbox (reference, section 9.5).

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use futures::StreamExt;
use mesos::Uri;
use tokio::io::AsyncWriteExt;

/// Why a file is not in the sandbox.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the URI '{0}' has no file name")]
    NoName(String),
    #[error("the output file '{0}' has to be a relative path within the sandbox")]
    OutsideSandbox(String),
    #[error("the URI '{uri}' has a scheme that is not supported: {scheme}")]
    Scheme { uri: String, scheme: String },
    #[error("the relative URI '{0}' needs the agent's --frameworks_home")]
    Relative(String),
    #[error("failed to copy '{from}' to '{to}'")]
    Copy { from: String, to: PathBuf, source: io::Error },
    #[error("failed to download '{uri}'")]
    Download { uri: String, source: reqwest::Error },
    #[error("failed to download '{uri}': {status}")]
    Status { uri: String, status: reqwest::StatusCode },
    #[error("the download of '{uri}' stood still for {} s", .wait.as_secs())]
    Stalled { uri: String, wait: Duration },
    #[error("failed to extract '{0}'")]
    Extract(PathBuf, #[source] io::Error),
    #[error("failed to extract '{0}': archives of this kind are not supported")]
    Archive(PathBuf),
}

/// Where and how files are fetched.
pub(crate) struct Fetcher<'a> {
    pub(crate) sandbox: &'a Path,
    /// Where relative URIs are found.
    pub(crate) frameworks_home: Option<&'a Path>,
    /// How long a download may stand still.
    pub(crate) stall_timeout: Duration,
}

impl Fetcher<'_> {
    /// Fetches one file, makes it executable or extracts it as the URI asks.
    pub(crate) async fn fetch(&self, uri: &Uri) -> Result<(), Error> {
        let target = self.sandbox.join(target(uri)?);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent).map_err(|error| copy_error(&uri.value, &target, error))?;
        }
        match Source::of(&uri.value, self.frameworks_home)? {
            Source::File(path) => {
                let (from, to) = (path.clone(), target.clone());
                let copied = tokio::task::spawn_blocking(move || std::fs::copy(from, to)).await;
                let copied = copied.unwrap_or_else(|error| Err(io::Error::other(error)));
                copied.map_err(|error| copy_error(&path.to_string_lossy(), &target, error))?;
            }
            Source::Web(address) => self.download(address, &target).await?,
        }
        if uri.executable == Some(true) {
            let permissions = std::fs::Permissions::from_mode(0o755);
            return std::fs::set_permissions(&target, permissions)
                .map_err(|error| copy_error(&uri.value, &target, error));
        }
        if uri.extract {
            let sandbox = self.sandbox.to_owned();
            let extraction = tokio::task::spawn_blocking(move || extract(&target, &sandbox)).await;
            return extraction
                .unwrap_or_else(|error| Err(Error::Extract(self.sandbox.to_owned(), io::Error::other(error))));
        }
        Ok(())
    }

    async fn download(&self, uri: &str, target: &Path) -> Result<(), Error> {
        let failed = |source| Error::Download { uri: uri.to_owned(), source };
        serve::tls::install_provider();
        let client = reqwest::Client::builder().connect_timeout(self.stall_timeout).build().map_err(failed)?;
        let response = client.get(uri).send().await.map_err(failed)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(Error::Status { uri: uri.to_owned(), status: response.status() });
        }
        let mut body = response.bytes_stream();
        let mut file = tokio::fs::File::create(target).await.map_err(|error| copy_error(uri, target, error))?;
        loop {
            let piece = tokio::time::timeout(self.stall_timeout, body.next());
            let piece = piece.await.map_err(|_| Error::Stalled { uri: uri.to_owned(), wait: self.stall_timeout })?;
            let Some(piece) = piece else { break };
            file.write_all(&piece.map_err(failed)?).await.map_err(|error| copy_error(uri, target, error))?;
        }
        file.flush().await.map_err(|error| copy_error(uri, target, error))
    }
}

fn copy_error(from: &str, to: &Path, source: io::Error) -> Error {
    Error::Copy { from: from.to_owned(), to: to.to_owned(), source }
}

/// Where a URI's bytes are.
#[derive(Debug, PartialEq, Eq)]
enum Source<'a> {
    File(PathBuf),
    Web(&'a str),
}

impl<'a> Source<'a> {
    fn of(uri: &'a str, frameworks_home: Option<&Path>) -> Result<Self, Error> {
        if let Some(path) = uri.strip_prefix("file://") {
            return Ok(Self::File(PathBuf::from(path)));
        }
        match uri.split_once("://") {
            Some(("http" | "https", _)) => Ok(Self::Web(uri)),
            Some((scheme, _)) => Err(Error::Scheme { uri: uri.to_owned(), scheme: scheme.to_owned() }),
            None if uri.starts_with('/') => Ok(Self::File(PathBuf::from(uri))),
            None => match frameworks_home {
                Some(home) => Ok(Self::File(home.join(uri))),
                None => Err(Error::Relative(uri.to_owned())),
            },
        }
    }
}

/// Where in the sandbox a URI's file goes: as it asks, or by the name behind the last slash.
fn target(uri: &Uri) -> Result<PathBuf, Error> {
    if let Some(output) = &uri.output_file {
        let path = PathBuf::from(output);
        let within = !output.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)));
        return within.then_some(path).ok_or_else(|| Error::OutsideSandbox(output.clone()));
    }
    let name = uri.value.rsplit('/').next().unwrap_or_default();
    let bad = matches!(name, "" | "." | "..") || name.contains(['\\', '\'', '\0']);
    (!bad).then(|| PathBuf::from(name)).ok_or_else(|| Error::NoName(uri.value.clone()))
}

/// Extracts an archive, known by its suffix, into the sandbox beside it; anything else is left as it is.
fn extract(archive: &Path, sandbox: &Path) -> Result<(), Error> {
    let name = archive.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
    let failed = |error| Error::Extract(archive.to_owned(), error);
    let open = || File::open(archive).map_err(failed);
    if is(&[".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".zip"]) {
        return Err(Error::Archive(archive.to_owned()));
    }
    if is(&[".tar.gz", ".tgz"]) {
        return unpack(flate2::read::GzDecoder::new(open()?), sandbox).map_err(failed);
    }
    if is(&[".tar"]) {
        return unpack(open()?, sandbox).map_err(failed);
    }
    if is(&[".gz"]) {
        let mut plain = File::create(archive.with_extension("")).map_err(failed)?;
        return io::copy(&mut flate2::read::GzDecoder::new(open()?), &mut plain).map(|_| ()).map_err(failed);
    }
    Ok(())
}

/// `tar` refuses entries that would leave the directory.
fn unpack(archive: impl Read, sandbox: &Path) -> io::Result<()> {
    let mut archive = tar::Archive::new(archive);
    archive.set_preserve_permissions(true);
    archive.unpack(sandbox)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetcher(sandbox: &Path) -> Fetcher<'_> {
        Fetcher { sandbox, frameworks_home: None, stall_timeout: Duration::from_secs(10) }
    }

    fn uri(value: &str) -> Uri {
        Uri { value: value.to_owned(), ..Uri::default() }
    }

    #[test]
    fn a_file_is_named_as_asked_or_by_its_uri() {
        assert_eq!(target(&uri("http://h/a/run.sh?x=1")).unwrap(), Path::new("run.sh?x=1"));
        let asked = |output: &str| target(&Uri { output_file: Some(output.into()), ..uri("/a/b") });
        assert_eq!(asked("bin/run").unwrap(), Path::new("bin/run"));
        for outside in ["/etc/passwd", "../x", "a/../../x", ""] {
            assert!(matches!(asked(outside), Err(Error::OutsideSandbox(_))), "{outside}");
        }
        for bad in ["http://h/", "/a/..", "/a/x'y"] {
            assert!(target(&uri(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn schemes_that_are_not_served_are_refused_by_name() {
        assert_eq!(Source::of("file:///km", None).unwrap(), Source::File("/km".into()));
        assert_eq!(Source::of("km", Some(Path::new("/home"))).unwrap(), Source::File("/home/km".into()));
        assert!(Source::of("km", None).is_err());
        let refusal = Source::of("hdfs://n/km", None).unwrap_err().to_string();
        assert!(refusal.ends_with("hdfs"), "{refusal}");
    }

    #[tokio::test]
    async fn executables_are_executable_and_archives_are_extracted() {
        let (sandbox, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let program = there.path().join("program");
        std::fs::write(&program, "#!/bin/sh\n").unwrap();
        let archive = there.path().join("files.tar.gz");
        let mut tar =
            tar::Builder::new(flate2::write::GzEncoder::new(File::create(&archive).unwrap(), Default::default()));
        tar.append_path_with_name(&program, "inner/program").unwrap();
        tar.into_inner().unwrap().finish().unwrap();

        let executable = Uri { executable: Some(true), ..uri(&format!("file://{}", program.display())) };
        fetcher(sandbox.path()).fetch(&executable).await.unwrap();
        let mode = std::fs::metadata(sandbox.path().join("program")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        fetcher(sandbox.path()).fetch(&uri(archive.to_str().unwrap())).await.unwrap();
        assert!(sandbox.path().join("files.tar.gz").exists());
        assert!(sandbox.path().join("inner/program").exists());
        assert!(fetcher(sandbox.path()).fetch(&uri("/no/such/file")).await.is_err());
    }

    #[tokio::test]
    async fn a_download_needs_status_200() {
        let served = axum::Router::new().route("/run", axum::routing::get(|| async { "content" }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = tokio_util::sync::CancellationToken::new();
        let server = tokio::spawn(serve::http::plain(listener, serve::http::router(served), stop.clone()));
        let sandbox = tempfile::tempdir().unwrap();

        fetcher(sandbox.path()).fetch(&uri(&format!("http://{address}/run"))).await.unwrap();
        assert_eq!(std::fs::read_to_string(sandbox.path().join("run")).unwrap(), "content");
        let absent = fetcher(sandbox.path()).fetch(&uri(&format!("http://{address}/absent"))).await;
        assert!(matches!(absent, Err(Error::Status { status, .. }) if status == 404));
        stop.cancel();
        server.await.unwrap();
    }
}
