//! Ports published on this machine: a default that is taken moves to the next free one, one that the user named does not.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::failure::Failure;

/// The ports of a cluster on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Ports {
    /// The API server's, with TLS.
    pub(crate) api: u16,
    /// The API server's, plain.
    pub(crate) insecure: u16,
    /// The Mesos master's; 0 where it is not published.
    pub(crate) master: u16,
}

/// What the user named; the others are defaults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// `--api-port`.
    pub(crate) api: Option<u16>,
    /// `--insecure-port`.
    pub(crate) insecure: Option<u16>,
    /// `--mesos-port`.
    pub(crate) master: Option<u16>,
}

/// The port of what is not published.
pub(crate) const UNPUBLISHED: u16 = 0;

/// How many ports after a default are tried.
const TRIES: u16 = 200;

impl Ports {
    /// Chooses the ports; `free` says whether nobody listens on one. Defaults keep away from those `reserved`.
    ///
    /// # Errors
    /// A failure of the environment that names the port which is taken, or one of usage where two flags name the same.
    pub(crate) fn choose(
        wanted: Wanted,
        reserved: impl IntoIterator<Item = u16>,
        free: impl Fn(u16) -> bool,
    ) -> Result<Self, Failure> {
        let mut chosen = BTreeSet::new();
        for port in [wanted.api, wanted.insecure, wanted.master].into_iter().flatten() {
            if !chosen.insert(port) {
                return Err(Failure::usage(format!("port {port} on 127.0.0.1 is named twice"))
                    .hint("--api-port, --insecure-port and --mesos-port take a port each"));
            }
        }
        chosen.extend(reserved);
        let mut one = |flag: &str, named: Option<u16>, default: u16| {
            match named {
                Some(UNPUBLISHED) => return Ok(UNPUBLISHED),
                Some(port) => return if free(port) { Ok(port) } else { Err(taken(flag, port)) },
                None => {}
            }
            let port = (default..default.saturating_add(TRIES))
                .find(|port| !chosen.contains(port) && free(*port))
                .ok_or_else(|| taken(flag, default))?;
            chosen.insert(port);
            Ok(port)
        };
        Ok(Self {
            api: one("--api-port", wanted.api, 6443)?,
            insecure: one("--insecure-port", wanted.insecure, 8888)?,
            master: one("--mesos-port", wanted.master, 5050)?,
        })
    }

    /// As a label's value.
    pub(crate) fn label(&self) -> String {
        format!("{} {} {}", self.api, self.insecure, self.master)
    }

    /// From a label's value.
    pub(crate) fn from_label(label: &str) -> Option<Self> {
        let mut ports = label.split(' ').map(|port| port.parse().ok());
        Some(Self { api: ports.next()??, insecure: ports.next()??, master: ports.next()?? })
    }
}

fn taken(flag: &str, port: u16) -> Failure {
    Failure::environment(format!("port {port} on 127.0.0.1 is in use"))
        .hint(format!("name another one with {flag}, or none: then a free one is taken"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    #[test]
    fn defaults_move_to_the_next_free_port() {
        let ports = Ports::choose(Wanted::default(), [], |port| ![6443, 6444, 5050].contains(&port)).unwrap();
        assert_eq!(ports, Ports { api: 6445, insecure: 8888, master: 5051 });
    }

    #[test]
    fn a_named_port_that_is_taken_is_an_error() {
        let wanted = Wanted { api: Some(7000), ..Wanted::default() };
        let failure = Ports::choose(wanted, [], |port| port != 7000).unwrap_err();
        assert_eq!(failure.kind(), Kind::Environment);
        assert!(failure.line().contains("7000"));
    }

    #[test]
    fn a_default_does_not_take_a_named_port() {
        let wanted = Wanted { master: Some(6443), ..Wanted::default() };
        assert_eq!(Ports::choose(wanted, [], |_| true).unwrap(), Ports { api: 6444, insecure: 8888, master: 6443 });
    }

    #[test]
    fn a_port_that_is_named_twice_is_no_port() {
        let wanted = Wanted { api: Some(7000), insecure: None, master: Some(7000) };
        assert_eq!(Ports::choose(wanted, [], |_| true).unwrap_err().kind(), Kind::Usage);
    }

    #[test]
    fn a_port_that_is_not_published_needs_none() {
        let wanted = Wanted { master: Some(UNPUBLISHED), ..Wanted::default() };
        assert_eq!(Ports::choose(wanted, [], |port| port != 0).unwrap().master, 0);
    }

    #[test]
    fn labels_are_read_back() {
        let ports = Ports { api: 6443, insecure: 8888, master: 5050 };
        assert_eq!(Ports::from_label(&ports.label()), Some(ports));
        assert_eq!(Ports::from_label("6443 x"), None);
    }
}
