//! The Docker engine: found as the `docker` command finds it, asked for its version, refused where it cannot serve.

mod endpoint;

use std::time::Duration;

use bollard::Docker;
use serde::Serialize;

pub(crate) use endpoint::Endpoint;

use crate::failure::Failure;

/// The oldest API that has all that is used here (Docker 19.03: several networks, `fromSrc` with platform).
const OLDEST_API: (u32, u32) = (1, 40);

/// How long one call may take, in seconds; sending an image of a debug build takes the longest.
const CALL_SECONDS: u64 = 300;

/// The host of an engine of this machine.
pub(crate) const HERE: &str = "127.0.0.1";

/// A connection to an engine, and what it said of itself.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    /// The API.
    pub(crate) docker: Docker,
    /// What it is.
    pub(crate) facts: Facts,
}

/// What an engine says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Facts {
    /// Where it listens, as `unix:///…` or `tcp://…`.
    pub(crate) endpoint: String,
    /// The name under which its published ports are reached, `127.0.0.1` for an engine of this machine.
    pub(crate) host: String,
    /// The engine's version.
    pub(crate) version: String,
    /// Its newest API.
    pub(crate) api: String,
    /// `linux/amd64`.
    pub(crate) platform: String,
    /// The engine's own socket on its host, which slaves mount.
    pub(crate) socket: String,
}

impl Facts {
    /// Whether the engine is another machine's, whose ports and routes cannot be looked at from here.
    pub(crate) fn is_remote(&self) -> bool {
        self.host != HERE
    }

    /// What tells this engine from another one of this machine: its socket, whichever links lead to it.
    pub(crate) fn identity(&self) -> String {
        match self.endpoint.strip_prefix("unix://").and_then(|path| std::fs::canonicalize(path).ok()) {
            Some(path) => format!("unix://{}", path.display()),
            None => self.endpoint.clone(),
        }
    }
}

impl Engine {
    /// Finds the engine and checks that it can run a cluster.
    ///
    /// # Errors
    /// A failure of the environment that names the endpoint and the reason.
    pub(crate) async fn connect() -> Result<Self, Failure> {
        let endpoint = Endpoint::find()?;
        let shown = endpoint.to_string();
        let docker = endpoint.connect(CALL_SECONDS).map_err(|error| unreachable(&shown).because(error))?;
        let asked = tokio::time::timeout(Duration::from_secs(10), docker.version()).await;
        let version = match asked {
            Ok(Ok(version)) => version,
            Ok(Err(error)) => return Err(unreachable(&shown).because(error)),
            Err(_) => return Err(unreachable(&shown).because(anyhow::anyhow!("no answer within 10s"))),
        };
        let facts = Facts {
            endpoint: shown,
            version: version.version.unwrap_or_default(),
            api: version.api_version.unwrap_or_default(),
            platform: format!("{}/{}", version.os.unwrap_or_default(), version.arch.unwrap_or_default()),
            socket: endpoint.socket().to_owned(),
            host: endpoint.host(),
        };
        check(&facts, own_platform())?;
        let docker = docker.negotiate_version().await.map_err(|error| unreachable(&facts.endpoint).because(error))?;
        Ok(Self { docker, facts })
    }
}

fn unreachable(endpoint: &str) -> Failure {
    Failure::environment(format!("Docker engine at {endpoint} does not answer"))
        .hint("is the engine started, and may this user use it? `docker version` asks the same engine")
}

/// The platform that this executable was built for, as Docker spells it.
fn own_platform() -> String {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("linux/{arch}")
}

/// Refuses an engine that is too old, or that runs other executables than this one.
fn check(facts: &Facts, own: String) -> Result<(), Failure> {
    let mut parts = facts.api.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let api = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if api < OLDEST_API {
        let (major, minor) = OLDEST_API;
        return Err(Failure::environment(format!(
            "Docker engine at {} is too old: version {} has API {}, needed is {major}.{minor}",
            facts.endpoint, facts.version, facts.api
        ))
        .hint("Docker 19.03 and later serve"));
    }
    if facts.platform != own {
        return Err(Failure::environment(format!(
            "Docker engine at {} runs {}, this executable is {own}",
            facts.endpoint, facts.platform
        ))
        .hint("use the k8sm that was built for the engine's platform"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    fn facts(api: &str, platform: &str) -> Facts {
        Facts {
            endpoint: "unix:///var/run/docker.sock".into(),
            version: "1".into(),
            api: api.into(),
            platform: platform.into(),
            socket: "/var/run/docker.sock".into(),
            host: HERE.into(),
        }
    }

    #[test]
    fn an_engine_is_checked_for_age_and_platform() {
        let own = "linux/amd64";
        assert!(check(&facts("1.41", own), own.into()).is_ok());
        assert!(check(&facts("2.0", own), own.into()).is_ok());
        for (api, platform) in [("1.39", own), ("", own), ("1.41", "linux/arm64"), ("1.41", "windows/amd64")] {
            assert_eq!(check(&facts(api, platform), own.into()).unwrap_err().kind(), Kind::Environment);
        }
    }
}
