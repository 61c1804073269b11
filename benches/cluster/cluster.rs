//! A cluster that `k8sm` itself brings up and takes down, with the time that each command took.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

/// A cluster's name and kubeconfig; it is taken down when dropped.
pub(crate) struct Cluster {
    /// Its name.
    pub(crate) name: String,
    dir: tempfile::TempDir,
}

impl Cluster {
    pub(crate) fn new(purpose: &str) -> anyhow::Result<Self> {
        Ok(Self { name: format!("bench-{purpose}-{}", std::process::id()), dir: tempfile::tempdir()? })
    }

    /// The file that `up` writes.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join("kubeconfig")
    }

    /// Runs `k8sm` for this cluster and gives the seconds it took.
    pub(crate) fn k8sm(&self, words: &[&str]) -> anyhow::Result<f64> {
        self.run(Command::new(env!("CARGO_BIN_EXE_k8sm")).args(words))
    }

    /// Runs any command with this cluster's kubeconfig and gives the seconds it took.
    pub(crate) fn run(&self, command: &mut Command) -> anyhow::Result<f64> {
        let command = command
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", self.dir.path())
            .env("K8SM_CLUSTER", &self.name)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let began = Instant::now();
        let output = command.output().with_context(|| format!("run {}", command.get_program().display()))?;
        let took = began.elapsed().as_secs_f64();
        if !output.status.success() {
            bail!("{command:?} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(took)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.k8sm(&["down"]) {
            eprintln!("{error:#}");
        }
    }
}
