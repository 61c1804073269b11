//! `k8sm describe`: objects for people, each with its events.

use clap::{ArgAction, Args};
use jiff::Timestamp;
use kube_api::{Kind, kinds};
use serde_json::Value;

use super::Global;
use super::files::Files;
use super::kube::{Place, metadata};
use crate::client::target::Target;
use crate::client::{Client, Form, Path, Query};
use crate::failure::Failure;
use crate::output::describe;
use crate::shell;

/// Show everything about objects, with their events
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  k8sm describe pod nginx\n  k8sm describe pods nginxcontroller     all whose names begin so\n  \
                        k8sm describe nodes\n  k8sm describe rc,services -l name=nginx\n  k8sm describe -f examples/v1/pod-nginx.json"
)]
pub(crate) struct Describe {
    /// TYPE[,TYPE…] [NAME or its beginning…], or TYPE/NAME…
    #[arg(required_unless_present = "files", conflicts_with = "files", value_name = "TYPE [NAME]")]
    words: Vec<String>,
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    place: Place,
    /// In all namespaces
    #[arg(short = 'A', long, conflicts_with_all = ["namespace", "files"])]
    all_namespaces: bool,
    /// Only objects with these labels
    #[arg(short = 'l', long, value_name = "LABELS", conflicts_with = "files")]
    selector: Option<String>,
    /// With the events about them
    #[arg(long, action = ArgAction::Set, default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    show_events: bool,
}

impl Describe {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let targets = self.files.targets_or(&self.words, self.place.namespace.as_deref())?;
        let client = self.place.connect(global).await?;
        let (mut pages, mut missing) = (Vec::new(), Vec::new());
        for target in targets {
            for object in self.objects(&client, &target, &mut missing).await? {
                let events = if self.show_events { events(&client, target.kind, &object).await? } else { Vec::new() };
                pages.push(describe::describe(target.kind, &object, &events, Timestamp::now()));
            }
        }
        if pages.is_empty() && missing.is_empty() {
            shell::say(&format!("No resources found in {} namespace.", client.namespace()));
        }
        shell::data(&pages.join("\n\n"))?;
        Failure::last_of(missing)
    }

    /// The objects of a target; what was named and is not there goes to `missing`.
    async fn objects(
        &self,
        client: &Client,
        target: &Target,
        missing: &mut Vec<Failure>,
    ) -> Result<Vec<Value>, Failure> {
        if target.names.is_empty() {
            return self.list(client, target.kind).await;
        }
        let mut objects = Vec::new();
        for name in &target.names {
            let path = Path::object(target.kind, target.namespace_or(client.namespace()), name);
            match client.get(&path, Form::Object).await {
                Ok(object) => objects.push(object),
                Err(error) if error.is_not_found() => {
                    let begin = self.beginning(client, target.kind, name).await?;
                    if begin.is_empty() {
                        missing.push(error.into());
                    }
                    objects.extend(begin);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(objects)
    }

    /// The objects whose names begin with what was typed; a manifest's name is whole.
    async fn beginning(&self, client: &Client, kind: &Kind, typed: &str) -> Result<Vec<Value>, Failure> {
        if self.files.given() {
            return Ok(Vec::new());
        }
        let mut objects = self.list(client, kind).await?;
        objects.retain(|object| metadata(object, "name").starts_with(typed));
        Ok(objects)
    }

    async fn list(&self, client: &Client, kind: &Kind) -> Result<Vec<Value>, Failure> {
        let query = Query::default().and_some("labelSelector", self.selector.as_deref());
        let path = Path::list(kind, (!self.all_namespaces).then(|| client.namespace())).with(query);
        let mut list = client.get(&path, Form::Object).await?;
        Ok(list["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }
}

/// The events about an object. Those of nodes stand in the namespace `default`, so all namespaces are asked.
async fn events(client: &Client, kind: &Kind, object: &Value) -> Result<Vec<Value>, Failure> {
    let event = kinds::of("v1", "Event").expect("events are in the table of kinds");
    let mut fields =
        vec![format!("involvedObject.kind={}", kind.kind), format!("involvedObject.name={}", metadata(object, "name"))];
    // A node's events name it by its name where others name a UID.
    if kind.namespaced {
        fields.push(format!("involvedObject.uid={}", metadata(object, "uid")));
    }
    let namespace = object["metadata"]["namespace"].as_str();
    let path = Path::list(event, namespace).with(Query::default().and("fieldSelector", fields.join(",")));
    let mut list = client.get(&path, Form::Object).await?;
    Ok(list["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
}
