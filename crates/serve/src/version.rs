//! Which Kubernetes this is: told alike by the API server and by nodes.

/// The version of Kubernetes that is spoken, and ours behind it.
pub const KUBERNETES: &str = concat!("v1.33.1-k8sm", env!("CARGO_PKG_VERSION"));

/// This machine's architecture as Kubernetes calls it.
#[must_use]
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_a_semantic_one_with_ours_behind_it() {
        let ours = KUBERNETES.strip_prefix("v1.33.1-k8sm").unwrap();
        assert!(ours.split('.').count() >= 3 && ours.split('.').all(|part| !part.is_empty()), "{KUBERNETES}");
    }
}
