//! Which objects `delete`, `scale` and others change: by name, by label or field, all of a type, or as manifests name them.

use clap::Args;
use kube_api::Kind;

use super::files::Files;
use super::kube::metadata;
use crate::client::target::{self, Target};
use crate::client::{Client, Form, Path, Query};
use crate::failure::Failure;

/// What selects them, beside words.
#[derive(Debug, Args)]
pub(super) struct Selection {
    #[command(flatten)]
    files: Files,
    /// Those with these labels: a=b,c!=d,e in (f,g)
    #[arg(short = 'l', long, value_name = "LABELS", conflicts_with = "files")]
    selector: Option<String>,
    /// Those with these fields: status.phase=Failed
    #[arg(long, value_name = "FIELDS", conflicts_with = "files")]
    field_selector: Option<String>,
    /// All of the type
    #[arg(long, conflicts_with_all = ["selector", "files"])]
    all: bool,
    /// In all namespaces
    #[arg(short = 'A', long, conflicts_with_all = ["namespace", "files"])]
    all_namespaces: bool,
}

/// One object that is selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    /// Its kind.
    pub(super) kind: &'static Kind,
    /// Its namespace, which counts for kinds that have one.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
}

impl Object {
    /// Its path.
    pub(super) fn path(&self) -> Path {
        Path::object(self.kind, &self.namespace, &self.name)
    }

    /// How it is named in what is printed: `pod/nginx`.
    pub(super) fn printed(&self) -> String {
        target::printed(self.kind, &self.name)
    }
}

impl Selection {
    /// Whether manifests select them.
    pub(super) fn is_of_files(&self) -> bool {
        self.files.given()
    }

    /// What `words`, or the manifests, and the flags mean. `asked` is the `--namespace`.
    ///
    /// # Errors
    /// They do not say which objects, or say it twice.
    pub(super) fn targets(&self, words: &[String], asked: Option<&str>) -> Result<Vec<Target>, Failure> {
        let targets = self.files.targets_or(words, asked)?;
        let several = self.all || self.selector.is_some() || self.field_selector.is_some();
        for target in &targets {
            match (target.names.is_empty(), several) {
                (true, false) => {
                    return Err(Failure::usage(format!("which {} is not said", target.kind.plural))
                        .hint("give names, -l LABELS, --field-selector or --all"));
                }
                (false, true) => return Err(Failure::usage("names cannot stand beside -l, --field-selector or --all")),
                (false, false) if self.all_namespaces => {
                    return Err(Failure::usage("names cannot stand beside --all-namespaces"));
                }
                _ => {}
            }
        }
        Ok(targets)
    }

    /// The objects of the targets, as far as the server has to be asked for their names.
    ///
    /// # Errors
    /// The server's refusal.
    pub(super) async fn objects(&self, client: &Client, targets: Vec<Target>) -> Result<Vec<Object>, Failure> {
        let mut objects = Vec::new();
        for target in targets {
            let namespace = target.namespace_or(client.namespace()).to_owned();
            if target.names.is_empty() {
                objects.extend(self.listed(client, target.kind).await?);
            }
            let named = |name| Object { kind: target.kind, namespace: namespace.clone(), name };
            objects.extend(target.names.into_iter().map(named));
        }
        Ok(objects)
    }

    async fn listed(&self, client: &Client, kind: &'static Kind) -> Result<Vec<Object>, Failure> {
        let query = Query::default()
            .and_some("labelSelector", self.selector.as_deref())
            .and_some("fieldSelector", self.field_selector.as_deref());
        let path = Path::list(kind, (!self.all_namespaces).then(|| client.namespace())).with(query);
        let list = client.get(&path, Form::Object).await?;
        let items = list["items"].as_array().into_iter().flatten();
        let object = |item| Object {
            kind,
            namespace: metadata(item, "namespace").to_owned(),
            name: metadata(item, "name").to_owned(),
        };
        Ok(items.map(object).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        words: Vec<String>,
        #[command(flatten)]
        selection: Selection,
        #[arg(short, long)]
        namespace: Option<String>,
    }

    fn read(line: &str) -> Result<Vec<Target>, String> {
        let line = Line::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())?;
        line.selection.targets(&line.words, line.namespace.as_deref()).map_err(|failure| failure.line())
    }

    #[test]
    fn objects_are_named_or_selected_and_not_both() {
        assert_eq!(read("x pod a b").expect("named")[0].names, ["a", "b"]);
        for selected in ["x pods -l a=b", "x rc,pods --all", "x pods --field-selector a=b -A"] {
            assert!(read(selected).expect(selected).iter().all(|target| target.names.is_empty()));
        }
        assert_eq!(read("x pods").expect_err("all?"), "which pods is not said");
        for twice in ["x pod a -l a=b", "x pod a --all", "x pod/a -A", "x pods --all -l a=b", "x pods --all -f -"] {
            assert!(read(twice).is_err(), "{twice}");
        }
    }
}
