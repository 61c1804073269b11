//! What an agent tells an executor through its environment (reference section 5.1).

use std::time::Duration;

use http::HeaderValue;

use crate::http::{AuthorizationError, bearer};
use crate::{AgentID, ExecutorID, FrameworkID};

/// How to reach the agent, and how long to live without it.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// `ip:port` of the agent.
    pub agent_endpoint: String,
    /// The framework.
    pub framework_id: FrameworkID,
    /// This executor.
    pub executor_id: ExecutorID,
    /// The agent.
    pub agent_id: Option<AgentID>,
    /// The sandbox, as this process sees it.
    pub sandbox: Option<String>,
    /// How long to wait for an agent that is away; `None` where the framework does not checkpoint: then the executor ends
    /// with its agent.
    pub recovery_timeout: Option<Duration>,
    /// The longest wait between attempts to subscribe.
    pub subscription_backoff_max: Duration,
    /// How long a shutdown may take.
    pub shutdown_grace_period: Duration,
    /// What to say of oneself to an agent that asks (`--authenticate_http_executors`).
    pub authorization: Option<HeaderValue>,
}

/// Why the environment is not one that an agent makes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// A variable is missing: this process was not started by an agent.
    #[error("{0} is not set: a Mesos executor is started by an agent")]
    Missing(&'static str),
    /// A variable is no duration.
    #[error("{name}='{value}' is no duration such as 5secs")]
    Duration {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
    },
    /// The agent's token is none.
    #[error("MESOS_EXECUTOR_AUTHENTICATION_TOKEN cannot be used")]
    Token(#[source] AuthorizationError),
}

impl Environment {
    /// Reads this process' environment.
    ///
    /// # Errors
    /// The variable that is missing or wrong.
    pub fn from_process() -> Result<Self, EnvironmentError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// Reads the variables that `get` gives.
    ///
    /// # Errors
    /// The variable that is missing or wrong.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self, EnvironmentError> {
        let need = |name| get(name).filter(|value| !value.is_empty()).ok_or(EnvironmentError::Missing(name));
        let duration = |name, default| match get(name) {
            None => Ok(default),
            Some(value) => parse_duration(&value).ok_or(EnvironmentError::Duration { name, value }),
        };
        let is_checkpointed = get("MESOS_CHECKPOINT").as_deref() == Some("1");
        let token = get("MESOS_EXECUTOR_AUTHENTICATION_TOKEN").filter(|token| !token.is_empty());
        let recovery = duration("MESOS_RECOVERY_TIMEOUT", Duration::from_mins(15))?;
        Ok(Self {
            agent_endpoint: need("MESOS_AGENT_ENDPOINT")?,
            framework_id: need("MESOS_FRAMEWORK_ID")?.into(),
            executor_id: need("MESOS_EXECUTOR_ID")?.into(),
            agent_id: get("MESOS_SLAVE_ID").map(AgentID::from),
            sandbox: get("MESOS_SANDBOX"),
            recovery_timeout: is_checkpointed.then_some(recovery),
            subscription_backoff_max: duration("MESOS_SUBSCRIPTION_BACKOFF_MAX", Duration::from_secs(2))?,
            shutdown_grace_period: duration("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", Duration::from_secs(5))?,
            authorization: token.map(|token| bearer(&token)).transpose().map_err(EnvironmentError::Token)?,
        })
    }
}

/// A duration as Mesos writes it: a decimal number and `ns us ms secs mins hrs days weeks`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "ns" => 1e-9,
        "us" => 1e-6,
        "ms" => 1e-3,
        "secs" => 1.0,
        "mins" => 60.0,
        "hrs" => 3600.0,
        "days" => 86400.0,
        "weeks" => 604_800.0,
        _ => return None,
    };
    let number: f64 = number.trim().parse().ok()?;
    Duration::try_from_secs_f64(number * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Environment, EnvironmentError> {
        Environment::from_variables(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    const MINIMUM: [(&str, &str); 3] =
        [("MESOS_AGENT_ENDPOINT", "10.0.0.2:5051"), ("MESOS_FRAMEWORK_ID", "f"), ("MESOS_EXECUTOR_ID", "e")];

    #[test]
    fn an_executor_without_checkpoint_does_not_outlive_its_agent() {
        let environment = read(&MINIMUM).unwrap();
        assert_eq!(environment.recovery_timeout, None);
        assert_eq!(environment.shutdown_grace_period, Duration::from_secs(5));
    }

    #[test]
    fn durations_are_read_as_mesos_writes_them() {
        let mut pairs = MINIMUM.to_vec();
        pairs.extend([
            ("MESOS_CHECKPOINT", "1"),
            ("MESOS_RECOVERY_TIMEOUT", "1.5hrs"),
            ("MESOS_SUBSCRIPTION_BACKOFF_MAX", "500ms"),
        ]);
        let environment = read(&pairs).unwrap();
        assert_eq!(environment.recovery_timeout, Some(Duration::from_mins(90)));
        assert_eq!(environment.subscription_backoff_max, Duration::from_millis(500));
        for bad in ["", "5", "secs", "5 parsecs", "-1secs"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_is_for_the_agent_alone() {
        let mut pairs = MINIMUM.to_vec();
        assert_eq!(read(&pairs).unwrap().authorization, None);
        pairs.push(("MESOS_EXECUTOR_AUTHENTICATION_TOKEN", "a.b.c"));
        let environment = read(&pairs).unwrap();
        assert_eq!(environment.authorization.as_ref().unwrap(), "Bearer a.b.c");
        assert!(!format!("{environment:?}").contains("a.b.c"));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(read(&MINIMUM[..2]), Err(EnvironmentError::Missing("MESOS_EXECUTOR_ID")));
    }
}
