//! The tables of this node: its own and one a pod, each brought from what it holds to what it shall hold.
//!
//! A pod's rules are in its own network namespace, so that the servers it talks to see the pod's address. Most tables
//! hold the same rules, so a change is worked out and encoded once and sent through all their sockets.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::conntrack;
use crate::nft::{Error, Hooks, Rules, Socket, difference};

/// One network namespace with our table.
struct Namespace {
    socket: Socket,
    hooks: Hooks,
    /// `None` until its table was made, and after a transaction failed: then it is made afresh.
    holds: Option<Arc<Rules>>,
}

/// All namespaces with our table, by pod UID; the node's own has the empty one.
pub(crate) struct Namespaces {
    range: (Ipv4Addr, u8),
    root: PathBuf,
    all: BTreeMap<String, Namespace>,
    rules: Arc<Rules>,
}

impl Namespaces {
    /// With the node's own namespace, which is this process's. `root` holds `pods/UID/sandbox/socket`.
    ///
    /// # Errors
    /// When the kernel has no netfilter sockets.
    pub(crate) fn new(root: &Path, range: (Ipv4Addr, u8)) -> Result<Self, Error> {
        let node = Namespace { socket: Socket::open()?, hooks: Hooks::Node, holds: None };
        let all = BTreeMap::from([(String::new(), node)]);
        Ok(Self { range, root: root.to_owned(), all, rules: Arc::new(Rules::new()) })
    }

    /// Brings every table to `rules`. A table that cannot be changed is logged, left out, and made afresh the next time.
    pub(crate) fn set(&mut self, rules: &Arc<Rules>) {
        self.rules = Arc::clone(rules);
        let mut changes: Vec<Change> = Vec::new();
        for (uid, namespace) in &mut self.all {
            let at = changes.iter().position(|change| change.fits(namespace)).unwrap_or_else(|| {
                changes.push(Change::of(namespace, self.range, rules));
                changes.len() - 1
            });
            namespace.holds = match changes[at].send(&namespace.socket) {
                Ok(()) => Some(Arc::clone(rules)),
                Err(error) => {
                    tracing::warn!("services of {}: {error}", named(uid));
                    None
                }
            };
        }
    }

    /// Makes the table of a pod whose sandbox has just come up.
    ///
    /// # Errors
    /// When the sandbox hands out no socket, or the kernel refuses the table.
    pub(crate) fn add(&mut self, uid: &str) -> anyhow::Result<()> {
        let path = self.sandbox_socket(uid);
        let socket = Socket::from_fd(sandbox::client::socket(&path, sandbox::client::Kind::Netfilter)?);
        socket.commit(difference(Hooks::Pod, self.range, None, &self.rules))?;
        let namespace = Namespace { socket, hooks: Hooks::Pod, holds: Some(Arc::clone(&self.rules)) };
        self.all.insert(uid.to_owned(), namespace);
        Ok(())
    }

    /// What the tables hold or shall hold.
    #[must_use]
    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules)
    }

    /// Lets UDP clients go whose endpoint is there no more, in every namespace, now that the rules are no longer `before`.
    pub(crate) fn release(&self, before: &Rules) {
        let affected = conntrack::affected(before, &self.rules);
        for (uid, namespace) in &self.all {
            match conntrack::release(&namespace.socket, &affected) {
                Ok(0) => {}
                Ok(count) => tracing::debug!("{count} UDP clients of {} begin anew", named(uid)),
                Err(error) => tracing::warn!("connections of {}: {error}", named(uid)),
            }
        }
    }

    /// Where a pod's sandbox hands out sockets.
    #[must_use]
    pub(crate) fn sandbox_socket(&self, uid: &str) -> PathBuf {
        self.root.join("pods").join(uid).join("sandbox").join("socket")
    }

    /// Forgets a pod whose sandbox ended; its table went with its namespace.
    pub(crate) fn remove(&mut self, uid: &str) {
        self.all.remove(uid);
    }

    /// The UIDs of the pods whose sandboxes answer: those that were here before this process.
    #[must_use]
    pub(crate) fn found(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.root.join("pods")).into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.path().join("sandbox/socket").exists())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    }
}

/// What brings every table that holds the same to what it shall hold, encoded once.
struct Change {
    hooks: Hooks,
    from: Option<Arc<Rules>>,
    bytes: Vec<u8>,
    messages: u32,
}

impl Change {
    fn of(namespace: &Namespace, range: (Ipv4Addr, u8), rules: &Rules) -> Self {
        let (bytes, messages) = difference(namespace.hooks, range, namespace.holds.as_deref(), rules).finish();
        Self { hooks: namespace.hooks, from: namespace.holds.clone(), bytes, messages }
    }

    fn fits(&self, namespace: &Namespace) -> bool {
        let same = match (&self.from, &namespace.holds) {
            (Some(from), Some(holds)) => Arc::ptr_eq(from, holds),
            (from, holds) => from.is_none() && holds.is_none(),
        };
        same && self.hooks == namespace.hooks
    }

    fn send(&self, socket: &Socket) -> Result<(), Error> {
        if self.messages == 0 { Ok(()) } else { socket.send_encoded(&self.bytes, self.messages) }
    }
}

fn named(uid: &str) -> String {
    if uid.is_empty() { "the node".to_owned() } else { format!("pod {uid}") }
}
