//! What an executor keeps until its agent has stored it: updates, and tasks of which no update is stored (section 5.4).

use std::collections::VecDeque;

use crate::executor::{Acknowledged, Event, Subscribe, Update};
use crate::{Bytes, TaskInfo, TaskStatus};

/// Updates that are not acknowledged, in order, and tasks that the agent has heard nothing of.
#[derive(Debug, Default)]
pub(super) struct Kept {
    updates: VecDeque<(TaskStatus, Sent)>,
    tasks: Vec<TaskInfo>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    No,
    OnThisSubscription,
}

impl Kept {
    /// How many updates wait to be acknowledged.
    pub(super) fn len(&self) -> usize {
        self.updates.len()
    }

    pub(super) fn add(&mut self, status: TaskStatus) {
        self.updates.push_back((status, Sent::No));
    }

    /// The first update that was not sent yet.
    pub(super) fn next_unsent(&self) -> Option<TaskStatus> {
        self.updates.iter().find(|(_, sent)| *sent == Sent::No).map(|(status, _)| status.clone())
    }

    /// The update has been sent, though it may not be stored.
    pub(super) fn sent(&mut self, uuid: Option<&Bytes>) {
        if let Some((_, sent)) = self.updates.iter_mut().find(|(status, _)| status.uuid.as_ref() == uuid) {
            *sent = Sent::OnThisSubscription;
        }
    }

    /// The body of a SUBSCRIBE, with which everything kept is sent.
    pub(super) fn subscribe(&mut self) -> Subscribe {
        for (_, sent) in &mut self.updates {
            *sent = Sent::OnThisSubscription;
        }
        Subscribe {
            unacknowledged_tasks: self.tasks.clone(),
            unacknowledged_updates: self.updates.iter().map(|(status, _)| Update { status: status.clone() }).collect(),
        }
    }

    /// Keeps the tasks of a launch.
    pub(super) fn launched(&mut self, event: &Event) {
        match event {
            Event::Launch(launch) => self.tasks.push(launch.task.clone()),
            Event::LaunchGroup(group) => self.tasks.extend(group.task_group.tasks.iter().cloned()),
            _ => {}
        }
    }

    /// The agent has stored an update.
    pub(super) fn acknowledged(&mut self, acknowledged: &Acknowledged) {
        self.updates.retain(|(status, _)| status.uuid.as_ref() != Some(&acknowledged.uuid));
        self.tasks.retain(|task| task.task_id != acknowledged.task_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::Launch;

    fn update(task: &str, uuid: &[u8]) -> TaskStatus {
        TaskStatus { task_id: task.into(), uuid: Some(uuid.into()), ..TaskStatus::default() }
    }

    fn stored(task: &str, uuid: &[u8]) -> Acknowledged {
        Acknowledged { task_id: task.into(), uuid: uuid.into() }
    }

    #[test]
    fn updates_are_handed_over_in_order_until_they_are_stored() {
        let mut kept = Kept::default();
        kept.add(update("t", b"1"));
        kept.add(update("t", b"2"));
        assert_eq!(kept.next_unsent().unwrap().uuid.unwrap().0, b"1");
        kept.sent(Some(&b"1"[..].into()));
        assert_eq!(kept.next_unsent().unwrap().uuid.unwrap().0, b"2");
        let subscribe = kept.subscribe();
        assert_eq!(subscribe.unacknowledged_updates.len(), 2);
        assert_eq!(kept.next_unsent(), None, "SUBSCRIBE has sent them");
        kept.acknowledged(&stored("t", b"1"));
        assert_eq!(kept.subscribe().unacknowledged_updates[0].status.uuid.as_ref().unwrap().0, b"2");
    }

    #[test]
    fn a_task_is_handed_over_until_one_of_its_updates_is_stored() {
        let mut kept = Kept::default();
        let task = TaskInfo { task_id: "t".into(), ..TaskInfo::default() };
        kept.launched(&Event::Launch(Launch { task }));
        assert_eq!(kept.subscribe().unacknowledged_tasks.len(), 1);
        kept.acknowledged(&stored("t", b"1"));
        assert!(kept.subscribe().unacknowledged_tasks.is_empty());
    }
}
