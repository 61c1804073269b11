//! `k8sm get -w`: what is there, then every change, row under row.

use kube_api::Kind;
use serde_json::Value;

use super::{Get, members};
use crate::cli::kube::metadata;
use crate::client::target::{self, Target};
use crate::client::watch::{Scope, Watch};
use crate::client::{Client, Form};
use crate::failure::Failure;
use crate::output::columns::Columns;
use crate::output::table::{self, View};
use crate::output::{Format, object, own_cells};
use crate::shell;

/// Shows what is there, then every change, over as many connections as it takes.
///
/// # Errors
/// Several targets, one that is not there, or the server's refusal.
pub(super) async fn run(get: &Get, client: &Client, targets: &[Target]) -> Result<(), Failure> {
    let [target] = targets else {
        return Err(Failure::usage("only one type of object can be watched at a time"));
    };
    if target.names.len() > 1 {
        return Err(Failure::usage("only one name, or all of a type, can be watched"));
    }
    let format = get.format();
    let form = if format.is_table() { Form::Table } else { Form::Object };
    // One object is watched through its list, so that its deletion and return are seen.
    let name = target.names.first().map(|name| format!("metadata.name={name}"));
    let query = get.query(name.as_deref());
    let scope = Scope { path: get.list_path(client, target), query: query.clone(), form };
    let list = client.get(&scope.path.clone().with(query), form).await?;
    let mut printer = Printer::new(get, format, target.kind);
    let nothing =
        if form == Form::Table { table::len(&list) == 0 } else { list["items"].as_array().is_none_or(Vec::is_empty) };
    if let (Some(name), true, false) = (target.names.first(), nothing, get.watch_only) {
        let message = format!("{} {name:?} not found", target.kind.qualified());
        return if get.ignore_not_found { Ok(()) } else { Err(Failure::conflict(message)) };
    }
    if !get.watch_only {
        if form == Form::Table {
            printer.print(target.kind, list.clone())?;
        } else {
            members(target.kind, list.clone()).try_for_each(|(kind, object)| printer.print(kind, object))?;
        }
    }
    let mut watch = Watch::new(client, scope, metadata(&list, "resourceVersion"));
    loop {
        let event = watch.next().await?;
        printer.print(target.kind, event.object)?;
    }
}

/// Prints what a watch brings, row under row.
struct Printer {
    format: Format,
    view: View,
    columns: Columns,
    /// The definitions of the Table's columns, which only a connection's first event carries.
    definitions: Value,
    begun: bool,
    /// Whether who wrote which fields is shown.
    managers: bool,
}

impl Printer {
    fn new(get: &Get, format: Format, kind: &Kind) -> Self {
        Self {
            format,
            view: get.view(kind, false),
            columns: Columns::default(),
            definitions: Value::Null,
            begun: false,
            managers: get.show_managed_fields,
        }
    }

    fn print(&mut self, kind: &'static Kind, mut shown: Value) -> Result<(), Failure> {
        let text = match &self.format {
            Format::Table | Format::Wide => {
                if shown["columnDefinitions"].is_array() {
                    self.definitions.clone_from(&shown["columnDefinitions"]);
                } else {
                    shown["columnDefinitions"].clone_from(&self.definitions);
                }
                let rows = table::rows(&shown, &self.view, !self.begun && table::len(&shown) > 0);
                self.begun |= !rows.is_empty();
                self.columns.lay_out(&rows)
            }
            Format::Name => target::printed(kind, metadata(&shown, "name")) + "\n",
            Format::Columns(own) => {
                let headings = (!self.begun && !self.view.no_headers)
                    .then(|| own.iter().map(|(heading, _)| heading.clone()).collect());
                self.begun = true;
                self.columns.lay_out(&headings.into_iter().chain([own_cells(own, &shown)]).collect::<Vec<_>>())
            }
            Format::Yaml => format!("---\n{}", object::one(&self.format, &shown, self.managers)?),
            format => object::one(format, &shown, self.managers)?,
        };
        shell::data(&text)
    }
}
