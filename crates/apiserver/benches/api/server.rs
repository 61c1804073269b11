//! The API server as a process of its own.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::etcd::Etcd;
use crate::keys;
use crate::process::{self, Use};

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a start is looked at.
const LOOK: Duration = Duration::from_millis(1);

/// An API server on this etcd; it ends when dropped.
pub(crate) struct Server {
    child: Child,
    files: tempfile::TempDir,
    etcd: String,
    ports: (u16, u16),
}

impl Server {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start(etcd: &Etcd) -> anyhow::Result<Self> {
        let (files, ports) = (tempfile::tempdir()?, (free_port()?, free_port()?));
        keys::write(files.path());
        let child = run(&etcd.url, files.path(), ports)?;
        let server = Self { child, files, etcd: etcd.url.clone(), ports };
        server.ready().await?;
        Ok(server)
    }

    /// Ends the process at whatever it is at.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again, and gives the seconds until it is ready.
    pub(crate) async fn spawn(&mut self) -> anyhow::Result<f64> {
        let began = Instant::now();
        self.child = run(&self.etcd, self.files.path(), self.ports)?;
        self.ready().await?;
        Ok(began.elapsed().as_secs_f64())
    }

    async fn ready(&self) -> anyhow::Result<()> {
        let (client, url) = (reqwest::Client::builder().no_proxy().build()?, self.plain("/readyz"));
        let deadline = Instant::now() + PATIENCE;
        while !client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            anyhow::ensure!(Instant::now() < deadline, "the API server is not ready after {PATIENCE:?}");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Its memory and the CPU time that it has used.
    pub(crate) fn usage(&self) -> anyhow::Result<Use> {
        process::usage(&self.child.id().to_string()).context("the API server has ended")
    }

    /// A path on the TLS port.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.ports.0)
    }

    fn plain(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports.1)
    }

    /// A client that shows the administrator's certificate; each request that stays open has a connection of its own.
    pub(crate) fn client(&self) -> anyhow::Result<reqwest::Client> {
        let read = |name: &str| std::fs::read(self.files.path().join(name)).with_context(|| format!("read {name}"));
        let identity = (read("admin.crt")?, read("admin.key")?);
        let tls = serve::tls::client_config(&read("ca.crt")?, Some((&identity.0, &identity.1)))?;
        Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).http1_only().no_proxy().build()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn run(etcd: &str, files: &std::path::Path, (secure, plain): (u16, u16)) -> anyhow::Result<Child> {
    let k8sm = std::env::var("K8SM").context("`K8SM` does not name the executable; `make bench-api` does")?;
    Command::new(&k8sm)
        .args(["km", "apiserver", &format!("--etcd-servers={etcd}"), &format!("--cert-dir={}", files.display())])
        .args([&format!("--secure-port={secure}"), &format!("--insecure-port={plain}")])
        .args(["--bind-address=127.0.0.1", "--advertise-address=192.0.2.1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("start {k8sm}"))
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
