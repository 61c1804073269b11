//! Node ports that `up --publish` serves on this machine's loopback: parsed, checked, and kept in a label.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::name::ClusterName;
use super::port::Ports;
use crate::failure::Failure;

/// The ports that services of the type NodePort may have.
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

/// `HOST:NODE`: a port of 127.0.0.1 on which the node port is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Publish {
    pub(crate) host: u16,
    pub(crate) node: u16,
}

impl FromStr for Publish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, node) = text.split_once(':').unwrap_or((text, text));
        let port = |text: &str| text.parse().ok().filter(|port| *port > 0);
        let (Some(host), Some(node)) = (port(host), port(node)) else {
            return Err("expected HOST-PORT:NODE-PORT, such as 8080:30080".to_owned());
        };
        if !NODE_PORTS.contains(&node) {
            return Err(format!("{node} is no node port: those are {} to {}", NODE_PORTS.start(), NODE_PORTS.end()));
        }
        Ok(Self { host, node })
    }
}

impl fmt::Display for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.node)
    }
}

/// Checks what a new cluster is to publish; `free` says whether nobody listens on a port.
///
/// # Errors
/// A port that is named twice, or one that is taken.
pub(crate) fn check(wanted: &[Publish], ports: Ports, free: impl Fn(u16) -> bool) -> Result<Vec<Publish>, Failure> {
    let mut chosen = wanted.to_vec();
    chosen.sort_unstable();
    let twice = chosen.windows(2).find(|pair| pair[0].host == pair[1].host).map(|pair| pair[0].host);
    let own = [ports.api, ports.insecure, ports.master];
    if let Some(host) = twice.or_else(|| chosen.iter().map(|one| one.host).find(|host| own.contains(host))) {
        return Err(Failure::usage(format!("port {host} on 127.0.0.1 is to be published twice")));
    }
    match chosen.iter().find(|one| !free(one.host)) {
        Some(one) => Err(Failure::environment(format!("port {} on 127.0.0.1 is in use", one.host))
            .hint(format!("publish node port {} on another one: --publish HOST-PORT:{}", one.node, one.node))),
        None => Ok(chosen),
    }
}

/// What a cluster that is there publishes, by its label; asking for another port is a conflict.
///
/// # Errors
/// The port that it does not publish.
pub(crate) fn kept(cluster: &ClusterName, wanted: &[Publish], label: Option<&String>) -> Result<Vec<Publish>, Failure> {
    let published: Vec<Publish> = of_label(label).collect();
    match wanted.iter().find(|one| !published.contains(one)) {
        Some(one) => Err(Failure::conflict(format!("cluster {cluster} does not publish {one}, and is there already")).hint(format!(
            "`k8sm down{0}` and `k8sm up{0} --publish {one}` change what it publishes, or `k8sm port-forward` reaches a pod",
            cluster.flag()
        ))),
        None => Ok(published),
    }
}

/// From a label's value.
pub(crate) fn of_label(label: Option<&String>) -> impl Iterator<Item = Publish> {
    label.into_iter().flat_map(|label| label.split(' ')).filter_map(|one| one.parse().ok())
}

/// As a label's value.
pub(crate) fn label(published: &[Publish]) -> String {
    published.iter().map(Publish::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    const PORTS: Ports = Ports { api: 6443, insecure: 8888, master: 5050 };

    fn publish(text: &str) -> Publish {
        text.parse().unwrap()
    }

    #[test]
    fn a_publication_is_read_and_what_is_none_is_refused() {
        assert_eq!(publish("8080:30080"), Publish { host: 8080, node: 30080 });
        assert_eq!(publish("30080"), Publish { host: 30080, node: 30080 });
        for text in ["", ":", "0:30080", "8080:80", "8080:30080:1", "x:30080", "70000:30080"] {
            assert!(text.parse::<Publish>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_port_is_published_once_and_only_where_it_is_free() {
        let kind = |wanted: &[&str], free: bool| {
            let wanted: Vec<Publish> = wanted.iter().map(|text| publish(text)).collect();
            check(&wanted, PORTS, |_| free).map_err(|failure| failure.kind())
        };
        assert_eq!(kind(&["8081:30081", "8080:30080"], true), Ok(vec![publish("8080:30080"), publish("8081:30081")]));
        assert_eq!(kind(&["8080:30080", "8080:30081"], true), Err(Kind::Usage));
        assert_eq!(kind(&["6443:30080"], true), Err(Kind::Usage));
        assert_eq!(kind(&["8080:30080"], false), Err(Kind::Environment));
    }

    #[test]
    fn what_is_published_stays() {
        let label = label(&[publish("8080:30080"), publish("8081:30081")]);
        let cluster = ClusterName::new("mine").unwrap();
        let kept = |wanted: &[Publish], label| kept(&cluster, wanted, label);
        assert_eq!(kept(&[], Some(&label)).unwrap().len(), 2);
        assert_eq!(kept(&[publish("8081:30081")], Some(&label)).unwrap().len(), 2);
        let refused = kept(&[publish("8082:30081")], Some(&label)).unwrap_err();
        assert_eq!(refused.kind(), Kind::Conflict);
        assert!(
            refused.line().contains("cluster mine"),
            "whose hint names it too: another cluster is not to go for it"
        );
        assert!(kept(&[], None).unwrap().is_empty());
    }
}
