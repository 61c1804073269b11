//! What a master does when time has passed: heartbeats and pings, frameworks and agents that stayed away too long, offers
//! and filters that expire, offers of what has become free.

use mesos::scheduler::Event;

use super::framework::Connection;
use super::{Core, HEARTBEAT, Link, Now, Settings};
use crate::link::ToAgent;

/// When something is due next.
#[derive(Debug, Clone)]
pub(super) struct Timers {
    heartbeat: Now,
    ping: Now,
    /// When what has become free is offered.
    allocation: Option<Now>,
    last_allocation: Now,
}

impl Timers {
    pub(super) fn new(settings: &Settings, now: Now) -> Self {
        Self {
            heartbeat: now + HEARTBEAT,
            ping: now + settings.agent_ping_timeout,
            allocation: None,
            last_allocation: now,
        }
    }

    /// All agents have been looked at.
    pub(super) fn allocated(&mut self, now: Now) {
        (self.allocation, self.last_allocation) = (None, now);
    }
}

impl Core {
    /// When [`Core::time_passed`] has to be called next.
    pub(in crate::master) fn next_deadline(&self) -> Now {
        let fixed = [Some(self.timers.heartbeat), Some(self.timers.ping), self.timers.allocation];
        let removals = self.frameworks.values().map(|framework| match framework.connection {
            Connection::Disconnected { removal } => Some(removal),
            _ => None,
        });
        let filters =
            self.frameworks.values().flat_map(|framework| framework.filters.iter().map(|filter| Some(filter.expires)));
        let agents = self.agents.values().map(|agent| match agent.link {
            Link::Down { removal } => Some(removal),
            Link::Up { .. } => None,
        });
        let offers = self.offers.values().map(|open| open.expires);
        let all = fixed.into_iter().chain(removals).chain(filters).chain(agents).chain(offers).flatten();
        all.min().unwrap_or(self.timers.heartbeat)
    }

    /// Does what is due at `now`.
    pub(in crate::master) fn time_passed(&mut self, now: Now) {
        if self.timers.heartbeat <= now {
            self.timers.heartbeat = now + HEARTBEAT;
            self.heartbeat();
        }
        if self.timers.ping <= now {
            self.timers.ping = now + self.settings.agent_ping_timeout;
            self.ping(now);
        }
        self.remove_the_late(now);
        self.rescind_where(|open| open.expires.is_some_and(|expires| expires <= now));
        let mut is_due = self.timers.allocation.is_some_and(|due| due <= now);
        for framework in self.frameworks.values_mut() {
            let before = framework.filters.len();
            framework.filters.retain(|filter| filter.expires > now);
            is_due |= framework.filters.len() < before;
        }
        if is_due {
            self.allocate(now);
        }
    }

    /// Resources have become free: they are offered in the next round, which is no sooner than the allocation interval
    /// after the last one.
    pub(super) fn recovered(&mut self, now: Now) {
        let due = (self.timers.last_allocation + self.settings.allocation_interval).max(now);
        self.timers.allocation.get_or_insert(due);
    }

    fn heartbeat(&mut self) {
        let connected: Vec<_> = self
            .frameworks
            .iter()
            .filter(|(_, framework)| framework.stream().is_some())
            .map(|(id, _)| id.clone())
            .collect();
        for framework_id in connected {
            self.send(&framework_id, Event::Heartbeat);
        }
    }

    /// Pings the agents; those that did not answer the last ones are lost.
    fn ping(&mut self, now: Now) {
        let (mut lost, mut pinged) = (Vec::new(), Vec::new());
        for (id, agent) in &mut self.agents {
            let Link::Up { unanswered, .. } = &mut agent.link else { continue };
            if *unanswered >= self.settings.max_agent_ping_timeouts {
                lost.push(id.clone());
            } else {
                *unanswered += 1;
                pinged.push(id.clone());
            }
        }
        for agent_id in pinged {
            self.command(&agent_id, ToAgent::Ping);
        }
        for agent_id in lost {
            self.agent_unreachable(now, &agent_id);
        }
    }

    fn remove_the_late(&mut self, now: Now) {
        let late = self.frameworks.iter().filter(|(_, framework)| match framework.connection {
            Connection::Disconnected { removal } => removal <= now,
            _ => false,
        });
        for framework_id in late.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.remove_framework(now, &framework_id);
        }
        let lost = self.agents.iter().filter(|(_, agent)| match agent.link {
            Link::Down { removal } => removal <= now,
            Link::Up { .. } => false,
        });
        for agent_id in lost.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.agent_unreachable(now, &agent_id);
        }
    }
}
