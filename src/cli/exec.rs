//! `k8sm exec`: a command in a pod's container.

use std::process::ExitCode;

use clap::Args;
use streams::outcome::Outcome;

use super::Global;
use super::console::{self, Console};
use super::kube::Place;
use super::pod;
use crate::client::Query;
use crate::failure::Failure;
use crate::shell;

/// Run a command in a container of a pod
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  k8sm exec busybox -- nslookup kubernetes\n  k8sm exec -it nginx -c nginx -- sh\n  \
                        k8sm exec rc/nginxcontroller -- hostname      in the first pod of a controller\n\n\
                        The exit code is the command's."
)]
pub(crate) struct Exec {
    /// The pod: NAME or pod/NAME; rc/NAME or svc/NAME is the first of its pods
    pod: String,
    #[command(flatten)]
    place: Place,
    /// The container [default: the first]
    #[arg(short, long)]
    container: Option<String>,
    /// Pass stdin on to the command
    #[arg(short = 'i', long)]
    stdin: bool,
    /// Give it a terminal
    #[arg(short, long)]
    tty: bool,
    /// Say nothing but what the command says
    #[arg(short, long)]
    quiet: bool,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

impl Exec {
    /// Runs the command; its exit code.
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode, Failure> {
        let client = self.place.connect(global).await?;
        let pod = pod::find(&client, &self.pod).await?;
        let container = match &self.container {
            Some(container) => container.clone(),
            None => pod.default_container(self.quiet)?,
        };
        let tty = self.tty && self.stdin && console::is_terminal();
        if self.tty && !tty && !self.quiet {
            shell::say("Unable to use a TTY - input is not a terminal");
        }
        let mut query = Query::default().and("container", container);
        for word in &self.command {
            query = query.and("command", word);
        }
        let console = Console { stdin: self.stdin, tty, raw: tty };
        match console.run(&client, pod.path(&client).under("exec"), query).await? {
            Outcome::Success => Ok(ExitCode::SUCCESS),
            Outcome::Exit { code, .. } => Ok(ExitCode::from(u8::try_from(code).unwrap_or(1))),
            Outcome::Failed(why) => Err(Failure::failed(why)),
        }
    }
}
