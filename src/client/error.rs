//! What can go wrong between the command and the API server, and which exit code it has.

use std::time::Duration;

use serde::Deserialize;

use crate::failure::{Failure, Kind};

/// An answer that did not come, or that was a refusal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The server refused, and said why.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// The kubeconfig cannot be used.
    #[error("use the kubeconfig {place}")]
    Kubeconfig { place: String, source: anyhow::Error },
    /// Nobody answered.
    #[error("reach the API server {server}")]
    Unreachable { server: String, source: anyhow::Error },
    /// The connection broke in the middle of an answer.
    #[error("read the answer of the API server {server}")]
    Broken { server: String, source: anyhow::Error },
    /// The answer took too long.
    #[error("the API server {server} did not answer within {}s", .waited.as_secs())]
    Silent { server: String, waited: Duration },
}

/// The server's `Status`, as far as it is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Refusal {
    /// The HTTP status code.
    pub(crate) code: u16,
    /// The machine-readable reason: `NotFound`.
    pub(crate) reason: String,
    /// One sentence for people.
    pub(crate) message: String,
}

impl Error {
    pub(super) fn kubeconfig(place: &str, source: impl Into<anyhow::Error>) -> Self {
        Self::Kubeconfig { place: place.to_owned(), source: source.into() }
    }

    pub(super) fn unreachable(server: &str, source: impl Into<anyhow::Error>) -> Self {
        Self::Unreachable { server: server.to_owned(), source: source.into() }
    }

    pub(super) fn broken(server: &str, source: impl Into<anyhow::Error>) -> Self {
        Self::Broken { server: server.to_owned(), source: source.into() }
    }

    pub(super) fn garbled(server: &str, source: serde_json::Error) -> Self {
        Self::broken(server, source)
    }

    pub(super) fn silent(server: &str, waited: Duration) -> Self {
        Self::Silent { server: server.to_owned(), waited }
    }

    /// The refusal that a body with an HTTP error code says; servers in between answer with plain text.
    pub(super) fn refused(code: u16, body: &[u8]) -> Self {
        let mut refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
        refusal.code = code;
        if refusal.message.is_empty() && code == 404 && body.starts_with(b"{") {
            // the list of all paths that there are
            refusal.message = "the server could not find the requested resource".to_owned();
        } else if refusal.message.is_empty() {
            let text = String::from_utf8_lossy(body);
            let line = text.lines().next().unwrap_or_default().trim();
            refusal.message = if line.is_empty() {
                format!("the server answered {code}")
            } else {
                format!("the server answered {code}: {line}")
            };
        }
        Self::Refused(refusal)
    }

    /// Whether the object is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == 404)
    }

    /// Whether the resourceVersion asked for is no longer kept.
    pub(crate) fn is_expired(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == 410)
    }

    /// Whether trying again later can help: the server is away, or asks for it.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(refusal.code, 429 | 500 | 502 | 503 | 504),
            Self::Unreachable { .. } | Self::Broken { .. } | Self::Silent { .. } => true,
            Self::Kubeconfig { .. } => false,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Refused(refusal) => {
                let kind = match refusal.code {
                    404 | 409 => Kind::Conflict,
                    504 => Kind::TimedOut,
                    _ => Kind::Failed,
                };
                let failure = Self::new(kind, message.replace('\n', " "));
                match refusal.code {
                    401 => failure.hint("`k8sm kubeconfig` writes the cluster's credentials again"),
                    _ => failure,
                }
            }
            Error::Kubeconfig { source, .. } => Self::environment(message).because(source).hint(
                "`k8sm up` brings up a cluster and writes the kubeconfig; $KUBECONFIG or --kubeconfig name another",
            ),
            Error::Unreachable { source, .. } => Self::environment(message)
                .because(source)
                .hint("`k8sm status` shows whether the cluster is up, `k8sm up` starts it"),
            Error::Broken { source, .. } => Self::failed(message).because(source),
            Error::Silent { .. } => Self::timed_out(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_said_in_its_own_words_with_the_exit_code_of_its_sort() {
        let body =
            br#"{"kind":"Status","status":"Failure","message":"pods \"a\" not found","reason":"NotFound","code":404}"#;
        let error = Error::refused(404, body);
        assert!(error.is_not_found());
        let failure = Failure::from(error);
        assert_eq!(failure.kind(), Kind::Conflict);
        assert_eq!(failure.line(), "pods \"a\" not found");
        assert_eq!(Failure::from(Error::refused(409, b"{}")).kind(), Kind::Conflict);
        assert_eq!(Failure::from(Error::refused(422, b"{}")).kind(), Kind::Failed);
    }

    #[test]
    fn an_answer_that_is_no_status_shows_its_first_line() {
        let failure = Failure::from(Error::refused(502, b"Bad Gateway\nmore"));
        assert_eq!(failure.line(), "the server answered 502: Bad Gateway");
        assert_eq!(Failure::from(Error::refused(500, b"")).line(), "the server answered 500");
        let paths = Failure::from(Error::refused(404, br#"{"paths":["/api","/apis"]}"#));
        assert_eq!(paths.line(), "the server could not find the requested resource");
    }

    #[test]
    fn a_server_that_is_away_is_the_environment_s_error_and_passing() {
        let error = Error::unreachable("https://127.0.0.1:1", std::io::Error::other("connection refused"));
        assert!(error.is_passing());
        let failure = Failure::from(error);
        assert_eq!(failure.kind(), Kind::Environment);
        assert_eq!(failure.line(), "reach the API server https://127.0.0.1:1: connection refused");
    }
}
