//! Where the engine listens, found as the `docker` command does: DOCKER_HOST, DOCKER_CONTEXT, the current context of
//! its configuration file, the usual socket.

use std::fmt;
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};
use serde::Deserialize;

use crate::failure::Failure;

/// The socket that an engine has when nothing else is said.
const USUAL: &str = "unix:///var/run/docker.sock";

/// The path of an engine's Unix socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint(String);

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
        Self::choose(set("DOCKER_HOST"), set("DOCKER_CONTEXT"), directory.as_deref())
    }

    /// The endpoint for these values of DOCKER_HOST, DOCKER_CONTEXT and the directory of Docker's configuration.
    fn choose(host: Option<String>, context: Option<String>, directory: Option<&Path>) -> Result<Self, Failure> {
        if let Some(host) = host {
            return Self::parse(&host, "DOCKER_HOST");
        }
        let context = match (context, directory) {
            (Some(context), _) => context,
            (None, Some(directory)) => current_context(&directory.join("config.json"))?,
            (None, None) => String::new(),
        };
        match directory {
            Some(directory) if !context.is_empty() && context != "default" => {
                Self::parse(&host_of(directory, &context)?, &format!("Docker context {context}"))
            }
            _ => Self::parse(USUAL, "default"),
        }
    }

    fn parse(host: &str, source: &str) -> Result<Self, Failure> {
        match host.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self(path.to_owned())),
            Some((scheme, _)) => Err(Failure::environment(format!(
                "Docker endpoint {host} ({source}) cannot be used: {scheme}:// is not supported"
            ))
            .hint("run k8sm on the engine's own machine, or forward its socket and name that as unix:///…")),
            None => Err(Failure::environment(format!("Docker endpoint {host:?} ({source}) is no URL"))
                .hint("unix:///var/run/docker.sock is the usual one")),
        }
    }

    /// The socket's path.
    pub(crate) fn path(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix://{}", self.0)
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

    #[test]
    fn the_environment_wins_over_the_configuration() {
        let directory = with_context("colima", "unix:///run/colima.sock");
        let at = |host: Option<&str>, context: Option<&str>| {
            Endpoint::choose(host.map(Into::into), context.map(Into::into), Some(directory.path())).unwrap().0
        };
        assert_eq!(at(Some("unix:///a.sock"), Some("colima")), "/a.sock");
        assert_eq!(at(None, Some("default")), "/var/run/docker.sock");
        assert_eq!(at(None, None), "/run/colima.sock");
    }

    #[test]
    fn without_configuration_the_usual_socket_is_meant() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Endpoint::choose(None, None, Some(directory.path())).unwrap().0, "/var/run/docker.sock");
    }

    #[test]
    fn what_cannot_be_reached_is_refused_by_name() {
        for host in ["ssh://me@there", "tcp://10.0.0.1:2375", "docker.sock"] {
            let said = Endpoint::choose(Some(host.into()), None, None).unwrap_err().line();
            assert!(said.contains(host), "{said}");
        }
        let directory = tempfile::tempdir().unwrap();
        let said = Endpoint::choose(None, Some("gone".into()), Some(directory.path())).unwrap_err().line();
        assert!(said.contains("context gone"), "{said}");
    }
}
