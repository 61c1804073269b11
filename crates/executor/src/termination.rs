//! What a container leaves to say when it ends: the end of the file at its terminationMessagePath, or else of its log.
//!
//! Each container has a file of its own in the pod's directory, bound at that path.

use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use bollard::query_parameters::LogsOptionsBuilder;
use futures::StreamExt;
use k8s_openapi::api::core::v1::Container as Spec;

use crate::files::PodDirectory;
use crate::observed::Container;
use crate::runtime::Runtime;

/// Where the file is where nobody says.
const DEFAULT_PATH: &str = "/dev/termination-log";
/// Kubernetes' limits: of the file, and of the log that stands for it.
const MAX_FILE: u64 = 4096;
const MAX_LOG: usize = 2048;
const LOG_LINES: &str = "80";

/// Where the container finds its file.
#[must_use]
pub fn path(spec: &Spec) -> &str {
    spec.termination_message_path.as_deref().filter(|path| !path.is_empty()).unwrap_or(DEFAULT_PATH)
}

/// The file of the container `name` at its `attempt`, below the pod's directory.
fn below(name: &str, attempt: u32) -> PathBuf {
    PathBuf::from("containers").join(name).join(attempt.to_string())
}

/// Makes the file, empty, for whatever user the container runs as; its path on the Docker host.
///
/// # Errors
/// When it cannot be written.
pub fn make(directory: &PodDirectory, name: &str, attempt: u32) -> io::Result<PathBuf> {
    let below = below(name, attempt);
    let here = directory.here.join(&below);
    if let Some(parent) = here.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::File::create(&here)?;
    std::fs::set_permissions(&here, std::fs::Permissions::from_mode(0o666))?;
    Ok(directory.host.join(below))
}

/// Removes the files of attempts before `attempt`, which no status shows any more.
pub fn forget(directory: &PodDirectory, name: &str, attempt: u32) {
    let old = directory.here.join("containers").join(name);
    for entry in std::fs::read_dir(old).into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        if number.is_some_and(|number| number < attempt) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// What an ended container left to say; empty where it said nothing.
pub async fn message(runtime: &Runtime, directory: &PodDirectory, spec: &Spec, container: &Container) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = std::fs::File::open(directory.here.join(below(&container.name, container.attempt))) {
        let length = file.metadata().map_or(0, |file| file.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(MAX_FILE)));
        let _ = file.take(MAX_FILE).read_to_end(&mut text);
    }
    let failed = container.exit().is_some_and(|exit| exit.code != 0);
    let or_logs = spec.termination_message_policy.as_deref() == Some("FallbackToLogsOnError");
    if text.is_empty() && failed && or_logs {
        text = log(runtime, &container.id).await;
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The end of the container's log.
async fn log(runtime: &Runtime, id: &str) -> Vec<u8> {
    let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail(LOG_LINES).build();
    let mut lines = runtime.docker().logs(id, Some(options));
    let mut text = Vec::new();
    while let Some(Ok(line)) = lines.next().await {
        text.extend_from_slice(&line.into_bytes());
    }
    text.drain(..text.len().saturating_sub(MAX_LOG));
    text
}
