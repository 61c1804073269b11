//! Resource versions: which of two is the later one.

/// Whether an object of `version` was written after one of `other`. The API server's are revisions, which only grow; of what is
/// no number any other may be later.
#[must_use]
pub fn is_later(version: &str, other: &str) -> bool {
    match (version.parse::<u64>(), other.parse::<u64>()) {
        (Ok(version), Ok(other)) => version > other,
        _ => version != other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_grow() {
        assert!(is_later("10", "9") && is_later("1", "") && is_later("b", "a"));
        assert!(!is_later("9", "10") && !is_later("9", "9"));
    }
}
