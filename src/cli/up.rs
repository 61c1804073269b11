//! `k8sm up`: a cluster, from nothing or from what is left of one, to nodes that are Ready.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use ipnet::Ipv4Net;

use super::Global;
use crate::cluster::plan::Request;
use crate::cluster::port::Wanted;
use crate::cluster::publish::Publish;
use crate::cluster::up::{self, Options};
use crate::failure::Failure;

/// Bring up a cluster, or complete one
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    k8sm up                          bring up the cluster k8sm and make it kubectl's current context\n  \
    k8sm up --name ci --slaves 3     another cluster beside it\n  \
    k8sm up --publish 8080:30080     serve a node port on this machine's loopback\n  \
    k8sm up --dry-run                say what would be done\n  \
    k8sm up --file my-compose.yml    with a topology of your own (`k8sm cluster compose --template`)")]
pub(crate) struct Up {
    /// How many Mesos slaves, which are the nodes [default: 2, or as many as there are]
    #[arg(long, value_name = "N")]
    slaves: Option<u32>,
    /// The compose file of the topology [default: built in]
    #[arg(long, value_name = "COMPOSE")]
    file: Option<PathBuf>,
    /// How long to wait until everything is ready
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = serve::duration::of_flag)]
    timeout: Duration,
    /// Keep what was made when it fails
    #[arg(long)]
    keep: bool,
    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Replace components that another build or another file made
    #[arg(long)]
    recreate: bool,
    /// The image of etcd [default: made from this machine's etcd, or the compose file's, pulled]
    #[arg(long, value_name = "IMAGE")]
    etcd_image: Option<String>,
    /// Serve a node port on 127.0.0.1; may be given several times
    #[arg(long, value_name = "HOST-PORT:NODE-PORT")]
    publish: Vec<Publish>,
    /// Leave the cluster's DNS out
    #[arg(long)]
    no_dns: bool,
    /// The range of service addresses [default: 10.10.10.0/24]
    #[arg(long, value_name = "CIDR")]
    service_cidr: Option<Ipv4Net>,
    /// The API server's port on 127.0.0.1 [default: 6443, or the next free one]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    api_port: Option<u16>,
    /// The API server's plain port on 127.0.0.1 [default: 8888, or the next free one]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    insecure_port: Option<u16>,
    /// The Mesos master's port on 127.0.0.1; 0 publishes none [default: 5050, or the next free one]
    #[arg(long, value_name = "PORT")]
    mesos_port: Option<u16>,
    /// The form of the dry run's plan
    #[arg(short, long, value_enum, default_value_t = Output::Text, requires = "dry_run")]
    output: Output,
}

/// The form of a plan or a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Runs `k8sm up`.
///
/// # Errors
/// What stands in the way; nothing new is left behind then, unless `--keep` was given.
pub(crate) async fn run(global: &Global, up: Up) -> Result<(), Failure> {
    let request = Request {
        slaves: up.slaves,
        service_cidr: up.service_cidr,
        ports: Wanted { api: up.api_port, insecure: up.insecure_port, master: up.mesos_port },
        etcd_image: up.etcd_image,
        recreate: up.recreate,
        publish: up.publish,
        no_dns: up.no_dns,
    };
    let options = Options {
        cluster: global.cluster()?,
        kubeconfig: global.kubeconfig.clone(),
        file: up.file,
        timeout: up.timeout,
        keep: up.keep,
        verbose: global.verbose,
        request,
    };
    if up.dry_run {
        return up::dry_run(&options, up.output == Output::Json).await;
    }
    up::up(&options).await
}
