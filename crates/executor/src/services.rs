//! The way to the node's service proxy: a pod's containers start when services can be reached from it.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// How long a pod waits for the proxy; then it starts all the same.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between attempts: the proxy may be starting, and a sandbox's socket appears a moment after its process.
const BETWEEN: Duration = Duration::from_millis(20);

/// Waits until the proxy whose door is below `root` has made the services of the pod `uid`. Its network must exist.
///
/// # Errors
/// What was the matter with the last attempt, when the time is over.
pub async fn await_ready(root: &Path, uid: &str) -> Result<(), String> {
    within(PATIENCE, root, uid).await
}

async fn within(patience: Duration, root: &Path, uid: &str) -> Result<(), String> {
    let mut trouble = "it does not answer".to_owned();
    let attempts = async {
        loop {
            match ask(root, uid).await {
                Ok(answer) if answer == "ok" => return,
                Ok(answer) => trouble = answer,
                Err(error) => trouble = error.to_string(),
            }
            tokio::time::sleep(BETWEEN).await;
        }
    };
    match tokio::time::timeout(patience, attempts).await {
        Ok(()) => Ok(()),
        Err(_) => Err(trouble),
    }
}

/// Asks once (the proxy's door: docs/architecture.md).
async fn ask(root: &Path, uid: &str) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(root.join("proxy.sock")).await?;
    stream.write_all(format!("pod {uid}\n").as_bytes()).await?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).await?;
    Ok(answer.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn it_asks_until_the_answer_is_ok() {
        let root = tempfile::tempdir().unwrap();
        let asking = tokio::spawn({
            let root = root.path().to_owned();
            async move { await_ready(&root, "u-1").await }
        });
        let door = UnixListener::bind(root.path().join("proxy.sock")).unwrap();
        for answer in ["error: no such sandbox\n", "ok\n"] {
            let (mut caller, _) = door.accept().await.unwrap();
            let mut asked = [0; 8];
            caller.read_exact(&mut asked).await.unwrap();
            assert_eq!(&asked, b"pod u-1\n");
            caller.write_all(answer.as_bytes()).await.unwrap();
        }
        assert_eq!(asking.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn nobody_at_the_door_is_said_in_the_end() {
        let root = tempfile::tempdir().unwrap();
        let outcome = within(Duration::from_millis(50), root.path(), "u-1").await;
        assert!(outcome.unwrap_err().contains("No such file"));
    }
}
