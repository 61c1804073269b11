//! How a pod ended: whether all that it was for is done. What the engine has lost (`docker container prune`) has ended as the last
//! status says.

use k8s_openapi::api::core::v1::{Container as Spec, Pod, PodStatus};

use crate::observed::{Container, Observed};
use crate::pod::{self, RestartPolicy};

/// How a pod ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All containers ended well and none is started again.
    Succeeded,
    /// A container failed and is not started again.
    Failed,
}

/// How the pod ended, if it did: as the API server already has it, or by its containers; `known` is its last status.
#[must_use]
pub fn outcome(pod: &Pod, observed: &Observed, known: &PodStatus) -> Option<Outcome> {
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
            .any(|spec| code(observed, known, spec).is_some_and(|code| code != 0));
    if init_failed {
        return Some(Outcome::Failed);
    }
    let (mut failed, mut any) = (false, false);
    for spec in pod::containers(pod) {
        match code(observed, known, spec) {
            Some(0) => {}
            Some(_) if policy == RestartPolicy::Never => failed = true,
            // never made, and never will be: the sandbox it belonged to is gone, and the pod is not begun anew
            None if policy == RestartPolicy::Never && newest(observed, spec).is_none() && abandoned(observed) => {
                failed = true;
            }
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

/// The code that the newest container made from `spec` ended with.
fn code(observed: &Observed, known: &PodStatus, spec: &Spec) -> Option<i32> {
    match newest(observed, spec) {
        Some(container) => container.exit().map(|exit| exit.code),
        None => pod::told_code(known, &spec.name),
    }
}

/// How a pod that is made to end is said to have ended: nothing is started again, whatever its policy.
pub(super) fn last(pod: &Pod, observed: &Observed, known: &PodStatus) -> Outcome {
    let well = |spec| code(observed, known, spec) == Some(0);
    if pod::containers(pod).iter().all(well) { Outcome::Succeeded } else { Outcome::Failed }
}

/// Whether containers of the pod have been, none of them runs, and its sandbox does not either.
fn abandoned(observed: &Observed) -> bool {
    observed.live_sandbox().is_none()
        && !observed.any_running()
        && observed.containers.iter().any(|c| c.exit().is_some())
}
