//! Watches what a pod takes of its node's disk, and says when that is more than it may: its emptyDirs', its containers'
//! (`ephemeral-storage`: what they write to their own file systems and to their logs) and all of it together.
//!
//! The engine walks a container's files to say how large they are, and a log can be measured only by reading it. So that is
//! done for pods alone that have a limit for it, and takes a small part of the time however long it lasts.

mod limits;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use tokio::time::Instant;

use self::limits::{Limits, Usage};
use crate::context::Context;
use crate::events::Type;
use crate::plan::Cause;
use crate::pod;
use crate::volumes::usage;

/// How often a pod is measured: Kubernetes' kubelet does every ten seconds too.
const PERIOD: Duration = Duration::from_secs(10);
/// How many times as long as measuring took, nothing is measured.
const REST: u32 = 10;

/// Returns when the pod exceeds one of its limits, with what its status then says; never, where it has none.
pub async fn exceeded(context: &Context, pod: &Pod) -> Cause {
    let limits = Limits::of(pod);
    if limits.is_empty() {
        return std::future::pending().await;
    }
    let mut meter = Meter { context, pod, limits: &limits, told: BTreeSet::new() };
    let mut pause = PERIOD;
    loop {
        tokio::time::sleep(pause).await;
        let began = Instant::now();
        let usage = meter.measure().await;
        if let Some(message) = limits.exceeded(&usage) {
            return Cause { reason: "Evicted", message };
        }
        pause = PERIOD.max(began.elapsed() * REST);
    }
}

/// Measures one pod.
struct Meter<'a> {
    context: &'a Context,
    pod: &'a Pod,
    limits: &'a Limits,
    /// Containers, by name, and the parts of them of which events have told that they cannot be measured.
    told: BTreeSet<(String, &'static str)>,
}

impl Meter<'_> {
    /// What the pod takes now.
    async fn measure(&mut self) -> Usage {
        let volumes = usage::of_empty_dirs(self.context, self.pod, |volume| self.limits.concern(volume)).await;
        let containers = match self.limits.most() {
            Some(most) => self.containers(most).await,
            None => BTreeMap::new(),
        };
        Usage { volumes, containers }
    }

    /// What each running container takes, by its name. Nobody looks beyond `most`.
    async fn containers(&mut self, most: u64) -> BTreeMap<String, u64> {
        let observed = match self.context.runtime.observe(pod::uid(self.pod)).await {
            Ok(observed) => observed,
            Err(error) => {
                tracing::warn!(pod = pod::name(self.pod), %error, "cannot measure the pod's containers");
                return BTreeMap::new();
            }
        };
        let mut all = BTreeMap::new();
        for container in observed.containers.iter().filter(|container| container.running()) {
            let written = match self.context.runtime.written(&container.id).await {
                Ok(written) => written,
                Err(why) => self.unknown(&container.name, "file system", &why),
            };
            let log = match self.context.runtime.logged(&container.id, most.saturating_sub(written)).await {
                Ok(log) => log,
                Err(why) => self.unknown(&container.name, "log", &why),
            };
            all.insert(container.name.clone(), written + log);
        }
        all
    }

    /// Tells once that a part of what the container takes is not known, which then counts nothing.
    fn unknown(&mut self, name: &str, part: &'static str, why: &str) -> u64 {
        if self.told.insert((name.to_owned(), part)) {
            let message =
                format!("ephemeral-storage is not limited: cannot tell the size of the container's {part}: {why}");
            self.context.events.record(self.pod, name, Type::Warning, "Unsupported", message);
        }
        0
    }
}
