//! `k8sm delete`: objects by name, by label or as manifests name them, waiting until they are gone.

use std::time::Duration;

use clap::{ArgAction, Args};
use serde_json::{Value, json};

use super::Global;
use super::kube::{DryRun, Place, metadata};
use super::selection::{Object, Selection};
use crate::client::watch::{Scope, Watch};
use crate::client::{Client, Error, Form, Path, Query, target};
use crate::failure::Failure;
use crate::output::Format;
use crate::shell;

/// Delete objects
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm delete pod nginx\n  k8sm delete pods -l name=nginx\n  \
                        k8sm delete -f examples/v1/pod-nginx.json")]
pub(crate) struct Delete {
    /// TYPE NAME…, TYPE/NAME…, or TYPE with -l or --all
    #[arg(value_name = "TYPE [NAME]", required_unless_present = "files", conflicts_with = "files")]
    words: Vec<String>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    place: Place,
    /// How long an object may take to end in good order, in seconds; 0 only with --force, else 1 [default: as it says itself]
    #[arg(long, value_name = "SECONDS")]
    grace_period: Option<u32>,
    /// At once: a grace period of 1 second
    #[arg(long, conflicts_with = "grace_period")]
    now: bool,
    /// Do not wait for the node: a grace period of 0
    #[arg(long, conflicts_with = "now")]
    force: bool,
    /// background, foreground or orphan: what becomes of what belongs to an object
    #[arg(long, value_name = "POLICY", default_value = "background", value_parser = ["background", "foreground", "orphan"])]
    cascade: String,
    /// Wait until the objects are gone
    #[arg(long, action = ArgAction::Set, default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    wait: bool,
    /// How long to wait, as 30s or 2m; 0 is for ever
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = serve::duration::of_flag)]
    timeout: Duration,
    /// No error for an object that is not there
    #[arg(long)]
    ignore_not_found: bool,
    /// Only say what would be deleted: as it is known here, or as the server answers
    #[arg(long, value_enum, default_value_t, num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    dry_run: DryRun,
    /// name: print TYPE/NAME alone
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

impl Delete {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        if self.force && self.grace_period.is_some_and(|seconds| seconds > 0) {
            return Err(Failure::usage("--force is a --grace-period of 0, and no other can be given with it"));
        }
        let targets = self.selection.targets(&self.words, self.place.namespace.as_deref())?;
        let client = self.place.connect(global).await?;
        let mut doomed = self.selection.objects(&client, targets).await?;
        if self.selection.is_of_files() {
            // In the order opposite to that of their creation, so that nothing is left without what it stands on.
            doomed.reverse();
        }
        if doomed.is_empty() {
            shell::say("No resources found");
        }
        let mut going = Vec::new();
        // One that is not there or is refused keeps no other from being deleted.
        let mut failures = Vec::new();
        for object in doomed {
            match self.delete(&client, &object).await {
                Ok(uid) => {
                    self.print(&object)?;
                    going.push((object, uid));
                }
                Err(error) if error.is_not_found() && self.ignore_not_found => {}
                Err(error) => match Failure::from(error) {
                    failure if failure.is_of_one_object() => failures.push(failure),
                    failure => return Err(failure),
                },
            }
        }
        if self.wait && self.dry_run == DryRun::None {
            failures.extend(self.wait_for(&client, &going).await.err());
        }
        Failure::last_of(failures)
    }

    /// Deletes one object and gives its UID, where the server said it.
    async fn delete(&self, client: &Client, object: &Object) -> Result<String, Error> {
        let answer = match self.dry_run {
            DryRun::Client => client.get(&object.path(), Form::Object).await?,
            _ => client.delete(&object.path(), &self.options()).await?,
        };
        let status = answer["kind"] == "Status";
        let uid = if status { answer["details"]["uid"].as_str() } else { answer["metadata"]["uid"].as_str() };
        Ok(uid.unwrap_or_default().to_owned())
    }

    fn options(&self) -> Value {
        let policy = match self.cascade.as_str() {
            "orphan" => "Orphan",
            "foreground" => "Foreground",
            _ => "Background",
        };
        let mut options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy});
        let grace = if self.force {
            Some(0)
        } else if self.now {
            Some(1)
        } else {
            // as with kubectl, nobody skips the node without saying so
            self.grace_period.map(|seconds| seconds.max(1))
        };
        if self.dry_run == DryRun::Server {
            options["dryRun"] = json!(["All"]);
        }
        if let Some(seconds) = grace {
            options["gracePeriodSeconds"] = seconds.into();
        }
        options
    }

    fn print(&self, object: &Object) -> Result<(), Failure> {
        if self.output == Some(Format::Name) {
            return shell::data(&format!("{}\n", object.printed()));
        }
        let how = if self.force { " force" } else { "" };
        let really = self.dry_run.note();
        shell::data(&format!("{} {:?}{how} deleted{really}\n", target::typed(object.kind), object.name))
    }

    async fn wait_for(&self, client: &Client, going: &[(Object, String)]) -> Result<(), Failure> {
        let all = async {
            for (object, uid) in going {
                gone(client, object, uid).await?;
            }
            Ok(())
        };
        if self.timeout.is_zero() {
            return all.await;
        }
        tokio::time::timeout(self.timeout, all).await.unwrap_or_else(|_| {
            let seconds = self.timeout.as_secs();
            Err(Failure::timed_out(format!("the objects were not gone within {seconds}s"))
                .hint("`k8sm describe` shows what holds them"))
        })
    }
}

/// Waits until the object with that UID is gone; another of its name is another object.
async fn gone(client: &Client, object: &Object, uid: &str) -> Result<(), Failure> {
    let path = Path::list(object.kind, Some(&object.namespace));
    let query = Query::default().and("fieldSelector", format!("metadata.name={}", object.name));
    let scope = Scope { path, query: query.clone(), form: Form::Object };
    loop {
        let list = client.get(&scope.path.clone().with(query.clone()), Form::Object).await?;
        let there = list["items"].as_array().into_iter().flatten().any(|found| metadata(found, "uid") == uid);
        if !there {
            return Ok(());
        }
        let mut watch = Watch::new(client, scope.clone(), metadata(&list, "resourceVersion"));
        loop {
            match watch.next().await {
                Ok(event) if event.kind == "DELETED" || metadata(&event.object, "uid") != uid => return Ok(()),
                Ok(_) => {}
                // Compacted meanwhile: look again.
                Err(error) if error.is_expired() => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
}
