//! Continue tokens: where a list that is told in parts goes on.

use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, URL_SAFE_NO_PAD};
use base64::{DecodeError, Engine};
use kube_api::status::quote;
use kube_api::{Status, decode};
use serde_json::{Value, json};

/// Where the next part of a list begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Continue {
    /// The revision of the whole list; 0 to go on at the current one.
    pub(crate) revision: u64,
    /// The last key that was told.
    pub(crate) after: String,
}

impl Continue {
    /// The token, opaque to clients.
    pub(crate) fn encode(&self) -> String {
        // 0 stands for a list that goes on at whatever revision is current
        let revision = if self.revision == 0 { json!(-1) } else { json!(self.revision) };
        URL_SAFE_NO_PAD.encode(json!({"v": "meta.k8s.io/v1", "rv": revision, "start": self.after}).to_string())
    }

    /// A token that came back; `prefix` is what the list's keys begin with.
    pub(crate) fn decode(token: &str, prefix: &str) -> Result<Self, Status> {
        let invalid =
            |why: &str| Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
        let bytes = LENIENT.decode(token.trim_end_matches('=')).map_err(|error| invalid(&illegal(&error)))?;
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|error| invalid(&decode::json_error(&bytes).unwrap_or_else(|| error.to_string())))?;
        let version = value["v"].as_str().unwrap_or_default();
        if version != "meta.k8s.io/v1" {
            return Err(invalid(&format!("server does not recognize this encoded version {}", quote(version))));
        }
        let after = value["start"].as_str().filter(|start| !start.is_empty());
        let after = after.ok_or_else(|| invalid("encoded start key empty (version meta.k8s.io/v1)"))?;
        let revision = match &value["rv"] {
            rv if rv.as_i64().is_some_and(|rv| rv < 0) => 0,
            rv => rv
                .as_u64()
                .filter(|&rv| rv > 0)
                .ok_or_else(|| invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)"))?,
        };
        if !after.starts_with(prefix) {
            return Err(invalid(after));
        }
        Ok(Self { revision, after: after.to_owned() })
    }
}

/// Go looks at the bits of the last character that belong to no byte no more than this.
const LENIENT: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// Why a text is no base64, in Go's words.
fn illegal(error: &DecodeError) -> String {
    let at = match error {
        DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => *at,
        DecodeError::InvalidLength(length) => length.saturating_sub(1),
        DecodeError::InvalidPadding => 0,
    };
    format!("illegal base64 data at input byte {at}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_or_are_refused() {
        for revision in [0, 7] {
            let token = Continue { revision, after: "ns/a".to_owned() };
            assert_eq!(Continue::decode(&token.encode(), "ns/"), Ok(token.clone()));
            assert_eq!(Continue::decode(&token.encode(), "other/").unwrap_err().code, 400);
        }
        for nonsense in ["", "x", "e30", "!!!!"] {
            assert_eq!(Continue::decode(nonsense, "").unwrap_err().code, 400, "{nonsense}");
        }
    }
}
