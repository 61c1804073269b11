//! The one door out: data goes to stdout, talk to stderr.

use std::io::{ErrorKind, Write};

use crate::failure::{Failure, Kind};

/// Writes data to stdout, as it is.
///
/// # Errors
/// When stdout cannot be written; a reader that went away is a failure of kind [`Kind::ReaderGone`], exit code 0.
pub(crate) fn data(text: &str) -> Result<(), Failure> {
    bytes(text.as_bytes())
}

/// The same for data that may be no text.
///
/// # Errors
/// As [`data`].
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::new(Kind::ReaderGone, "the reader of stdout went away"),
        _ => Failure::environment("write to stdout").because(error),
    })
}

/// Writes to stderr what a command wrote to its own. Where nobody listens, it is lost.
pub(crate) fn complaint(bytes: &[u8]) {
    let _ = std::io::stderr().lock().write_all(bytes);
}

/// Says a line to the user, on stderr. Where nobody listens, nothing is said.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
