//! The kubectl-like commands: their list, what they share, and which file each is in.

use clap::{Args, Subcommand, ValueEnum};
use kube_api::decode::FieldValidation;
use serde_json::Value;

use super::{Global, apply, create, delete, describe, get, label, logs, scale, wait};
use crate::client::{Client, Connection};
use crate::failure::Failure;

/// The kubectl-like commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Get(get::Get),
    Describe(describe::Describe),
    Create(create::Create),
    Apply(apply::Apply),
    Delete(delete::Delete),
    Scale(scale::Scale),
    Label(label::Label),
    Annotate(label::Annotate),
    Logs(logs::Logs),
    Wait(wait::Wait),
}

/// Which server, as whom, in which namespace.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// The namespace [default: the context's]
    #[arg(short, long, value_name = "NAMESPACE", global = true)]
    pub(crate) namespace: Option<String>,
    /// The context of the kubeconfig [default: the current one, or that of --name]
    #[arg(long, value_name = "CONTEXT", global = true)]
    context: Option<String>,
    /// The API server's URL [default: the context's]
    #[arg(short, long, value_name = "URL", global = true)]
    server: Option<String>,
}

/// What to do about fields that an object's kind does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Validate {
    /// Refuse them
    #[default]
    #[value(alias = "true")]
    Strict,
    /// Drop them with a warning
    Warn,
    /// Drop them silently
    #[value(alias = "false")]
    Ignore,
}

impl Validate {
    /// The `fieldValidation` parameter.
    pub(crate) fn parameter(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Warn => "Warn",
            Self::Ignore => "Ignore",
        }
    }
}

impl From<Validate> for FieldValidation {
    fn from(validate: Validate) -> Self {
        match validate {
            Validate::Strict => Self::Strict,
            Validate::Warn => Self::Warn,
            Validate::Ignore => Self::Ignore,
        }
    }
}

/// How far a dry run goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DryRun {
    /// Do it
    #[default]
    None,
    /// Look at it here alone
    Client,
    /// Let the server say what it would do
    Server,
}

impl DryRun {
    /// What stands behind the line that says what was done.
    pub(crate) fn note(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }
}

impl Place {
    /// Connects as the global flags and these say; without any of them to kubectl's current context.
    ///
    /// # Errors
    /// A kubeconfig that cannot be used.
    pub(crate) async fn connect(&self, global: &Global) -> Result<Client, Failure> {
        let context = if global.name.is_some() { Some(global.cluster()?.context()) } else { None };
        Ok(Client::connect(&self.connection(global, context)).await?)
    }

    /// The same for a command that works on the cluster's containers too: without any of the flags to that cluster's own
    /// context, as the current one may be another cluster's.
    ///
    /// # Errors
    /// As `connect`.
    pub(crate) async fn connect_to_cluster(&self, global: &Global) -> Result<Client, Failure> {
        Ok(Client::connect(&self.cluster_connection(global)?).await?)
    }

    fn cluster_connection(&self, global: &Global) -> Result<Connection, Failure> {
        let own = global.name.is_some() || self.server.is_none();
        let context = if own { Some(global.cluster()?.context()) } else { None };
        Ok(self.connection(global, context))
    }

    fn connection(&self, global: &Global, context: Option<String>) -> Connection {
        Connection {
            kubeconfig: global.kubeconfig.clone(),
            context: self.context.clone().or(context),
            namespace: self.namespace.clone(),
            server: self.server.clone(),
        }
    }
}

/// The text of `metadata.FIELD`, empty where it is absent.
pub(crate) fn metadata<'v>(object: &'v Value, field: &str) -> &'v str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// Runs one of them.
///
/// # Errors
/// What the command says.
pub(crate) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    match command {
        Command::Get(get) => get.run(global).await,
        Command::Describe(describe) => describe.run(global).await,
        Command::Create(create) => create.run(global).await,
        Command::Apply(apply) => apply.run(global).await,
        Command::Delete(delete) => delete.run(global).await,
        Command::Scale(scale) => scale.run(global).await,
        Command::Label(label) => label.run(global).await,
        Command::Annotate(annotate) => annotate.run(global).await,
        Command::Logs(logs) => logs.run(global).await,
        Command::Wait(wait) => wait.run(global).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_on_a_cluster_means_that_cluster_s_context() {
        let context = |name: Option<&str>, context: Option<&str>, server: Option<&str>| {
            let own = |text: Option<&str>| text.map(str::to_owned);
            let global = Global { verbose: false, name: own(name), kubeconfig: None };
            let place = Place { namespace: None, context: own(context), server: own(server) };
            place.cluster_connection(&global).expect("a name").context
        };
        assert_eq!(context(None, None, None).as_deref(), Some("k8sm"));
        assert_eq!(context(Some("ci"), None, None).as_deref(), Some("k8sm-ci"));
        assert_eq!(context(Some("ci"), Some("theirs"), None).as_deref(), Some("theirs"));
        assert_eq!(context(None, None, Some("https://127.0.0.1:1")), None);
    }
}
