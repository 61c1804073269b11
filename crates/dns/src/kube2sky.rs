//! `km kube2sky`: services of the cluster as SkyDNS records in the pod's own etcd.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use etcd_client::{Client, ConnectOptions};

use crate::follow::{self, Change};
use crate::kubernetes::Access;
use crate::ready::Ready;
use crate::store;

/// Attempts at an etcd that is not there yet, and the time between them, as the original had them; ours is less patient.
const ATTEMPTS: u32 = 600;
const BETWEEN: Duration = Duration::from_millis(100);

#[derive(Debug, Parser)]
#[command(about = "Writes records of services for skydns")]
struct Flags {
    /// The cluster's domain
    #[arg(long, default_value = "cluster.local")]
    domain: String,
    /// The pod's etcd
    #[arg(long, default_value = "http://127.0.0.1:4001")]
    etcd_server: String,
    /// Seconds (or 10s) for one write; kube2sky ends when they pass
    #[arg(long, default_value = "10s", value_parser = serve::duration::of_flag)]
    etcd_mutation_timeout: Duration,
    /// Port of /readiness
    #[arg(long, default_value_t = 8081)]
    healthz_port: u16,
    /// Verbosity of the log
    #[arg(long, default_value_t = 0)]
    v: u8,
    #[command(flatten)]
    access: Access,
}

/// Runs until SIGTERM or SIGINT, or until etcd refuses a write: then the container is restarted and begins anew.
///
/// # Errors
/// When flags are wrong, the API server's credentials are missing, or etcd does not take the records.
pub fn run(args: Vec<String>) -> serve::Running {
    Box::pin(main(args))
}

async fn main(args: Vec<String>) -> anyhow::Result<()> {
    let flags: Flags = serve::flags::parse("kube2sky", args, &["kube-master-host"])?;
    serve::log::init(flags.v);
    let stop = serve::shutdown::on_signal().context("watching for signals")?;
    let client = flags.access.client().await?;
    let mut etcd = connect(&flags).await?;
    let ready = Ready::default();
    let health =
        tokio::spawn(ready.clone().serve(SocketAddr::from((Ipv4Addr::UNSPECIFIED, flags.healthz_port)), stop.clone()));
    let mut first = true;
    let mut failed = Ok(());
    let failing = stop.clone();
    follow::follow(client, &flags.domain, stop.clone(), async |change: Change| {
        let written = store::write(&mut etcd, &change, std::mem::take(&mut first));
        match tokio::time::timeout(flags.etcd_mutation_timeout, written).await {
            Ok(Ok(())) => ready.set(),
            Ok(Err(error)) => failed = Err(error),
            Err(_) => failed = Err(anyhow::anyhow!("etcd took longer than {:?}", flags.etcd_mutation_timeout)),
        }
        if failed.is_err() {
            failing.cancel();
        }
    })
    .await;
    stop.cancel();
    health.await.context("serving /readiness")??;
    failed
}

async fn connect(flags: &Flags) -> anyhow::Result<Client> {
    let options = ConnectOptions::new().with_connect_timeout(BETWEEN).with_timeout(flags.etcd_mutation_timeout);
    for attempt in 1.. {
        let mut client = Client::connect([&flags.etcd_server], Some(options.clone()))
            .await
            .with_context(|| format!("--etcd-server={}", flags.etcd_server))?;
        match client.status().await {
            Ok(_) => return Ok(client),
            Err(error) if attempt == ATTEMPTS => {
                return Err(error).with_context(|| format!("reaching etcd at {}", flags.etcd_server));
            }
            Err(_) => tokio::time::sleep(BETWEEN).await,
        }
    }
    unreachable!("the last attempt returns")
}
