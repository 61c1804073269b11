//! Label and field selectors: how clients say which objects of a list they mean.

mod fields;
mod labels;
mod lexer;
mod parser;
mod requirement;

pub use fields::{FieldSelector, field_terms, field_value, supported};
pub use labels::LabelSelector;
pub use requirement::{Operator, Requirement};

/// Why a selector cannot be used; the text is Kubernetes'.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectorError(pub String);
