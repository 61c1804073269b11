//! `k8sm scale`: how many replicas a controller has.

use clap::Args;
use serde_json::{Value, json};

use super::Global;
use super::kube::{Place, metadata};
use crate::client::{Client, Error, Form, Patch, Path, target};
use crate::failure::Failure;
use crate::shell;

/// Set how many replicas a controller has
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  k8sm scale rc nginxcontroller --replicas=5")]
pub(crate) struct Scale {
    /// TYPE NAME…, or TYPE/NAME…
    #[arg(required = true, value_name = "TYPE NAME")]
    words: Vec<String>,
    #[command(flatten)]
    place: Place,
    /// How many there shall be
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(0..))]
    replicas: i32,
    /// Only where there are that many now
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(0..))]
    current_replicas: Option<i32>,
}

impl Scale {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let targets = target::parse(&self.words)?;
        for target in &targets {
            if target.kind.subresource("scale").is_none() {
                return Err(Failure::failed(format!("{} cannot be scaled", target.kind.plural)));
            }
            if target.names.is_empty() {
                return Err(Failure::usage(format!("which {} is not said", target.kind.singular)));
            }
        }
        let client = self.place.connect(global).await?;
        for target in &targets {
            for name in &target.names {
                let path = Path::object(target.kind, client.namespace(), name).under("scale");
                match self.current_replicas {
                    None => self.set(&client, &path).await?,
                    Some(current) => self.set_if(&client, &path, current).await?,
                };
                shell::data(&format!("{} scaled\n", target::printed(target.kind, name)))?;
            }
        }
        Ok(())
    }

    async fn set(&self, client: &Client, path: &Path) -> Result<Value, Error> {
        client.patch(path, Patch::Merge, &json!({"spec": {"replicas": self.replicas}})).await
    }

    /// Sets the count where it is `current`; a change in between is a conflict, which the server refuses.
    async fn set_if(&self, client: &Client, path: &Path, current: i32) -> Result<Value, Failure> {
        let mut scale = client.get(path, Form::Object).await?;
        let now = scale["spec"]["replicas"].as_i64().unwrap_or(0);
        if now != i64::from(current) {
            let name = metadata(&scale, "name");
            return Err(Failure::conflict(format!("{name} has {now} replicas, not {current}")));
        }
        scale["spec"]["replicas"] = self.replicas.into();
        Ok(client.replace(path, &scale).await?)
    }
}
