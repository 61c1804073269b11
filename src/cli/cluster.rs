//! `k8sm cluster`: what the containers of a cluster say, what they were made from, and which clusters there are.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use futures::future::try_join_all;

use super::Global;
use super::up::Output;
use crate::cluster::compose;
use crate::cluster::engine::Engine;
use crate::cluster::list;
use crate::cluster::logs;
use crate::cluster::observed::Observed;
use crate::cluster::plan::Request;
use crate::cluster::up::{self, Options};
use crate::failure::Failure;
use crate::shell;

/// Logs, topology and list of clusters
#[derive(Debug, Args)]
pub(crate) struct Cluster {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Logs(Logs),
    Compose(Compose),
    List(List),
}

/// Print what the components of a cluster logged
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    k8sm cluster logs scheduler --tail 50\n  \
    k8sm cluster logs -f                     all of them, each line behind its hostname")]
struct Logs {
    /// The hostname of a component [default: all]
    component: Option<String>,
    /// Go on with what they log from now on
    #[arg(short, long)]
    follow: bool,
    /// How many of the last lines of each
    #[arg(long, value_name = "N")]
    tail: Option<u32>,
}

/// Print the compose file that a cluster is made from, with every placeholder resolved
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    k8sm cluster compose                        what a cluster is made of, spelt out\n  \
    k8sm cluster compose --template > my.yml    a file to begin with, for `k8sm up --file my.yml`")]
struct Compose {
    /// Print the built-in file with its placeholders instead, which `k8sm up --file` takes
    #[arg(long, conflicts_with_all = ["file", "slaves"])]
    template: bool,
    /// The compose file of the topology [default: built in]
    #[arg(long, value_name = "COMPOSE")]
    file: Option<PathBuf>,
    /// How many Mesos slaves [default: 2, or as many as there are]
    #[arg(long, value_name = "N")]
    slaves: Option<u32>,
}

/// List the clusters of this Docker engine
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm cluster list\n  k8sm cluster list -o json")]
pub(crate) struct List {
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Runs `k8sm cluster …`.
///
/// # Errors
/// When there is no such cluster or component, or the engine does not answer.
pub(crate) async fn run(global: &Global, cluster: Cluster) -> Result<(), Failure> {
    match cluster.command {
        Command::Logs(args) => print_logs(global, args).await,
        Command::Compose(args) if args.template => shell::data(compose::BUILT_IN),
        Command::Compose(args) => {
            let options = Options {
                cluster: global.cluster()?,
                file: args.file,
                request: Request { slaves: args.slaves, ..Request::default() },
                ..Options::default()
            };
            up::print_compose(&options).await
        }
        Command::List(args) => list(args).await,
    }
}

/// Runs `k8sm cluster list`.
///
/// # Errors
/// When the engine does not answer.
pub(crate) async fn list(args: List) -> Result<(), Failure> {
    let clusters = list::read(&Engine::connect().await?).await?;
    if args.output == Output::Json {
        let text = serde_json::to_string_pretty(&clusters).map_err(|error| Failure::failed("print").because(error))?;
        return shell::data(&format!("{text}\n"));
    }
    if clusters.is_empty() {
        shell::say("there are no clusters");
        return Ok(());
    }
    shell::data(&list::page(&clusters))
}

async fn print_logs(global: &Global, args: Logs) -> Result<(), Failure> {
    let cluster = global.cluster()?;
    let engine = Engine::connect().await?;
    let observed = Observed::read(&engine, &cluster).await?;
    let tail = args.tail.map_or("all".to_owned(), |lines| lines.to_string());
    let chosen: Vec<(String, String)> = observed
        .components
        .into_iter()
        .map(|(name, component)| (name, component.hostname))
        .filter(|(_, hostname)| args.component.as_ref().is_none_or(|wanted| wanted == hostname))
        .collect();
    if chosen.is_empty() {
        let what = args.component.map_or(format!("cluster {cluster} is not there"), |component| {
            format!("cluster {cluster} has no component {component}")
        });
        return Err(Failure::conflict(what).hint(format!("`k8sm status{}` lists its components", cluster.flag())));
    }
    let alone = chosen.len() == 1;
    let streams = chosen.iter().map(|(name, hostname)| {
        let prefix = if alone { String::new() } else { format!("{hostname:<13} ") };
        let (engine, tail) = (&engine, tail.as_str());
        async move { logs::stream(engine, name, &prefix, args.follow, tail).await }
    });
    if args.follow {
        return try_join_all(streams).await.map(drop);
    }
    // One after the other: a log is read from its beginning to its end.
    for stream in streams {
        stream.await?;
    }
    Ok(())
}
