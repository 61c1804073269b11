//! What goes on beside a pod's containers: their probes, the pod's volumes and ports, and the notice of its sandbox's death.
//! All of it follows what Docker has of the pod, and ends with its worker.

use std::net::IpAddr;

use tokio::task::JoinSet;

use super::Worker;
use crate::health::Scene;
use crate::host_ports::{self, HostPorts};
use crate::observed::Observed;
use crate::pod;
use crate::storage;
use crate::termination;
use crate::volumes::{self, Keeper};

impl Worker {
    /// Brings all of it to what Docker has of the pod now.
    pub(super) async fn follow(&mut self, observed: &Observed) {
        self.note_address(observed);
        self.watch_sandbox(observed);
        self.keep_volumes(observed);
        self.follow_health(observed);
        self.open_ports(observed);
        self.name_images(observed).await;
        self.read_messages(observed).await;
    }

    /// The pod's address, as its sandbox has it, or as the last status says.
    fn note_address(&mut self, observed: &Observed) {
        let of_sandbox = observed.live_sandbox().and_then(|sandbox| sandbox.address);
        let known = || self.written.pod_ip.as_deref().and_then(|address| address.parse().ok());
        if let Some(IpAddr::V4(address)) = of_sandbox.or_else(known) {
            self.address = Some(address);
        }
    }

    /// What a status calls images that have not been met before.
    async fn name_images(&mut self, observed: &Observed) {
        for container in &observed.containers {
            if !container.image_id.is_empty() && !self.image_ids.contains_key(&container.image_id) {
                let image = self.context.runtime.image(&container.image_id).await.ok().flatten();
                let reference =
                    image.map_or_else(|| format!("docker://{}", container.image_id), |image| image.reference);
                self.image_ids.insert(container.image_id.clone(), reference);
            }
        }
    }

    /// Hooks and probes follow the containers that run.
    fn follow_health(&mut self, observed: &Observed) {
        let scene = Scene {
            context: &self.context,
            mailbox: &self.mailbox,
            pod: &self.pod,
            observed,
            previous: &self.written,
            ends: self.end.is_some(),
        };
        let started = &self.started;
        self.watcher.follow(scene, |container| started.contains(&(container.name.clone(), container.attempt)));
        self.health = self.watcher.healths();
    }

    /// The node's ports that the pod asks for are open while its sandbox runs.
    fn open_ports(&mut self, observed: &Observed) {
        let address = observed.live_sandbox().and_then(|sandbox| sandbox.address);
        match address.filter(|_| !host_ports::wanted(&self.pod).is_empty()) {
            None => self.host_ports = None,
            Some(address) if self.host_ports.as_ref().is_some_and(|open| open.address() == address) => {}
            Some(address) => self.host_ports = Some(HostPorts::open(&self.context, &self.pod, address)),
        }
    }

    /// What ended containers left to say, read once.
    async fn read_messages(&mut self, observed: &Observed) {
        let directory = self.context.directory(pod::uid(&self.pod));
        for container in observed.containers.iter().filter(|container| container.exit().is_some()) {
            let Some(spec) = pod::container(&self.pod, &container.name) else { continue };
            if !self.messages.contains_key(&container.id) {
                let message = termination::message(&self.context.runtime, &directory, &spec, container).await;
                self.messages.insert(container.id.clone(), message);
            }
        }
        self.messages.retain(|id, _| observed.containers.iter().any(|container| container.id == *id));
    }

    /// Volumes follow their sources from the first container to the last.
    fn keep_volumes(&mut self, observed: &Observed) {
        match &self.keeper {
            _ if observed.containers.is_empty() || self.end.is_some() => self.keeper = None,
            Some(keeper) => keeper.tell(&self.pod),
            None => {
                self.watch_sources();
                self.keeper = Some(Keeper::start(&self.context, &self.pod, &self.sources));
            }
        }
        if self.end.is_some() {
            self.sources.clear();
        }
        if self.keeper.is_none() {
            self.meter = JoinSet::new();
        } else if self.meter.is_empty() && self.evicted.is_none() {
            let (context, pod) = (self.context.clone(), self.pod.clone());
            self.meter.spawn(async move { storage::exceeded(&context, &pod).await });
        }
    }

    /// What the pod's volumes are made of is watched from now on.
    pub(super) fn watch_sources(&mut self) {
        for object in volumes::objects(&self.pod) {
            let watches = &self.context.watches;
            self.sources.entry(object).or_insert_with_key(|object| watches.subscribe(object.clone()));
        }
    }

    /// Holds a connection to the sandbox: it closes within a millisecond of the sandbox's death, which Docker tells later.
    fn watch_sandbox(&mut self, observed: &Observed) {
        let Some(sandbox) = observed.live_sandbox() else { return };
        if self.watched.as_deref() == Some(&sandbox.id) {
            return;
        }
        self.watched = Some(sandbox.id.clone());
        let (id, socket) = (sandbox.id.clone(), self.context.directory(pod::uid(&self.pod)).sandbox_socket());
        self.watch.abort_all();
        self.watch.spawn(async move {
            match sandbox::client::until_dead(&socket).await {
                Ok(()) => id,
                // a sandbox without a socket tells nothing: Docker will
                Err(_) => std::future::pending().await,
            }
        });
    }
}
