//! `k8sm scale`: how many replicas controllers have.

use clap::Args;
use serde_json::json;

use super::Global;
use super::kube::{DryRun, Place};
use super::selection::{Object, Selection};
use crate::client::target::Target;
use crate::client::{Client, Error, Form, Patch, Query};
use crate::failure::{Failure, Kind};
use crate::output::Format;
use crate::shell;

/// Set how many replicas controllers have
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  k8sm scale rc nginxcontroller --replicas=5\n  k8sm scale rc -l name=nginx --replicas=0\n  \
                        k8sm scale rc --all --current-replicas=2 --replicas=3     only those that have 2"
)]
pub(crate) struct Scale {
    /// TYPE NAME…, TYPE/NAME…, or TYPE with -l or --all
    #[arg(required_unless_present = "files", conflicts_with = "files", value_name = "TYPE [NAME]")]
    words: Vec<String>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    place: Place,
    /// How many there shall be
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(0..))]
    replicas: i32,
    /// Only where there are that many now; -1 is any number
    #[arg(long, value_name = "COUNT", default_value_t = -1, value_parser = clap::value_parser!(i32).range(-1..))]
    current_replicas: i32,
    /// Only say what would be scaled: as it is known here, or as the server answers
    #[arg(long, value_enum, default_value_t, num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    dry_run: DryRun,
    /// name: print TYPE/NAME alone
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

impl Scale {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let targets = self.selection.targets(&self.words, self.place.namespace.as_deref())?;
        targets.iter().try_for_each(can_be_scaled)?;
        let client = self.place.connect(global).await?;
        let objects = self.selection.objects(&client, targets).await?;
        if objects.is_empty() {
            return Err(
                Failure::conflict("no objects passed to scale").hint("`k8sm get` with the same words shows none")
            );
        }
        // One that cannot be scaled keeps no other from it.
        let mut failures = Vec::new();
        for object in &objects {
            match self.scale(&client, object).await {
                Ok(()) => self.print(object)?,
                Err(failure) if matches!(failure.kind(), Kind::Failed | Kind::Conflict) => failures.push(failure),
                Err(failure) => return Err(failure),
            }
        }
        Failure::last_of(failures)
    }

    async fn scale(&self, client: &Client, object: &Object) -> Result<(), Failure> {
        let path = object.path().under("scale");
        let dry = Query::default().and_some("dryRun", (self.dry_run == DryRun::Server).then_some("All"));
        if self.current_replicas < 0 && self.dry_run != DryRun::Client {
            let patch = json!({"spec": {"replicas": self.replicas}});
            return client
                .patch(&path.with(dry), Patch::Merge, &patch)
                .await
                .map(drop)
                .map_err(|error| named(error, object));
        }
        let mut scale = client.get(&path, Form::Object).await.map_err(|error| named(error, object))?;
        let now = scale["spec"]["replicas"].as_i64().unwrap_or(0);
        if self.current_replicas >= 0 && now != i64::from(self.current_replicas) {
            let message = format!("{} has {now} replicas, not {}", object.name, self.current_replicas);
            return Err(Failure::conflict(message));
        }
        if self.dry_run != DryRun::Client {
            // A change since it was read is a conflict, which the server refuses.
            scale["spec"]["replicas"] = self.replicas.into();
            client.replace(&path.with(dry), &scale).await?;
        }
        Ok(())
    }

    fn print(&self, object: &Object) -> Result<(), Failure> {
        let name = object.printed();
        if self.output == Some(Format::Name) {
            return shell::data(&format!("{name}\n"));
        }
        shell::data(&format!("{name} scaled{}\n", self.dry_run.note()))
    }
}

/// An error that names the object itself where it is not there, and not its scale, as the server does.
fn named(error: Error, object: &Object) -> Failure {
    if error.is_not_found() {
        return Failure::conflict(format!("{} {:?} not found", object.kind.qualified(), object.name));
    }
    error.into()
}

fn can_be_scaled(target: &Target) -> Result<(), Failure> {
    match target.kind.subresource("scale") {
        Some(_) => Ok(()),
        None => Err(Failure::failed(format!("{} cannot be scaled", target.kind.plural))),
    }
}
