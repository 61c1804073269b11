//! What all containers of a pod are made with: its files, its volumes, and what their environments are made of. What was had
//! once serves while the API server does not answer: a container that ended is started again without it.

use std::sync::Arc;
use std::time::Duration;

use super::{Refusal, Worker};
use crate::context::{PATIENCE, within};
use crate::env::Sources;
use crate::files::{self, Dns, PodDirectory};
use crate::pod;
use crate::volumes::{self, VolumeError, Volumes};

/// What a pod's containers were made with.
#[derive(Clone, Debug)]
pub(in crate::pod_worker) struct Kept {
    pub(super) sources: Arc<Sources>,
    /// The engine's runtime, where it is not the engine's choice.
    pub(super) handler: Option<String>,
}

impl Worker {
    /// The pod's files and volumes, and what its environments are made of.
    pub(super) async fn prepare(&self, directory: &PodDirectory) -> Result<(Volumes, Arc<Sources>), Refusal> {
        let flags = &self.context.flags;
        let host = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        let dns = Dns { server: flags.cluster_dns, domain: &flags.cluster_domain, host: &host };
        if let Err(error) = directory.make(&files::resolv_conf(&self.pod, dns)) {
            let message = format!("cannot write the pod's files: {error}");
            self.warn("", "FailedMount", &message);
            return Err(Refusal::new("ContainerCreating", message));
        }
        let sources = self.context.sources(&self.pod, String::new());
        // unbounded as a whole at first: each of its requests is not
        let patience = if self.kept.is_some() { PATIENCE } else { Duration::MAX };
        let (volumes, sources) = tokio::join!(volumes::prepare(&self.context, &self.pod), within(patience, sources));
        let volumes = volumes.map_err(|error| {
            if let VolumeError::Api(_, source) = &error {
                tracing::warn!(error = source.to_string(), "cannot fetch a volume's source");
            }
            self.warn("", "FailedMount", error.to_string());
            Refusal::new("ContainerCreating", error.to_string()).soon()
        })?;
        match (sources, &self.kept) {
            (Ok(sources), _) => Ok((volumes, Arc::new(sources))),
            (Err(error), Some(kept)) => {
                tracing::warn!(pod = pod::name(&self.pod), %error, "the environment is made of what it was before");
                Ok((volumes, Arc::clone(&kept.sources)))
            }
            (Err(error), None) => {
                tracing::warn!(%error, "cannot fetch what the environment is made of");
                Err(Refusal::new("CreateContainerConfigError", "the API server did not answer").soon())
            }
        }
    }
}
