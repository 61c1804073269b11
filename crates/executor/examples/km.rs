//! The executor's servers alone, as `km <server> …`: what its tests run, and what a node can be tried with by hand.

use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    let mut args = std::env::args().skip(1);
    let server = args.next().unwrap_or_default();
    let args: Vec<String> = args.collect();
    match server.as_str() {
        "pause" => sandbox::pause::run(args)?,
        "minion" => runtime()?.block_on(executor::minion::run(args))?,
        "executor" => runtime()?.block_on(executor::kubelet::run(args))?,
        other => anyhow::bail!("km {other}: there is no such server in this crate"),
    }
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
