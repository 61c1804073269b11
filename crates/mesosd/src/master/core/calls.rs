//! A scheduler's calls: who may make them, and which part of the core each goes to.

use mesos::scheduler::{Action, Call, Subscribe};
use mesos::{FrameworkID, FrameworkInfo};

use super::{Core, Now, role};

/// A refusal of a well-formed call (reference section 1.6, lines 12 to 18).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::master) enum Refusal {
    #[error("Framework cannot be found")]
    UnknownFramework,
    #[error("Framework is not subscribed")]
    NotSubscribed,
    #[error("All non-subscribe calls should include the 'Mesos-Stream-Id' header")]
    NoStreamId,
    #[error(
        "The stream ID '{stream}' included in this request didn't match the stream ID currently associated with framework ID {framework_id}"
    )]
    OtherStream { stream: String, framework_id: FrameworkID },
    /// The body of an UPDATE_FRAMEWORK.
    #[error("{0}")]
    InvalidUpdate(String),
    /// A call that we do not know what to do with.
    #[error("{0} is not supported by this master")]
    NotSupported(&'static str),
}

impl Core {
    /// Does what a scheduler asks on the stream that its header names. All but SUBSCRIBE.
    ///
    /// # Errors
    /// When the framework or the stream does not fit. What cannot be done otherwise is told by events, or not at all.
    pub(in crate::master) fn call(&mut self, now: Now, stream: Option<&str>, call: Call) -> Result<(), Refusal> {
        let framework_id = call.framework_id.ok_or(Refusal::UnknownFramework)?;
        let framework = self.frameworks.get(&framework_id).ok_or(Refusal::UnknownFramework)?;
        let own = framework.stream().ok_or(Refusal::NotSubscribed)?;
        let stream = stream.ok_or(Refusal::NoStreamId)?;
        if stream != own {
            return Err(Refusal::OtherStream { stream: stream.to_owned(), framework_id });
        }
        self.act(now, &framework_id, call.action)
    }

    fn act(&mut self, now: Now, framework_id: &FrameworkID, action: Action) -> Result<(), Refusal> {
        match action {
            Action::Teardown => self.remove_framework(now, framework_id),
            Action::Accept(accept) => self.accept(now, framework_id, accept),
            Action::Decline(decline) => self.decline(now, framework_id, &decline),
            Action::Revive(revive) => self.revive(now, framework_id, &revive.roles),
            Action::Suppress(suppress) => self.suppress(framework_id, &suppress.roles),
            Action::Kill(kill) => self.kill(now, framework_id, kill),
            Action::Shutdown(shutdown) => self.shutdown(framework_id, shutdown),
            Action::Acknowledge(acknowledge) => self.acknowledge(framework_id, acknowledge),
            Action::Reconcile(reconcile) => self.reconcile(now, framework_id, &reconcile.tasks),
            Action::Message(message) => self.message(framework_id, message),
            Action::UpdateFramework(update) => self.update_framework(now, framework_id, update)?,
            // The hierarchical allocator takes wishes without granting them, and there are no inverse offers to answer.
            Action::Request(_) | Action::AcceptInverseOffers(_) | Action::DeclineInverseOffers(_) => {}
            Action::ReconcileOperations(_) => return Err(Refusal::NotSupported("RECONCILE_OPERATIONS")),
            Action::AcknowledgeOperationStatus(_) => return Err(Refusal::NotSupported("ACKNOWLEDGE_OPERATION_STATUS")),
            Action::Subscribe(_) | Action::Unknown => return Err(Refusal::NotSupported("this call")),
        }
        Ok(())
    }

    /// The roles that a REVIVE or SUPPRESS means; `None` drops the call, as any wrong role does (section 3.9).
    fn meant_roles(&self, framework_id: &FrameworkID, roles: &[String]) -> Option<Vec<String>> {
        let subscribed = self.frameworks.get(framework_id)?.info.subscribed_roles();
        if roles.is_empty() {
            return Some(subscribed.into_iter().map(str::to_owned).collect());
        }
        if let Some(stranger) = roles.iter().find(|role| !subscribed.contains(&role.as_str())) {
            tracing::warn!("framework {framework_id} is not subscribed to role '{stranger}': its call is dropped");
            return None;
        }
        Some(roles.to_vec())
    }

    fn revive(&mut self, now: Now, framework_id: &FrameworkID, roles: &[String]) {
        let Some(roles) = self.meant_roles(framework_id, roles) else { return };
        if let Some(framework) = self.frameworks.get_mut(framework_id) {
            framework.suppressed.retain(|role| !roles.contains(role));
            framework.filters.retain(|filter| !roles.contains(&filter.role));
        }
        self.allocate(now);
    }

    fn suppress(&mut self, framework_id: &FrameworkID, roles: &[String]) {
        let Some(roles) = self.meant_roles(framework_id, roles) else { return };
        if let Some(framework) = self.frameworks.get_mut(framework_id) {
            framework.suppressed.extend(roles);
        }
    }

    fn update_framework(&mut self, now: Now, framework_id: &FrameworkID, update: Subscribe) -> Result<(), Refusal> {
        let info = update.framework_info;
        if let Some(reason) = role::refuse(&info, &self.settings.roles, self.settings.root_submissions) {
            return Err(Refusal::InvalidUpdate(format!("Supplied FrameworkInfo is not valid: {reason}")));
        }
        let Some(framework) = self.frameworks.get_mut(framework_id) else { return Err(Refusal::UnknownFramework) };
        if let Some(field) = changed(&framework.info, &info) {
            let reason = format!("FrameworkInfo update is not valid: Updating 'FrameworkInfo.{field}' is unsupported");
            return Err(Refusal::InvalidUpdate(reason));
        }
        let roles: Vec<String> = info.subscribed_roles().into_iter().map(str::to_owned).collect();
        if update.suppressed_roles.iter().any(|role| !roles.contains(role)) || update.offer_constraints.is_some() {
            let reason = "'UpdateFramework' call is not valid: suppressed roles are not subscribed to, or offer constraints are set";
            return Err(Refusal::InvalidUpdate(reason.to_owned()));
        }
        framework.info = info;
        framework.suppressed = update.suppressed_roles.into_iter().collect();
        self.rescind_where(|open| open.offer.framework_id == *framework_id && !roles.contains(&open.role));
        self.update_agents(framework_id);
        self.allocate(now);
        Ok(())
    }
}

/// The field of those that cannot change which differs.
fn changed(old: &FrameworkInfo, new: &FrameworkInfo) -> Option<&'static str> {
    [
        ("principal", old.principal != new.principal),
        ("user", old.user != new.user),
        ("checkpoint", old.checkpoint != new.checkpoint),
    ]
    .into_iter()
    .find_map(|(field, differs)| differs.then_some(field))
}
