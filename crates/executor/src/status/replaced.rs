//! A container that the node itself ended to start another in its place, because a probe failed or its image is another: the
//! two are one step in Kubernetes, so nobody sees it ended.

use k8s_openapi::api::core::v1::ContainerStatus;

use super::Facts;
use crate::observed::Container;
use crate::plan::Action;

/// The status that `container` had while it ran, where it was ended for the start that the plan is about to make.
pub(super) fn status(container: &Container, facts: Facts<'_>) -> Option<ContainerStatus> {
    let starts = |action: &Action| matches!(action, Action::Start(start) if start.name == container.name);
    let replaced = container.exit().is_some() && facts.replaced.contains(&container.id);
    if !replaced || !facts.plan.actions.iter().any(starts) {
        return None;
    }
    let id = format!("docker://{}", container.id);
    let previous = facts.previous;
    let all = [&previous.container_statuses, &previous.init_container_statuses, &previous.ephemeral_container_statuses];
    let mut all = all.into_iter().flatten().flatten();
    let ran = |status: &&ContainerStatus| status.state.as_ref().is_some_and(|state| state.running.is_some());
    all.find(|status| status.container_id.as_ref() == Some(&id)).filter(ran).cloned()
}
