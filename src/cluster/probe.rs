//! `km await-cluster`, run inside the API server's container: asks every component until all answer, and says on stdout,
//! a line of JSON each, which did. Only there are all of them reached, wherever the engine is.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Parser;
use futures::future::join_all;
use k8s_openapi::api::core::v1::{Endpoints, Node, ServiceAccount};
use kube::Api;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::wait::await_condition;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::addons::dns;
use super::pki::{Pair, kubeconfig};
use crate::shell;

/// Wait until every component of this cluster serves
#[derive(Debug, Parser)]
pub(crate) struct Probe {
    /// How many slaves there are
    #[arg(long)]
    slaves: u32,
    /// Ask the cluster's DNS too
    #[arg(long)]
    dns: bool,
    /// How long to wait, in seconds
    #[arg(short, long, default_value_t = 120)]
    timeout: u64,
    /// Where the API server's keys are
    #[arg(long, default_value = "/var/lib/k8sm/pki")]
    cert_dir: String,
    /// Ask once instead of waiting
    #[arg(long)]
    once: bool,
}

/// What is asked of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "check", content = "of", rename_all = "kebab-case")]
pub(crate) enum Check {
    /// etcd serves.
    Etcd,
    /// The Mesos master serves.
    Master,
    /// The API server is ready.
    Apiserver,
    /// That agent is registered with the master.
    Agent(String),
    /// The controller manager serves.
    Controller,
    /// The scheduler serves.
    Scheduler,
    /// The scheduler's framework is registered with the master.
    Framework,
    /// That node is Ready.
    Node(String),
    /// The account `default` that pods act as, which the controllers make.
    Account,
    /// The cluster's name servers answer.
    Dns,
}

/// Of what a cluster is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// How many slaves there are.
    pub(crate) slaves: u32,
    /// Whether it has a DNS.
    pub(crate) dns: bool,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    #[serde(flatten)]
    pub(crate) check: Check,
    /// Why not, where it is not so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

impl Check {
    /// All that is asked of such a cluster.
    pub(crate) fn all(asked: Asked) -> Vec<Self> {
        let hostnames = || (1..=asked.slaves).map(|index| format!("mesosslave{index}"));
        let mut checks = vec![Self::Etcd, Self::Master, Self::Apiserver];
        checks.extend(hostnames().map(Self::Agent));
        checks.extend([Self::Controller, Self::Scheduler, Self::Framework]);
        checks.extend(hostnames().map(Self::Node));
        checks.push(Self::Account);
        checks.extend(asked.dns.then_some(Self::Dns));
        checks
    }

    /// The hostname of the component that is asked, or answers for it.
    pub(crate) fn hostname(&self) -> &str {
        match self {
            Self::Etcd => "etcd",
            Self::Master => "mesosmaster1",
            Self::Apiserver => "apiserver",
            Self::Controller | Self::Account => "controller",
            Self::Scheduler | Self::Framework => "scheduler",
            Self::Agent(hostname) | Self::Node(hostname) => hostname,
            Self::Dns => "dns",
        }
    }

    /// What is so when the check is passed, for people.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Etcd => "etcd is healthy".to_owned(),
            Self::Master => "Mesos master is healthy".to_owned(),
            Self::Apiserver => "Kubernetes API is ready".to_owned(),
            Self::Agent(hostname) => format!("agent {hostname} is registered"),
            Self::Controller => "controller manager is healthy".to_owned(),
            Self::Scheduler => "scheduler is healthy".to_owned(),
            Self::Framework => "framework is registered".to_owned(),
            Self::Node(hostname) => format!("node {hostname} is Ready"),
            Self::Account => format!("service account {ACCOUNT} is there"),
            Self::Dns => "DNS answers".to_owned(),
        }
    }
}

/// The namespace of pods that name none, and the account in it of those that name none.
const ACCOUNT: &str = "default";

/// The longest time that one question may take.
const PATIENCE: Duration = Duration::from_secs(3);

struct Prober {
    http: reqwest::Client,
    cert_dir: String,
    once: bool,
    /// The last reason why each pending check is not passed.
    pending: Mutex<Vec<Answer>>,
}

/// Runs the tool.
///
/// # Errors
/// When a component does not serve in time; stdout has said which.
pub(crate) async fn run(args: Vec<String>) -> anyhow::Result<()> {
    let probe: Probe = serve::flags::parse("await-cluster", args, &[])?;
    // Somebody else may have installed the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .tls_certs_only([authority(&probe.cert_dir)?])
        .timeout(PATIENCE)
        .no_proxy()
        .build()?;
    let checks = Check::all(Asked { slaves: probe.slaves, dns: probe.dns });
    let unasked = |check: &Check| Answer { check: check.clone(), why: Some("not asked yet".to_owned()) };
    let pending = Mutex::new(checks.iter().map(unasked).collect());
    let prober = Prober { http, cert_dir: probe.cert_dir, once: probe.once, pending };
    let all = join_all(checks.iter().map(|check| prober.pass(check)));
    let limit = if probe.once { PATIENCE * 2 } else { Duration::from_secs(probe.timeout) };
    // What is still pending after the time is said below.
    let _ = tokio::time::timeout(limit, all).await;
    let pending = prober.pending.into_inner();
    for answer in &pending {
        say(answer)?;
    }
    if pending.is_empty() { Ok(()) } else { bail!("{} of {} checks are not passed", pending.len(), checks.len()) }
}

fn authority(cert_dir: &str) -> anyhow::Result<reqwest::Certificate> {
    let path = Path::new(cert_dir).join("ca.crt");
    let pem = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    Ok(reqwest::Certificate::from_pem(&pem)?)
}

fn say(answer: &Answer) -> anyhow::Result<()> {
    let line = serde_json::to_string(answer)?;
    shell::data(&format!("{line}\n")).map_err(anyhow::Error::from)
}

impl Prober {
    /// Asks until the check is passed, and says so.
    async fn pass(&self, check: &Check) {
        // A listener that is not there yet tells nobody when it comes: asking again is all there is.
        let mut pause = Duration::from_millis(20);
        loop {
            match self.ask(check).await {
                Ok(()) => {
                    self.pending.lock().retain(|answer| answer.check != *check);
                    // Where stdout is gone, so is whoever asked.
                    let _ = say(&Answer { check: check.clone(), why: None });
                    return;
                }
                Err(error) => self.note(check, &error),
            }
            if self.once {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    fn note(&self, check: &Check, error: &anyhow::Error) {
        for answer in self.pending.lock().iter_mut().filter(|answer| answer.check == *check) {
            answer.why = Some(error.root_cause().to_string());
        }
    }

    async fn ask(&self, check: &Check) -> anyhow::Result<()> {
        match check {
            Check::Etcd => self.ok("http://etcd:4001/health").await,
            Check::Master => self.ok("http://mesosmaster1:5050/health").await,
            Check::Apiserver => self.ok("https://apiserver:6443/readyz").await,
            Check::Controller => self.ok("http://controller:10252/healthz").await,
            Check::Scheduler => self.ok("http://scheduler:10251/healthz").await,
            Check::Agent(hostname) => {
                match active(&self.master_state().await?, "slaves", "hostname").contains(hostname) {
                    true => Ok(()),
                    false => bail!("not among the master's active agents"),
                }
            }
            Check::Framework => match active(&self.master_state().await?, "frameworks", "active").is_empty() {
                true => bail!("not among the master's active frameworks"),
                false => Ok(()),
            },
            Check::Node(hostname) => self.node_is_ready(hostname).await,
            Check::Account => self.account_is_there().await,
            Check::Dns => self.dns_answers().await,
        }
    }

    async fn ok(&self, url: &str) -> anyhow::Result<()> {
        let answer = self.http.get(url).send().await?;
        if !answer.status().is_success() {
            bail!("{url} answers {}", answer.status());
        }
        Ok(())
    }

    async fn master_state(&self) -> anyhow::Result<Value> {
        let answer = self.http.get("http://mesosmaster1:5050/state").send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&answer.bytes().await?)?)
    }

    async fn node_is_ready(&self, hostname: &str) -> anyhow::Result<()> {
        let nodes = Api::<Node>::all(self.client().await?);
        if self.once {
            let node = tokio::time::timeout(PATIENCE, nodes.get(hostname)).await??;
            return if is_ready(Some(&node)) { Ok(()) } else { Err(anyhow!(why_not(&node))) };
        }
        // Told by a watch, which ends where the API server does: then it is asked again.
        let waited = await_condition(nodes, hostname, |node: Option<&Node>| is_ready(node));
        self.note(&Check::Node(hostname.to_owned()), &anyhow!("not Ready"));
        waited.await.map(drop).map_err(Into::into)
    }

    async fn account_is_there(&self) -> anyhow::Result<()> {
        let accounts = Api::<ServiceAccount>::namespaced(self.client().await?, ACCOUNT);
        if self.once {
            return tokio::time::timeout(PATIENCE, accounts.get(ACCOUNT)).await?.map(drop).map_err(Into::into);
        }
        let is_there = |account: Option<&ServiceAccount>| account.is_some();
        await_condition(accounts, ACCOUNT, is_there).await.map(drop).map_err(Into::into)
    }

    /// Asks the servers behind the DNS service, as the service's own address is known to pods and nodes alone.
    async fn dns_answers(&self) -> anyhow::Result<()> {
        let all = Api::<Endpoints>::namespaced(self.client().await?, dns::NAMESPACE);
        let endpoints = if self.once {
            tokio::time::timeout(PATIENCE, all.get_opt(dns::NAME)).await??
        } else {
            self.note(&Check::Dns, &anyhow!("no pod of it is ready"));
            await_condition(all, dns::NAME, |one: Option<&Endpoints>| !servers(one).is_empty()).await?
        };
        let servers = servers(endpoints.as_ref());
        anyhow::ensure!(!servers.is_empty(), "no pod of it is ready");
        for server in servers {
            let name = format!("kubernetes.default.svc.{}.", dns::DOMAIN);
            let found =
                ::dns::forward::addresses(server, &name).await.with_context(|| format!("ask {server} for {name}"))?;
            anyhow::ensure!(!found.is_empty(), "{server} does not know {name}");
        }
        Ok(())
    }

    async fn client(&self) -> anyhow::Result<kube::Client> {
        let read = |name: &str| std::fs::read_to_string(Path::new(&self.cert_dir).join(name));
        let pair = Pair { certificate: read("admin.crt")?, key: read("admin.key")? };
        let text = kubeconfig("https://apiserver:6443", &read("ca.crt")?, "k8sm", "admin", &pair)?;
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(Kubeconfig::from_yaml(&text)?, &options).await?;
        Ok(kube::Client::try_from(config)?)
    }
}

/// The field `key` of everything in a list of the master's state that is active.
fn active(state: &Value, list: &str, key: &str) -> BTreeSet<String> {
    let all = state[list].as_array().map(Vec::as_slice).unwrap_or_default();
    let active = all.iter().filter(|one| one["active"].as_bool() == Some(true));
    active.map(|one| one[key].as_str().map_or_else(|| one[key].to_string(), str::to_owned)).collect()
}

/// Where the DNS service's pods answer.
fn servers(endpoints: Option<&Endpoints>) -> Vec<SocketAddr> {
    let subsets = endpoints.into_iter().flat_map(|one| one.subsets.iter().flatten());
    let addresses = subsets.flat_map(|subset| subset.addresses.iter().flatten());
    addresses.filter_map(|one| Some(SocketAddr::new(one.ip.parse().ok()?, dns::PORT))).collect()
}

fn is_ready(node: Option<&Node>) -> bool {
    let conditions = node.and_then(|node| node.status.as_ref()?.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// What a node that is not Ready says of it.
fn why_not(node: &Node) -> String {
    let mut conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref()).into_iter().flatten();
    let ready = conditions.find(|condition| condition.type_ == "Ready");
    let said = ready.and_then(|condition| condition.message.clone()).filter(|message| !message.is_empty());
    said.unwrap_or_else(|| "not Ready".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_lines_that_are_read_back() {
        let answer = Answer { check: Check::Node("mesosslave1".into()), why: Some("not Ready".into()) };
        let line = serde_json::to_string(&answer).unwrap();
        assert_eq!(line, r#"{"check":"node","of":"mesosslave1","why":"not Ready"}"#);
        assert_eq!(serde_json::from_str::<Answer>(&line).unwrap(), answer);
        let answer = Answer { check: Check::Etcd, why: None };
        assert_eq!(serde_json::from_str::<Answer>(&serde_json::to_string(&answer).unwrap()).unwrap(), answer);
    }

    #[test]
    fn only_what_is_active_counts() {
        let state = serde_json::json!({"slaves": [
            {"hostname": "mesosslave1", "active": true},
            {"hostname": "mesosslave2", "active": false},
        ]});
        assert_eq!(active(&state, "slaves", "hostname"), ["mesosslave1".to_owned()].into());
        assert!(active(&state, "frameworks", "name").is_empty());
    }

    #[test]
    fn a_node_is_ready_when_it_says_so() {
        let node = |status: &str| -> Node {
            serde_json::from_value(serde_json::json!({"status": {"conditions": [{"type": "Ready", "status": status}]}}))
                .unwrap()
        };
        assert!(is_ready(Some(&node("True"))));
        assert!(!is_ready(Some(&node("Unknown"))) && !is_ready(None));
    }
}
