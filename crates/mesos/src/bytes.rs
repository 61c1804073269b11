//! Opaque bytes, base64 on the wire.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Mesos pads what it writes and does not ask for padding in what it reads.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How the error of a text that is no base64 begins.
pub(crate) const NOT_BASE64: &str = "Failed to base64 decode: ";

/// Opaque bytes: `data` of tasks, executors and messages, `uuid` of updates.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// Sixteen bytes of a random UUID, as an update's `uuid` has to be.
    pub fn uuid() -> Self {
        Self(uuid::Uuid::new_v4().into_bytes().to_vec())
    }

    /// The bytes as a UUID; `None` where they are not sixteen of a known version.
    pub fn as_uuid(&self) -> Option<uuid::Uuid> {
        uuid::Uuid::from_slice(&self.0).ok().filter(|uuid| (1..=5).contains(&uuid.get_version_num()))
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.as_uuid() {
            Some(uuid) => write!(f, "{uuid}"),
            None => write!(f, "{} bytes", self.0.len()),
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::deserialize(deserializer)?;
        text.retain(|c| !c.is_ascii_whitespace());
        BASE64.decode(&text).map(Self).map_err(|error| {
            let stranger = text.chars().find(|c| !c.is_ascii_alphanumeric() && !"+/=".contains(*c));
            let reason = stranger.map_or_else(|| error.to_string(), |c| format!("Invalid character '{c}'"));
            de::Error::custom(format!("{NOT_BASE64}{reason}"))
        })
    }
}
