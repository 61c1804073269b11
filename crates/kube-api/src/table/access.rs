//! Role bindings: who gets which role.

use serde_json::Value;

use super::{AGE, NAME, Printer, age, column, items, name, text, wide};

pub(super) static ROLE_BINDINGS: Printer = Printer {
    columns: &[
        NAME,
        column("Role", "The role that is given."),
        AGE,
        wide("Users", "Users who get it."),
        wide("Groups", "Groups that get it."),
        wide("ServiceAccounts", "Service accounts that get it."),
    ],
    cells: |binding, now| {
        let role = &binding["roleRef"];
        vec![
            name(binding),
            format!("{}/{}", text(&role["kind"]), text(&role["name"])).into(),
            age(binding, now),
            subjects(binding, "User").into(),
            subjects(binding, "Group").into(),
            subjects(binding, "ServiceAccount").into(),
        ]
    },
};

fn subjects(binding: &Value, kind: &str) -> String {
    let named = items(&binding["subjects"]).filter(|s| s["kind"] == kind).map(|subject| match kind {
        "ServiceAccount" => format!("{}/{}", text(&subject["namespace"]), text(&subject["name"])),
        _ => text(&subject["name"]).to_owned(),
    });
    named.collect::<Vec<_>>().join(", ")
}
