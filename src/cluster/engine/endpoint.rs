//! Where the engine listens, found as the `docker` command does: DOCKER_HOST, DOCKER_CONTEXT, the current context of
//! its configuration file, the usual socket.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};

use bollard::Docker;
use bollard::errors::Error as DockerError;
use ring::digest::{SHA256, digest};
use serde::Deserialize;

use crate::failure::Failure;

/// The socket that an engine has when nothing else is said.
const USUAL: &str = "unix:///var/run/docker.sock";

/// Where an engine's own socket is on its host, when it is reached by another way.
const OWN_SOCKET: &str = "/var/run/docker.sock";

/// How an engine is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The path of a Unix socket of this machine.
    Unix(String),
    /// A port, of this machine or another.
    Tcp {
        /// `HOST:PORT`.
        address: String,
        /// The directory of `ca.pem`, `cert.pem` and `key.pem`, where TLS is spoken.
        tls: Option<PathBuf>,
    },
}

/// The part of Docker's `config.json` that is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(default)]
    current_context: String,
}

/// The part of a context's `meta.json` that is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: DockerEndpoint,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerEndpoint {
    #[serde(default)]
    host: String,
}

impl Endpoint {
    /// The endpoint that environment and configuration of this process name.
    ///
    /// # Errors
    /// A failure of the environment: a context that is not there, or a scheme that is not served.
    pub(crate) fn find() -> Result<Self, Failure> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let directory = set("DOCKER_CONFIG").map(PathBuf::from).or_else(|| Some(dirs::home_dir()?.join(".docker")));
        // As the `docker` command, which speaks TLS where DOCKER_TLS_VERIFY is set to anything at all.
        let tls =
            set("DOCKER_TLS_VERIFY").and_then(|_| set("DOCKER_CERT_PATH").map(PathBuf::from).or(directory.clone()));
        Self::choose(set("DOCKER_HOST"), tls, set("DOCKER_CONTEXT"), directory.as_deref())
    }

    /// The endpoint for these values of DOCKER_HOST with its certificates, DOCKER_CONTEXT and the directory of Docker's
    /// configuration.
    fn choose(
        host: Option<String>,
        tls: Option<PathBuf>,
        context: Option<String>,
        directory: Option<&Path>,
    ) -> Result<Self, Failure> {
        if let Some(host) = host {
            return Self::parse(&host, tls, "DOCKER_HOST");
        }
        let context = match (context, directory) {
            (Some(context), _) => context,
            (None, Some(directory)) => current_context(&directory.join("config.json"))?,
            (None, None) => String::new(),
        };
        match directory {
            Some(directory) if !context.is_empty() && context != "default" => {
                let tls = directory.join("contexts/tls").join(id(&context)).join("docker");
                let tls = tls.join("ca.pem").exists().then_some(tls);
                Self::parse(&host_of(directory, &context)?, tls, &format!("Docker context {context}"))
            }
            _ => Self::parse(USUAL, None, "default"),
        }
    }

    fn parse(host: &str, tls: Option<PathBuf>, source: &str) -> Result<Self, Failure> {
        match host.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.to_owned())),
            Some(("tcp", address)) => match authority(address, if tls.is_some() { 2376 } else { 2375 }) {
                Some(address) => Ok(Self::Tcp { address, tls }),
                None => Err(Failure::environment(format!("Docker endpoint {host} ({source}) is not tcp://HOST:PORT"))
                    .hint("for example tcp://127.0.0.1:2375")),
            },
            Some((scheme, _)) => Err(Failure::environment(format!(
                "Docker endpoint {host} ({source}) cannot be used: {scheme}:// is not supported"
            ))
            .hint(
                "unix:// and tcp:// are; run k8sm on the engine's own machine, or name the engine by tcp:// with TLS",
            )),
            None => Err(Failure::environment(format!("Docker endpoint {host:?} ({source}) is no URL"))
                .hint("unix:///var/run/docker.sock is the usual one")),
        }
    }

    /// The path of the engine's own socket on its host, which slaves mount.
    pub(crate) fn socket(&self) -> &str {
        match self {
            Self::Unix(path) => path,
            Self::Tcp { .. } => OWN_SOCKET,
        }
    }

    /// The name under which ports that the engine publishes are reached: `127.0.0.1` where the engine is here. Where a
    /// tunnel makes another machine's engine look so, nothing answers there, which `up` finds out.
    pub(crate) fn host(&self) -> String {
        let here = super::HERE.to_owned();
        let Self::Tcp { address, .. } = self else { return here };
        let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
        let host = host.trim_matches(['[', ']']);
        let loops = host.parse::<IpAddr>().map_or(host == "localhost", |address| address.is_loopback());
        if loops { here } else { host.to_owned() }
    }

    /// Opens the API; nothing is sent yet.
    ///
    /// # Errors
    /// Certificates that cannot be read.
    pub(crate) fn connect(&self, seconds: u64) -> Result<Docker, DockerError> {
        let (shown, version) = (self.to_string(), bollard::API_DEFAULT_VERSION);
        match self {
            Self::Unix(_) => Docker::connect_with_unix(&shown, seconds, version),
            Self::Tcp { tls: None, .. } => Docker::connect_with_http(&shown, seconds, version),
            Self::Tcp { tls: Some(directory), .. } => {
                // Somebody else may have installed the same one.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let file = |name: &str| directory.join(name);
                Docker::connect_with_ssl(&shown, &file("key.pem"), &file("cert.pem"), &file("ca.pem"), seconds, version)
            }
        }
    }
}

/// `HOST:PORT`, with the usual port where none is said; none where it is no address.
fn authority(text: &str, usual: u16) -> Option<String> {
    let text = text.trim_end_matches('/');
    let (host, port) = match text.rsplit_once(':') {
        // The colons of an IPv6 address are in brackets.
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (text, usual),
    };
    let sound = host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
        || host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|host| host.parse::<Ipv6Addr>().is_ok());
    (sound && !host.is_empty()).then(|| format!("{host}:{port}"))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{path}"),
            Self::Tcp { address, .. } => write!(f, "tcp://{address}"),
        }
    }
}

/// The current context of the configuration file; empty where there is none.
fn current_context(path: &Path) -> Result<String, Failure> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(unread(path).because(error)),
    };
    let config: Config = serde_json::from_slice(&text).map_err(|error| unread(path).because(error))?;
    Ok(config.current_context)
}

/// The host that context `name` stands for.
fn host_of(directory: &Path, name: &str) -> Result<String, Failure> {
    let path = directory.join("contexts/meta").join(id(name)).join("meta.json");
    let text = std::fs::read(&path).map_err(|error| {
        Failure::environment(format!("Docker context {name} is not there"))
            .because(error)
            .hint("`docker context ls` lists them; DOCKER_CONTEXT and `docker context use` choose one")
    })?;
    let meta: Meta = serde_json::from_slice(&text).map_err(|error| unread(&path).because(error))?;
    Ok(meta.endpoints.docker.host)
}

/// The directory of a context: the SHA-256 of its name.
fn id(name: &str) -> String {
    digest(&SHA256, name.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unread(path: &Path) -> Failure {
    Failure::environment(format!("read Docker's configuration {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_context(name: &str, host: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let meta = directory.path().join("contexts/meta").join(id(name));
        std::fs::create_dir_all(&meta).unwrap();
        let text = format!(r#"{{"Name":"{name}","Endpoints":{{"docker":{{"Host":"{host}"}}}}}}"#);
        std::fs::write(meta.join("meta.json"), text).unwrap();
        std::fs::write(directory.path().join("config.json"), format!(r#"{{"currentContext":"{name}"}}"#)).unwrap();
        directory
    }

    fn unix(path: &str) -> Endpoint {
        Endpoint::Unix(path.to_owned())
    }

    #[test]
    fn the_environment_wins_over_the_configuration() {
        let directory = with_context("colima", "unix:///run/colima.sock");
        let at = |host: Option<&str>, context: Option<&str>| {
            Endpoint::choose(host.map(Into::into), None, context.map(Into::into), Some(directory.path())).unwrap()
        };
        assert_eq!(at(Some("unix:///a.sock"), Some("colima")), unix("/a.sock"));
        assert_eq!(at(None, Some("default")), unix("/var/run/docker.sock"));
        assert_eq!(at(None, None), unix("/run/colima.sock"));
    }

    #[test]
    fn without_configuration_the_usual_socket_is_meant() {
        let directory = tempfile::tempdir().unwrap();
        let chosen = Endpoint::choose(None, None, None, Some(directory.path())).unwrap();
        assert_eq!(chosen, unix("/var/run/docker.sock"));
    }

    #[test]
    fn an_engine_on_a_port_is_reached_by_its_host_s_name() {
        let at = |host: &str| Endpoint::choose(Some(host.into()), None, None, None).unwrap();
        for (host, shown, reached) in [
            ("tcp://127.0.0.1:2375", "tcp://127.0.0.1:2375", "127.0.0.1"),
            ("tcp://localhost", "tcp://localhost:2375", "127.0.0.1"),
            ("tcp://[::1]:99", "tcp://[::1]:99", "127.0.0.1"),
            ("tcp://build.example:2376/", "tcp://build.example:2376", "build.example"),
            ("tcp://[2001:db8::1]", "tcp://[2001:db8::1]:2375", "2001:db8::1"),
        ] {
            let endpoint = at(host);
            assert_eq!((endpoint.to_string().as_str(), endpoint.host().as_str()), (shown, reached));
            assert_eq!(endpoint.socket(), "/var/run/docker.sock");
        }
        let tls = Endpoint::choose(Some("tcp://there".into()), Some("/certs".into()), None, None).unwrap();
        assert_eq!(tls, Endpoint::Tcp { address: "there:2376".into(), tls: Some("/certs".into()) });
    }

    #[test]
    fn a_context_brings_its_certificates() {
        let directory = with_context("there", "tcp://there:2376");
        let certificates = directory.path().join("contexts/tls").join(id("there")).join("docker");
        std::fs::create_dir_all(&certificates).unwrap();
        std::fs::write(certificates.join("ca.pem"), "").unwrap();
        let chosen = Endpoint::choose(None, None, None, Some(directory.path())).unwrap();
        assert_eq!(chosen, Endpoint::Tcp { address: "there:2376".into(), tls: Some(certificates) });
    }

    #[test]
    fn what_cannot_be_reached_is_refused_by_name() {
        for host in
            ["ssh://me@there", "npipe:////./pipe/docker", "docker.sock", "tcp://", "tcp://there:port", "tcp://a/b"]
        {
            let said = Endpoint::choose(Some(host.into()), None, None, None).unwrap_err().line();
            assert!(said.contains(host), "{said}");
        }
        let directory = tempfile::tempdir().unwrap();
        let said = Endpoint::choose(None, None, Some("gone".into()), Some(directory.path())).unwrap_err().line();
        assert!(said.contains("context gone"), "{said}");
    }
}
