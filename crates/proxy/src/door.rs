//! The proxy's door: a unix socket at which the executor says that a pod's sandbox is up, and waits for its services.
//!
//! One line a request, `pod UID`; the answer is `ok` once the pod's table is made, or `error: …`. Only root can open it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// The door's name below the node's root directory.
pub(crate) const NAME: &str = "proxy.sock";
const MAX_LINE: u64 = 128;
const PATIENCE: Duration = Duration::from_secs(10);

/// A pod to make a table for, and whom to tell.
pub(crate) struct Request {
    /// The pod's UID.
    pub(crate) uid: String,
    /// Told the outcome, as the line to answer.
    pub(crate) answer: oneshot::Sender<String>,
}

/// Listens below `root`, in place of a door that an earlier proxy left.
///
/// # Errors
/// When the socket cannot be made.
pub(crate) fn open(root: &Path) -> anyhow::Result<UnixListener> {
    let path: PathBuf = root.join(NAME);
    if path.exists() {
        std::fs::remove_file(&path).with_context(|| format!("removing the stale {}", path.display()))?;
    }
    let listener = UnixListener::bind(&path).with_context(|| format!("listening on {}", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .with_context(|| format!("closing {} to others", path.display()))?;
    Ok(listener)
}

/// Takes requests until `stop` is cancelled.
pub(crate) async fn serve(listener: UnixListener, requests: mpsc::Sender<Request>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { tokio::spawn(tokio::time::timeout(PATIENCE, attend(stream, requests.clone()))); }
                Err(error) => tracing::warn!("accepting at the proxy's door: {error}"),
            }
        }
    }
}

/// One caller, one request.
async fn attend(mut stream: UnixStream, requests: mpsc::Sender<Request>) {
    let mut line = String::new();
    let (read, mut write) = stream.split();
    if BufReader::new(read.take(MAX_LINE)).read_line(&mut line).await.is_err() {
        return;
    }
    let answer = match line.trim_end().strip_prefix("pod ") {
        Some(uid) if !uid.is_empty() && uid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
            let (answer, answered) = oneshot::channel();
            let asked = requests.send(Request { uid: uid.to_owned(), answer }).await;
            match asked {
                Ok(()) => answered.await.unwrap_or_else(|_| "error: the proxy is ending".to_owned()),
                Err(_) => "error: the proxy is ending".to_owned(),
            }
        }
        _ => "error: say `pod UID`".to_owned(),
    };
    // a caller that left does not want the answer
    let _ = write.write_all(format!("{answer}\n").as_bytes()).await;
}
