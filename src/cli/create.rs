//! `k8sm create`: objects out of manifests, none of them where one is no object, or one by its name.

mod generate;
mod source;

use clap::Args;
use serde_json::Value;

use super::Global;
use super::files::Files;
use generate::Generator;

use super::kube::{DryRun, Place, Validate, metadata};
use crate::client::manifest::{self, Document};
use crate::client::{Client, Path, Query, target};
use crate::failure::Failure;
use crate::output::{Format, object};
use crate::shell;

/// Create objects: from manifests, or a namespace, config map, secret or service account by its name
#[derive(Debug, Args)]
#[command(
    mut_arg("files", |files| files.required(true)),
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  k8sm create -f examples/v1/pod-nginx.json\n  cat pods.yaml | k8sm create -f -\n  \
                  k8sm create namespace mine\n  k8sm create configmap settings --from-literal=colour=blue"
)]
pub(crate) struct Create {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    place: Place,
    /// What to do about fields that a kind does not have
    #[arg(long, value_enum, default_value_t, num_args = 0..=1, require_equals = true, default_missing_value = "strict",
          global = true)]
    validate: Validate,
    /// Only check, and create nothing: here, or at the server
    #[arg(long, value_enum, default_value_t, num_args = 0..=1, require_equals = true, default_missing_value = "client",
          global = true)]
    dry_run: DryRun,
    /// json, yaml, name or jsonpath=TEMPLATE, of what was created
    #[arg(short, long, value_name = "FORMAT", global = true)]
    output: Option<Format>,
    #[command(subcommand)]
    generator: Option<Generator>,
}

impl Create {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let documents = self.documents()?;
        manifest::check(&documents, self.validate.into())?;
        let client = self.place.connect(global).await?;
        let asked = self.place.namespace.as_deref();
        let placed = manifest::placed(documents, client.namespace(), asked)?;
        // One that the server refuses keeps no other from being created.
        let mut failures = Vec::new();
        for (document, namespace) in placed {
            match self.create(&client, &document, &namespace).await {
                Ok(created) => self.print(&document, &created)?,
                Err(failure) if failure.is_of_one_object() => failures.push(failure),
                Err(failure) => return Err(failure),
            }
        }
        Failure::last_of(failures)
    }

    fn documents(&self) -> Result<Vec<Document>, Failure> {
        match &self.generator {
            None => self.files.documents(),
            Some(_) if self.files.given() => {
                Err(Failure::usage("--filename cannot stand beside a kind").hint("create the one, then the other"))
            }
            Some(generator) => Ok(vec![generator.document(self.place.namespace.as_deref())?]),
        }
    }

    async fn create(&self, client: &Client, document: &Document, namespace: &str) -> Result<Value, Failure> {
        if self.dry_run == DryRun::Client {
            return Ok(document.value());
        }
        let query = Query::default()
            .and("fieldManager", "k8sm-create")
            .and("fieldValidation", self.validate.parameter())
            .and_some("dryRun", (self.dry_run == DryRun::Server).then_some("All"));
        let path = Path::list(document.kind, Some(namespace)).with(query);
        let created = client.create(&path, document.json.clone()).await;
        created.map_err(|error| Failure::from(error).about(&document.place))
    }

    fn print(&self, document: &Document, created: &Value) -> Result<(), Failure> {
        let name = target::printed(document.kind, metadata(created, "name"));
        let sentence = format!("created{}", self.dry_run.note());
        shell::data(&object::changed(self.output.as_ref(), &name, created, &sentence)?)
    }
}
