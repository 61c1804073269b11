//! The compose file: the subset of the 2.4 and 3 syntax that a cluster's topology needs, as typed structures that
//! refuse by name whatever they do not know.

mod interpolate;
mod print;
mod value;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub(crate) use interpolate::interpolate;
pub(crate) use print::print;
pub(crate) use value::{Attachments, Scalar, Table, Words};

use crate::failure::Failure;

/// The topology that is built into the executable.
pub(crate) const BUILT_IN: &str = include_str!("../../compose/docker-compose.yml");

/// A whole compose file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Compose {
    /// Accepted for compose's sake.
    #[serde(default, rename = "version")]
    _version: Option<Scalar>,
    pub(crate) services: Services,
    #[serde(default)]
    pub(crate) networks: BTreeMap<String, Network>,
    #[serde(default)]
    pub(crate) volumes: BTreeMap<String, Option<Volume>>,
}

/// The services of a cluster; all are needed, and there are no others.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Services {
    pub(crate) etcd: Service,
    pub(crate) mesosmaster1: Service,
    /// The template of all slaves.
    pub(crate) mesosslave: Service,
    pub(crate) apiserver: Service,
    pub(crate) controller: Service,
    pub(crate) scheduler: Service,
}

/// One service. Strings may hold placeholders.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    pub(crate) image: String,
    /// Accepted where it is the service's own name: other components call it by that.
    #[serde(default)]
    pub(crate) hostname: Option<String>,
    #[serde(default)]
    pub(crate) entrypoint: Option<Words>,
    #[serde(default)]
    pub(crate) command: Option<Words>,
    #[serde(default)]
    pub(crate) environment: Table,
    #[serde(default)]
    pub(crate) labels: Table,
    pub(crate) networks: Attachments,
    #[serde(default)]
    pub(crate) volumes: Vec<String>,
    #[serde(default)]
    pub(crate) ports: Vec<Scalar>,
    #[serde(default)]
    pub(crate) cap_add: Vec<String>,
    #[serde(default)]
    pub(crate) cap_drop: Vec<String>,
    #[serde(default)]
    pub(crate) security_opt: Vec<String>,
    /// `shareable` where pods may be in its IPC namespace (hostIPC).
    #[serde(default)]
    pub(crate) ipc: Option<String>,
    #[serde(default)]
    pub(crate) read_only: bool,
    #[serde(default)]
    pub(crate) user: Option<Scalar>,
    #[serde(default)]
    pub(crate) userns_mode: Option<String>,
    #[serde(default)]
    pub(crate) restart: Option<String>,
    /// Accepted and not needed: every server waits for what it uses.
    #[serde(default, rename = "depends_on")]
    _depends_on: Option<serde_yaml::Value>,
}

/// One of the two networks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    #[serde(default)]
    pub(crate) driver: Option<String>,
    #[serde(default)]
    pub(crate) ipam: Ipam,
}

/// A network's address pool.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ipam {
    #[serde(default)]
    pub(crate) config: Vec<Pool>,
}

/// The one subnet of a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pool {
    pub(crate) subnet: String,
    #[serde(default)]
    pub(crate) gateway: Option<String>,
    #[serde(default)]
    pub(crate) ip_range: Option<String>,
}

/// A volume, made by the local driver.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Volume {
    #[serde(default, rename = "driver")]
    _driver: Option<LocalDriver>,
}

/// The one driver whose volumes the archive API can write.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LocalDriver {
    Local,
}

impl Services {
    /// Every service with its name, in the order in which people think of them.
    pub(crate) fn all(&self) -> [(&'static str, &Service); 6] {
        [
            ("etcd", &self.etcd),
            ("mesosmaster1", &self.mesosmaster1),
            ("mesosslave", &self.mesosslave),
            ("apiserver", &self.apiserver),
            ("controller", &self.controller),
            ("scheduler", &self.scheduler),
        ]
    }
}

impl Compose {
    /// The file at `path`, or the one built in.
    ///
    /// # Errors
    /// A usage failure that names the file, and service, key and line of what is not understood.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Self::parse(BUILT_IN, "compose/docker-compose.yml (built in)") };
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("read compose file {shown}"))
                .because(error)
                .hint("`k8sm cluster compose --template > my.yml` writes one to begin with")
        })?;
        Self::parse(&text, &shown)
    }

    /// Parses `text`, the content of the file `shown`.
    ///
    /// # Errors
    /// As `load`.
    pub(crate) fn parse(text: &str, shown: &str) -> Result<Self, Failure> {
        let compose: Self = serde_yaml::from_str(text).map_err(|error| refusal(shown, &error.to_string()))?;
        compose.check().map_err(|what| refusal(shown, &what))?;
        Ok(compose)
    }

    /// What the types cannot say: names that must match.
    fn check(&self) -> Result<(), String> {
        for name in ["control", "pods"] {
            if !self.networks.contains_key(name) {
                return Err(format!("networks: missing network `{name}`"));
            }
        }
        if let Some(name) = self.networks.keys().find(|name| !["control", "pods"].contains(&name.as_str())) {
            return Err(format!("networks: unknown network `{name}`, expected `control` and `pods`"));
        }
        for (name, network) in &self.networks {
            if network.driver.as_deref().is_some_and(|driver| driver != "bridge") {
                return Err(format!("networks.{name}.driver: expected `bridge`"));
            }
            if network.ipam.config.len() > 1 {
                return Err(format!("networks.{name}.ipam.config: expected one subnet"));
            }
        }
        self.services.all().into_iter().try_for_each(|(name, service)| self.check_service(name, service))
    }

    fn check_service(&self, name: &str, service: &Service) -> Result<(), String> {
        if let Some(other) = service.hostname.as_deref().filter(|hostname| *hostname != name) {
            return Err(format!("services.{name}.hostname: `{other}`, expected `{name}`, as the others call it"));
        }
        if let Some(network) = service.networks.0.keys().find(|network| !self.networks.contains_key(*network)) {
            return Err(format!("services.{name}.networks: unknown network `{network}`"));
        }
        if !service.networks.0.contains_key("control") {
            return Err(format!("services.{name}.networks: `control` is missing"));
        }
        for mount in &service.volumes {
            let source = mount.split(':').next().unwrap_or_default();
            let names_volume = !source.starts_with(['/', '.', '~', '$']);
            if names_volume && !self.volumes.contains_key(source) {
                return Err(format!("services.{name}.volumes: unknown volume `{source}`"));
            }
            if source.starts_with(['.', '~']) || !mount.contains(':') {
                return Err(format!("services.{name}.volumes: `{mount}`, expected VOLUME:/PATH or /PATH:/PATH"));
            }
        }
        if let Some(other) = service.userns_mode.as_deref().filter(|mode| *mode != "host") {
            return Err(format!("services.{name}.userns_mode: `{other}`, expected `host`"));
        }
        match service.restart.as_deref() {
            None | Some("no" | "always" | "unless-stopped" | "on-failure") => Ok(()),
            Some(other) => Err(format!("services.{name}.restart: unknown policy `{other}`")),
        }
    }
}

fn refusal(shown: &str, what: &str) -> Failure {
    Failure::usage(format!("compose file {shown}: {what}")).hint(
        "`k8sm cluster compose --template` prints a file that is understood; \
             docs/architecture.md says what each service is",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl Fn(&str) -> String) -> String {
        Compose::parse(&change(BUILT_IN), "my.yml").unwrap_err().line()
    }

    #[test]
    fn the_built_in_file_is_understood() {
        let compose = Compose::load(None).unwrap();
        assert_eq!(compose.services.apiserver.ports.len(), 2);
        assert_eq!(compose.services.mesosslave.networks.0.len(), 2);
    }

    #[test]
    fn an_unknown_service_is_refused_by_name_and_line() {
        let said = refused(|text| text.replace("  scheduler:\n", "  skeduler:\n"));
        assert!(said.contains("my.yml") && said.contains("`skeduler`") && said.contains("line "), "{said}");
    }

    #[test]
    fn an_unknown_key_is_refused_by_service_name_and_line() {
        let said = refused(|text| text.replacen("    restart: always", "    privileged: true", 1));
        assert!(said.contains("services.etcd") && said.contains("`privileged`") && said.contains("line "), "{said}");
    }

    #[test]
    fn names_must_match() {
        assert!(refused(|text| text.replace("etcd:/var/lib/etcd", "data:/var/lib/etcd")).contains("volume `data`"));
        assert!(refused(|text| text.replace("networks: [control]", "networks: [back]")).contains("network `back`"));
        assert!(
            refused(|text| text.replace("hostname: scheduler", "hostname: s")).contains("services.scheduler.hostname")
        );
        assert!(refused(|text| text.replace("restart: always", "restart: sometimes")).contains("`sometimes`"));
    }

    #[test]
    fn what_is_no_compose_file_is_refused() {
        for text in ["", "[]", "services: 1", "services: {etcd: {}}", "a: b: c"] {
            assert!(Compose::parse(text, "my.yml").is_err(), "{text}");
        }
    }
}
