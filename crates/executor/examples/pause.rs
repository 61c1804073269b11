//! A sandbox's process alone, and the gate: the one file of the image that tests start sandboxes from.

use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    // the image's entrypoint is this program, its command `pause …`, as in the image of the whole executable
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some("gate") => Ok(sandbox::gate::run(words.collect())),
        _ => sandbox::pause::run(words.collect()).map(|()| ExitCode::SUCCESS),
    }
}
