//! etcd's revision now, for reads that must not be stale: one question for all that wait.

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::error::StorageError;
use super::etcd::Etcd;

type Answer = Result<u64, StorageError>;

/// Asks for etcd's revision on behalf of many.
#[derive(Clone)]
pub(crate) struct Fresh {
    questions: mpsc::Sender<oneshot::Sender<Answer>>,
}

impl Fresh {
    /// Starts the asker, which ends with `shutdown`.
    pub(crate) fn start(etcd: Etcd, shutdown: CancellationToken) -> Self {
        let (questions, asked) = mpsc::channel(4096);
        tokio::spawn(shutdown.run_until_cancelled_owned(answer(etcd, asked)));
        Self { questions }
    }

    /// A revision that etcd had reached at some time after this call.
    pub(crate) async fn revision(&self) -> Answer {
        let gone = || StorageError::Unavailable("the server is ending".to_owned());
        let (question, answer) = oneshot::channel();
        self.questions.send(question).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// Whoever asks while a question is under way waits for the next: its answer could be from before they asked.
async fn answer(etcd: Etcd, mut asked: mpsc::Receiver<oneshot::Sender<Answer>>) {
    let mut waiting = Vec::new();
    while asked.recv_many(&mut waiting, 4096).await > 0 {
        let answer = etcd.revision().await;
        for question in waiting.drain(..) {
            // one who went away meanwhile needs no answer
            let _ = question.send(answer.clone());
        }
    }
}
