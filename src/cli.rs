//! The `k8sm` command: its words, and which file each command is in.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};

use crate::cluster::name::{self, ClusterName};
use crate::failure::{Failure, Kind};
use crate::shell;

mod addons;
mod apply;
mod attach;
mod cluster;
mod completions;
mod console;
mod create;
mod delete;
mod describe;
mod down;
mod exec;
mod files;
mod get;
pub(crate) mod health_check;
mod kube;
mod kubeconfig;
mod label;
mod logs;
mod pod;
mod port_forward;
mod scale;
mod selection;
mod start;
mod status;
mod stop;
mod up;
mod wait;

/// Kubernetes on Mesos, in one executable.
#[derive(Debug, Parser)]
#[command(
    name = "k8sm",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "Examples:\n  \
                  k8sm up                                    a cluster of two nodes, with DNS\n  \
                  k8sm create -f examples/v1/pod-nginx.json  a pod on it\n  \
                  k8sm get pods -o wide\n  \
                  k8sm down                                  all of it away, kubeconfig restored\n\n\
                  Exit codes: 0 done, 1 failed, 2 usage, 3 environment (Docker, ports, disk), 4 timed out, \
                  5 conflict or not found, 130 interrupted.\n\n\
                  `k8sm km SERVER` runs one of the servers: see `k8sm km --help`."
)]
struct Line {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Say more: the whole chain of an error, each step of a plan
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// The cluster that is meant [default: k8sm]
    #[arg(long, value_name = "NAME", env = "K8SM_CLUSTER", global = true)]
    pub(crate) name: Option<String>,
    /// The kubeconfig to read and write [default: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) kubeconfig: Option<PathBuf>,
}

impl Global {
    /// The cluster that is meant.
    ///
    /// # Errors
    /// A usage failure where its name is none.
    pub(crate) fn cluster(&self) -> Result<ClusterName, Failure> {
        ClusterName::new(self.name.as_deref().unwrap_or(name::DEFAULT))
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::Up),
    Down(down::Down),
    Status(status::Status),
    Stop(stop::Stop),
    Start(start::Start),
    Cluster(cluster::Cluster),
    Addons(addons::Addons),
    /// List the clusters of this Docker engine
    #[command(visible_alias = "list")]
    Clusters(cluster::List),
    Kubeconfig(kubeconfig::Kubeconfig),
    HealthCheck(health_check::HealthCheck),
    AwaitHealthCheck(health_check::AwaitHealthCheck),
    AwaitFile(health_check::AwaitFile),
    Exec(exec::Exec),
    Attach(attach::Attach),
    PortForward(port_forward::PortForward),
    #[command(flatten)]
    Kube(kube::Command),
    #[command(visible_alias = "completion")]
    Completions(completions::Completions),
}

/// What kubectl has and this command has not: it works on the same kubeconfig.
const OF_KUBECTL: &[&str] = &[
    "alpha",
    "api-resources",
    "api-versions",
    "auth",
    "autoscale",
    "certificate",
    "cluster-info",
    "config",
    "cordon",
    "cp",
    "debug",
    "diff",
    "drain",
    "edit",
    "events",
    "explain",
    "expose",
    "kustomize",
    "options",
    "patch",
    "plugin",
    "proxy",
    "replace",
    "rollout",
    "run",
    "set",
    "taint",
    "top",
    "uncordon",
    "version",
];

/// Runs the command that `words` (without the program's name) say, and gives the exit code.
pub(crate) fn main(words: Vec<String>) -> ExitCode {
    let line = match Line::try_parse_from(std::iter::once("k8sm".to_owned()).chain(words)) {
        Ok(line) => line,
        Err(refusal) => return refuse(&refusal),
    };
    let verbose = line.global.verbose;
    match run(line) {
        Ok(code) => code,
        Err(failure) => failure.report(verbose),
    }
}

/// Prints what clap says; help and version are data, all else is a usage error.
fn refuse(refusal: &clap::Error) -> ExitCode {
    if refusal.use_stderr() {
        let page = of_kubectl(refusal).unwrap_or_else(|| as_hints(&refusal.render().to_string()));
        shell::say(page.trim_end());
        return ExitCode::from(Kind::Usage as u8);
    }
    match shell::data(&refusal.render().to_string()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(false),
    }
}

/// What to say of a command that is kubectl's: what sounds alike here would not help.
fn of_kubectl(refusal: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = refusal.get(ContextKind::InvalidSubcommand) else { return None };
    let known = refusal.kind() == ErrorKind::InvalidSubcommand && OF_KUBECTL.contains(&word.as_str());
    known
        .then(|| format!("error: k8sm has no command {word}\nhint: `kubectl {word}` does it, with the same kubeconfig"))
}

/// clap's page as ours are: what to try stands behind `hint: `, at the beginning of a line.
fn as_hints(page: &str) -> String {
    page.replace("  tip: ", "hint: ").replace(
        "For more information, try '--help'.",
        "hint: the same command with --help shows what it takes, with examples",
    )
}

fn run(line: Line) -> Result<ExitCode, Failure> {
    match &line.command {
        // These choose their exit code themselves.
        Command::HealthCheck(check) => return Ok(check.run()),
        Command::AwaitHealthCheck(wait) => return Ok(wait.run()),
        Command::AwaitFile(wait) => return Ok(wait.run()),
        _ => {}
    }
    let mut builder = match &line.command {
        // One connection needs one thread, and `k8sm get` is over before others would have begun.
        Command::Kube(_) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::environment("start the runtime").because(error))?;
    runtime.block_on(async {
        match line.command {
            Command::Up(up) => up::run(&line.global, up).await,
            Command::Down(down) => down::run(&line.global, down).await,
            Command::Status(status) => status::run(&line.global, status).await,
            Command::Stop(stop) => stop::run(&line.global, stop).await,
            Command::Start(start) => start::run(&line.global, start).await,
            Command::Cluster(cluster) => cluster::run(&line.global, cluster).await,
            Command::Addons(addons) => addons::run(&line.global, addons).await,
            Command::Clusters(list) => cluster::list(list).await,
            Command::Kubeconfig(kubeconfig) => kubeconfig::run(&line.global, kubeconfig).await,
            Command::PortForward(forward) => forward.run(&line.global).await,
            Command::Exec(exec) => return exec.run(&line.global).await,
            Command::Attach(attach) => return attach.run(&line.global).await,
            Command::Kube(command) => kube::run(&line.global, command).await,
            Command::Completions(completions) => completions.run(),
            Command::HealthCheck(_) | Command::AwaitHealthCheck(_) | Command::AwaitFile(_) => Ok(()),
        }
        .map(|()| ExitCode::SUCCESS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_tree_is_sound() {
        Line::command().debug_assert();
    }

    #[test]
    fn what_kubectl_has_is_said_to_be_kubectls() {
        let refusal = |words: &[&str]| of_kubectl(&Line::try_parse_from(words).expect_err("refused"));
        assert!(refusal(&["k8sm", "patch", "cm", "x"]).expect("kubectl's").contains("hint: `kubectl patch` does it"));
        assert_eq!(refusal(&["k8sm", "frob"]), None);
        let command = Line::command();
        let own = |word: &&&str| command.find_subcommand(word).is_some();
        assert_eq!(OF_KUBECTL.iter().find(own), None, "it is here as well");
    }

    #[test]
    fn a_command_line_that_cannot_be_meant_ends_with_a_hint() {
        for words in [&["k8sm", "frob"][..], &["k8sm", "up", "--nmae", "x"], &["k8sm", "up", "--api-port", "0"]] {
            let refusal = Line::try_parse_from(words).expect_err("refused");
            let page = as_hints(&refusal.render().to_string());
            assert!(page.starts_with("error: ") && page.contains("\nhint: "), "{page}");
        }
    }
}
