//! `k8sm wait`: until objects are as a condition says, or gone.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::Global;
use super::kube::{Place, metadata};
use super::selection::{Object, Selection};
use crate::client::watch::{Scope, Watch};
use crate::client::{Client, Form, Path, Query};
use crate::failure::Failure;
use crate::output::jsonpath::Template;
use crate::shell;

/// How long a single look may take.
const LOOK: Duration = Duration::from_secs(30);

/// Wait until objects are as a condition says
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm wait --for=condition=Ready pod/nginx\n  \
                        k8sm wait --for=condition=Ready pods -l name=nginx --timeout=2m\n  \
                        k8sm wait --for=jsonpath='{.status.phase}'=Succeeded pod/job\n  \
                        k8sm wait --for=delete pod/nginx")]
pub(crate) struct Wait {
    /// TYPE NAME…, TYPE/NAME…, or TYPE with -l or --all
    #[arg(value_name = "TYPE [NAME]", required_unless_present = "files", conflicts_with = "files")]
    words: Vec<String>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    place: Place,
    /// condition=NAME[=VALUE], jsonpath={PATH}[=VALUE], create or delete
    #[arg(long = "for", value_name = "CONDITION")]
    goal: Goal,
    /// How long to wait for each object, as 30s or 2m; 0 looks once
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = serve::duration::of_flag)]
    timeout: Duration,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq)]
enum Goal {
    /// It is there.
    Create,
    /// It is gone.
    Delete,
    /// A condition of its status has this value.
    Condition { name: String, value: String },
    /// A path finds this value, or any.
    Path { path: Template, value: Option<String> },
}

impl FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, rest) = text.split_once('=').unwrap_or((text, ""));
        match (kind, rest) {
            ("create", "") => Ok(Self::Create),
            ("delete", "") => Ok(Self::Delete),
            ("condition", rest) if !rest.is_empty() => {
                let (name, value) = rest.split_once('=').unwrap_or((rest, "True"));
                Ok(Self::Condition { name: name.to_owned(), value: value.to_owned() })
            }
            ("jsonpath", rest) if !rest.is_empty() => {
                let end = if rest.starts_with('{') { rest.rfind('}').map(|end| end + 1) } else { rest.find('=') };
                let (path, value) = rest.split_at(end.unwrap_or(rest.len()));
                let value = value.strip_prefix('=').map(|value| value.trim_matches(['"', '\'']).to_owned());
                Ok(Self::Path { path: Template::path(path)?, value })
            }
            _ => Err("expected condition=NAME[=VALUE], jsonpath={PATH}[=VALUE], create or delete".to_owned()),
        }
    }
}

impl Goal {
    /// Whether it is reached with the object as it is; none where it is not there.
    fn is_reached(&self, object: Option<&Value>) -> bool {
        match (self, object) {
            (Self::Delete, object) => object.is_none(),
            (_, None) => false,
            (Self::Create, Some(_)) => true,
            (Self::Condition { name, value }, Some(object)) => {
                let conditions = object["status"]["conditions"].as_array();
                let found = conditions.into_iter().flatten().find(|one| equal(&one["type"], name));
                found.is_some_and(|one| equal(&one["status"], value) && is_of_today(object, one))
            }
            (Self::Path { path, value }, Some(object)) => {
                let found = path.render(object);
                value.as_ref().map_or(!found.is_empty(), |value| *value == found)
            }
        }
    }
}

/// Whether a text is that one, whatever its capitals.
fn equal(value: &Value, text: &str) -> bool {
    value.as_str().is_some_and(|value| value.eq_ignore_ascii_case(text))
}

/// Whether a condition is of the object as it is, and not of an earlier generation of it.
fn is_of_today(object: &Value, condition: &Value) -> bool {
    let generation = object["metadata"]["generation"].as_i64();
    let observed = condition["observedGeneration"].as_i64().or_else(|| object["status"]["observedGeneration"].as_i64());
    generation.zip(observed).is_none_or(|(generation, observed)| observed >= generation)
}

impl Wait {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let targets = self.selection.targets(&self.words, self.place.namespace.as_deref())?;
        let client = self.place.connect(global).await?;
        let objects = self.selection.objects(&client, targets).await?;
        if objects.is_empty() && self.goal != Goal::Delete {
            return Err(Failure::conflict("no matching resources found"));
        }
        let limit = if self.timeout.is_zero() { LOOK } else { self.timeout };
        // One that does not come to it in time keeps no other from being waited for.
        let mut failures = Vec::new();
        for object in objects {
            let waited = tokio::time::timeout(limit, self.reach(&client, &object)).await;
            match waited.unwrap_or_else(|_| Err(self.late(&object))) {
                Ok(()) => shell::data(&format!("{} condition met\n", object.printed()))?,
                Err(failure) => failures.push(failure),
            }
        }
        Failure::last_of(failures)
    }

    fn late(&self, object: &Object) -> Failure {
        let printed = object.printed();
        Failure::timed_out(format!("{printed} did not come to the condition within {}s", self.timeout.as_secs()))
            .hint(format!("`k8sm describe {printed}` says how it is"))
    }

    /// Looks at the object, and waits for its next change, until it is so.
    async fn reach(&self, client: &Client, object: &Object) -> Result<(), Failure> {
        let path = Path::list(object.kind, Some(&object.namespace));
        let query = Query::default().and("fieldSelector", format!("metadata.name={}", object.name));
        let scope = Scope { path, query: query.clone(), form: Form::Object };
        loop {
            let list = client.get(&scope.path.clone().with(query.clone()), Form::Object).await?;
            let found = list["items"].as_array().and_then(|items| items.first());
            if self.goal.is_reached(found) {
                return Ok(());
            }
            if found.is_none() && self.goal != Goal::Create {
                let (kind, name) = (object.kind.plural, &object.name);
                return Err(Failure::conflict(format!("{kind} {name:?} not found")));
            }
            if self.timeout.is_zero() {
                return Err(self.late(object));
            }
            let mut watch = Watch::new(client, scope.clone(), metadata(&list, "resourceVersion"));
            loop {
                match watch.next().await {
                    Ok(event) => {
                        let is_there = event.kind != "DELETED";
                        if self.goal.is_reached(is_there.then_some(&event.object)) {
                            return Ok(());
                        }
                        if !is_there && self.goal != Goal::Create {
                            let printed = object.printed();
                            return Err(Failure::conflict(format!("{printed} was deleted before it came to it")));
                        }
                    }
                    // Compacted meanwhile: look again.
                    Err(error) if error.is_expired() => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn goal(text: &str) -> Goal {
        text.parse().expect(text)
    }

    #[test]
    fn a_goal_is_typed_as_for_kubectl() {
        let ready = Goal::Condition { name: "Ready".into(), value: "True".into() };
        assert_eq!(goal("condition=Ready"), ready);
        assert!(matches!(goal("condition=ready=false"), Goal::Condition { value, .. } if value == "false"));
        assert!(
            matches!(goal("jsonpath={.status.phase}=Running"), Goal::Path { value: Some(v), .. } if v == "Running")
        );
        assert!(matches!(goal("jsonpath={.a}"), Goal::Path { value: None, .. }));
        for wrong in ["", "Ready", "condition=", "condition", "jsonpath=", "jsonpath={.a", "delete=now"] {
            assert!(wrong.parse::<Goal>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_goal_is_reached_by_the_object_as_it_is() {
        let pod = json!({"metadata": {"generation": 2}, "status": {"phase": "Running", "observedGeneration": 2,
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "Old", "status": "True", "observedGeneration": 1}]}});
        for reached in [
            "condition=ready",
            "condition=Ready=true",
            "jsonpath={.status.phase}=Running",
            "jsonpath=.status.phase",
            "create",
        ] {
            assert!(goal(reached).is_reached(Some(&pod)), "{reached}");
        }
        for not in [
            "condition=Ready=False",
            "condition=Other",
            "condition=Old",
            "jsonpath={.status.phase}=Failed",
            "jsonpath={.nope}",
            "delete",
        ] {
            assert!(!goal(not).is_reached(Some(&pod)), "{not}");
        }
        assert!(goal("delete").is_reached(None) && !goal("create").is_reached(None));
    }
}
