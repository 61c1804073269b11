//! How a user, a script or a terminal that goes away ends what takes its time: once to undo it, once more to leave it.

use std::time::Duration;

use futures::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, Kind};
use crate::shell;

/// What arrives within this time of a signal is the same one: `timeout` sends it to the process and to its group besides, as
/// some runners of CI do.
const SAME: Duration = Duration::from_millis(500);

/// The signals that end a command.
struct Signals(Vec<Signal>);

/// A token that is cancelled by the first signal, of which the user is told `first`; the next one ends the process, which says
/// `second`.
///
/// # Errors
/// The process cannot listen for signals.
pub(crate) fn on_interrupt(first: String, second: String) -> Result<CancellationToken, Failure> {
    let mut signals = Signals::listen()?;
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        signals.next().await;
        shell::say(&first);
        cancel.cancel();
        tokio::time::sleep(SAME).await;
        signals.forget();
        signals.next().await;
        shell::say(&second);
        std::process::exit(Kind::Interrupted as i32);
    });
    Ok(token)
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
        // Whoever was started by `nohup` goes on without its terminal.
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        if !ignores(&status, SignalKind::hangup().as_raw_value()) {
            kinds.push(SignalKind::hangup());
        }
        let listened = kinds.into_iter().map(signal).collect::<Result<_, _>>();
        listened.map(Self).map_err(|error| Failure::environment("listen for signals").because(error))
    }

    async fn next(&mut self) {
        futures::future::select_all(self.0.iter_mut().map(|signal| Box::pin(signal.recv()))).await;
    }

    /// Lets go of what has arrived.
    fn forget(&mut self) {
        while self.next().now_or_never().is_some() {}
    }
}

/// Whether a process with this `/proc/PID/status` ignores the signal.
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nohup_has_a_process_ignore_stays_ignored() {
        assert!(ignores("Name:\tx\nSigIgn:\t0000000000001001\n", 1));
        assert!(!ignores("SigIgn:\t0000000000001000\n", 1));
        assert!(!ignores("", 1));
    }
}
