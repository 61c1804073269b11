//! The kubectl-like commands: their list, and which file each is in.

use clap::Subcommand;

use super::Global;
use crate::failure::Failure;

/// The kubectl-like commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {}

/// Runs one of them.
///
/// # Errors
/// What the command says.
pub(crate) async fn run(_global: &Global, command: Command) -> Result<(), Failure> {
    match command {}
}
