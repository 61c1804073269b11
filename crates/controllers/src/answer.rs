//! Answers to writes that leave nothing to do.

use kube::Error;

/// Somebody was faster, or the namespace is going away: what is there now comes by the watch, and with it another look.
///
/// # Errors
/// Every other failure, as it came.
pub fn accept<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(None),
        Err(Error::Api(status)) if status.code == 403 && status.message.contains("being terminated") => Ok(None),
        Err(error) => Err(error),
    }
}
