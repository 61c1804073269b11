//! What a pod's events say of its plan: what the node leaves out, why the pod ends early, what waits to be tried again.

use super::Worker;
use crate::admission;
use crate::left_out;
use crate::plan;
use crate::pod;

impl Worker {
    /// Says in events which containers wait to be tried again, and, before the first is made, what this node leaves out.
    pub(super) fn announce(&mut self, plan: &plan::Plan, begins: bool) {
        if begins && self.task.is_some() && !std::mem::replace(&mut self.warned, true) {
            for (container, what) in left_out::of(&self.pod, self.context.placement.host_ipc.is_some()) {
                self.warn(container, "Unsupported", what);
            }
        }
        if let Some(cause) = &plan.cause
            && !std::mem::replace(&mut self.ended_early, true)
        {
            match cause.reason {
                "DeadlineExceeded" => self.good("", cause.reason, &cause.message),
                reason => self.warn("", reason, cause.message.trim_start_matches(admission::REJECTED)),
            }
        }
        for (name, waiting) in &plan.waiting {
            if self.announced.get(name) == Some(&waiting.reason) {
                continue;
            }
            let image =
                || pod::container(&self.pod, name).and_then(|container| container.image.clone()).unwrap_or_default();
            match waiting.reason.as_str() {
                "CrashLoopBackOff" => {
                    let (pod, namespace, uid) = (pod::name(&self.pod), pod::namespace(&self.pod), pod::uid(&self.pod));
                    let what = format!("Back-off restarting failed container {name} in pod {pod}_{namespace}({uid})");
                    self.warn(name, "BackOff", what);
                }
                "ImagePullBackOff" => {
                    self.good(name, "BackOff", format!("Back-off pulling image \"{}\"", image()));
                    self.warn(name, "Failed", "Error: ImagePullBackOff");
                }
                _ => {}
            }
        }
        self.announced = plan.waiting.iter().map(|(name, waiting)| (name.clone(), waiting.reason.clone())).collect();
    }
}
