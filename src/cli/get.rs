//! `k8sm get`: objects as the server's Tables, or in JSON, YAML, by name, by field; once or as they change.

mod follow;

use clap::{ArgAction, Args};
use kube_api::Kind;
use serde_json::{Value, json};

use super::Global;
use super::files::Files;
use super::kube::{Place, metadata};
use crate::client::target::{self, Target};
use crate::client::{Client, Form, Path, Query};
use crate::failure::Failure;
use crate::output::jsonpath::Template;
use crate::output::table::{self, View};
use crate::output::{Format, columns, object, own_cells, sort};
use crate::shell;

/// Show objects
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm get pods\n  k8sm get rc,services -A\n  k8sm get pod nginx -o yaml\n  \
                        k8sm get pods -l name=nginx -o wide -w\n  k8sm get -f examples/v1/guestbook.yaml")]
pub(crate) struct Get {
    /// TYPE[,TYPE…] [NAME…], or TYPE/NAME…
    #[arg(required_unless_present_any = ["files", "raw"], conflicts_with = "files", value_name = "TYPE [NAME]")]
    words: Vec<String>,
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    place: Place,
    /// In all namespaces
    #[arg(short = 'A', long, conflicts_with_all = ["namespace", "files"])]
    all_namespaces: bool,
    /// Only objects with these labels: a=b,c!=d,e in (f,g)
    #[arg(short = 'l', long, value_name = "LABELS", conflicts_with = "files")]
    selector: Option<String>,
    /// Only objects with these fields: status.phase=Running
    #[arg(long, value_name = "FIELDS", conflicts_with = "files")]
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
    /// In JSON and YAML, show too who wrote which fields
    #[arg(long, action = ArgAction::Set, default_value_t = false, num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    show_managed_fields: bool,
    /// No error for a name that is not there
    #[arg(long)]
    ignore_not_found: bool,
    /// What the server answers at a path, as it is: /readyz, /metrics, /api/v1/nodes
    #[arg(long, value_name = "PATH", conflicts_with_all = ["words", "files", "output", "watch", "watch_only"])]
    raw: Option<String>,
}

/// What the server answered about one kind: a Table, a list or an object, as was asked for.
type Answer = (&'static Kind, Value);

impl Get {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        if let Some(path) = &self.raw {
            return raw(&self.place.connect(global).await?, path).await;
        }
        let targets = self.files.targets_or(&self.words, self.place.namespace.as_deref())?;
        let named = targets.iter().any(|target| !target.names.is_empty());
        if named && (self.all_namespaces || self.selector.is_some() || self.field_selector.is_some()) {
            return Err(Failure::usage("a name cannot stand beside -A, -l or --field-selector"));
        }
        let client = self.place.connect(global).await?;
        if self.watch || self.watch_only {
            return follow::run(&self, &client, &targets).await;
        }
        match self.format() {
            format if format.is_table() => self.tables(&client, &targets).await,
            format => self.objects(&client, &targets, &format).await,
        }
    }

    fn format(&self) -> Format {
        self.output.clone().unwrap_or_default()
    }

    /// Asks for each target. What was named and is not there is a failure beside what was found.
    async fn ask(
        &self,
        client: &Client,
        targets: &[Target],
        form: Form,
    ) -> Result<(Vec<Answer>, Vec<Failure>), Failure> {
        let (mut answers, mut missing) = (Vec::new(), Vec::new());
        for target in targets {
            for path in self.paths(client, target) {
                match client.get(&path, form).await {
                    Ok(answer) => answers.push((target.kind, answer)),
                    Err(error) if error.is_not_found() && !target.names.is_empty() => {
                        if !self.ignore_not_found {
                            missing.push(Failure::from(error));
                        }
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok((answers, missing))
    }

    /// Prints the server's Tables, one a kind, an empty line between two.
    async fn tables(&self, client: &Client, targets: &[Target]) -> Result<(), Failure> {
        let (answers, missing) = self.ask(client, targets, Form::Table).await?;
        let several = answers.iter().any(|(kind, _)| *kind != answers[0].0);
        let mut out = String::new();
        for of_kind in answers.chunk_by(|one, next| one.0 == next.0) {
            let view = self.view(of_kind[0].0, several);
            let mut rows: Vec<Vec<String>> = Vec::new();
            for (_, table) in of_kind.iter().filter(|(_, table)| table::len(table) > 0) {
                rows.extend(table::rows(&self.sorted(table.clone()), &view, rows.is_empty()));
            }
            if !rows.is_empty() {
                out.push_str(if out.is_empty() || self.no_headers { "" } else { "\n" });
                out.push_str(&columns::lay_out(&rows));
            }
        }
        if out.is_empty() && missing.is_empty() && !self.ignore_not_found {
            shell::say(&self.nothing(client, targets));
        }
        shell::data(&out)?;
        Failure::last_of(missing)
    }

    /// Prints the objects themselves: one alone as it is, several as a List.
    async fn objects(&self, client: &Client, targets: &[Target], format: &Format) -> Result<(), Failure> {
        let (answers, missing) = self.ask(client, targets, Form::Object).await?;
        let names: usize = targets.iter().map(|target| target.names.len()).sum();
        let alone = names == 1 && (!self.files.given() || self.files.is_one());
        let mut found: Vec<Answer> = match names {
            0 => answers.into_iter().flat_map(|(kind, list)| members(kind, list)).collect(),
            _ => answers,
        };
        if let Some(path) = &self.sort_by {
            sort::by(&mut found, path, |(_, object)| object);
        }
        if let Format::Columns(own) = format {
            let headings = (!self.no_headers).then(|| own.iter().map(|(heading, _)| heading.clone()).collect());
            let cells = found.iter().map(|(_, object)| own_cells(own, object));
            shell::data(&columns::lay_out(&headings.into_iter().chain(cells).collect::<Vec<_>>()))?;
        } else if !found.is_empty() || !(alone || names > 0 && self.ignore_not_found) {
            shell::data(&printed(format, found, alone, self.show_managed_fields)?)?;
        }
        Failure::last_of(missing)
    }

    /// A Table's rows in the order that is asked for.
    fn sorted(&self, mut table: Value) -> Value {
        if let (Some(path), Some(rows)) = (&self.sort_by, table["rows"].as_array_mut()) {
            sort::by(rows, path, |row| &row["object"]);
        }
        table
    }

    /// The paths that a target is read from: the list, or each name.
    fn paths(&self, client: &Client, target: &Target) -> Vec<Path> {
        if target.names.is_empty() {
            return vec![self.list_path(client, target).with(self.query(None))];
        }
        let namespace = target.namespace_or(client.namespace());
        target.names.iter().map(|name| Path::object(target.kind, namespace, name)).collect()
    }

    fn list_path(&self, client: &Client, target: &Target) -> Path {
        Path::list(target.kind, (!self.all_namespaces).then(|| target.namespace_or(client.namespace())))
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

/// Prints what the server answers at a path, piece by piece: it may be a watch.
async fn raw(client: &Client, path: &str) -> Result<(), Failure> {
    if !path.starts_with('/') {
        return Err(Failure::usage(format!("--raw {path:?} is no path")).hint("it begins with a slash, as /readyz"));
    }
    let mut stream = client.stream(&Path::raw(path), Form::Raw).await?;
    while let Some(bytes) = stream.next().await? {
        shell::bytes(&bytes)?;
    }
    Ok(())
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
fn printed(format: &Format, mut objects: Vec<Answer>, alone: bool, managers: bool) -> Result<String, Failure> {
    if *format == Format::Name {
        let lines = objects.iter().map(|(kind, object)| target::printed(kind, metadata(object, "name")) + "\n");
        return Ok(lines.collect());
    }
    let value = match objects.pop() {
        Some((_, object)) if alone && objects.is_empty() => object,
        last => {
            let items: Vec<Value> = objects.into_iter().chain(last).map(|(_, object)| object).collect();
            json!({"apiVersion": "v1", "kind": "List", "items": items, "metadata": {"resourceVersion": ""}})
        }
    };
    object::one(format, &value, managers)
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
        assert_eq!(printed(&Format::Name, objects.clone(), false, false).expect("prints"), "pod/a\npod/b\n");
        let yaml = printed(&Format::Yaml, objects[..1].to_vec(), true, false).expect("prints");
        assert_eq!(yaml, "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n");
        let json = printed(&Format::Json, objects, false, false).expect("prints");
        assert!(json.starts_with("{\n    \"apiVersion\": \"v1\",\n    \"items\": ["), "{json}");
        assert!(!json.contains("managedFields"), "{json}");
        let names = Format::JsonPath("{.items[*].metadata.name}".parse().expect("valid"));
        assert_eq!(
            printed(&names, vec![(pods, json!({"metadata": {"name": "a"}}))], false, false).expect("prints"),
            "a"
        );
    }
}
