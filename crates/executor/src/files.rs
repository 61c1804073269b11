//! Files that a pod's containers share with the executor: `/etc/hosts`, `/etc/resolv.conf`, the sandbox's directory.
//!
//! They lie in the slave's volume under `<root-dir>/pods/UID`, and are bound from where the Docker host has that volume.
//! A bound file is rewritten in place: a rename would leave the container with the old one.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::Pod;

use crate::pod;
use crate::runtime::sandbox::hostname;

/// libc's limits, which Kubernetes refuses to exceed and we cut at.
const MAX_NAMESERVERS: usize = 3;
const MAX_SEARCHES: usize = 32;

/// A pod's directory, here and on the Docker host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodDirectory {
    /// As this process sees it.
    pub here: PathBuf,
    /// As the Docker host does.
    pub host: PathBuf,
}

/// The cluster's DNS, for pods that use it.
#[derive(Clone, Copy, Debug)]
pub struct Dns<'a> {
    /// Its address, where there is one.
    pub server: Option<IpAddr>,
    /// Its domain.
    pub domain: &'a str,
    /// The node's own resolv.conf.
    pub host: &'a str,
}

impl PodDirectory {
    /// Of the pod `uid`, in the node's directory as seen from here and from the Docker host.
    #[must_use]
    pub fn new(here: &Path, host: &Path, uid: &str) -> Self {
        Self { here: here.join("pods").join(uid), host: host.join("pods").join(uid) }
    }

    /// Makes it, with what the pod's sandbox and containers bind.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn make(&self, resolv_conf: &str) -> io::Result<()> {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        let sandbox = self.here.join("sandbox");
        std::fs::DirBuilder::new().recursive(true).mode(0o750).create(&sandbox)?;
        // On an engine that remaps users the sandbox's root is not ours. Nobody else comes here: the directories above
        // are not for others.
        std::fs::set_permissions(&sandbox, std::fs::Permissions::from_mode(0o777))?;
        // a container of the pod that runs may read it at any time, and would find it empty while it is written
        let file = self.here.join("resolv.conf");
        if !std::fs::read(&file).is_ok_and(|known| known == resolv_conf.as_bytes()) {
            std::fs::write(file, resolv_conf)?;
        }
        // bound before the pod's address is known; an adopted pod's stays as it is until then
        std::fs::OpenOptions::new().create(true).append(true).open(self.here.join("etc-hosts"))?;
        Ok(())
    }

    /// Writes the pod's hosts file, in place; `domain` is the cluster's.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_hosts(&self, pod: &Pod, address: Option<IpAddr>, domain: &str) -> io::Result<()> {
        let text = match pod::host_network(pod) {
            true => hosts_of_node(pod, &std::fs::read_to_string("/etc/hosts").unwrap_or_default()),
            false => hosts(pod, address, domain),
        };
        std::fs::write(self.here.join("etc-hosts"), text)
    }

    /// The sandbox's socket.
    #[must_use]
    pub fn sandbox_socket(&self) -> PathBuf {
        self.here.join("sandbox").join(sandbox::pause::SOCKET)
    }

    /// A path below it as the Docker host sees it.
    #[must_use]
    pub fn on_host(&self, below: &str) -> String {
        self.host.join(below).to_string_lossy().into_owned()
    }

    /// Removes it with all it holds.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(&self.here) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }
}

/// `/etc/hosts` of a pod in its node's network, as Kubernetes writes it: the node's own, `of_node`, and the pod's aliases.
#[must_use]
pub fn hosts_of_node(pod: &Pod, of_node: &str) -> String {
    format!("# Kubernetes-managed hosts file (host network).\n{of_node}{}", aliases(pod))
}

/// `/etc/hosts` of the pod, as Kubernetes writes it.
#[must_use]
pub fn hosts(pod: &Pod, address: Option<IpAddr>, domain: &str) -> String {
    let mut text = "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost \
                    ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\t\
                    ip6-allrouters\n"
        .to_owned();
    if let Some(address) = address {
        let hostname = hostname(pod);
        let full = pod::full_name(pod, &hostname, domain).map(|full| format!("{full}\t")).unwrap_or_default();
        text.push_str(&format!("{address}\t{full}{hostname}\n"));
    }
    text + &aliases(pod)
}

/// The lines of the pod's own aliases.
fn aliases(pod: &Pod) -> String {
    let (mut text, aliases) = (String::new(), pod::spec(pod).host_aliases.as_deref().unwrap_or_default());
    if !aliases.is_empty() {
        text.push_str("\n# Entries added by HostAliases.\n");
    }
    for alias in aliases {
        let names = alias.hostnames.as_deref().unwrap_or_default().join("\t");
        text.push_str(&format!("{}\t{names}\n", alias.ip));
    }
    text
}

/// `/etc/resolv.conf` of the pod, by its dnsPolicy (reference/k8sm-behaviour.md, 6.5).
#[must_use]
pub fn resolv_conf(pod: &Pod, dns: Dns<'_>) -> String {
    let policy = pod::spec(pod).dns_policy.as_deref().unwrap_or("ClusterFirst");
    let cluster = match policy {
        "ClusterFirst" => !pod::host_network(pod),
        "ClusterFirstWithHostNet" => true,
        _ => false,
    };
    let words = |key: &str| -> Vec<String> {
        let lines = dns.host.lines().filter_map(|line| line.trim().strip_prefix(key));
        lines.filter(|rest| rest.starts_with([' ', '\t'])).flat_map(str::split_whitespace).map(str::to_owned).collect()
    };
    let (mut servers, mut searches, mut options) = match (cluster, dns.server, policy) {
        (_, _, "None") => (Vec::new(), Vec::new(), Vec::new()),
        (true, Some(server), _) => {
            let (namespace, domain) = (pod::namespace(pod), dns.domain);
            let mut searches = match domain {
                "" => Vec::new(),
                domain => vec![format!("{namespace}.svc.{domain}"), format!("svc.{domain}"), domain.to_owned()],
            };
            searches.extend(words("search"));
            (vec![server.to_string()], searches, vec!["ndots:5".to_owned()])
        }
        _ => (words("nameserver"), words("search"), words("options")),
    };
    if let Some(config) = &pod::spec(pod).dns_config {
        servers.extend(config.nameservers.iter().flatten().cloned());
        searches.extend(config.searches.iter().flatten().cloned());
        for option in config.options.iter().flatten() {
            let name = option.name.clone().unwrap_or_default();
            options.retain(|known| known.split(':').next() != Some(&name));
            options.push(option.value.as_ref().map_or_else(|| name.clone(), |value| format!("{name}:{value}")));
        }
    }
    let mut text: String =
        unique(servers, MAX_NAMESERVERS).iter().map(|server| format!("nameserver {server}\n")).collect();
    for (key, list) in [("search", unique(searches, MAX_SEARCHES)), ("options", options)] {
        if !list.is_empty() {
            text.push_str(&format!("{key} {}\n", list.join(" ")));
        }
    }
    text
}

/// Each once, as many as may be.
fn unique(list: Vec<String>, most: usize) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for one in list {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept.truncate(most);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(spec: serde_json::Value) -> Pod {
        serde_json::from_value(serde_json::json!({"metadata": {"name": "p", "namespace": "n"}, "spec": spec})).unwrap()
    }

    fn resolve(spec: serde_json::Value, server: Option<[u8; 4]>) -> String {
        let host = "nameserver 127.0.0.11\nsearch example.org\noptions ndots:0\n";
        resolv_conf(&pod(spec), Dns { server: server.map(Into::into), domain: "cluster.local", host })
    }

    #[test]
    fn resolv_conf_follows_the_policy() {
        let containers = serde_json::json!([]);
        let server = Some([10, 10, 10, 10]);
        assert_eq!(
            resolve(serde_json::json!({"containers": containers}), server),
            "nameserver 10.10.10.10\nsearch n.svc.cluster.local svc.cluster.local cluster.local example.org\noptions ndots:5\n"
        );
        let host = "nameserver 127.0.0.11\nsearch example.org\noptions ndots:0\n";
        assert_eq!(resolve(serde_json::json!({"containers": [], "dnsPolicy": "Default"}), server), host);
        assert_eq!(resolve(serde_json::json!({"containers": [], "hostNetwork": true}), server), host);
        assert_eq!(resolve(serde_json::json!({"containers": []}), None), host, "no cluster DNS");
        let own = serde_json::json!({"containers": [], "dnsPolicy": "None", "dnsConfig":
            {"nameservers": ["1.1.1.1"], "searches": ["x"], "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}]}});
        assert_eq!(resolve(own, server), "nameserver 1.1.1.1\nsearch x\noptions ndots:2 edns0\n");
    }

    #[test]
    fn a_resolv_conf_that_stays_as_it_is_is_not_written() {
        let root = tempfile::tempdir().unwrap();
        let directory = PodDirectory::new(root.path(), root.path(), "u");
        directory.make("nameserver 10.0.0.1\n").unwrap();
        let file = directory.here.join("resolv.conf");
        let before = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        std::fs::File::options().write(true).open(&file).unwrap().set_modified(before).unwrap();
        directory.make("nameserver 10.0.0.1\n").unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), before);
        directory.make("nameserver 10.0.0.2\n").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "nameserver 10.0.0.2\n");
    }

    #[test]
    fn hosts_name_the_pod_and_its_aliases() {
        let pod =
            pod(serde_json::json!({"containers": [], "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["a", "b"]}]}));
        let text = hosts(&pod, Some([10, 0, 0, 7].into()), "cluster.local");
        assert!(text.contains("\n10.0.0.7\tp\n"), "{text}");
        assert!(text.ends_with("# Entries added by HostAliases.\n1.2.3.4\ta\tb\n"), "{text}");
        assert!(text.starts_with("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n"));
        let of_node = hosts_of_node(&pod, "127.0.0.1 localhost\n");
        assert!(of_node.starts_with("# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n"));
        assert!(of_node.ends_with("1.2.3.4\ta\tb\n"), "{of_node}");
    }

    #[test]
    fn a_pod_with_a_subdomain_has_its_whole_name() {
        let pod = pod(serde_json::json!({"containers": [], "hostname": "first", "subdomain": "db"}));
        let text = hosts(&pod, Some([10, 0, 0, 7].into()), "cluster.local");
        assert!(text.ends_with("\n10.0.0.7\tfirst.db.n.svc.cluster.local\tfirst\n"), "{text}");
    }
}
