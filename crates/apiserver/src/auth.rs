//! Who sent a request: client certificates, tokens and passwords from files, service account tokens.

pub(crate) mod file;
pub(crate) mod jwt;
pub(crate) mod review;

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::{Map, Value};
use serve::http::Peer;

use file::Secrets;

/// The group of all known users.
pub(crate) const AUTHENTICATED: &str = "system:authenticated";
/// The group of all others.
pub(crate) const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The group that may do everything.
pub(crate) const MASTERS: &str = "system:masters";

/// Who sent a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    /// Its name.
    pub(crate) name: String,
    /// Its UID, where there is one.
    pub(crate) uid: String,
    /// Its groups.
    pub(crate) groups: Vec<String>,
    /// More that is known of it, by name.
    pub(crate) extra: Map<String, Value>,
}

impl User {
    /// A known user of that name and groups.
    pub(crate) fn known(name: impl Into<String>, uid: impl Into<String>, mut groups: Vec<String>) -> Self {
        if !groups.iter().any(|group| group == AUTHENTICATED) {
            groups.push(AUTHENTICATED.to_owned());
        }
        Self { name: name.into(), uid: uid.into(), groups, extra: Map::new() }
    }

    /// Whether it is in the group.
    pub(crate) fn in_group(&self, group: &str) -> bool {
        self.groups.iter().any(|g| g == group)
    }

    /// The node that it is the executor of.
    pub(crate) fn node(&self) -> Option<&str> {
        self.name.strip_prefix("system:node:").filter(|_| self.in_group("system:nodes"))
    }
}

/// What a request shows to say who sent it.
pub(crate) enum Shown {
    /// Nothing.
    Nothing,
    /// A known user.
    User(Arc<User>),
    /// A token that may be a service account's.
    Token(String),
    /// Something that is not known.
    Wrong,
}

/// The users that are known from files and certificates.
#[derive(Default)]
pub(crate) struct Authenticator {
    /// By token.
    pub(crate) tokens: Secrets,
    /// By name and password.
    pub(crate) passwords: Secrets,
    /// The control network's address of this server: passwords are taken there and on loopback alone.
    pub(crate) control: Option<IpAddr>,
}

impl Authenticator {
    /// Who the request says it is from.
    pub(crate) fn look(&self, headers: &HeaderMap, peer: &Peer) -> Shown {
        if let Some(identity) = &peer.identity {
            return Shown::User(Arc::new(User::known(identity.name.as_str(), "", identity.groups.clone())));
        }
        let Some(header) = headers.get(AUTHORIZATION) else { return Shown::Nothing };
        let Ok(header) = header.to_str() else { return Shown::Wrong };
        let (scheme, secret) = header.split_once(' ').unwrap_or((header, ""));
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => match self.tokens.get(secret.trim()) {
                Some(user) => Shown::User(Arc::clone(user)),
                None => Shown::Token(secret.trim().to_owned()),
            },
            "basic" if self.takes_passwords(peer.local.ip()) => self.password(secret).map_or(Shown::Wrong, Shown::User),
            _ => Shown::Wrong,
        }
    }

    fn takes_passwords(&self, local: IpAddr) -> bool {
        let local = local.to_canonical();
        local.is_loopback() || self.control == Some(local)
    }

    fn password(&self, secret: &str) -> Option<Arc<User>> {
        let decoded = STANDARD.decode(secret.trim()).ok()?;
        self.passwords.get(std::str::from_utf8(&decoded).ok()?).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(local: &str) -> Peer {
        Peer { address: "10.0.0.9:1".parse().unwrap(), local: local.parse().unwrap(), tls: true, identity: None }
    }

    fn shown(authenticator: &Authenticator, header: &str, local: &str) -> Option<String> {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, header.parse().unwrap())]);
        match authenticator.look(&headers, &peer(local)) {
            Shown::User(user) => Some(user.name.clone()),
            _ => None,
        }
    }

    #[test]
    fn passwords_are_taken_on_the_control_network_alone() {
        let passwords = Secrets::passwords("admin,admin,admin\n").unwrap();
        let authenticator =
            Authenticator { passwords, control: Some("172.20.0.5".parse().unwrap()), ..Authenticator::default() };
        let header = format!("Basic {}", STANDARD.encode("admin:admin"));
        assert_eq!(shown(&authenticator, &header, "172.20.0.5:6443").as_deref(), Some("admin"));
        assert_eq!(shown(&authenticator, &header, "127.0.0.1:6443").as_deref(), Some("admin"));
        assert_eq!(shown(&authenticator, &header, "172.21.0.5:6443"), None);
        let wrong = format!("Basic {}", STANDARD.encode("admin:nimda"));
        assert_eq!(shown(&authenticator, &wrong, "127.0.0.1:6443"), None);
    }

    #[test]
    fn tokens_are_known_or_may_be_a_service_accounts() {
        let tokens = Secrets::tokens("t0ken,ann,7,\"a,b\"\n").unwrap();
        let authenticator = Authenticator { tokens, ..Authenticator::default() };
        let headers = HeaderMap::from_iter([(AUTHORIZATION, "Bearer t0ken".parse().unwrap())]);
        let Shown::User(user) = authenticator.look(&headers, &peer("1.2.3.4:1")) else { panic!("known") };
        assert_eq!((user.uid.as_str(), user.groups.join(" ")), ("7", format!("a b {AUTHENTICATED}")));
        let headers = HeaderMap::from_iter([(AUTHORIZATION, "Bearer a.b.c".parse().unwrap())]);
        assert!(matches!(authenticator.look(&headers, &peer("1.2.3.4:1")), Shown::Token(_)));
    }
}
