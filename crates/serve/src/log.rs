//! Logging of a server: `tracing` events on stderr, their level from glog's `--v`.

use tracing_subscriber::EnvFilter;

/// Sends log events to stderr. `verbosity` is glog's `--v`: 0 info, 2 and above debug, 6 and above trace of our own rooms.
/// `RUST_LOG`, where set, wins. A second call has no effect. What `flags::parse` met before is said first.
pub fn init(verbosity: u8) {
    let own = match verbosity {
        0..=1 => "info",
        2..=5 => "debug",
        _ => "trace",
    };
    let rooms = ["apiserver", "controllers", "executor", "mesos", "mesosd", "scheduler", "serve", "k8sm"];
    // kube logs each failed request as an error; the rooms themselves say what failed and what they do about it
    let rest = "warn,kube_client::client::builder=off".to_owned();
    let default = rooms.iter().fold(rest, |filter, room| format!("{filter},{room}={own}"));
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    // who reads stderr may be gone: saying so there would be a panic, of a server in the middle of its drain perhaps
    let events = tracing_subscriber::fmt().log_internal_errors(false).with_ansi(false);
    let _ = events.with_env_filter(filter).with_writer(std::io::stderr).try_init();
    crate::flags::say_what_has_no_effect();
}
