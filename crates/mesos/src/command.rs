//! What is run: a command, its files and its environment.

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::message::{enumeration, message};

/// A command. With `shell`, `/bin/sh -c value`; without, `value` is executed with `arguments` as argv (argv[0] included).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields are named and meant as in Mesos' own schema")]
pub struct CommandInfo {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uris: Vec<Uri>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    #[serde(default = "yes")]
    pub shell: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

impl Default for CommandInfo {
    fn default() -> Self {
        Self { uris: Vec::new(), environment: None, shell: true, value: None, arguments: Vec::new(), user: None }
    }
}

/// A file that the agent fetches into the sandbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields are named and meant as in Mesos' own schema")]
pub struct Uri {
    pub value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<bool>,
    #[serde(default = "yes")]
    pub extract: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_file: Option<String>,
}

impl Default for Uri {
    fn default() -> Self {
        Self { value: String::new(), executable: None, extract: true, cache: None, output_file: None }
    }
}

fn yes() -> bool {
    true
}

message! {
    /// Environment of a command.
    pub struct Environment {
        variables* Variable,
    }

    /// One variable.
    pub struct Variable {
        name! String,
        r#type= VariableType,
        value? String,
        secret? Secret,
    }

    /// A secret, by value or by reference.
    pub struct Secret {
        r#type? SecretType,
        reference? SecretReference,
        value? SecretValue,
    }

    /// A secret's place in a store.
    pub struct SecretReference {
        name! String,
        key? String,
    }

    /// A secret itself.
    pub struct SecretValue {
        data! Bytes,
    }
}

enumeration! {
    /// How a variable's value is given.
    pub enum VariableType {
        Value = "VALUE", Secret = "SECRET"; _ => Unknown
    }

    /// How a secret is given.
    pub enum SecretType {
        Reference = "REFERENCE", Value = "VALUE"; _ => Unknown
    }
}

impl Variable {
    /// A plain variable.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: Some(value.into()), ..Self::default() }
    }
}
