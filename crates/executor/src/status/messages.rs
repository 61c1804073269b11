//! What ended containers left to say shares 12 KiB of the pod's status, as in Kubernetes: an object has to stay small.

use k8s_openapi::api::core::v1::ContainerStatus;

/// Bytes of a pod's termination messages together.
const MAX: usize = 12 * 1024;

/// Cuts the end off each message that is longer than its part of what the pod may say. `statuses` are those of all containers of
/// the pod: each has the same part, whether it says anything or not.
pub(super) fn shorten(statuses: [&mut Vec<ContainerStatus>; 3]) {
    let containers = statuses.iter().map(|list| list.len()).sum::<usize>();
    let most = MAX / containers.max(1);
    for status in statuses.into_iter().flatten() {
        for state in [&mut status.state, &mut status.last_state].into_iter().flatten() {
            let message = state.terminated.as_mut().and_then(|ended| ended.message.as_mut());
            if let Some(message) = message {
                message.truncate(message.floor_char_boundary(most));
            }
        }
    }
}
