//! Images: whether they are here, and pulling them.

use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::models::ContainerConfig;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::TryStreamExt;
use jiff::{SignedDuration, Timestamp};

use super::{Runtime, is_status, words};
use crate::pod;

/// When an image is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullPolicy {
    /// Before every start.
    Always,
    /// When it is not here.
    IfNotPresent,
    /// Not at all.
    Never,
}

/// An image that is here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Image {
    /// Its ID, `sha256:…`.
    pub id: String,
    /// What a status calls it: `docker-pullable://name@sha256:…`, or `docker://` and its ID where no registry knows it.
    pub reference: String,
    /// Bytes.
    pub size: i64,
    /// The user that its containers run as; empty: root.
    pub user: String,
    /// What its containers run, where they do not say: the entrypoint, and its arguments.
    pub entrypoint: Vec<String>,
    /// The arguments, or all of it where there is no entrypoint.
    pub command: Vec<String>,
    /// Whether it came from a registry. One that did not is the developer's own, made on this engine.
    pub from_registry: bool,
}

/// An image that was found or pulled, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensured {
    /// The image.
    pub image: Image,
    /// How long the pull took, if there was one.
    pub pulled: Option<SignedDuration>,
    /// Whether nothing of that name was here before.
    pub is_new: bool,
}

/// Why an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Its name is none.
    #[error("couldn't parse image name \"{0}\": invalid reference format")]
    InvalidName(String),
    /// It is not here, and may not be pulled.
    #[error("Container image \"{0}\" is not present with pull policy of Never")]
    NeverPull(String),
    /// It is not here, and cannot be pulled.
    #[error("{}", words(.0))]
    Pull(Error),
    /// The engine does not answer.
    #[error("cannot ask Docker for the image: {}", words(.0))]
    Docker(Error),
}

impl PullPolicy {
    /// The policy of a container with that field and image.
    #[must_use]
    pub fn of(policy: Option<&str>, image: &str) -> Self {
        match policy {
            Some("Always") => Self::Always,
            Some("Never") => Self::Never,
            Some("IfNotPresent") => Self::IfNotPresent,
            _ if pod::image_with_tag(image).ends_with(":latest") => Self::Always,
            _ => Self::IfNotPresent,
        }
    }
}

impl Runtime {
    /// The image `name`, if it is here.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn image(&self, name: &str) -> Result<Option<Image>, Error> {
        let inspection = match self.docker.inspect_image(name).await {
            Ok(inspection) => inspection,
            Err(error) if is_status(&error, 404) => return Ok(None),
            Err(error) => return Err(error),
        };
        let id = inspection.id.unwrap_or_default();
        let digest = inspection.repo_digests.into_iter().flatten().next();
        let reference = match &digest {
            Some(digest) => format!("docker-pullable://{digest}"),
            None => format!("docker://{id}"),
        };
        let (config, size) = (inspection.config.unwrap_or_default(), inspection.size.unwrap_or(0));
        let user = config.user.unwrap_or_default();
        let (entrypoint, command) = (config.entrypoint.unwrap_or_default(), config.cmd.unwrap_or_default());
        Ok(Some(Image { id, reference, size, user, entrypoint, command, from_registry: digest.is_some() }))
    }

    /// Sees to it that the image is here. `pulling` is called before a pull, and gives the credentials to try one after the
    /// other; without any the registry is asked without.
    ///
    /// An image on the engine that came from no registry is the developer's own: it is used as it is under
    /// `Always` too, since nobody else could have a newer one.
    ///
    /// # Errors
    /// When it is not and cannot be.
    pub async fn ensure_image(
        &self,
        name: &str,
        policy: PullPolicy,
        pulling: impl AsyncFnOnce() -> Vec<DockerCredentials>,
    ) -> Result<Ensured, ImageError> {
        if !is_valid_name(name) {
            return Err(ImageError::InvalidName(name.to_owned()));
        }
        let here = self.image(name).await.map_err(ImageError::Docker)?;
        match (here, policy) {
            (Some(image), PullPolicy::IfNotPresent | PullPolicy::Never) => {
                Ok(Ensured { image, pulled: None, is_new: false })
            }
            (Some(image), PullPolicy::Always) if !image.from_registry => {
                Ok(Ensured { image, pulled: None, is_new: false })
            }
            (None, PullPolicy::Never) => Err(ImageError::NeverPull(name.to_owned())),
            (here, _) => {
                let credentials = pulling().await;
                let begun = Timestamp::now();
                self.pull(name, credentials).await.map_err(ImageError::Pull)?;
                let image = self.image(name).await.map_err(ImageError::Docker)?.unwrap_or_default();
                Ok(Ensured { image, pulled: Some(Timestamp::now().duration_since(begun)), is_new: here.is_none() })
            }
        }
    }

    /// Pulls with the first credentials that the registry takes.
    async fn pull(&self, name: &str, credentials: Vec<DockerCredentials>) -> Result<(), Error> {
        let once = |credentials: Option<DockerCredentials>| {
            let options = CreateImageOptionsBuilder::default().from_image(&pod::image_with_tag(name)).build();
            self.docker.create_image(Some(options), None, credentials).try_for_each(|_| std::future::ready(Ok(())))
        };
        let mut last = None;
        for credentials in credentials {
            match once(Some(credentials)).await {
                Ok(()) => return Ok(()),
                Err(error) => last = Some(error),
            }
        }
        match last {
            None => once(None).await,
            Some(error) => Err(error),
        }
    }

    /// The configuration that an image gives containers made from it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn container_config(&self, id: &str) -> Result<ContainerConfig, Error> {
        let inspection = self.docker.inspect_container(id, None).await?;
        Ok(inspection.config.unwrap_or_default())
    }
}

/// Whether Docker would take it for an image's name: a quick check of the reference grammar, the engine does the rest.
fn is_valid_name(name: &str) -> bool {
    let (path, digest) = name.split_once('@').map_or((name, None), |(path, digest)| (path, Some(digest)));
    let (repository, tag) = match path.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (path, None),
    };
    let mut components = repository.split('/').peekable();
    let first = repository.split('/').next().unwrap_or_default();
    // a registry's host may have capitals and a port
    if repository.contains('/') && (first.contains(['.', ':']) || first == "localhost") {
        components.next();
    }
    let component = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
    };
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    components.peek().is_some()
        && components.all(component)
        && tag.is_none_or(|tag| {
            tag.starts_with(word) && tag.len() <= 128 && tag.chars().all(|c| word(c) || ".-".contains(c))
        })
        && digest.is_none_or(|digest| digest.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_docker_would_refuse_are_refused() {
        for good in
            ["nginx", "nginx:1.25", "a/b-c/d_e", "host:5000/a:t", "LOCALHOST.x/a", "a@sha256:00", "k8sm/km:0.1-f"]
        {
            assert!(is_valid_name(good), "{good}");
        }
        for bad in ["", "Nginx", "nginx:", "a b", "/a", "a/", "a:-x", "-a", "a@", "$(x)"] {
            assert!(!is_valid_name(bad), "{bad}");
        }
    }

    #[test]
    fn latest_is_pulled_always_and_others_when_missing() {
        assert_eq!(PullPolicy::of(None, "nginx"), PullPolicy::Always);
        assert_eq!(PullPolicy::of(None, "nginx:1"), PullPolicy::IfNotPresent);
        assert_eq!(PullPolicy::of(Some("Never"), "nginx"), PullPolicy::Never);
    }
}
