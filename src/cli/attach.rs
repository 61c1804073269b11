//! `k8sm attach`: to the process that a pod's container runs.

use std::process::ExitCode;

use clap::Args;
use streams::outcome::Outcome;

use super::Global;
use super::console::{self, Console};
use super::kube::Place;
use super::pod::{self, Pod};
use crate::client::Query;
use crate::failure::Failure;
use crate::shell;

/// Attach to the process that a pod's container runs
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm attach nginx             show what it writes from now on\n  \
                        k8sm attach -it shell         with its terminal, where the container has one (tty: true)\n  \
                        k8sm attach rc/nginxcontroller -c nginx")]
pub(crate) struct Attach {
    /// The pod: NAME or pod/NAME; rc/NAME or svc/NAME is the first of its pods
    pod: String,
    #[command(flatten)]
    place: Place,
    /// The container [default: the first]
    #[arg(short, long)]
    container: Option<String>,
    /// Pass stdin on to the process
    #[arg(short = 'i', long)]
    stdin: bool,
    /// Hand the terminal over, where the container has one
    #[arg(short, long)]
    tty: bool,
    /// Say nothing but what the process says
    #[arg(short, long)]
    quiet: bool,
}

impl Attach {
    /// Stays until the process ends or the connection does.
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode, Failure> {
        let client = self.place.connect(global).await?;
        let pod = pod::find(&client, &self.pod).await?;
        if let "Succeeded" | "Failed" = pod.phase() {
            return Err(Failure::failed(format!(
                "pod {} is over, its phase is {}: there is nothing to attach to",
                pod.name(),
                pod.phase()
            ))
            .hint(format!("`k8sm logs {}` shows what it wrote", pod.name())));
        }
        let container = match &self.container {
            Some(container) => container.clone(),
            None => pod.default_container(self.quiet)?,
        };
        let console = self.console(&pod, &container)?;
        let query = Query::default().and("container", &container);
        let outcome = console.run(&client, pod.path(&client).under("attach"), query).await?;
        match outcome {
            Outcome::Success => Ok(ExitCode::SUCCESS),
            Outcome::Exit { code, .. } => Ok(ExitCode::from(u8::try_from(code).unwrap_or(1))),
            Outcome::Failed(why) => Err(Failure::failed(why)),
        }
    }

    /// Which streams there are: a container's terminal is its own matter, not the client's.
    fn console(&self, pod: &Pod, container: &str) -> Result<Console, Failure> {
        let spec = pod.container(container)?;
        let tty = spec["tty"] == true;
        if self.stdin && spec["stdin"] != true && !self.quiet {
            shell::say(&format!("container {container} reads no stdin (stdin: false): it will not hear you"));
        }
        if self.tty && !tty && !self.quiet {
            shell::say(&format!("Unable to use a TTY - container {container} did not allocate one"));
        }
        let raw = self.tty && self.stdin && tty && console::is_terminal();
        if raw && !self.quiet {
            shell::say("If you don't see a command prompt, try pressing enter.");
        }
        Ok(Console { stdin: self.stdin, tty, raw })
    }
}
