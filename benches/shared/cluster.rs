//! A cluster that `k8sm` itself brings up and takes down, with the time that each command took. Shared by the benches.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use kube::config::{KubeConfigOptions, Kubeconfig};

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

    /// A client of its API server.
    pub(crate) async fn client(&self) -> anyhow::Result<kube::Client> {
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig())?;
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        // $HTTPS_PROXY is for the internet.
        config.proxy_url = None;
        Ok(kube::Client::try_from(config)?)
    }

    /// The Docker network of its pods.
    pub(crate) fn pod_network(&self) -> String {
        format!("{}-pods", self.name)
    }

    /// Runs `k8sm` for this cluster; gives the seconds it took and what it printed.
    pub(crate) fn k8sm(&self, words: &[&str]) -> anyhow::Result<(f64, String)> {
        self.run(Command::new(env!("CARGO_BIN_EXE_k8sm")).args(words))
    }

    /// Runs any command with this cluster's kubeconfig; gives the seconds it took and what it printed.
    pub(crate) fn run(&self, command: &mut Command) -> anyhow::Result<(f64, String)> {
        let command = command
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", self.dir.path())
            .env("K8SM_CLUSTER", &self.name)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let began = Instant::now();
        let output = command.output().with_context(|| format!("run {}", command.get_program().display()))?;
        let took = began.elapsed().as_secs_f64();
        if !output.status.success() {
            bail!("{command:?} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok((took, String::from_utf8_lossy(&output.stdout).into_owned()))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.k8sm(&["down"]) {
            eprintln!("{error:#}");
        }
    }
}
