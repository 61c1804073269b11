//! `km skydns`: the name server, over records in etcd, or straight from the API server (`--kubernetes`, no etcd).

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;

use crate::answer::Domain;
use crate::follow;
use crate::forward::Forwarder;
use crate::kubernetes::Access;
use crate::ready::Ready;
use crate::server::{Resolver, Server};
use crate::store;
use crate::zone::Shared;

/// Flags of the original that mean nothing here.
const IGNORED: &[&str] = &[
    "ns-rotate",
    "round-robin",
    "rcache",
    "rcache-ttl",
    "ndots",
    "local",
    "no-rec",
    "verbose",
    "discover",
    "stub",
    "hostmaster",
    "config",
];

#[derive(Debug, Parser)]
#[command(about = "Answers names of the cluster's services")]
struct Flags {
    /// etcd with the records
    #[arg(long, env = "ETCD_MACHINES", default_value = "http://127.0.0.1:4001")]
    machines: String,
    /// Where to listen, UDP and TCP
    #[arg(long, env = "SKYDNS_ADDR", default_value = "0.0.0.0:53")]
    addr: SocketAddr,
    /// The domain answered with authority
    #[arg(long, env = "SKYDNS_DOMAIN", default_value = "cluster.local.")]
    domain: String,
    /// Who knows other names, as IP:PORT; those of /etc/resolv.conf where not given
    #[arg(long, env = "SKYDNS_NAMESERVERS", value_delimiter = ',')]
    nameservers: Vec<SocketAddr>,
    /// Where other nameservers are read from
    #[arg(long, default_value = "/etc/resolv.conf")]
    resolv_conf: PathBuf,
    /// Take the records from the API server, without etcd and kube2sky
    #[arg(long)]
    kubernetes: bool,
    /// Port of /readiness; 0 for none
    #[arg(long, default_value_t = 0)]
    healthz_port: u16,
    /// Verbosity of the log
    #[arg(long, default_value_t = 0)]
    v: u8,
    #[command(flatten)]
    access: Access,
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// When flags are wrong, the port is taken, or the API server's credentials are missing.
pub fn run(args: Vec<String>) -> serve::Running {
    Box::pin(main(args))
}

async fn main(args: Vec<String>) -> anyhow::Result<()> {
    let flags: Flags = serve::flags::parse("skydns", args, IGNORED)?;
    serve::log::init(flags.v);
    let stop = serve::shutdown::on_signal().context("watching for signals")?;
    let domain = Domain::parse(&flags.domain).with_context(|| format!("--domain={}", flags.domain))?;
    let zone = Arc::new(Shared::default());
    let resolver = Resolver::new(Arc::clone(&zone), domain, forwarder(&flags));
    let server = Server::bind(flags.addr, resolver).await.with_context(|| format!("listening on {}", flags.addr))?;
    tracing::info!("answering {} on {}", flags.domain, flags.addr);
    let ready = Ready::default();
    let mut tasks = tokio::task::JoinSet::new();
    if flags.healthz_port > 0 {
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, flags.healthz_port));
        tasks.spawn(ready.clone().serve(address, stop.clone()));
    }
    let serving = stop.clone();
    tasks.spawn(async move {
        server.serve(serving).await;
        Ok(())
    });
    if flags.kubernetes {
        let client = flags.access.client().await?;
        follow::follow(client, &flags.domain, stop.clone(), async |change: follow::Change| {
            zone.change(|zone| {
                change.removed.iter().for_each(|path| zone.remove(path));
                change.put.into_iter().for_each(|(path, record)| zone.insert(&path, record));
            });
            ready.set();
        })
        .await;
    } else {
        store::read(&flags.machines, zone, stop.clone(), || ready.set()).await;
    }
    stop.cancel();
    while let Some(ended) = tasks.join_next().await {
        ended.context("a task of the name server")??;
    }
    Ok(())
}

fn forwarder(flags: &Flags) -> Forwarder {
    if !flags.nameservers.is_empty() {
        return Forwarder::new(flags.nameservers.clone());
    }
    // without the file nobody is asked, and other names are answered with a failure
    Forwarder::from_resolv_conf(&std::fs::read_to_string(&flags.resolv_conf).unwrap_or_default())
}
