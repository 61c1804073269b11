//! `k8sm status`: each component, its health, address and memory.

use clap::Args;

use super::Global;
use super::up::Output;
use crate::cluster::engine::Engine;
use crate::cluster::status::{self, page};
use crate::failure::Failure;
use crate::shell;

/// Show each component of a cluster: health, addresses, memory (proportional set size)
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  k8sm status\n  k8sm status --name ci -o json\n  k8sm status --exit-code && make test"
)]
pub(crate) struct Status {
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// End with 1 where a component is not healthy
    #[arg(long)]
    exit_code: bool,
}

/// Runs `k8sm status`. That a component is not healthy is an answer, and no failure unless asked for.
///
/// # Errors
/// When there is no such cluster.
pub(crate) async fn run(global: &Global, args: Status) -> Result<(), Failure> {
    let cluster = global.cluster()?;
    let status = status::read(&Engine::connect().await?, &cluster).await?;
    match args.output {
        Output::Text => {
            shell::data(&page(&status))?;
            if status.is_stopped() {
                shell::say(&format!("cluster {cluster} is stopped: `k8sm start{}` starts it", cluster.flag()));
            }
        }
        Output::Json => {
            let text =
                serde_json::to_string_pretty(&status).map_err(|error| Failure::failed("print").because(error))?;
            shell::data(&format!("{text}\n"))?;
        }
    }
    if args.exit_code && !status.healthy {
        return Err(Failure::failed(format!("cluster {cluster} is not healthy")));
    }
    Ok(())
}
