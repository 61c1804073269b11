//! Whether the node's engine answers: a node that can start nothing says so, and is given no further pods.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::context::Context;

/// How often it is asked, and how long one answer may take.
const PERIOD: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(5);
/// An engine that has been silent for so long is down: as long as Kubernetes' kubelet waits for its own.
const SILENCE: Duration = Duration::from_secs(30);

/// Asks it for ever, and tells when it went down or is there again.
pub(super) async fn follow(context: &Context, answers: watch::Sender<bool>) {
    let mut heard = Instant::now();
    loop {
        if matches!(timeout(PATIENCE, context.runtime.docker().ping()).await, Ok(Ok(_))) {
            heard = Instant::now();
        }
        let is_up = !is_down(heard.elapsed());
        let changed = answers.send_if_modified(|known| std::mem::replace(known, is_up) != is_up);
        match (changed, is_up) {
            (true, true) => tracing::info!("the engine answers again"),
            (true, false) => tracing::error!("the engine does not answer: the node is not ready"),
            (false, _) => {}
        }
        sleep(PERIOD).await;
    }
}

fn is_down(silence: Duration) -> bool {
    silence >= SILENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_is_slow_once_is_not_down() {
        assert!(!is_down(PERIOD + PATIENCE) && is_down(SILENCE));
    }
}
