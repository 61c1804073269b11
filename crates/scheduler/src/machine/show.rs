//! The machine's state in text, for the debug pages (reference/k8sm-behaviour.md, section 2.20).

use std::fmt::Write;
use std::time::Instant;

use super::{Machine, Progress, Stage};

impl Machine {
    /// Whether there is a subscription at the master.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// One line for each pod that waits.
    #[must_use]
    pub fn show_queue(&self, now: Instant) -> String {
        let mut text = String::new();
        for record in self.waiting.values().filter_map(|uid| self.pods.get(uid)) {
            let Stage::Waiting(waiting) = &record.stage else { continue };
            let deadline = waiting.not_before.map(|time| time.saturating_duration_since(now));
            let deadline = deadline.map_or_else(|| "<none>".to_owned(), |left| format!("{left:?}"));
            let waited = now.saturating_duration_since(waiting.since);
            let _ = writeln!(text, "{{pod:{}, deadline:{deadline}, delay:{waited:?}}}", record.ask.key());
        }
        text
    }

    /// One line for each pod.
    #[must_use]
    pub fn show_pods(&self) -> String {
        let mut lines: Vec<String> = self
            .pods
            .values()
            .map(|record| {
                let stage = match &record.stage {
                    Stage::Waiting(_) => "waiting".to_owned(),
                    Stage::Tasked(task) => format!("{:?} on {}", task.progress, task.host).to_lowercase(),
                    Stage::Ended => "ended".to_owned(),
                };
                format!("{{pod:{}, stage:{stage}}}\n", record.ask.key())
            })
            .collect();
        lines.sort();
        lines.concat()
    }

    /// The number of tasks, then a line for each: ID, pod, state (0 pending, 1 running), offer.
    #[must_use]
    pub fn show_tasks(&self) -> String {
        let mut lines: Vec<String> = self
            .pods
            .values()
            .filter_map(|record| match &record.stage {
                Stage::Tasked(task) => {
                    let state = u8::from(task.progress >= Progress::Running);
                    Some(format!("{}\t{}\t{state}\t{}\n", task.id, record.ask.key(), task.offer))
                }
                _ => None,
            })
            .collect();
        lines.sort();
        format!("task_count={}\n{}", lines.len(), lines.concat())
    }
}
