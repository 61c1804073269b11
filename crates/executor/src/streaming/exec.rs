//! `exec`: a command in a container that runs.

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use streams::command::{Output, Session};
use streams::outcome::Outcome;
use streams::upgrade::Purpose;

use super::{Asked, AtEnd, Names, Parts, Process, Switch, Terminal, named, pump, running, split};
use crate::runtime::{Runtime, words};
use crate::server::Kubelet;

/// Bytes of one read of what the command says.
const CAPACITY: usize = 32 << 10;

/// `/exec/{namespace}/{pod}/{container}?command=…&stdin=…&stdout=…&stderr=…&tty=…`.
pub async fn answer(
    State(kubelet): State<Kubelet>,
    names: Names,
    Query(query): Query<Vec<(String, String)>>,
    request: Request,
) -> Response {
    let begun = async {
        let asked = Asked::of(query).map_err(|why| (StatusCode::BAD_REQUEST, why).into_response())?;
        let container = named(&names, "container");
        let id = running(&kubelet, named(&names, "namespace"), named(&names, "pod"), container).await?;
        let switch = Switch::of(request, Purpose::Command)?;
        let context = kubelet.context.clone();
        Ok(switch.answer(async move |io, protocol| match Session::open(io, protocol, asked.wanted).await {
            Ok(session) => serve(&context.runtime, &id, asked, session).await,
            Err(error) => tracing::debug!(%error, "exec"),
        }))
    };
    begun.await.unwrap_or_else(|refusal| refusal)
}

async fn serve(runtime: &Runtime, id: &str, asked: Asked, session: Session) {
    let (parts, output) = split(session);
    let command = asked.command.clone();
    let outcome = match run(runtime, id, asked, parts, &output).await {
        Ok(code) => Outcome::exit(&command, code),
        Err(error) => Outcome::Failed(format!("error executing command in container: {}", words(&error))),
    };
    output.finish(&outcome).await;
}

/// Runs the command to its end, or the client's; its exit code.
async fn run(runtime: &Runtime, id: &str, asked: Asked, parts: Parts, output: &Output) -> Result<i64, Error> {
    let docker = runtime.docker();
    let wanted = asked.wanted;
    let options = CreateExecOptions {
        attach_stdin: Some(wanted.stdin),
        attach_stdout: Some(wanted.stdout),
        attach_stderr: Some(wanted.stderr),
        tty: Some(wanted.tty),
        cmd: Some(asked.command),
        ..CreateExecOptions::default()
    };
    let exec = docker.create_exec(id, options).await?.id;
    let start = StartExecOptions { detach: false, tty: wanted.tty, output_capacity: Some(CAPACITY) };
    let gone = parts.gone.clone();
    if let StartExecResults::Attached { output: from, input } = docker.start_exec(&exec, Some(start)).await? {
        let terminal = Terminal { docker: docker.clone(), process: Process::Exec(exec.clone()) };
        pump(parts, output, from, (input, AtEnd::Close), terminal).await?;
    }
    if gone.is_cancelled() {
        // nobody is left to be told
        return Ok(0);
    }
    runtime.exec_code(&exec).await
}
