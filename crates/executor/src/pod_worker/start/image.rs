//! A container's image: looked for, pulled, or refused with the kubelet's words.

use k8s_openapi::api::core::v1::Container;

use super::{Refusal, Worker};
use crate::backoff;
use crate::pod;
use crate::pull_secrets;
use crate::runtime::images::{Ensured, Image, ImageError, PullPolicy};
use crate::runtime::{Turn, garbage};

impl Worker {
    /// Sees to the container's image, unless the pod is told to end meanwhile. Whose image has to be pulled lets
    /// another pod have its turn.
    pub(super) async fn image(&self, container: &Container, turn: &Turn) -> Result<Image, Refusal> {
        let (name, image) = (&container.name, container.image.as_deref().unwrap_or_default());
        let policy = PullPolicy::of(container.image_pull_policy.as_deref(), image);
        let pulling = async || {
            turn.end();
            self.good(name, "Pulling", format!("Pulling image \"{image}\""));
            let (credentials, missing) = pull_secrets::credentials(&self.context, &self.pod, image).await;
            if !missing.is_empty() {
                let missing = missing.join(", ");
                let message = format!(
                    "Unable to retrieve some image pull secrets ({missing}); attempting to pull the image may not succeed."
                );
                self.warn("", "FailedToRetrieveImagePullSecret", message);
            }
            credentials
        };
        let ensured = tokio::select! {
            ensured = self.context.runtime.ensure_image(image, policy, pulling) => ensured,
            () = self.mailbox.ending.cancelled() => return Err(Refusal::new("ContainerCreating", "the pod is to end")),
        };
        match ensured {
            Ok(Ensured { image: found, pulled: None, .. }) => {
                self.good(name, "Pulled", format!("Container image \"{image}\" already present on machine"));
                Ok(found)
            }
            Ok(Ensured { image: found, pulled: Some(took), is_new }) => {
                if is_new && let Err(error) = garbage::note(&self.context.flags.root_dir, &pod::image_with_tag(image)) {
                    tracing::warn!(%error, image, "cannot note that the image was pulled");
                }
                let size = found.size;
                let took = backoff::words(took);
                let message = format!(
                    "Successfully pulled image \"{image}\" in {took} ({took} including waiting). Image size: {size} bytes."
                );
                self.good(name, "Pulled", message);
                Ok(found)
            }
            Err(error) => Err(self.no_image(name, image, &error)),
        }
    }

    /// Events and reasons of an image that cannot be had, as Kubernetes' kubelet words them.
    fn no_image(&self, name: &str, image: &str, error: &ImageError) -> Refusal {
        let back_off = format!("Back-off pulling image \"{image}\"");
        let (reason, message) = match error {
            ImageError::InvalidName(_) => {
                let message = format!("Failed to apply default image tag \"{image}\": {error}");
                self.warn(name, "InspectFailed", &message);
                ("InvalidImageName", message)
            }
            ImageError::NeverPull(_) => {
                self.warn(name, "ErrImageNeverPull", error.to_string());
                ("ErrImageNeverPull", error.to_string())
            }
            ImageError::Pull(_) => {
                self.warn(name, "Failed", format!("Failed to pull image \"{image}\": {error}"));
                ("ErrImagePull", error.to_string())
            }
            ImageError::Docker(_) => ("ImageInspectError", error.to_string()),
        };
        self.warn(name, "Failed", format!("Error: {reason}"));
        match error {
            ImageError::Pull(_) => {
                let waiting_message = format!("{back_off}: {reason}: {message}");
                Refusal { reason, waiting: "ImagePullBackOff", message, waiting_message, soon: false }
            }
            _ => Refusal::new(reason, message),
        }
    }
}
