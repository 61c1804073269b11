//! `k8sm describe`: objects for people, each with its events.

use clap::Args;
use jiff::Timestamp;
use kube_api::{Kind, kinds};
use serde_json::Value;

use super::Global;
use super::kube::{Place, metadata};
use crate::client::{Client, Form, Path, Query, target};
use crate::failure::Failure;
use crate::output::describe;
use crate::shell;

/// Show everything about objects, with their events
#[derive(Debug, Args)]
pub(crate) struct Describe {
    /// TYPE[,TYPE…] [NAME…], or TYPE/NAME…
    #[arg(required = true, value_name = "TYPE [NAME]")]
    words: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// In all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// Only objects with these labels
    #[arg(short = 'l', long, value_name = "LABELS")]
    selector: Option<String>,
    /// Leave the events out
    #[arg(long)]
    no_events: bool,
}

impl Describe {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let targets = target::parse(&self.words)?;
        let client = self.place.connect(global).await?;
        let mut pages = Vec::new();
        for target in targets {
            for object in self.objects(&client, &target).await? {
                let events = if self.no_events { Vec::new() } else { events(&client, target.kind, &object).await? };
                pages.push(describe::describe(target.kind, &object, &events, Timestamp::now()));
            }
        }
        if pages.is_empty() {
            shell::say(&format!("No resources found in {} namespace.", client.namespace()));
        }
        shell::data(&pages.join("\n\n"))
    }

    async fn objects(&self, client: &Client, target: &target::Target) -> Result<Vec<Value>, Failure> {
        let mut objects = Vec::new();
        for name in &target.names {
            objects.push(client.get(&Path::object(target.kind, client.namespace(), name), Form::Object).await?);
        }
        if target.names.is_empty() {
            let query = Query::default().and_some("labelSelector", self.selector.as_deref());
            let path = Path::list(target.kind, (!self.all_namespaces).then(|| client.namespace())).with(query);
            let mut list = client.get(&path, Form::Object).await?;
            objects = list["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
        }
        Ok(objects)
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
