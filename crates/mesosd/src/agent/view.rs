//! What the agent shows of itself: pure functions from its mind to JSON.

pub(crate) mod containers;
pub(crate) mod metrics;
pub(crate) mod state;
pub(crate) mod v1;

use serde_json::{Map, Value, json};

use super::VERSION;
use super::core::Core;

/// `/version`.
pub(crate) fn version() -> Value {
    json!({"version": VERSION, "build_date": "", "build_time": 0.0, "build_user": ""})
}

/// `/flags`.
pub(crate) fn flags(core: &Core) -> Value {
    json!({"flags": flag_map(core)})
}

/// The body of GET_FLAGS.
pub(crate) fn flag_list(core: &Core) -> Value {
    let flags = core.settings.flags.shown().into_iter().map(|(name, value)| json!({"name": name, "value": value}));
    json!({"flags": flags.collect::<Vec<_>>()})
}

fn flag_map(core: &Core) -> Map<String, Value> {
    core.settings.flags.shown().into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect()
}
