//! `attach`: the streams of a container's own process.

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::AttachContainerOptionsBuilder;
use streams::command::{Output, Session, Wanted};
use streams::outcome::Outcome;
use streams::upgrade::Purpose;

use super::{Asked, AtEnd, Names, Parts, Process, Switch, Terminal, find, named, pump, running, split};
use crate::pod;
use crate::runtime::words;
use crate::server::Kubelet;

/// `/attach/{namespace}/{pod}/{container}?stdin=…&stdout=…&stderr=…&tty=…`.
pub async fn answer(
    State(kubelet): State<Kubelet>,
    names: Names,
    Query(query): Query<Vec<(String, String)>>,
    request: Request,
) -> Response {
    let begun = async {
        let asked = Asked::of(query).map_err(|why| (StatusCode::BAD_REQUEST, why).into_response())?;
        let container = named(&names, "container");
        let (namespace, name) = (named(&names, "namespace"), named(&names, "pod"));
        let id = running(&kubelet, namespace, name, container).await?;
        let pod = find(&kubelet, namespace, name)?;
        let once = pod::container(&pod, container).is_some_and(|container| container.stdin_once == Some(true));
        let last = if once { AtEnd::Close } else { AtEnd::Keep };
        let switch = Switch::of(request, Purpose::Command)?;
        let docker = kubelet.context.runtime.docker().clone();
        Ok(switch.answer(async move |io, protocol| match Session::open(io, protocol, asked.wanted).await {
            Ok(session) => serve(&docker, &id, (asked.wanted, last), session).await,
            Err(error) => tracing::debug!(%error, "attach"),
        }))
    };
    begun.await.unwrap_or_else(|refusal| refusal)
}

async fn serve(docker: &Docker, id: &str, wanted: (Wanted, AtEnd), session: Session) {
    let (parts, output) = split(session);
    let outcome = match run(docker, id, wanted, parts, &output).await {
        Ok(()) => Outcome::Success,
        Err(error) => Outcome::Failed(format!("error attaching to container: {}", words(&error))),
    };
    output.finish(&outcome).await;
}

/// Stays attached until the container's process ends, or the client is gone.
async fn run(
    docker: &Docker,
    id: &str,
    (wanted, last): (Wanted, AtEnd),
    parts: Parts,
    output: &Output,
) -> Result<(), Error> {
    let options = AttachContainerOptionsBuilder::default()
        .stream(true)
        .stdin(wanted.stdin)
        .stdout(wanted.stdout)
        .stderr(wanted.stderr)
        .build();
    let attached = docker.attach_container(id, Some(options)).await?;
    let terminal = Terminal { docker: docker.clone(), process: Process::Container(id.to_owned()) };
    pump(parts, output, attached.output, (attached.input, last), terminal).await
}
