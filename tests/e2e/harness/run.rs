//! Programs that are run to their end, and what they said.

use std::io::Write;
use std::process::{Command, Stdio};

/// What a program that ended said.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    /// The command line, for messages.
    pub(crate) line: String,
    /// The exit code, -1 where a signal ended it.
    pub(crate) code: i32,
    /// Its data.
    pub(crate) stdout: String,
    /// Its talk.
    pub(crate) stderr: String,
}

impl Ran {
    /// Its data, where it ended well.
    ///
    /// # Panics
    /// Where it did not.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self}");
        self.stdout
    }

    /// Its talk, where it ended with that code and printed no data.
    ///
    /// # Panics
    /// Where it did not.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self}");
        self.stderr
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, code, stdout, stderr } = self;
        write!(f, "`{line}` ended with {code}\nstdout:\n{stdout}\nstderr:\n{stderr}")
    }
}

/// Runs a command to its end, with `stdin` as its input.
///
/// # Panics
/// Where the program is not there: the message says what to install.
pub(crate) fn run(command: &mut Command, stdin: &str) -> Ran {
    let line = line_of(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{line}: {error}; `.ci/prerequisites test` installs what the tests need"));
    // A program may end without reading its input.
    let _ = child.stdin.take().expect("piped").write_all(stdin.as_bytes());
    let output = child.wait_with_output().expect("its output can be read");
    Ran {
        line,
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
