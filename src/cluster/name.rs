//! A cluster's name, and the names and labels of what belongs to it (docs/architecture.md, "A cluster on Docker").

use std::collections::BTreeMap;
use std::fmt;

use crate::failure::Failure;

/// The label that says to which cluster a thing belongs.
pub(crate) const CLUSTER: &str = "io.k8sm.cluster";
/// The label that names a component's service in the compose file.
pub(crate) const COMPONENT: &str = "io.k8sm.component";
/// The label that names a component's hostname.
pub(crate) const HOSTNAME: &str = "io.k8sm.hostname";
/// The label that names the node that a pod's container is on.
pub(crate) const NODE: &str = "io.k8sm.node";
/// The label that holds the digest of all that a component was made from.
pub(crate) const CONFIG: &str = "io.k8sm.config";
/// The label that names the run of `up` that made a thing, so that undoing it finds exactly what it made.
pub(crate) const RUN: &str = "io.k8sm.run";
/// The label of images that `up` made: `km` or `etcd`.
pub(crate) const IMAGE: &str = "io.k8sm.image";
/// The label that holds the addresses and ports that `up` chose, on the networks.
pub(crate) const SERVICE_CIDR: &str = "io.k8sm.service-cidr";

/// The label that holds the node ports that `up` published, on the networks.
pub(crate) const PUBLISHED: &str = "io.k8sm.published";

/// The label that holds the number of slaves with which `up` made the cluster, on the networks.
pub(crate) const SLAVES: &str = "io.k8sm.slaves";

/// The name of the cluster that is meant when none is named.
pub(crate) const DEFAULT: &str = "k8sm";

/// A cluster's name: a DNS label of at most 40 characters, as it begins every container's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(crate) struct ClusterName(String);

impl ClusterName {
    /// Checks `name`.
    ///
    /// # Errors
    /// A usage failure where it is not such a name.
    pub(crate) fn new(name: &str) -> Result<Self, Failure> {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fits =
            (1..=40).contains(&name.len()) && name.chars().all(inner) && !name.starts_with('-') && !name.ends_with('-');
        if fits {
            return Ok(Self(name.to_owned()));
        }
        Err(Failure::usage(format!("cluster name {name:?} is not valid"))
            .hint("use at most 40 lowercase letters, digits and `-`, which must not be the first or last"))
    }

    /// The name itself.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// `NAME-THING`: how containers, networks and volumes are called.
    pub(crate) fn of(&self, thing: &str) -> String {
        format!("{}-{thing}", self.0)
    }

    /// How the kubeconfig calls the cluster: its cluster, its user and its context.
    pub(crate) fn context(&self) -> String {
        if self.0 == DEFAULT { DEFAULT.to_owned() } else { format!("{DEFAULT}-{}", self.0) }
    }

    /// The labels of everything that belongs to the cluster, with the run that makes it.
    pub(crate) fn labels(&self, run: &str) -> BTreeMap<String, String> {
        BTreeMap::from([
            (CLUSTER.to_owned(), self.0.clone()),
            (RUN.to_owned(), run.to_owned()),
            ("com.docker.compose.project".to_owned(), self.0.clone()),
        ])
    }

    /// The options that start a command which means this cluster: nothing for the default one.
    pub(crate) fn flag(&self) -> String {
        if self.0 == DEFAULT { String::new() } else { format!(" --name {}", self.0) }
    }
}

impl Default for ClusterName {
    fn default() -> Self {
        Self(DEFAULT.to_owned())
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels() {
        for good in ["k8sm", "a", "ci-42"] {
            assert!(ClusterName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "../x", &"a".repeat(41)] {
            assert!(ClusterName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_default_cluster_s_context_is_short() {
        assert_eq!(ClusterName::new("k8sm").unwrap().context(), "k8sm");
        assert_eq!(ClusterName::new("ci").unwrap().context(), "k8sm-ci");
    }
}
