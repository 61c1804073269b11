//! Docker's word on a container, read as [`observed`](crate::observed).

use std::net::IpAddr;

use bollard::models::{ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, NetworkSettings};
use jiff::Timestamp;

use super::{SANDBOX_NAME, label};
use crate::observed::{Container, Exit, Observed, Sandbox, State};

/// Puts a container where it belongs in `observed`. `network` is the pods' network, on which a sandbox has its address.
pub fn sort_in(inspection: ContainerInspectResponse, network: &str, observed: &mut Observed) {
    let labels = inspection.config.and_then(|config| config.labels).unwrap_or_default();
    let read = |key: &str| labels.get(key).cloned().unwrap_or_default();
    let (id, name) = (inspection.id.unwrap_or_default(), read(label::CONTAINER_NAME));
    let attempt = read(label::RESTART_COUNT).parse().unwrap_or(0);
    let created = time(inspection.created.as_deref()).unwrap_or(Timestamp::UNIX_EPOCH);
    let state = state(inspection.state.unwrap_or_default(), created);
    if name == SANDBOX_NAME {
        let address = address(inspection.network_settings, network);
        let (running, started) = match state {
            State::Running(since) => (true, since),
            _ => (false, created),
        };
        observed.sandboxes.push(Sandbox { id, attempt, running, started, address });
        return;
    }
    let mode = inspection.host_config.and_then(|config| config.network_mode).unwrap_or_default();
    let sandbox = mode.strip_prefix("container:").unwrap_or_default().to_owned();
    let image_id = inspection.image.unwrap_or_default();
    observed.containers.push(Container { id, name, attempt, hash: read(label::HASH), sandbox, image_id, state });
}

/// The address on the pods' network.
pub(super) fn address(settings: Option<NetworkSettings>, network: &str) -> Option<IpAddr> {
    let networks = settings?.networks?;
    networks.get(network)?.ip_address.as_deref()?.parse().ok()
}

/// A container that Docker could not start stays `created` with an error: that is an end, not a beginning.
fn state(state: ContainerState, created: Timestamp) -> State {
    use ContainerStateStatusEnum as Status;
    let error = state.error.unwrap_or_default();
    let code = state.exit_code.unwrap_or_default();
    let code = i32::try_from(code).unwrap_or(-1);
    let status = state.status.unwrap_or(Status::EMPTY);
    let started = time(state.started_at.as_deref());
    match status {
        Status::RUNNING | Status::PAUSED | Status::RESTARTING | Status::STOPPING => {
            State::Running(started.unwrap_or(created))
        }
        Status::CREATED | Status::EMPTY if error.is_empty() && code == 0 => State::Created,
        status => {
            let error = if started.is_none() || matches!(status, Status::CREATED) { error } else { String::new() };
            let started = started.unwrap_or(created);
            let finished = time(state.finished_at.as_deref()).unwrap_or(created);
            State::Exited(Exit { code, started, finished, oom_killed: state.oom_killed == Some(true), error })
        }
    }
}

/// A time of Docker's; its year 1 means never.
fn time(text: Option<&str>) -> Option<Timestamp> {
    let time: Timestamp = text?.parse().ok()?;
    (time > Timestamp::UNIX_EPOCH).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe(json: serde_json::Value) -> Observed {
        let mut observed = Observed::default();
        sort_in(serde_json::from_value(json).unwrap(), "pods", &mut observed);
        observed
    }

    fn container(state: serde_json::Value) -> State {
        let json = serde_json::json!({
            "Id": "abc", "Created": "2026-01-01T00:00:00.5Z", "State": state, "Image": "sha256:0",
            "HostConfig": {"NetworkMode": "container:sandbox"},
            "Config": {"Labels": {"io.kubernetes.container.name": "c", "io.kubernetes.container.restartCount": "3"}},
        });
        let mut observed = observe(json);
        let container = observed.containers.remove(0);
        assert_eq!((container.attempt, container.sandbox.as_str()), (3, "sandbox"));
        container.state
    }

    #[test]
    fn a_container_that_could_not_start_has_ended() {
        let never = "0001-01-01T00:00:00Z";
        let created = serde_json::json!({"Status": "created", "ExitCode": 0, "StartedAt": never, "FinishedAt": never});
        assert_eq!(container(created), State::Created);
        let refused = serde_json::json!({"Status": "created", "ExitCode": 127, "Error": "no such file",
                                         "StartedAt": never, "FinishedAt": never});
        let State::Exited(exit) = container(refused) else { panic!("it has ended") };
        assert_eq!((exit.code, exit.error.as_str()), (127, "no such file"));
        assert_eq!(exit.finished, "2026-01-01T00:00:00.5Z".parse().unwrap());
    }

    #[test]
    fn running_and_exited_are_told_apart() {
        let started = "2026-01-01T00:00:01Z";
        let running = serde_json::json!({"Status": "running", "StartedAt": started});
        assert_eq!(container(running), State::Running(started.parse().unwrap()));
        let exited = serde_json::json!({"Status": "exited", "ExitCode": 137, "OOMKilled": true, "StartedAt": started,
                                        "FinishedAt": "2026-01-01T00:00:09Z"});
        let State::Exited(exit) = container(exited) else { panic!("it has ended") };
        assert!(exit.oom_killed && exit.error.is_empty() && exit.finished > exit.started);
    }

    #[test]
    fn a_sandbox_has_its_address_on_the_pods_network() {
        let observed = observe(serde_json::json!({
            "Id": "abc", "State": {"Status": "running"}, "Config": {"Labels": {"io.kubernetes.container.name": "POD"}},
            "NetworkSettings": {"Networks": {"pods": {"IPAddress": "10.0.0.7"}}},
        }));
        assert_eq!(observed.sandboxes[0].address, Some([10, 0, 0, 7].into()));
        assert!(observed.sandboxes[0].running);
    }
}
