//! A real etcd that syncs to this disk, and what it does without an API server.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use etcd_client::{Client, Compare, CompareOp, GetOptions, Txn, TxnOp};

use crate::server::free_port;

/// How long etcd may take to answer first.
const PATIENCE: Duration = Duration::from_secs(20);
/// The largest answer: everything there is.
const MAX_MESSAGE: usize = 1 << 30;

/// An etcd of the bench's own; it ends when dropped.
pub(crate) struct Etcd {
    child: Child,
    pub(crate) url: String,
    _directory: tempfile::TempDir,
}

impl Etcd {
    /// Starts it with its data beside the build's, and waits until it answers.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let (url, peers) = (format!("http://127.0.0.1:{}", free_port()?), format!("http://127.0.0.1:{}", free_port()?));
        let child = Command::new("etcd")
            .arg("--data-dir")
            .arg(directory.path())
            .args(["--listen-client-urls", &url, "--advertise-client-urls", &url])
            .args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers])
            .args(["--initial-cluster", &format!("default={peers}"), "--log-level", "error"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start etcd (apt-get install etcd-server)")?;
        let etcd = Self { child, url, _directory: directory };
        let deadline = Instant::now() + PATIENCE;
        while etcd.client().await?.get("/", None).await.is_err() {
            anyhow::ensure!(Instant::now() < deadline, "etcd does not answer on {}", etcd.url);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(etcd)
    }

    async fn client(&self) -> anyhow::Result<Client> {
        Client::connect([&self.url], None).await.with_context(|| format!("connect to {}", self.url))
    }

    /// Reads all keys with the prefix over a new connection, in one answer, and gives the bytes of keys and values.
    pub(crate) async fn bytes(&self, prefix: &str) -> anyhow::Result<u64> {
        let mut kv = self.client().await?.kv_client().max_decoding_message_size(MAX_MESSAGE);
        let answer = kv.get(prefix, Some(GetOptions::new().with_prefix())).await.context("read everything")?;
        Ok(answer.kvs().iter().map(|kv| (kv.key().len() + kv.value().len()) as u64).sum())
    }

    /// Bare transactions a second, as many at a time: each puts a new key of `size` bytes under the condition that it is
    /// not there.
    pub(crate) async fn transactions(&self, size: usize, at_once: usize, length: Duration) -> anyhow::Result<f64> {
        let (client, done, value) = (self.client().await?, Arc::new(AtomicU64::new(0)), vec![b'x'; size]);
        let began = Instant::now();
        let run = rand::random::<u64>();
        let workers = (0..at_once).map(|worker| {
            let (mut kv, done, value) = (client.kv_client(), Arc::clone(&done), value.clone());
            tokio::spawn(async move {
                for n in 0.. {
                    if began.elapsed() > length {
                        break;
                    }
                    let key = format!("/bench/{run}/{worker}/{n}");
                    let txn = Txn::new()
                        .when([Compare::mod_revision(key.as_str(), CompareOp::Equal, 0)])
                        .and_then([TxnOp::put(key.as_str(), value.clone(), None)]);
                    kv.txn(txn).await.context("a bare transaction")?;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                anyhow::Ok(())
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await??;
        }
        Ok(done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
