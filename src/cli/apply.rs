//! `k8sm apply -f`: objects made to be as manifests say, created where they are not there.

use clap::Args;
use kube_api::patch::{self, PatchType};
use serde_json::Value;

use super::Global;
use super::files::Files;
use super::kube::{DryRun, Place, Validate, metadata};
use crate::client::applied::{self, LAST_APPLIED};
use crate::client::manifest::{self, Document};
use crate::client::{Client, Form, Patch, Path, Query, target};
use crate::failure::Failure;
use crate::output::{Format, object};
use crate::shell;

/// Create or change objects to be as manifests say
#[derive(Debug, Args)]
#[command(
    mut_arg("files", |files| files.required(true)),
    after_help = "Examples:\n  k8sm apply -f examples/v1/guestbook.yaml\n  \
                  k8sm apply -f pods.yaml --dry-run=server     what would change\n\n\
                  What a manifest said when it was applied last and says no more goes away; what others set stays."
)]
pub(crate) struct Apply {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    place: Place,
    /// What to do about fields that a kind does not have
    #[arg(long, value_enum, default_value_t, num_args = 0..=1, require_equals = true, default_missing_value = "strict")]
    validate: Validate,
    /// Only say what would change: as it is known here, or as the server answers
    #[arg(long, value_enum, default_value_t, num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    dry_run: DryRun,
    /// json, yaml, name or jsonpath=TEMPLATE, of what the objects are then
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

/// What became of an object.
struct Outcome {
    object: Value,
    word: &'static str,
}

impl Apply {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let documents = self.files.documents()?;
        manifest::check_fields(&documents, self.validate.into())?;
        if let Some(nameless) = documents.iter().find(|document| document.name.is_empty()) {
            return Err(Failure::failed(format!(
                "{}: metadata.name is not set, so nothing is there to change",
                nameless.place
            ))
            .hint("`k8sm create -f` takes metadata.generateName"));
        }
        let client = self.place.connect(global).await?;
        let asked = self.place.namespace.as_deref();
        let placed = manifest::placed(documents, client.namespace(), asked)?;
        // One that cannot be applied keeps no other from it.
        let mut failures = Vec::new();
        for (document, namespace) in &placed {
            match self.apply(&client, document, namespace).await {
                Ok(outcome) => self.print(document, &outcome)?,
                Err(failure) if failure.is_of_one_object() => {
                    failures.push(failure.about(&document.place));
                }
                Err(failure) => return Err(failure.about(&document.place)),
            }
        }
        Failure::last_of(failures)
    }

    async fn apply(&self, client: &Client, document: &Document, namespace: &str) -> Result<Outcome, Failure> {
        let kind = document.kind;
        let wanted = applied::with_itself(document.value(), kind.namespaced.then_some(namespace));
        let path = Path::object(kind, namespace, &document.name);
        let current = match client.get(&path, Form::Object).await {
            Ok(current) => current,
            Err(error) if error.is_not_found() => {
                let path = Path::list(kind, Some(namespace)).with(self.query());
                let object = match self.dry_run {
                    DryRun::Client => wanted,
                    _ => client.create(&path, wanted.to_string().into_bytes()).await?,
                };
                return Ok(Outcome { object, word: "created" });
            }
            Err(error) => return Err(error.into()),
        };
        let original = applied::last(&current);
        if original.is_none() {
            warn(document);
        }
        let change = patch::three_way(kind, &original.unwrap_or_default(), &wanted, &current);
        if change.as_object().is_none_or(serde_json::Map::is_empty) {
            return Ok(Outcome { object: current, word: "unchanged" });
        }
        let object = match self.dry_run {
            DryRun::Client => patch::apply_value(kind, PatchType::Strategic, &current, change)
                .map_err(|status| Failure::failed(status.message))?,
            _ => client.patch(&path.with(self.query()), Patch::Strategic, &change).await?,
        };
        Ok(Outcome { object, word: "configured" })
    }

    fn query(&self) -> Query {
        Query::default()
            .and("fieldManager", "k8sm-client-side-apply")
            .and("fieldValidation", self.validate.parameter())
            .and_some("dryRun", (self.dry_run == DryRun::Server).then_some("All"))
    }

    fn print(&self, document: &Document, outcome: &Outcome) -> Result<(), Failure> {
        let name = target::printed(document.kind, metadata(&outcome.object, "name"));
        let sentence = format!("{}{}", outcome.word, self.dry_run.note());
        shell::data(&object::changed(self.output.as_ref(), &name, &outcome.object, &sentence)?)
    }
}

/// Says that nobody applied the object before, so that nothing is known to go away.
fn warn(document: &Document) {
    shell::say(&format!(
        "Warning: resource {}/{} is missing the {LAST_APPLIED} annotation which is required by apply. It should only be used \
         on resources that apply created. The missing annotation will be patched automatically.",
        document.kind.qualified(),
        document.name
    ));
}
