//! The tables of this node: its own and one a pod, each brought from what it holds to what it shall hold.
//!
//! A pod's rules are in its own network namespace, so that the servers it talks to see the pod's address. All pods' tables
//! hold the same, so a change is worked out and encoded once and sent through all their sockets.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
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
    /// Which of the sandboxes that were added this is: a pod may have several, one after the other.
    number: u64,
}

/// All namespaces with our table, by pod UID.
pub(crate) struct Namespaces {
    root: PathBuf,
    node: Table,
    own: Namespace,
    pod: Table,
    pods: BTreeMap<String, Namespace>,
    /// How many sandboxes were added.
    added: u64,
    /// Whether one that is there could not be.
    refused: bool,
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
            own: Namespace { socket: Socket::open()?, holds: false, number: 0 },
            pod: Table::new(Hooks::Pod, range),
            pods: BTreeMap::new(),
            added: 0,
            refused: false,
        })
    }

    /// Changes every table. One that cannot be changed is logged, left out, and made afresh the next time.
    pub(crate) fn change(&mut self, difference: &Difference) {
        let own = std::iter::once(("the node".to_owned(), &mut self.own));
        change(&mut self.node, difference, own);
        let pods = self.pods.iter_mut().map(|(uid, namespace)| (format!("pod {uid}"), namespace));
        change(&mut self.pod, difference, pods);
    }

    /// Makes the table of a pod whose sandbox has just come up; gives the sandbox's number.
    ///
    /// # Errors
    /// When the sandbox hands out no socket, or the kernel refuses the table.
    pub(crate) fn add(&mut self, uid: &str) -> anyhow::Result<u64> {
        match self.make(uid) {
            Ok(socket) => {
                self.added += 1;
                self.pods.insert(uid.to_owned(), Namespace { socket, holds: true, number: self.added });
                Ok(self.added)
            }
            Err(error) => {
                self.refused |= !is_dead(&error);
                Err(error)
            }
        }
    }

    fn make(&self, uid: &str) -> anyhow::Result<Socket> {
        let path = self.sandbox_socket(uid);
        let socket = Socket::from_fd(sandbox::client::socket(&path, sandbox::client::Kind::Netfilter)?);
        socket.commit(self.pod.make())?;
        Ok(socket)
    }

    /// Whether every table is as it should be; where one is not, [`Namespaces::retry`] may help.
    #[must_use]
    pub(crate) fn is_whole(&self) -> bool {
        !self.refused && self.own.holds && self.pods.values().all(|namespace| namespace.holds)
    }

    /// Makes the tables afresh that could not be changed; gives the pods that have none, to be added.
    pub(crate) fn retry(&mut self) -> Vec<String> {
        self.refused = false;
        self.own.make_again(&self.node, "the node");
        for (uid, namespace) in &mut self.pods {
            namespace.make_again(&self.pod, &format!("pod {uid}"));
        }
        self.found().into_iter().filter(|uid| !self.pods.contains_key(uid)).collect()
    }

    /// Where a pod's sandbox hands out sockets.
    #[must_use]
    pub(crate) fn sandbox_socket(&self, uid: &str) -> PathBuf {
        self.root.join("pods").join(uid).join("sandbox").join("socket")
    }

    /// Forgets a pod whose sandbox of that number ended, unless it has another one by now; its table went with its namespace.
    pub(crate) fn remove(&mut self, uid: &str, number: u64) {
        if self.pods.get(uid).is_some_and(|namespace| namespace.number == number) {
            self.pods.remove(uid);
        }
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

impl Namespace {
    fn make_again(&mut self, table: &Table, name: &str) {
        if self.holds {
            return;
        }
        match self.socket.commit(table.make()) {
            Ok(()) => self.holds = true,
            Err(error) => tracing::warn!("services of {name}: {error}"),
        }
    }
}

/// Whether nobody is behind a sandbox's socket: what is left of one that ended, or was not there yet.
fn is_dead(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    matches!(kind, Some(ErrorKind::ConnectionRefused | ErrorKind::NotFound))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    fn namespaces(root: &Path) -> Namespaces {
        let mut namespaces = Namespaces::new(root, (Ipv4Addr::new(10, 10, 10, 0), 24)).unwrap();
        // no table is made here
        namespaces.own.holds = true;
        namespaces
    }

    fn sandbox(namespaces: &Namespaces, uid: &str) -> UnixListener {
        let path = namespaces.sandbox_socket(uid);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        UnixListener::bind(path).unwrap()
    }

    #[test]
    fn a_pod_that_could_not_be_added_is_tried_again() {
        let directory = tempfile::tempdir().unwrap();
        let mut namespaces = namespaces(directory.path());
        drop(sandbox(&namespaces, "dead"));
        assert!(namespaces.add("dead").is_err() && namespaces.is_whole(), "nothing helps it");
        let refusing = sandbox(&namespaces, "a");
        let answer = std::thread::spawn(move || drop(refusing.accept().unwrap()));
        assert!(namespaces.add("a").is_err() && !namespaces.is_whole());
        answer.join().unwrap();
        let mut missing = namespaces.retry();
        missing.sort();
        assert_eq!(missing, ["a", "dead"]);
        assert!(namespaces.is_whole(), "until it fails again");
        namespaces.own.holds = false;
        assert!(!namespaces.is_whole());
    }

    #[test]
    fn the_end_of_a_sandbox_spares_the_next_one() {
        let directory = tempfile::tempdir().unwrap();
        let mut namespaces = namespaces(directory.path());
        let second = Namespace { socket: Socket::open().unwrap(), holds: true, number: 2 };
        namespaces.pods.insert("a".to_owned(), second);
        namespaces.remove("a", 1);
        assert!(namespaces.pods.contains_key("a"));
        namespaces.remove("a", 2);
        assert!(namespaces.pods.is_empty());
    }
}
