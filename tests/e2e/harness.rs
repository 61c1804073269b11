//! What the tests share: a cluster that cleans up after itself, Docker as the tests see it, and bounded waiting.

pub(crate) mod cluster;
pub(crate) mod dns;
pub(crate) mod docker;
pub(crate) mod http;
pub(crate) mod run;

use std::time::{Duration, Instant};

pub(crate) use cluster::{Cluster, in_a_pod};
pub(crate) use run::{Ran, run};

/// How long a state may take to come about on a loaded machine with two cores.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Asks until there is an answer, and gives it.
///
/// # Panics
/// When there is none within [`PATIENCE`]; what was seen last is part of the message.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(seen) if began.elapsed() > PATIENCE => {
                panic!("{what} did not come about within {} s; last seen: {seen}", PATIENCE.as_secs())
            }
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}
