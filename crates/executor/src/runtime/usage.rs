//! How much of the disk a container takes.

use bollard::errors::Error;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{InspectContainerOptionsBuilder, LogsOptionsBuilder};
use futures::StreamExt;

use super::{Runtime, is_status, words};

impl Runtime {
    /// Bytes that the container has written beside its volumes: what it changed of its image's files. The engine looks at
    /// all of them. A container that is gone has written nothing.
    ///
    /// # Errors
    /// Why the engine does not say.
    pub async fn written(&self, id: &str) -> Result<u64, String> {
        let options = InspectContainerOptionsBuilder::default().size(true).build();
        written(self.docker.inspect_container(id, Some(options)).await)
    }

    /// Bytes of the container's log that the engine has. No more of them are read than tell that there are more than `most`.
    ///
    /// # Errors
    /// Why the engine does not give the log.
    pub async fn logged(&self, id: &str, most: u64) -> Result<u64, String> {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).build();
        let mut lines = self.docker.logs(id, Some(options));
        let mut sum = 0;
        while sum <= most
            && let Some(line) = lines.next().await
        {
            match line {
                Ok(line) => sum += line.into_bytes().len() as u64,
                Err(error) if is_status(&error, 404) || is_status(&error, 409) => break, // it goes
                Err(error) => return Err(words(&error)),
            }
        }
        Ok(sum)
    }
}

/// The same of the engine's answer: a size below 0 is one that it does not know.
fn written(answer: Result<ContainerInspectResponse, Error>) -> Result<u64, String> {
    match answer {
        Ok(inspection) => {
            let size = inspection.size_rw.and_then(|size| u64::try_from(size).ok());
            size.ok_or_else(|| "the engine does not know it".to_owned())
        }
        Err(error) if is_status(&error, 404) => Ok(0),
        Err(error) => Err(words(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_the_engine_does_not_know_is_no_size() {
        let of = |size_rw| written(Ok(ContainerInspectResponse { size_rw, ..ContainerInspectResponse::default() }));
        assert_eq!((of(Some(7)), of(Some(0))), (Ok(7), Ok(0)));
        assert!(of(Some(-1)).is_err() && of(None).is_err());
        let error = |status_code| Error::DockerResponseServerError { status_code, message: "no".to_owned() };
        assert_eq!((written(Err(error(404))), written(Err(error(500)))), (Ok(0), Err("no".to_owned())));
    }
}
