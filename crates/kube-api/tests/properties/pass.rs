//! All that is done with an object that came in; property tests and `fuzz/` send theirs this way.

use jiff::Timestamp;
use kube_api::selector::LabelSelector;
use kube_api::{Kind, defaults, protobuf, table, validate};
use serde_json::Value;

/// Completes, checks, shows and selects an object that was decoded, and gives it back with its defaults.
pub(crate) fn pass(kind: &'static Kind, mut object: Value, old: Option<&Value>) -> Value {
    defaults::apply(kind, &mut object);
    defaults::stored(kind, &mut object);
    drop(validate::create(kind, &object));
    if let Some(old) = old {
        drop((validate::update(kind, &object, old), validate::update_status(kind, &object, old)));
    }
    assert_eq!(table::cells(kind, &object, Timestamp::UNIX_EPOCH).len(), table::columns(kind).len());
    drop((table::conditions(kind, &object), protobuf::object(&object)));
    for text in ["a=1,b!=2,c in (x,y),!d", "e>1"] {
        let _ = LabelSelector::parse(text).expect("a selector").matches(&object);
    }
    object
}
