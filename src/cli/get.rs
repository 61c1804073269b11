//! `k8sm get`: objects as the server's Tables, or in JSON, YAML, by name, by field; once or as they change.

use clap::Args;
use kube_api::Kind;
use serde_json::{Value, json};

use super::Global;
use super::kube::{Place, metadata};
use crate::client::target::{self, Target};
use crate::client::watch::{Scope, Watch};
use crate::client::{Client, Form, Path, Query};
use crate::failure::Failure;
use crate::output::columns::Columns;
use crate::output::jsonpath::Template;
use crate::output::table::{self, View};
use crate::output::{Format, columns, own_cells, sort};
use crate::shell;

/// Show objects
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm get pods\n  k8sm get rc,services -A\n  k8sm get pod nginx -o yaml\n  \
                        k8sm get pods -l name=nginx -o wide -w")]
pub(crate) struct Get {
    /// TYPE[,TYPE…] [NAME…], or TYPE/NAME…
    #[arg(required = true, value_name = "TYPE [NAME]")]
    words: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// In all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// Only objects with these labels: a=b,c!=d,e in (f,g)
    #[arg(short = 'l', long, value_name = "LABELS")]
    selector: Option<String>,
    /// Only objects with these fields: status.phase=Running
    #[arg(long, value_name = "FIELDS")]
    field_selector: Option<String>,
    /// wide, json, yaml, name, jsonpath=TEMPLATE or custom-columns=HEADING:PATH,…
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
    /// Go on showing objects as they change
    #[arg(short, long)]
    watch: bool,
    /// Show changes alone, not what is there already
    #[arg(long)]
    watch_only: bool,
    /// In the order of a field, as .metadata.creationTimestamp
    #[arg(long, value_name = "PATH", value_parser = Template::path)]
    sort_by: Option<Template>,
    /// Leave the headings out
    #[arg(long)]
    no_headers: bool,
    /// Show all labels in a last column
    #[arg(long)]
    show_labels: bool,
    /// Show these labels, each in a column
    #[arg(short = 'L', long, value_name = "LABEL", value_delimiter = ',')]
    label_columns: Vec<String>,
    /// No error for a name that is not there
    #[arg(long)]
    ignore_not_found: bool,
}

impl Get {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let targets = target::parse(&self.words)?;
        let named = targets.iter().any(|target| !target.names.is_empty());
        if named && (self.all_namespaces || self.selector.is_some() || self.field_selector.is_some()) {
            return Err(Failure::usage("a name cannot stand beside -A, -l or --field-selector"));
        }
        let client = self.place.connect(global).await?;
        if self.watch || self.watch_only {
            return self.follow(&client, &targets).await;
        }
        match self.format() {
            format if format.is_table() => self.tables(&client, &targets).await,
            format => self.objects(&client, &targets, &format).await,
        }
    }

    fn format(&self) -> Format {
        self.output.clone().unwrap_or_default()
    }

    /// Prints the server's Tables, one a kind, an empty line between two.
    async fn tables(&self, client: &Client, targets: &[Target]) -> Result<(), Failure> {
        let mut out = String::new();
        let mut missing = None;
        for target in targets {
            let view = self.view(target.kind, targets.len() > 1);
            let mut rows: Vec<Vec<String>> = Vec::new();
            for path in self.paths(client, target) {
                match client.get(&path, Form::Table).await {
                    Ok(table) if table::len(&table) > 0 => {
                        let table = self.sorted(table);
                        rows.extend(table::rows(&table, &view, rows.is_empty()));
                    }
                    Ok(_) => {}
                    Err(error) if error.is_not_found() && !target.names.is_empty() => {
                        if !self.ignore_not_found {
                            missing = missing.or(Some(Failure::from(error)));
                        }
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if !rows.is_empty() {
                out.push_str(if out.is_empty() { "" } else { "\n" });
                out.push_str(&columns::lay_out(&rows));
            }
        }
        if out.is_empty() && missing.is_none() && !self.ignore_not_found {
            shell::say(&self.nothing(client, targets));
        }
        shell::data(&out)?;
        missing.map_or(Ok(()), Err)
    }

    /// Prints the objects themselves: one alone as it is, several as a List.
    async fn objects(&self, client: &Client, targets: &[Target], format: &Format) -> Result<(), Failure> {
        let mut found = Vec::new();
        for target in targets {
            for path in self.paths(client, target) {
                match client.get(&path, Form::Object).await {
                    Ok(answer) if target.names.is_empty() => found.extend(members(target.kind, answer)),
                    Ok(object) => found.push((target.kind, object)),
                    Err(error) if error.is_not_found() && self.ignore_not_found => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if let Some(path) = &self.sort_by {
            sort::by(&mut found, path, |(_, object)| object);
        }
        if let Format::Columns(own) = format {
            let headings = (!self.no_headers).then(|| own.iter().map(|(heading, _)| heading.clone()).collect());
            let cells = found.iter().map(|(_, object)| own_cells(own, object));
            return shell::data(&columns::lay_out(&headings.into_iter().chain(cells).collect::<Vec<_>>()));
        }
        let alone = targets.len() == 1 && targets[0].names.len() == 1;
        shell::data(&printed(format, found, alone)?)
    }

    /// A Table's rows in the order that is asked for.
    fn sorted(&self, mut table: Value) -> Value {
        if let (Some(path), Some(rows)) = (&self.sort_by, table["rows"].as_array_mut()) {
            sort::by(rows, path, |row| &row["object"]);
        }
        table
    }

    /// Shows what is there, then every change, over as many connections as it takes.
    async fn follow(&self, client: &Client, targets: &[Target]) -> Result<(), Failure> {
        let [target] = targets else {
            return Err(Failure::usage("only one type of object can be watched at a time"));
        };
        if target.names.len() > 1 {
            return Err(Failure::usage("only one name, or all of a type, can be watched"));
        }
        let format = self.format();
        let form = if format.is_table() { Form::Table } else { Form::Object };
        // One object is watched through its list, so that its deletion and return are seen.
        let name = target.names.first().map(|name| format!("metadata.name={name}"));
        let query = self.query(name.as_deref());
        let scope = Scope { path: self.list_path(client, target.kind), query: query.clone(), form };
        let list = client.get(&scope.path.clone().with(query), form).await?;
        let mut printer = Printer {
            format,
            view: self.view(target.kind, false),
            columns: Columns::default(),
            definitions: Value::Null,
            begun: false,
        };
        let nothing = if form == Form::Table {
            table::len(&list) == 0
        } else {
            list["items"].as_array().is_none_or(Vec::is_empty)
        };
        if let (Some(name), true, false) = (target.names.first(), nothing, self.watch_only) {
            let message = format!("{} {name:?} not found", target.kind.qualified());
            return if self.ignore_not_found { Ok(()) } else { Err(Failure::conflict(message)) };
        }
        if !self.watch_only {
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

    /// The paths that a target is read from: the list, or each name.
    fn paths(&self, client: &Client, target: &Target) -> Vec<Path> {
        if target.names.is_empty() {
            return vec![self.list_path(client, target.kind).with(self.query(None))];
        }
        target.names.iter().map(|name| Path::object(target.kind, client.namespace(), name)).collect()
    }

    fn list_path(&self, client: &Client, kind: &Kind) -> Path {
        Path::list(kind, (!self.all_namespaces).then(|| client.namespace()))
    }

    fn query(&self, name: Option<&str>) -> Query {
        let fields: Vec<&str> = self.field_selector.as_deref().into_iter().chain(name).collect();
        Query::default()
            .and_some("labelSelector", self.selector.as_deref())
            .and_some("fieldSelector", (!fields.is_empty()).then(|| fields.join(",")))
            // A Table's rows carry metadata alone, unless more is asked for.
            .and_some("includeObject", self.sort_by.as_ref().map(|_| "Object"))
    }

    fn view(&self, kind: &Kind, several: bool) -> View {
        View {
            wide: self.output == Some(Format::Wide),
            namespaces: self.all_namespaces && kind.namespaced,
            labels: self.show_labels,
            label_columns: self.label_columns.clone(),
            prefix: several.then(|| target::printed(kind, "")),
            no_headers: self.no_headers,
        }
    }

    fn nothing(&self, client: &Client, targets: &[Target]) -> String {
        if self.all_namespaces || !targets.iter().any(|target| target.kind.namespaced) {
            "No resources found".to_owned()
        } else {
            format!("No resources found in {} namespace.", client.namespace())
        }
    }
}

/// The objects of a list, each with the apiVersion and kind that lists leave out.
fn members(kind: &'static Kind, mut list: Value) -> impl Iterator<Item = (&'static Kind, Value)> {
    let items = list["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
    items.into_iter().map(move |mut item| {
        if item["kind"].is_null() {
            item["apiVersion"] = kind.api_version().into();
            item["kind"] = kind.kind.into();
        }
        (kind, item)
    })
}

/// Objects as one text.
fn printed(format: &Format, mut objects: Vec<(&'static Kind, Value)>, alone: bool) -> Result<String, Failure> {
    if *format == Format::Name {
        let lines = objects.iter().map(|(kind, object)| target::printed(kind, metadata(object, "name")) + "\n");
        return Ok(lines.collect());
    }
    let value = match objects.pop() {
        Some((_, object)) if alone && objects.is_empty() => object,
        last => {
            let items: Vec<Value> = objects.into_iter().chain(last).map(|(_, object)| object).collect();
            if items.is_empty() && alone {
                return Ok(String::new());
            }
            json!({"apiVersion": "v1", "kind": "List", "items": items, "metadata": {"resourceVersion": ""}})
        }
    };
    one(format, &value)
}

/// One value in JSON, YAML or by its fields. Who wrote which fields is left out, as kubectl does, unless it is asked for by path.
pub(super) fn one(format: &Format, value: &Value) -> Result<String, Failure> {
    let written = match format {
        Format::Yaml => serde_yaml::to_string(&without_managers(value)).map_err(anyhow::Error::from),
        Format::JsonPath(template) => Ok(template.render(value)),
        Format::Columns(own) => {
            let headings = own.iter().map(|(heading, _)| heading.clone()).collect();
            Ok(columns::lay_out(&[headings, own_cells(own, value)]))
        }
        _ => four_spaces(&without_managers(value)).map_err(anyhow::Error::from),
    };
    written.map_err(|error| Failure::failed("write the objects").because(error))
}

/// An object, or a list and its objects, without `managedFields`.
fn without_managers(value: &Value) -> Value {
    let mut value = value.clone();
    let items = value.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take);
    let bare = |mut object: Value| {
        object.get_mut("metadata").and_then(Value::as_object_mut).map(|metadata| metadata.remove("managedFields"));
        object
    };
    match items {
        Some(items) => value["items"] = items.into_iter().map(bare).collect(),
        None => value = bare(value),
    }
    value
}

/// JSON indented as kubectl does.
fn four_spaces(value: &Value) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    serde::Serialize::serialize(value, &mut serde_json::Serializer::with_formatter(&mut bytes, formatter))?;
    bytes.push(b'\n');
    Ok(String::from_utf8(bytes).expect("JSON is UTF-8"))
}

/// Prints what a watch brings, row under row.
struct Printer {
    format: Format,
    view: View,
    columns: Columns,
    /// The definitions of the Table's columns, which only a connection's first event carries.
    definitions: Value,
    begun: bool,
}

impl Printer {
    fn print(&mut self, kind: &'static Kind, mut object: Value) -> Result<(), Failure> {
        let text = match &self.format {
            Format::Table | Format::Wide => {
                if object["columnDefinitions"].is_array() {
                    self.definitions.clone_from(&object["columnDefinitions"]);
                } else {
                    object["columnDefinitions"].clone_from(&self.definitions);
                }
                let rows = table::rows(&object, &self.view, !self.begun && table::len(&object) > 0);
                self.begun |= !rows.is_empty();
                self.columns.lay_out(&rows)
            }
            Format::Name => target::printed(kind, metadata(&object, "name")) + "\n",
            Format::Columns(own) => {
                let headings = (!self.begun && !self.view.no_headers)
                    .then(|| own.iter().map(|(heading, _)| heading.clone()).collect());
                self.begun = true;
                self.columns.lay_out(&headings.into_iter().chain([own_cells(own, &object)]).collect::<Vec<_>>())
            }
            Format::Yaml => format!("---\n{}", one(&self.format, &object)?),
            format => one(format, &object)?,
        };
        shell::data(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube_api::kinds;

    #[test]
    fn one_object_is_printed_alone_and_several_as_a_list() {
        let pods = kinds::lookup("pods").expect("pods");
        let list = json!({"kind": "PodList", "items": [{"metadata": {"name": "a", "managedFields": [{"manager": "m"}]}},
            {"metadata": {"name": "b", "managedFields": []}}]});
        let objects: Vec<_> = members(pods, list).collect();
        assert_eq!(
            objects[0].1,
            json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "a", "managedFields": [{"manager": "m"}]}})
        );
        assert_eq!(printed(&Format::Name, objects.clone(), false).expect("prints"), "pod/a\npod/b\n");
        let yaml = printed(&Format::Yaml, objects[..1].to_vec(), true).expect("prints");
        assert_eq!(yaml, "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n");
        let json = printed(&Format::Json, objects, false).expect("prints");
        assert!(json.starts_with("{\n    \"apiVersion\": \"v1\",\n    \"items\": ["), "{json}");
        assert!(!json.contains("managedFields"), "{json}");
        let names = Format::JsonPath("{.items[*].metadata.name}".parse().expect("valid"));
        assert_eq!(printed(&names, vec![(pods, json!({"metadata": {"name": "a"}}))], false).expect("prints"), "a");
    }
}
