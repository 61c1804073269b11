//! Label and field selectors.

use serde_json::Value;

use crate::kinds::Kind;

/// Why a selector cannot be used; the text is Kubernetes'.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectorError(pub String);

/// A parsed label selector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelSelector {}

impl LabelSelector {
    /// Parses `a=b,c!=d,e in (f,g),h,!i`.
    ///
    /// # Errors
    /// A text that is no selector, or names no valid label key or value.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let _ = text;
        Ok(Self {})
    }

    /// Whether everything matches.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        true
    }

    /// Whether an object's `metadata.labels` match.
    #[must_use]
    pub fn matches(&self, object: &Value) -> bool {
        let _ = object;
        true
    }

    /// Whether labels match, given as a look-up.
    pub fn matches_with<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        let _ = label;
        true
    }
}

/// A parsed field selector of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector {}

impl FieldSelector {
    /// Parses `metadata.name=a,status.phase!=Running` and checks that the kind has these fields.
    ///
    /// # Errors
    /// A text that is no selector, or a field that the kind does not offer.
    pub fn parse(kind: &Kind, text: &str) -> Result<Self, SelectorError> {
        let _ = (kind, text);
        Ok(Self {})
    }

    /// Whether everything matches.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        true
    }

    /// Whether an object of the kind matches.
    #[must_use]
    pub fn matches(&self, object: &Value) -> bool {
        let _ = object;
        true
    }

    /// The value that the selector demands of a field by equality (`metadata.name` makes a list a get).
    #[must_use]
    pub fn required(&self, field: &str) -> Option<&str> {
        let _ = field;
        None
    }
}
