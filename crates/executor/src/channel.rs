//! What the minion and the executor say to each other: JSON lines over a socket pair, the executor's end of which is its
//! standard input.
//!
//! The minion begins with [`ToExecutor::Hello`], then a [`ToExecutor::Launch`] for every task that still lives, then
//! [`ToExecutor::Synced`]: a restarted executor knows by then which tasks exist. Either end closed means the other died.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

/// A line longer than this ends the connection: the largest task holds a pod of 64 KiB, in base64.
const MAX_LINE: u64 = 4 << 20;

/// What the minion tells the executor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToExecutor {
    /// The first word, and again when the agent changed.
    Hello(Agent),
    /// A task to run, or (before [`ToExecutor::Synced`]) one that runs already.
    Launch(Task),
    /// End a task. `grace_seconds` wins over the pod's own, unless they are none.
    Kill {
        /// Which.
        task_id: String,
        /// How long its containers get.
        grace_seconds: Option<i64>,
    },
    /// Every task that lives has been named.
    Synced,
    /// End all tasks, report them killed, and exit.
    Shutdown,
}

/// What the executor tells the minion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToMinion {
    /// A task's new state.
    Update {
        /// Whose.
        task_id: String,
        /// The state.
        state: TaskState,
        /// A word for people and for the scheduler (docs/architecture.md, "who writes what").
        message: String,
    },
    /// After [`ToExecutor::Shutdown`]: all tasks have been reported.
    Done,
}

/// The Mesos agent this node is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    /// The agent's hostname.
    pub hostname: String,
    /// The executor's ID.
    pub executor_id: String,
    /// CPUs of the agent.
    pub cpus: f64,
    /// Memory of the agent, MB.
    pub mem: f64,
    /// Disk of the agent, MB.
    pub disk: f64,
    /// CPUs of the executor itself, not to be given to pods.
    pub executor_cpus: f64,
    /// Memory of the executor itself, MB.
    pub executor_mem: f64,
    /// The agent's ports, in ranges: those that Mesos gives out.
    #[serde(default)]
    pub ports: Vec<(u64, u64)>,
    /// The agent's attributes as label values.
    pub attributes: Vec<(String, String)>,
}

/// A Mesos task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its ID, `pod.<uuid>` or `node.<uuid>`.
    pub id: String,
    /// Its data: the pod as v1 JSON, a reference to it, or a node task.
    pub data: String,
    /// The state that was reported last, if the task is not new.
    pub reported: Option<TaskState>,
}

/// The states that an executor reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskState {
    /// Bound to this node; its containers are being made.
    Starting,
    /// Its containers run.
    Running,
    /// All containers ended well.
    Finished,
    /// A container failed for good, or the task could not be launched.
    Failed,
    /// Ended because it was told to.
    Killed,
    /// Nothing is known of it.
    Lost,
}

impl TaskState {
    /// Whether nothing comes after it.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Killed | Self::Lost)
    }

    /// Its name in Mesos.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "TASK_STARTING",
            Self::Running => "TASK_RUNNING",
            Self::Finished => "TASK_FINISHED",
            Self::Failed => "TASK_FAILED",
            Self::Killed => "TASK_KILLED",
            Self::Lost => "TASK_LOST",
        }
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The reading half.
#[derive(Debug)]
pub struct Receiver {
    lines: BufReader<OwnedReadHalf>,
    line: Vec<u8>,
}

/// The writing half.
#[derive(Debug)]
pub struct Sender {
    half: OwnedWriteHalf,
}

/// Both halves of a connection.
#[must_use]
pub fn split(stream: UnixStream) -> (Receiver, Sender) {
    let (read, half) = stream.into_split();
    (Receiver { lines: BufReader::new(read), line: Vec::new() }, Sender { half })
}

impl Receiver {
    /// The next message, or `None` when the other end is gone. May be dropped while waiting: what was read is kept.
    ///
    /// # Errors
    /// On a broken socket, a line too long, or one that is no message.
    pub async fn next<M: DeserializeOwned>(&mut self) -> std::io::Result<Option<M>> {
        let room = MAX_LINE - self.line.len() as u64;
        (&mut self.lines).take(room).read_until(b'\n', &mut self.line).await?;
        if self.line.last() != Some(&b'\n') {
            return match self.line.len() as u64 {
                MAX_LINE => Err(std::io::Error::other("message of the channel is too long")),
                _ => Ok(None),
            };
        }
        let message = serde_json::from_slice(&self.line)?;
        self.line.clear();
        Ok(Some(message))
    }
}

impl Sender {
    /// Sends one message.
    ///
    /// # Errors
    /// On a broken socket: the other end died.
    pub async fn send<M: Serialize>(&mut self, message: &M) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.half.write_all(&line).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_arrive_whole_and_in_order() {
        let (one, two) = UnixStream::pair().unwrap();
        let ((_r1, mut to), (mut from, w2)) = (split(one), split(two));
        let task = Task { id: "pod.1".into(), data: "x".repeat(100_000), reported: Some(TaskState::Running) };
        let said = vec![
            ToExecutor::Hello(Agent { hostname: "h".into(), ..Agent::default() }),
            ToExecutor::Launch(task),
            ToExecutor::Kill { task_id: "pod.1".into(), grace_seconds: None },
            ToExecutor::Synced,
        ];
        let (send, expected) = (said.clone(), said);
        let sender = tokio::spawn(async move {
            for message in &send {
                to.send(message).await.unwrap();
            }
        });
        for message in expected {
            assert_eq!(from.next::<ToExecutor>().await.unwrap(), Some(message));
        }
        sender.await.unwrap();
        drop(_r1);
        assert_eq!(from.next::<ToExecutor>().await.unwrap(), None, "the other end is gone");
        drop(w2);
    }

    #[tokio::test]
    async fn what_is_no_message_is_an_error() {
        let (mut one, two) = UnixStream::pair().unwrap();
        let (mut from, _to) = split(two);
        one.write_all(b"{\"type\":\"nonsense\"}\n").await.unwrap();
        assert!(from.next::<ToExecutor>().await.is_err());
    }
}
