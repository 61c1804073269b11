//! Values of resources and attributes: scalars, ranges, sets, texts.

use serde::{Deserialize, Serialize, Serializer};

use crate::message::{enumeration, message};

enumeration! {
    /// Which of the value's fields is set.
    pub enum ValueType {
        Scalar = "SCALAR", Ranges = "RANGES", Set = "SET", Text = "TEXT",
    }
}

/// A number; infinity, in limits alone, is written as a quoted word, which Mesos reads as such.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Scalar {
    /// The number.
    #[serde(serialize_with = "finite")]
    pub value: f64,
}

fn finite<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_infinite() {
        return serializer.serialize_str(if *value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    serializer.serialize_f64(*value)
}

/// Numbers from `begin` to `end`, both included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Range {
    /// The first number.
    pub begin: u64,
    /// The last number.
    pub end: u64,
}

message! {
    /// Ranges of numbers, such as ports.
    pub struct Ranges {
        range* Range,
    }

    /// A set of names.
    pub struct Set {
        item* String,
    }

    /// A text.
    pub struct Text {
        value! String,
    }

    /// What an agent says of itself beside its resources. Names need not be unique.
    pub struct Attribute {
        name! String,
        r#type! ValueType,
        scalar? Scalar,
        ranges? Ranges,
        set? Set,
        text? Text,
    }
}
