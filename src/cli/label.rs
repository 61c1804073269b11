//! `k8sm label` and `k8sm annotate`: keys and values on objects, set and taken away.

mod changes;

use std::fmt;

use clap::Args;
use kube_api::patch::PatchType;
use serde_json::{Value, json};

use super::Global;
use super::kube::{DryRun, Place};
use super::selection::{Object, Selection};
use crate::client::{Client, Form, Patch, Query};
use crate::failure::{Failure, Kind};
use crate::output::{self, Format};
use crate::shell;
use changes::{Changes, Plan};

/// Set labels of objects, and take them away
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  k8sm label pod nginx tier=front\n  k8sm label nodes --all disk=ssd --overwrite\n  \
                        k8sm label pods -l tier=front tier-     takes it away"
)]
pub(crate) struct Label {
    #[command(flatten)]
    marking: Marking,
}

/// Set annotations of objects, and take them away
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm annotate pod nginx note='made by hand'\n  k8sm annotate -f pods.yaml note-")]
pub(crate) struct Annotate {
    #[command(flatten)]
    marking: Marking,
}

/// What both take.
#[derive(Debug, Args)]
struct Marking {
    /// TYPE NAME…, TYPE/NAME…, or TYPE with -l or --all; then what is set (KEY=VALUE) and what goes (KEY-)
    #[arg(required = true, value_name = "TYPE [NAME] KEY=VALUE")]
    words: Vec<String>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    place: Place,
    /// Keys that have another value already get this one
    #[arg(long)]
    overwrite: bool,
    /// Only say what would change: as it is known here, or as the server answers
    #[arg(long, value_enum, default_value_t, num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    dry_run: DryRun,
    /// json, yaml, name or jsonpath=TEMPLATE, of what the objects are then
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
    /// Show those that the objects have, and change nothing
    #[arg(long, conflicts_with_all = ["overwrite", "output"])]
    list: bool,
}

/// What is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Label,
    Annotation,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Label { "label" } else { "annotation" })
    }
}

impl What {
    /// The field of `metadata`.
    fn field(self) -> &'static str {
        if self == Self::Label { "labels" } else { "annotations" }
    }
}

impl Label {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        self.marking.run(global, What::Label).await
    }
}

impl Annotate {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        self.marking.run(global, What::Annotation).await
    }
}

impl Marking {
    async fn run(self, global: &Global, what: What) -> Result<(), Failure> {
        if self.list {
            return self.show(global, what).await;
        }
        let (words, changes) = changes::split(what, &self.words)?;
        if self.selection.is_of_files() && !words.is_empty() {
            return Err(Failure::usage(format!("{:?} cannot stand beside --filename", words[0])));
        }
        let targets = self.selection.targets(words, self.place.namespace.as_deref())?;
        let client = self.place.connect(global).await?;
        // One that cannot be changed keeps no other from it.
        let mut failures = Vec::new();
        for object in self.selection.objects(&client, targets).await? {
            match self.mark(&client, &object, what, &changes).await {
                Ok((plan, value)) => self.print(&object, plan.word(what, self.overwrite), &value)?,
                Err(failure) if matches!(failure.kind(), Kind::Failed | Kind::Conflict) => failures.push(failure),
                Err(failure) => return Err(failure),
            }
        }
        Failure::last_of(failures)
    }

    /// Prints what the objects have, each below its name where there are several.
    async fn show(&self, global: &Global, what: What) -> Result<(), Failure> {
        if let Some(word) = self.words.iter().find(|word| word.contains('=') || word.ends_with('-')) {
            return Err(Failure::usage(format!("--list changes nothing, and {word:?} would")));
        }
        let targets = self.selection.targets(&self.words, self.place.namespace.as_deref())?;
        let client = self.place.connect(global).await?;
        let objects = self.selection.objects(&client, targets).await?;
        for object in &objects {
            let current = client.get(&object.path(), Form::Object).await?;
            let heading = (objects.len() > 1).then(|| object.printed());
            shell::data(&listed(what, heading.as_deref(), &current))?;
        }
        Ok(())
    }

    /// Changes one object, and gives what it is then.
    async fn mark(
        &self,
        client: &Client,
        object: &Object,
        what: What,
        changes: &Changes,
    ) -> Result<(Plan, Value), Failure> {
        let path = object.path();
        let current = client.get(&path, Form::Object).await?;
        let plan = changes
            .plan(&current["metadata"][what.field()], self.overwrite)
            .map_err(|why| Failure::conflict(format!("{}: {why}", object.printed())))?;
        for key in &plan.missing {
            shell::say(&format!("{what} {key:?} not found."));
        }
        if plan.patch.is_empty() {
            return Ok((plan, current));
        }
        let patch = json!({"metadata": {what.field(): plan.patch}});
        let value = match self.dry_run {
            DryRun::Client => kube_api::patch::apply_value(object.kind, PatchType::Merge, &current, patch)
                .map_err(|status| Failure::failed(status.message))?,
            _ => client.patch(&path.with(self.query()), Patch::Merge, &patch).await?,
        };
        Ok((plan, value))
    }

    fn query(&self) -> Query {
        Query::default()
            .and("fieldManager", "k8sm-label")
            .and_some("dryRun", (self.dry_run == DryRun::Server).then_some("All"))
    }

    fn print(&self, object: &Object, word: &str, value: &Value) -> Result<(), Failure> {
        let sentence = format!("{word}{}", self.dry_run.note());
        shell::data(&output::object::changed(self.output.as_ref(), &object.printed(), value, &sentence)?)
    }
}

/// What one object has, a line each.
fn listed(what: What, heading: Option<&str>, object: &Value) -> String {
    let indent = if heading.is_some() { " " } else { "" };
    let mut page = heading.map(|name| format!("Listing {what}s for {name}:\n")).unwrap_or_default();
    for (key, value) in object["metadata"][what.field()].as_object().into_iter().flatten() {
        page.push_str(&format!("{indent}{key}={}\n", value.as_str().unwrap_or_default()));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_object_has_is_listed_a_line_each() {
        let pod = json!({"metadata": {"labels": {"a": "1", "b": ""}}});
        assert_eq!(listed(What::Label, None, &pod), "a=1\nb=\n");
        let several = listed(What::Label, Some("pod/nginx"), &pod);
        assert_eq!(several, "Listing labels for pod/nginx:\n a=1\n b=\n");
        assert_eq!(listed(What::Annotation, None, &pod), "");
    }
}
