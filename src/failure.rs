//! How a command fails: what it says, what to try, and the exit code that tells a script which sort of failure it was.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;

/// The sort of a failure, which is its exit code (docs/architecture.md and `k8sm help`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The reader of our output went away, which is no failure: `k8sm get pods | head -1`.
    ReaderGone = 0,
    /// The action was tried and failed.
    Failed = 1,
    /// The command line, or a file that it names, cannot be meant.
    Usage = 2,
    /// This machine cannot do it: Docker, ports, disk, files.
    Environment = 3,
    /// It did not happen in time.
    TimedOut = 4,
    /// An object is not there, or there already, or changed meanwhile.
    Conflict = 5,
    /// The user interrupted it.
    Interrupted = 130,
}

/// A failure of a command. Its message names the object, the action and the reason, on one line.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    hint: Option<String>,
    source: Option<anyhow::Error>,
}

impl Failure {
    /// A failure of `kind` that says `message`.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None }
    }

    /// The action was tried and failed (exit code 1).
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The command line cannot be meant (exit code 2).
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// This machine cannot do it (exit code 3).
    pub(crate) fn environment(message: impl Into<String>) -> Self {
        Self::new(Kind::Environment, message)
    }

    /// It did not happen in time (exit code 4).
    pub(crate) fn timed_out(message: impl Into<String>) -> Self {
        Self::new(Kind::TimedOut, message)
    }

    /// An object is not there, there already, or changed meanwhile (exit code 5).
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, message)
    }

    /// The user interrupted it (exit code 130).
    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self::new(Kind::Interrupted, message)
    }

    /// Adds what the user may try.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what caused it. The innermost cause is printed behind the message, the whole chain with `-v`.
    #[must_use]
    pub(crate) fn because(mut self, source: impl Into<anyhow::Error>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same, about `what`: a file, a document, an object.
    #[must_use]
    pub(crate) fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// How a command ends that went on where it failed for single objects: all failures but the last are said here, the last
    /// is the command's.
    ///
    /// # Errors
    /// There is one.
    pub(crate) fn last_of(mut failures: Vec<Self>) -> Result<(), Self> {
        let Some(last) = failures.pop() else { return Ok(()) };
        for failure in failures {
            failure.report(false);
        }
        Err(last)
    }

    /// Whether it says nothing of other objects, so that a command for several goes on: a server that is away says it of all.
    pub(crate) fn is_of_one_object(&self) -> bool {
        matches!(self.kind, Kind::Failed | Kind::Conflict)
    }

    /// The sort of the failure.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// What caused it, where that is a `T`.
    pub(crate) fn cause<T: std::error::Error + Send + Sync + 'static>(&self) -> Option<&T> {
        self.source.as_ref()?.downcast_ref()
    }

    /// Message and innermost reason, on one line.
    pub(crate) fn line(&self) -> String {
        let Some(source) = &self.source else { return self.message.clone() };
        let reason = source.root_cause().to_string().replace('\n', " ");
        if self.message.contains(reason.trim()) { self.message.clone() } else { format!("{}: {reason}", self.message) }
    }

    /// Prints the failure to stderr, its whole chain where `verbose`, and gives the exit code.
    pub(crate) fn report(&self, verbose: bool) -> ExitCode {
        if self.kind != Kind::ReaderGone {
            // Where stderr cannot be written there is nobody left to tell.
            let _ = std::io::stderr().lock().write_all(self.page(verbose).as_bytes());
        }
        ExitCode::from(self.kind as u8)
    }

    /// What `report` prints.
    fn page(&self, verbose: bool) -> String {
        let mut page = format!("error: {}\n", self.line());
        if let (true, Some(source)) = (verbose, &self.source) {
            for cause in source.chain() {
                page.push_str(&format!("  caused by: {}\n", cause.to_string().replace('\n', "\n    ")));
            }
        }
        if let Some(hint) = &self.hint {
            page.push_str(&format!("hint: {hint}\n"));
        }
        page
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn std::error::Error + 'static))
    }
}

impl From<anyhow::Error> for Failure {
    /// Finds the failure in `error` again, or makes it the action's (exit code 1).
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(failure) => failure,
            Err(error) => {
                let message = error.to_string();
                Self { kind: Kind::Failed, message, hint: None, source: Some(error) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    fn no_space() -> std::io::Error {
        std::io::Error::other("no space left on device")
    }

    #[test]
    fn a_page_has_one_line_then_the_hint() {
        let failure = Failure::environment("write image k8sm/km").because(no_space()).hint("free some disk");
        assert_eq!(failure.page(false), "error: write image k8sm/km: no space left on device\nhint: free some disk\n");
    }

    #[test]
    fn the_chain_is_printed_when_asked_for() {
        let source = Err::<(), _>(no_space()).context("send the layer").unwrap_err();
        let page = Failure::failed("write image k8sm/km").because(source).page(true);
        assert_eq!(
            page,
            "error: write image k8sm/km: no space left on device\n  caused by: send the layer\n  caused by: no space left on device\n"
        );
    }

    #[test]
    fn a_failure_keeps_its_kind_through_anyhow() {
        let inner: Result<(), anyhow::Error> = Err(Failure::timed_out("nodes are not Ready").into());
        assert_eq!(Failure::from(inner.context("bring up").unwrap_err()).kind(), Kind::TimedOut);
        assert_eq!(Failure::from(anyhow::anyhow!("any")).kind(), Kind::Failed);
    }
}
