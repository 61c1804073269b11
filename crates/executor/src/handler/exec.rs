//! A command in the container that is to end well.

use std::time::Duration;

use super::{Answer, Target};
use crate::runtime::words;

/// Bytes of a command's output that are told.
const MAX_OUTPUT: usize = 10 << 10;

/// A command that took too long: Docker cannot end one, so it may still run.
#[derive(Debug)]
pub struct Hung {
    exec: String,
}

/// Runs the command. While one of before still hangs none is begun, and the answer is bad.
pub(super) async fn probe(target: &Target, command: Vec<String>, timeout: Duration, hung: &mut Option<Hung>) -> Answer {
    let runtime = &target.context.runtime;
    let late = format!("command {command:?} timed out after {timeout:?}");
    if let Some(before) = hung {
        match tokio::time::timeout(timeout, runtime.exec_runs(&before.exec)).await {
            Ok(Ok(false)) => *hung = None,
            Ok(Ok(true)) | Err(_) => return Answer::Bad(late),
            Ok(Err(error)) => return Answer::Error(words(&error)),
        }
    }
    let mut exec = None;
    let running = runtime.exec(&target.id, command, MAX_OUTPUT, &mut exec);
    match tokio::time::timeout(timeout, running).await {
        Ok(Ok(ended)) if ended.code == 0 => Answer::Good(None),
        Ok(Ok(ended)) if ended.output.is_empty() => Answer::Bad(format!("exit status {}", ended.code)),
        Ok(Ok(ended)) => Answer::Bad(ended.output),
        Ok(Err(error)) => Answer::Error(words(&error)),
        Err(_) => {
            *hung = exec.map(|exec| Hung { exec });
            Answer::Bad(late)
        }
    }
}
