//! The pod's status in the API server: written where it changed, and again where somebody else has written over it, as the
//! node controller does while it does not hear of the node.

use std::borrow::Cow;

use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::api::{Api, Patch, PatchParams};

use super::{STATUS_TIMEOUT, Worker};
use crate::binding::is_status;
use crate::pod;
use crate::status;
use crate::version;

/// A status as the API server keeps it, which is not to the letter as it was written.
#[derive(Clone, Debug, Default)]
pub(super) struct Stored {
    version: String,
    status: PodStatus,
}

/// What came of a status that may have to be written.
#[derive(Debug)]
pub(super) enum Written {
    /// There is nothing to write.
    Nothing,
    /// It is there, so.
    Stored(Box<Stored>),
    /// There is no such pod any more.
    Gone,
    /// It clashed with another's write, or the pod is another one by now.
    Clash,
    /// It is not there yet.
    Refused,
}

impl Stored {
    /// The status of a pod as the API server gave it.
    pub(super) fn of(pod: &Pod) -> Self {
        let version = pod.metadata.resource_version.clone().unwrap_or_default();
        Self { version, status: pod.status.clone().unwrap_or_default() }
    }

    /// Whether somebody changed in `pod` what is this node's to write. What was before our write says nothing.
    pub(super) fn is_spoiled_by(&self, pod: &Pod) -> bool {
        let now = Self::of(pod);
        version::is_later(&now.version, &self.version) && !is_kept(&self.status, &now.status)
    }
}

/// Whether the statuses are one in what is this node's to write.
fn is_kept(before: &PodStatus, now: &PodStatus) -> bool {
    let condition = |status: &PodStatus, type_: &str| {
        status.conditions.iter().flatten().find(|condition| condition.type_ == type_).cloned()
    };
    before.phase == now.phase
        && before.container_statuses == now.container_statuses
        && before.init_container_statuses == now.init_container_statuses
        && before.ephemeral_container_statuses == now.ephemeral_container_statuses
        && status::OWN.iter().all(|type_| condition(before, type_) == condition(now, type_))
}

impl Worker {
    /// Writes the status where it changed, or is not so in the API server.
    pub(super) async fn write(&self, status: &PodStatus) -> Written {
        if self.is_gone() || !self.bound || (*status == self.written && !self.spoiled) {
            return Written::Nothing;
        }
        let api: Api<Pod> = Api::namespaced(self.context.client.clone(), pod::namespace(&self.pod));
        let (parameters, patch) = (PatchParams::default(), Patch::Strategic(body(&self.pod, status)));
        let request = api.patch_status(pod::name(&self.pod), &parameters, &patch);
        match tokio::time::timeout(STATUS_TIMEOUT, request).await {
            Ok(Ok(pod)) => Written::Stored(Box::new(Stored::of(&pod))),
            Ok(Err(error)) if is_status(&error, 404) => Written::Gone,
            Ok(Err(error)) => {
                tracing::warn!(pod = pod::name(&self.pod), %error, "cannot write the pod's status");
                if is_status(&error, 409) { Written::Clash } else { Written::Refused }
            }
            Err(_) => {
                let pod = pod::name(&self.pod);
                tracing::warn!(pod, "cannot write the pod's status: the API server takes too long");
                Written::Refused
            }
        }
    }

    /// Notes what came of writing `status`; false where it is to be written again.
    pub(super) async fn note_written(&mut self, status: PodStatus, outcome: Written) -> bool {
        match outcome {
            Written::Nothing => {}
            Written::Stored(stored) => {
                self.stored = *stored;
                self.spoiled = false;
            }
            Written::Gone => self.mailbox.missing(),
            Written::Clash => {
                // asked at once, and not by way of the mailbox: its news would end the pause before the next try
                self.look_for_pod().await;
                return self.is_gone();
            }
            Written::Refused => return false,
        }
        self.written = status;
        true
    }

    /// Whether the pod has nobody to be told of any more.
    fn is_gone(&self) -> bool {
        self.end.as_ref().is_some_and(|end| !end.delete)
    }
}

/// The patch that makes a pod's status this one.
fn body(pod: &Pod, status: &PodStatus) -> serde_json::Value {
    let mut body = serde_json::json!({"metadata": {"uid": pod::uid(pod)}, "status": status});
    // a patch keeps what it does not name
    for field in ["podIP", "podIPs", "message", "reason", "initContainerStatuses"] {
        let fields = body["status"].as_object_mut().expect("a status is an object");
        fields.entry(field).or_insert(serde_json::Value::Null);
    }
    for field in ["podIPs", "hostIPs"] {
        if let Some(addresses) = body["status"][field].as_array_mut() {
            // merged by address otherwise: that of a sandbox that died would stay, and that of a slave before its restart
            addresses.insert(0, serde_json::json!({"$patch": "replace"}));
        }
    }
    // conditions merge by their type, since readiness gates are others' to write: what one no longer has goes
    for condition in body["status"]["conditions"].as_array_mut().into_iter().flatten() {
        let fields = condition.as_object_mut().expect("a condition is an object");
        for field in ["reason", "message"] {
            fields.entry(field).or_insert(serde_json::Value::Null);
        }
    }
    body
}

/// The pod as it is once what was written last has come back: one that has ended stays so, whatever happens before that.
pub(super) fn ended<'a>(pod: &'a Pod, written: &PodStatus) -> Cow<'a, Pod> {
    if pod::has_ended(pod) || !matches!(written.phase.as_deref(), Some("Succeeded" | "Failed")) {
        return Cow::Borrowed(pod);
    }
    let mut pod = pod.clone();
    pod.status.get_or_insert_default().phase.clone_from(&written.phase);
    Cow::Owned(pod)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(version: &str, ready: &str, gate: &str) -> Pod {
        serde_json::from_value(serde_json::json!({"metadata": {"name": "p", "resourceVersion": version}, "status": {
            "phase": "Running", "conditions": [{"type": "Ready", "status": ready}, {"type": "gate", "status": gate}]}}))
        .unwrap()
    }

    #[test]
    fn what_another_wrote_over_ours_is_told_from_what_was_before() {
        let stored = Stored::of(&pod("7", "True", "False"));
        assert!(stored.is_spoiled_by(&pod("8", "False", "False")));
        assert!(!stored.is_spoiled_by(&pod("6", "False", "False")), "an event of before our write");
        assert!(!stored.is_spoiled_by(&pod("8", "True", "True")), "a gate is another's to open");
    }

    #[test]
    fn addresses_of_before_go() {
        let stored = serde_json::json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "status": {
            "hostIPs": [{"ip": "10.0.0.1"}], "podIPs": [{"ip": "10.0.0.2"}]}});
        let own = serde_json::json!({"hostIPs": [{"ip": "10.0.0.3"}], "podIPs": [{"ip": "10.0.0.4"}]});
        let body = body(&pod("7", "True", "True"), &serde_json::from_value(own).unwrap());
        let (kind, type_) = (kube_api::kinds::lookup("pods").unwrap(), kube_api::patch::PatchType::Strategic);
        let patched = kube_api::patch::apply_value(kind, type_, &stored, body).unwrap();
        assert_eq!(patched["status"]["hostIPs"], serde_json::json!([{"ip": "10.0.0.3"}]));
        assert_eq!(patched["status"]["podIPs"], serde_json::json!([{"ip": "10.0.0.4"}]));
    }

    #[test]
    fn an_end_that_was_written_and_has_not_come_back_is_one() {
        let pod =
            |phase: &str| -> Pod { serde_json::from_value(serde_json::json!({"status": {"phase": phase}})).unwrap() };
        let phase = |known: &str, written: &str| {
            let written = PodStatus { phase: Some(written.to_owned()), ..PodStatus::default() };
            pod::phase(&ended(&pod(known), &written)).to_owned()
        };
        assert_eq!(phase("Running", "Succeeded"), "Succeeded");
        assert_eq!(phase("Failed", "Succeeded"), "Failed", "the API server's word, where it has one");
        assert_eq!(phase("Pending", "Running"), "Pending");
    }
}
