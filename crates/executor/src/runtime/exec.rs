//! Commands in containers that run.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures::StreamExt;

use super::Runtime;

/// How long Docker is asked for the exit code of a command whose streams are closed, twice as long from one time to the
/// next: it closes the streams first, and tells no one who waits.
const EXIT_FIRST: Duration = Duration::from_millis(5);
const EXIT_LAST: Duration = Duration::from_secs(2);

/// A command that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code.
    pub code: i64,
    /// What it said, on either of its outputs.
    pub output: String,
}

impl Runtime {
    /// Runs a command to its end, and keeps `limit` bytes of its output. `exec` gets Docker's ID of the command, for
    /// whoever does not wait so long.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn exec(
        &self,
        container: &str,
        command: Vec<String>,
        limit: usize,
        exec: &mut Option<String>,
    ) -> Result<Ended, Error> {
        let options = CreateExecOptions {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(command),
            ..CreateExecOptions::default()
        };
        let id = self.docker.create_exec(container, options).await?.id;
        *exec = Some(id.clone());
        let start = StartExecOptions { detach: false, tty: false, output_capacity: None };
        let mut output = Vec::new();
        if let StartExecResults::Attached { output: mut from, .. } = self.docker.start_exec(&id, Some(start)).await? {
            while let Some(piece) = from.next().await {
                if let LogOutput::StdOut { message } | LogOutput::StdErr { message } = piece? {
                    let left = limit.saturating_sub(output.len());
                    output.extend_from_slice(&message[..message.len().min(left)]);
                }
            }
        }
        let code = self.exec_code(&id).await?;
        Ok(Ended { code, output: String::from_utf8_lossy(&output).into_owned() })
    }

    /// Whether a command still runs.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn exec_runs(&self, exec: &str) -> Result<bool, Error> {
        match self.docker.inspect_exec(exec).await {
            Ok(inspection) => Ok(inspection.running == Some(true)),
            Err(error) if super::is_status(&error, 404) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The exit code of a command whose streams are closed.
    ///
    /// # Errors
    /// When the engine does not answer, or the command goes on without them.
    pub async fn exec_code(&self, exec: &str) -> Result<i64, Error> {
        let mut pause = EXIT_FIRST;
        loop {
            let inspection = self.docker.inspect_exec(exec).await?;
            match inspection.exit_code {
                Some(code) if inspection.running != Some(true) => return Ok(code),
                _ if pause > EXIT_LAST => {
                    let why = std::io::Error::other("the command closed its output and goes on");
                    return Err(Error::IOError { err: why });
                }
                _ => tokio::time::sleep(pause).await,
            }
            pause *= 2;
        }
    }
}
