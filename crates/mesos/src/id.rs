//! Identifiers, each an object with a `value` on the wire.

use serde::{Deserialize, Serialize};

macro_rules! identifiers {
    ($($(#[$meta:meta])* $name:ident)+) => {
        $($(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name {
            /// The identifier's text.
            pub value: String,
        }

        impl $name {
            /// The identifier's text.
            pub fn as_str(&self) -> &str {
                &self.value
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.value)
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                Self { value: value.to_owned() }
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self { value }
            }
        })+
    };
}

identifiers! {
    /// A framework, `<master's uuid>-NNNN`.
    FrameworkID
    /// An offer, `<master's uuid>-O<n>`.
    OfferID
    /// An agent, `<master's uuid>-S<n>`.
    AgentID
    /// A task, chosen by its framework and never reused.
    TaskID
    /// An executor, chosen by its framework; one process an agent and ID.
    ExecutorID
    /// An offer operation that wants feedback.
    OperationID
    /// A resource provider.
    ResourceProviderID
}

/// A container of an agent; nested ones name their parent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContainerID {
    /// The identifier's text.
    pub value: String,
    /// The container it is nested in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Box<Self>>,
}

impl std::fmt::Display for ContainerID {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.parent {
            Some(parent) => write!(f, "{parent}.{}", self.value),
            None => f.write_str(&self.value),
        }
    }
}

impl From<String> for ContainerID {
    fn from(value: String) -> Self {
        Self { value, parent: None }
    }
}

/// Whether `id` may name something that a client chose (section 4.2: it becomes a directory's name).
///
/// # Errors
/// What is wrong with it.
pub fn validate(id: &str) -> Result<(), String> {
    if id.is_empty() {
        return Err("ID must not be empty".to_owned());
    }
    if id.len() > 255 {
        return Err("ID must not be greater than 255 characters".to_owned());
    }
    if id == "." || id == ".." {
        return Err(format!("'{id}' is disallowed"));
    }
    if id.chars().any(|c| c.is_control() || c == '/' || c == '\\') {
        return Err(format!("'{id}' contains invalid characters"));
    }
    Ok(())
}
