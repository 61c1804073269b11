//! Where a Mesos master is, as people write it.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

/// The host and port of a master: `host:port`, `http://host:port`, a host alone meaning port 5050. The host of an IPv6
/// address stands in brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MasterAddress {
    authority: String,
}

/// Why a text is no master's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use '{text}' as the address of a Mesos master: {reason}")]
pub struct AddressError {
    text: String,
    reason: &'static str,
}

impl FromStr for MasterAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let refuse = |reason| AddressError { text: text.to_owned(), reason };
        let authority = match text.split_once("://") {
            None => text,
            Some(("http", rest)) => rest.strip_suffix('/').unwrap_or(rest),
            Some(("zk", _)) => return Err(refuse("ZooKeeper (zk://) is not supported; name a master as host:port")),
            Some(("https", _)) => return Err(refuse("https:// is not supported; name a master as host:port")),
            Some(_) => return Err(refuse("the scheme has to be http")),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (authority, "5050"),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let named = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        if !named && bare.is_none_or(|host| host.parse::<std::net::Ipv6Addr>().is_err()) {
            return Err(refuse("it has to be host:port or http://host:port"));
        }
        match port.parse::<u16>() {
            Ok(port) if port > 0 => Ok(Self { authority: format!("{host}:{port}") }),
            _ => Err(refuse("the port has to be a number from 1 to 65535")),
        }
    }
}

impl MasterAddress {
    /// The address of `path`, which begins with a slash, at this master.
    pub fn uri(&self, path: &str) -> String {
        format!("http://{}{path}", self.authority)
    }

    /// The address that a redirect's `Location` names, `//host:port/path`.
    pub fn from_location(location: &str) -> Option<Self> {
        let rest = location.strip_prefix("http:").unwrap_or(location).strip_prefix("//")?;
        rest.split(['/', '?']).next()?.parse().ok()
    }
}

impl Display for MasterAddress {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_is_a_host_and_a_port() {
        for (text, uri) in [
            ("mesosmaster1:5050", "http://mesosmaster1:5050/x"),
            ("http://10.0.0.1:5051/", "http://10.0.0.1:5051/x"),
            ("mesosmaster1", "http://mesosmaster1:5050/x"),
            ("[::1]:5050", "http://[::1]:5050/x"),
            ("[::1]", "http://[::1]:5050/x"),
        ] {
            assert_eq!(text.parse::<MasterAddress>().unwrap().uri("/x"), uri, "{text}");
        }
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        for (text, reason) in [
            ("zk://a:2181,b:2181/mesos", "ZooKeeper"),
            ("https://a:5050", "https://"),
            ("ftp://a:5050", "scheme"),
            ("a:0", "65535"),
            ("a:70000", "65535"),
            (":5050", "host:port"),
            ("a/b:5050", "host:port"),
            ("", "host:port"),
        ] {
            let error = text.parse::<MasterAddress>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn a_redirect_names_the_leader() {
        let leader = MasterAddress::from_location("//m2.example:5050/master/api/v1/scheduler").unwrap();
        assert_eq!(leader.to_string(), "m2.example:5050");
        assert_eq!(MasterAddress::from_location("/relative"), None);
    }
}
