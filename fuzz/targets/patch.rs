//! Each type of patch on an object of any kind: the object and the patch, with a NUL between them, or a patch alone, of a pod.
#![no_main]

#[path = "../../crates/kube-api/tests/properties/pass.rs"]
mod pass;

use kube_api::decode::{self, FieldValidation, Format};
use kube_api::patch::{self, PatchType};
use kube_api::{Kind, kinds};
use libfuzzer_sys::fuzz_target;

const POD: &[u8] = br#"{"metadata":{"name":"a","labels":{"a":"b"},"finalizers":["x/y"]},"spec":{"containers":[
    {"name":"c","image":"i","ports":[{"containerPort":80}],"env":[{"name":"E","value":"v"}]},{"name":"d","image":"j"}],
    "volumes":[{"name":"v","emptyDir":{}}],"tolerations":[{"key":"k","operator":"Exists"}]}}"#;

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let (first, second) = (parts.next().unwrap_or_default(), parts.next());
    let (object, patch) = second.map_or((POD, first), |patch| (first, patch));
    let text = String::from_utf8_lossy(object);
    let named = |kind: &&Kind| text.contains(kind.kind);
    let kind = kinds::all().iter().rev().find(named).or_else(|| kinds::find("", "v1", "pods")).expect("there are pods");
    let Ok(original) = decode::object(kind, Format::Json, object, FieldValidation::Ignore) else { return };
    let original = pass::pass(kind, original.object, None);
    for patch_type in [PatchType::Json, PatchType::Merge, PatchType::Strategic] {
        let patched = patch::apply(kind, patch_type, &original, patch)
            .and_then(|patched| decode::value_of(kind, patched, FieldValidation::Ignore));
        match patched {
            Ok(decoded) => drop(pass::pass(kind, decoded.object, Some(&original))),
            Err(status) => assert!((400..500).contains(&status.code), "{status}"),
        }
    }
});
