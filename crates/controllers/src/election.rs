//! Leader election by a Lease: of several controller managers one works.

use std::time::Duration;

use anyhow::bail;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, PostParams};
use kube::{Client, Error, ResourceExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const NAME: &str = "k8sm-controller-manager";
const NAMESPACE: &str = "kube-system";
/// A lease that was not renewed for this long may be taken.
const DURATION: Duration = Duration::from_secs(15);
/// A leader that could not renew for this long stops.
const DEADLINE: Duration = Duration::from_secs(10);
/// Between attempts to take or renew.
const PERIOD: Duration = Duration::from_secs(2);

/// One candidate.
pub struct Election {
    api: Api<Lease>,
    identity: String,
    /// The other leader's lease as it was first seen, by this clock.
    observed: Option<(String, Instant)>,
}

/// What a candidate does about the lease.
#[derive(Debug, PartialEq, Eq)]
enum Move {
    Create,
    /// Write it as one's own; `true` when it changes hands.
    Take(bool),
    Wait,
}

impl Election {
    /// `identity` must be no other living process's, and may be the same after a restart: the lease is then taken up at once.
    #[must_use]
    pub fn new(client: Client, identity: String) -> Self {
        Self { api: Api::namespaced(client, NAMESPACE), identity, observed: None }
    }

    /// Waits until this process leads.
    pub async fn win(&mut self) {
        loop {
            match self.attempt().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::info!(error = error.to_string(), "cannot take the lease {NAMESPACE}/{NAME} yet"),
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Renews until `shutdown`, then gives the lease up.
    ///
    /// # Errors
    /// When the lease is lost or cannot be renewed: the process must stop to work.
    pub async fn hold(&mut self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        let mut renewed = Instant::now();
        while shutdown.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
            match tokio::time::timeout(DEADLINE, self.attempt()).await {
                Ok(Ok(true)) => renewed = Instant::now(),
                Ok(Ok(false)) => bail!("another controller manager leads now"),
                Ok(Err(error)) => {
                    tracing::warn!(error = error.to_string(), "cannot renew the lease {NAMESPACE}/{NAME}")
                }
                Err(_) => tracing::warn!("renewing the lease {NAMESPACE}/{NAME} takes too long"),
            }
            if renewed.elapsed() >= DURATION {
                // nobody can have taken it while the API server is away; who comes first after that leads
                tracing::warn!(
                    "the lease {NAMESPACE}/{NAME} has run out; it is taken up again when the API server answers"
                );
                self.win().await;
                renewed = Instant::now();
            }
        }
        self.release().await;
        Ok(())
    }

    /// Takes or renews the lease; whether it is ours now.
    async fn attempt(&mut self) -> Result<bool, Error> {
        let lease = self.api.get_opt(NAME).await?;
        let written = match self.decide(lease.as_ref(), Instant::now()) {
            Move::Wait => return Ok(false),
            Move::Create => {
                let mut lease = Lease { spec: Some(self.spec(None, true)), ..Lease::default() };
                lease.metadata.name = Some(NAME.to_owned());
                self.api.create(&PostParams::default(), &lease).await
            }
            Move::Take(new) => {
                let mut lease = lease.unwrap_or_default();
                lease.spec = Some(self.spec(lease.spec.as_ref(), new));
                self.api.replace(NAME, &PostParams::default(), &lease).await
            }
        };
        match written {
            // somebody was faster
            Err(Error::Api(status)) if status.code == 409 => Ok(false),
            other => other.map(|_| true),
        }
    }

    fn decide(&mut self, lease: Option<&Lease>, now: Instant) -> Move {
        let Some(lease) = lease else { return Move::Create };
        let spec = lease.spec.as_ref();
        let holder = spec.and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default();
        if holder == self.identity {
            return Move::Take(false);
        }
        if holder.is_empty() {
            return Move::Take(true);
        }
        let version = lease.resource_version().unwrap_or_default();
        match &self.observed {
            Some((seen, since)) if *seen == version && now.duration_since(*since) >= DURATION => Move::Take(true),
            Some((seen, _)) if *seen == version => Move::Wait,
            _ => {
                self.observed = Some((version, now));
                Move::Wait
            }
        }
    }

    fn spec(&self, before: Option<&LeaseSpec>, new: bool) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let transitions = before.and_then(|spec| spec.lease_transitions).unwrap_or(0);
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            acquire_time: before
                .filter(|_| !new)
                .and_then(|spec| spec.acquire_time.clone())
                .or_else(|| Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(transitions + i32::from(new && before.is_some())),
            ..LeaseSpec::default()
        }
    }

    /// Lets the next candidate begin at once.
    async fn release(&self) {
        let give_up = async {
            let mut lease = self.api.get(NAME).await?;
            let spec = lease.spec.get_or_insert_default();
            if spec.holder_identity.as_deref() == Some(&self.identity) {
                spec.holder_identity = Some(String::new());
                self.api.replace(NAME, &PostParams::default(), &lease).await?;
            }
            Ok::<_, Error>(())
        };
        if let Ok(Err(error)) = tokio::time::timeout(PERIOD, give_up).await {
            tracing::debug!(error = error.to_string(), "the lease is left to run out");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    async fn election() -> Election {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
        Election::new(Client::try_from(config).unwrap(), "me".into())
    }

    fn lease(holder: &str, version: &str) -> Lease {
        serde_json::from_value(
            json!({"metadata": {"name": NAME, "resourceVersion": version}, "spec": {"holderIdentity": holder}}),
        )
        .unwrap()
    }

    #[tokio::test]
    async fn a_lease_is_taken_when_it_is_free_ours_or_was_not_renewed() {
        let (mut election, start) = (election().await, Instant::now());
        assert_eq!(election.decide(None, start), Move::Create);
        assert_eq!(election.decide(Some(&lease("", "1")), start), Move::Take(true));
        assert_eq!(election.decide(Some(&lease("me", "1")), start), Move::Take(false));
        assert_eq!(election.decide(Some(&lease("other", "1")), start), Move::Wait);
        assert_eq!(election.decide(Some(&lease("other", "2")), start + Duration::from_secs(14)), Move::Wait);
        assert_eq!(election.decide(Some(&lease("other", "2")), start + Duration::from_secs(28)), Move::Wait);
        assert_eq!(election.decide(Some(&lease("other", "2")), start + Duration::from_secs(29)), Move::Take(true));
    }
}
