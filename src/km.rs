//! The `km` command: any of the servers, and the small tools that containers of a cluster need
//! (reference/k8sm-behaviour.md, section 1.1).

use std::process::ExitCode;
use std::time::Duration;

use serve::Running;

use crate::cli::health_check;
use crate::cluster::probe;
use crate::shell;

/// When a server has started, whatever it has to load.
const SETTLED: Duration = Duration::from_secs(20);

/// How a server is started.
enum Start {
    /// Without any runtime: the sandbox's `pause` costs a pod less than 1 MB.
    Plain(fn(Vec<String>) -> anyhow::Result<()>),
    /// On a tokio runtime; returns after a drain.
    Async(fn(Vec<String>) -> Running),
    /// A small tool, which says its own errors and chooses its exit code.
    Tool(fn(Vec<String>) -> ExitCode),
}

/// One server: its name, what it is, how it starts.
struct Server {
    name: &'static str,
    about: &'static str,
    start: Start,
}

/// Every server, in the order in which usage lists them.
const SERVERS: &[Server] = &[
    server("apiserver", "Serves the Kubernetes API over etcd", apiserver::run),
    server("controller-manager", "Runs the control loops of Kubernetes", controllers::run),
    server("scheduler", "Schedules pods onto Mesos, as a framework", scheduler::run),
    server("executor", "Runs a node's pods through Docker, and serves the kubelet's API", executor::kubelet::run),
    server("proxy", "Routes service addresses on a node", proxy::run),
    server("kube2sky", "Writes records of services for skydns", dns::kube2sky::run),
    server("skydns", "Answers names of the cluster's services", dns::skydns::run),
    server("minion", "Is a node's Mesos executor, and supervises executor and proxy", executor::minion::run),
    server("mesos-master", "Is the Mesos master", mesosd::master::run),
    server("mesos-agent", "Is a Mesos agent", mesosd::agent::run),
    server(
        mesosd::agent::COMMAND_EXECUTOR,
        "Runs the command of one Mesos task, for mesos-agent",
        mesosd::agent::run_command_executor,
    ),
    Server { name: "pause", about: "Holds the namespaces of a pod", start: Start::Plain(sandbox::pause::run) },
    tool("gate", "Looks at a container's mounts, and then becomes its program", sandbox::gate::run),
    server("await-cluster", "Waits until every component of a cluster serves", |args| Box::pin(probe::run(args))),
    tool("health-check", "Asks a URL once: 0 when it answers 200, 7 when nobody answers", health_check::health_check),
    tool("await-health-check", "Asks a URL until it answers 200", health_check::await_health_check),
    tool("await-file", "Waits until a file is there", health_check::await_file),
];

const fn server(name: &'static str, about: &'static str, start: fn(Vec<String>) -> Running) -> Server {
    Server { name, about, start: Start::Async(start) }
}

const fn tool(name: &'static str, about: &'static str, run: fn(Vec<String>) -> ExitCode) -> Server {
    Server { name, about, start: Start::Tool(run) }
}

/// Whether `name` is a server's, so that a link of that name runs it.
pub(crate) fn is_server(name: &str) -> bool {
    SERVERS.iter().any(|server| server.name == name)
}

/// Runs the server that `words` (without `km`) name, and gives the exit code: 0 when it ended well, else 1.
pub(crate) fn main(words: Vec<String>) -> ExitCode {
    let mut words = words.into_iter();
    // Flags of all ages stand before the server as well; those of logging belong to the server.
    let mut carried = Vec::new();
    let name = loop {
        match words.next() {
            None => return complain("no server specified"),
            Some(word) => match word.trim_start_matches('-') {
                _ if !word.starts_with('-') => break word,
                "h" | "help" => return print(&usage()),
                "version" | "version=true" => return print(&format!("Kubernetes {}\n", env!("CARGO_PKG_VERSION"))),
                "version=raw" => return print(&format!("{}\n", raw_version())),
                "version=false" => {}
                _ => carried.push(word),
            },
        }
    };
    let Some(server) = SERVERS.iter().find(|server| server.name == name) else {
        return complain(&format!("Server not found: {name}"));
    };
    carried.extend(words);
    match server.start.run(carried) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

impl Start {
    fn run(&self, args: Vec<String>) -> anyhow::Result<ExitCode> {
        match self {
            Self::Plain(run) => run(args).map(|()| ExitCode::SUCCESS),
            Self::Tool(run) => Ok(run(args)),
            Self::Async(run) => {
                let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
                runtime.spawn(settle());
                let ended = runtime.block_on(run(args));
                // Whatever still runs after the drain does not hold the process.
                runtime.shutdown_background();
                ended.map(|()| ExitCode::SUCCESS)
            }
        }
    }
}

/// Gives back what a server's start took and its service does not need.
async fn settle() {
    tokio::time::sleep(SETTLED).await;
    let _ = tokio::task::spawn_blocking(serve::memory::give_back).await;
}

/// A server's error; help and version of a server come as errors too, and are data.
fn fail(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<clap::Error>() {
        Some(asked) if !asked.use_stderr() => print(&asked.render().to_string()),
        Some(refusal) => {
            shell::say(refusal.render().to_string().trim_end());
            ExitCode::FAILURE
        }
        None => {
            shell::say(&format!("Error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> ExitCode {
    match shell::data(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(false),
    }
}

fn complain(what: &str) -> ExitCode {
    shell::say(&format!("Error: {what}\n\n{}", usage().trim_end()));
    ExitCode::FAILURE
}

/// The list of servers.
fn usage() -> String {
    let mut page = "km is an all-in-one binary that can run any of the Kubernetes-Mesos servers.\n\nUsage:\n\n  \
                    km <server> [flags]\n\nServers:\n\n"
        .to_owned();
    for server in SERVERS {
        page.push_str(&format!("  {:<19} {}\n", server.name, server.about));
    }
    page.push_str("\nCall 'km <server> --help' for help on a specific server.\n");
    page
}

/// `--version=raw`: the version as the original's struct was printed.
fn raw_version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut parts = version.split('.');
    let (major, minor) = (parts.next().unwrap_or("0"), parts.next().unwrap_or("0"));
    format!("version.Info{{Major:\"{major}\", Minor:\"{minor}\", GitVersion:\"{version}\"}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_lists_every_server_once() {
        let page = usage();
        for server in SERVERS {
            assert_eq!(page.matches(&format!("\n  {} ", server.name)).count(), 1, "{}", server.name);
        }
    }
}
