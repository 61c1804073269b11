//! Which Kubernetes this is: told alike by the API server, by nodes, and by clients.

use http::header::{HeaderName, HeaderValue, USER_AGENT};

/// The version of Kubernetes that is spoken, and ours behind it.
pub const KUBERNETES: &str = concat!("v1.33.1-k8sm", env!("CARGO_PKG_VERSION"));

/// The commit that this was built from, where whoever built it set `K8SM_COMMIT`; else git's name for none. Kubernetes' clients
/// take hexadecimal digits alone.
pub const COMMIT: &str = match option_env!("K8SM_COMMIT") {
    Some(commit) => commit,
    None => "0000000000000000000000000000000000000000",
};

/// This machine's architecture as Kubernetes calls it.
#[must_use]
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// The header by which a program of Kubernetes' says who it is. The API server keeps what is before the slash as the manager of
/// the fields that the program writes.
///
/// # Panics
/// Where the program's name is no text for a header.
#[must_use]
pub fn user_agent(program: &str) -> (HeaderName, HeaderValue) {
    let agent = format!("{program}/{KUBERNETES} ({}/{})", std::env::consts::OS, architecture());
    (USER_AGENT, HeaderValue::try_from(agent).expect("a program's name is plain text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_says_who_it_is_as_kubernetes_programs_do() {
        let (name, value) = user_agent("kubelet");
        assert_eq!(name, "user-agent");
        let wanted = format!("kubelet/{KUBERNETES} (linux/{})", architecture());
        assert_eq!(value.to_str().unwrap(), wanted);
    }

    #[test]
    fn the_version_is_a_semantic_one_with_ours_behind_it() {
        let ours = KUBERNETES.strip_prefix("v1.33.1-k8sm").unwrap();
        assert!(ours.split('.').count() >= 3 && ours.split('.').all(|part| !part.is_empty()), "{KUBERNETES}");
    }
}
