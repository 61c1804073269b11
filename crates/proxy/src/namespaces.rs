//! The tables of this node: its own and one a pod, each brought from what it holds to what it shall hold.
//!
//! A pod's rules are in its own network namespace, so that the servers it talks to see the pod's address. All pods' tables
//! hold the same, so a change is worked out and encoded once and sent through all their sockets.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use crate::conntrack;
use crate::nft::{Error, Hooks, Socket, Table};
use crate::services::Difference;

/// One network namespace with our table.
struct Namespace {
    socket: Socket,
    /// `false` until its table was made, and after a transaction failed: then it is made afresh.
    holds: bool,
}

/// All namespaces with our table, by pod UID.
pub(crate) struct Namespaces {
    root: PathBuf,
    node: Table,
    own: Namespace,
    pod: Table,
    pods: BTreeMap<String, Namespace>,
}

impl Namespaces {
    /// With the node's own namespace, which is this process's. `root` holds `pods/UID/sandbox/socket`.
    ///
    /// # Errors
    /// When the kernel has no netfilter sockets.
    pub(crate) fn new(root: &Path, range: (Ipv4Addr, u8)) -> Result<Self, Error> {
        Ok(Self {
            root: root.to_owned(),
            node: Table::new(Hooks::Node, range),
            own: Namespace { socket: Socket::open()?, holds: false },
            pod: Table::new(Hooks::Pod, range),
            pods: BTreeMap::new(),
        })
    }

    /// Changes every table. One that cannot be changed is logged, left out, and made afresh the next time.
    pub(crate) fn change(&mut self, difference: &Difference) {
        let own = std::iter::once(("the node".to_owned(), &mut self.own));
        change(&mut self.node, difference, own);
        let pods = self.pods.iter_mut().map(|(uid, namespace)| (format!("pod {uid}"), namespace));
        change(&mut self.pod, difference, pods);
    }

    /// Makes the table of a pod whose sandbox has just come up.
    ///
    /// # Errors
    /// When the sandbox hands out no socket, or the kernel refuses the table.
    pub(crate) fn add(&mut self, uid: &str) -> anyhow::Result<()> {
        let path = self.sandbox_socket(uid);
        let socket = Socket::from_fd(sandbox::client::socket(&path, sandbox::client::Kind::Netfilter)?);
        socket.commit(self.pod.make())?;
        self.pods.insert(uid.to_owned(), Namespace { socket, holds: true });
        Ok(())
    }

    /// Where a pod's sandbox hands out sockets.
    #[must_use]
    pub(crate) fn sandbox_socket(&self, uid: &str) -> PathBuf {
        self.root.join("pods").join(uid).join("sandbox").join("socket")
    }

    /// Forgets a pod whose sandbox ended; its table went with its namespace.
    pub(crate) fn remove(&mut self, uid: &str) {
        self.pods.remove(uid);
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

/// Changes a table and brings the namespaces that hold it along; UDP clients whose endpoint is there no more are let go.
fn change<'a>(
    table: &mut Table,
    difference: &Difference,
    namespaces: impl Iterator<Item = (String, &'a mut Namespace)>,
) {
    let changes = difference.of(table.hooks());
    let affected = conntrack::affected(table, changes);
    let (bytes, messages) = table.change(changes).finish();
    for (name, namespace) in namespaces {
        let done = match namespace.holds {
            true if messages == 0 => Ok(()),
            true => namespace.socket.send_encoded(&bytes, messages),
            false => namespace.socket.commit(table.make()),
        };
        namespace.holds = done.is_ok();
        if let Err(error) = done {
            tracing::warn!("services of {name}: {error}");
        }
        match conntrack::release(&namespace.socket, &affected) {
            Ok(0) => {}
            Ok(count) => tracing::debug!("{count} UDP clients of {name} begin anew"),
            Err(error) => tracing::warn!("connections of {name}: {error}"),
        }
    }
}
