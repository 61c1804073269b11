//! What the user sees while a cluster comes up: a line a phase with its time; a spinner where stderr is a terminal.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::shell;

/// Tells phases on stderr.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    spinner: bool,
}

/// A phase that runs.
pub(crate) struct Phase {
    what: Cow<'static, str>,
    since: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Decides how to tell: a spinner needs a terminal that nobody else writes to.
    pub(crate) fn new() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let plain = set("CI") || std::env::var("TERM").is_ok_and(|term| term == "dumb");
        Self { spinner: std::io::stderr().is_terminal() && !plain }
    }

    /// Begins a phase.
    pub(crate) fn phase(&self, what: impl Into<Cow<'static, str>>) -> Phase {
        let what = what.into();
        let bar = self.spinner.then(|| {
            let bar = ProgressBar::new_spinner().with_message(what.to_string());
            bar.set_style(ProgressStyle::with_template("{spinner} {msg} {elapsed}").expect("the template is sound"));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Phase { what, since: Instant::now(), bar }
    }
}

impl Phase {
    /// Says that a part of the phase is done, and for what it goes on.
    pub(crate) fn part(&self, what: &str, left: &str) {
        let line = format!("{:>7}  {what}", seconds(self.since.elapsed()));
        match &self.bar {
            Some(bar) => {
                bar.suspend(|| shell::say(&line));
                bar.set_message(if left.is_empty() {
                    self.what.to_string()
                } else {
                    format!("{} for {left}", self.what)
                });
            }
            None => shell::say(&line),
        }
    }

    /// Ends a phase whose parts said everything.
    pub(crate) fn end(self) {}

    /// Ends the phase well, with what is to be said of it.
    pub(crate) fn done(self, note: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let gap = if note.is_empty() { "" } else { " " };
        shell::say(&format!("{:>7}  {}{gap}{note}", seconds(self.since.elapsed()), self.what));
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A time as `1.2s`.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1}s", time.as_secs_f64())
}
