//! How a pod ended: whether all that it was for is done.

use k8s_openapi::api::core::v1::{Container as Spec, Pod};

use crate::observed::{Container, Observed, State};
use crate::pod::{self, RestartPolicy};

/// How a pod ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All containers ended well and none is started again.
    Succeeded,
    /// A container failed and is not started again.
    Failed,
}

/// How the pod ended, if it did: as the API server already has it, or by its containers.
#[must_use]
pub fn outcome(pod: &Pod, observed: &Observed) -> Option<Outcome> {
    match pod::phase(pod) {
        "Succeeded" => return Some(Outcome::Succeeded),
        "Failed" => return Some(Outcome::Failed),
        _ => {}
    }
    let policy = pod::restart_policy(pod);
    if policy == RestartPolicy::Always {
        return None;
    }
    let init_failed = policy == RestartPolicy::Never
        && pod::init_containers(pod)
            .iter()
            .filter(|spec| !pod::is_sidecar(spec))
            .any(|spec| newest(observed, spec).and_then(Container::exit).is_some_and(|exit| exit.code != 0));
    if init_failed {
        return Some(Outcome::Failed);
    }
    let (mut failed, mut any) = (false, false);
    for spec in pod::containers(pod) {
        match newest(observed, spec).map(|container| &container.state) {
            Some(State::Exited(exit)) if exit.code == 0 => {}
            Some(State::Exited(_)) if policy == RestartPolicy::Never => failed = true,
            // never made, and never will be: the sandbox it belonged to is gone, and the pod is not begun anew
            None if policy == RestartPolicy::Never && abandoned(observed) => failed = true,
            _ => return None,
        }
        any = true;
    }
    any.then_some(if failed { Outcome::Failed } else { Outcome::Succeeded })
}

/// The newest container made from `spec`.
pub(super) fn newest<'a>(observed: &'a Observed, spec: &Spec) -> Option<&'a Container> {
    observed.named(&spec.name).next()
}

/// How a pod that is made to end is said to have ended: nothing is started again, whatever its policy.
pub(super) fn last(pod: &Pod, observed: &Observed) -> Outcome {
    let well = |spec| newest(observed, spec).and_then(Container::exit).is_some_and(|exit| exit.code == 0);
    if pod::containers(pod).iter().all(well) { Outcome::Succeeded } else { Outcome::Failed }
}

/// Whether containers of the pod have been, none of them runs, and its sandbox does not either.
fn abandoned(observed: &Observed) -> bool {
    observed.live_sandbox().is_none()
        && !observed.any_running()
        && observed.containers.iter().any(|c| c.exit().is_some())
}
