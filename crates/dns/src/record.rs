//! A record as SkyDNS keeps it: a path of labels from the root down, and a small JSON value
//! (reference/k8sm-behaviour.md, section 6.4).

use serde::{Deserialize, Serialize};

/// Where records lie in etcd.
pub const PREFIX: &str = "/skydns/";
/// Seconds for which an answer may be kept.
pub const TTL: u32 = 30;

/// What a record says. `host` is an address, or the name of another record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Record {
    /// An IP address, or a name without its last dot.
    pub host: String,
    /// The port that an SRV answer names; absent where there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub port: u16,
    /// SRV priority.
    #[serde(default)]
    pub priority: u16,
    /// SRV weight.
    #[serde(default)]
    pub weight: u16,
    /// Seconds for which an answer may be kept.
    #[serde(default = "ttl")]
    pub ttl: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands a reference
fn is_zero(port: &u16) -> bool {
    *port == 0
}

fn ttl() -> u32 {
    TTL
}

impl Record {
    /// A record with the addon's usual priority, weight and time to live.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, priority: 10, weight: 10, ttl: TTL }
    }

    /// The JSON that is stored.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("a record is plain data")
    }

    /// The last label of the record's own name: FNV-1a of its JSON, in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        let fold = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        format!("{:x}", self.json().bytes().fold(0x811c_9dc5, fold))
    }
}

/// The labels of a name from the root down, in lower case: `kubernetes.default.svc.cluster.local` begins with `local`.
#[must_use]
pub fn path(name: &str) -> Vec<String> {
    name.trim_end_matches('.').rsplit('.').filter(|label| !label.is_empty()).map(str::to_ascii_lowercase).collect()
}

/// The name of a path, without its last dot.
#[must_use]
pub fn name(path: &[String]) -> String {
    let labels: Vec<&str> = path.iter().rev().map(String::as_str).collect();
    labels.join(".")
}

/// The key at which a record of that path lies.
#[must_use]
pub fn key(path: &[String]) -> String {
    format!("{PREFIX}{}", path.join("/"))
}

/// The path of a key, or `None` for one that is not below [`PREFIX`].
#[must_use]
pub fn path_of_key(key: &str) -> Option<Vec<String>> {
    Some(key.strip_prefix(PREFIX)?.split('/').filter(|label| !label.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_stored_as_skydns_has_it() {
        let record = Record::new("10.10.10.1", 0);
        assert_eq!(record.json(), r#"{"host":"10.10.10.1","priority":10,"weight":10,"ttl":30}"#);
        let back: Record = serde_json::from_str(r#"{"host":"10.10.10.1","priority":10,"weight":10}"#).unwrap();
        assert_eq!(back, record);
    }

    #[test]
    fn keys_are_names_reversed() {
        let path = path("Kubernetes.default.svc.cluster.local.");
        assert_eq!(key(&path), "/skydns/local/cluster/svc/default/kubernetes");
        assert_eq!(path_of_key(&key(&path)), Some(path.clone()));
        assert_eq!(name(&path), "kubernetes.default.svc.cluster.local");
    }
}
