//! A body of any format for any kind: it is refused as the client's mistake, or it is an object that passes all that objects pass.
#![no_main]

#[path = "../../crates/kube-api/tests/properties/pass.rs"]
mod pass;

use kube_api::decode::{self, FieldValidation, Format};
use kube_api::{Kind, kinds};
use libfuzzer_sys::fuzz_target;

/// The kind that a body names, or one by its length.
fn kind_of(body: &[u8]) -> &'static Kind {
    let text = String::from_utf8_lossy(body);
    let named = kinds::all().iter().rev().find(|kind| text.contains(kind.kind));
    named.unwrap_or_else(|| &kinds::all()[body.len() % kinds::all().len()])
}

fuzz_target!(|body: &[u8]| {
    let kind = kind_of(body);
    for format in [Format::Json, Format::Yaml, Format::Protobuf] {
        let validation = if body.len().is_multiple_of(2) { FieldValidation::Warn } else { FieldValidation::Strict };
        match decode::object(kind, format, body, validation) {
            Ok(decoded) => {
                let object = pass::pass(kind, decoded.object, None);
                let again =
                    decode::value_of(kind, object.clone(), FieldValidation::Strict).expect("defaults fit their schema");
                pass::pass(kind, again.object, Some(&object));
            }
            Err(status) => assert!((400..500).contains(&status.code), "{status}"),
        }
    }
});
