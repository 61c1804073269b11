//! Why storage did not do what it was asked.

/// A refusal or failure of storage. What it was about is known to the caller, who makes a `Status` of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StorageError {
    /// There is no object under the key.
    #[error("no such object")]
    NotFound,
    /// There is an object under the key already.
    #[error("the object exists")]
    Exists,
    /// The object is not at the expected revision.
    #[error("the object was changed meanwhile")]
    Conflict,
    /// One of the claims (a service address, a node port) is held by another object.
    #[error("{0} is claimed by another object")]
    Claimed(String),
    /// Something that is written together with the object was changed meanwhile.
    #[error("what is written with the object was changed meanwhile")]
    Beside,
    /// The revision lies before the last compaction, or too far back to be told.
    #[error("the revision is too old")]
    Compacted,
    /// The revision has not been reached: asked, current.
    #[error("revision {0} is not reached, current {1}")]
    Future(u64, u64),
    /// etcd does not answer.
    #[error("etcd is unavailable: {0}")]
    Unavailable(String),
    /// etcd did not answer in time. A write may or may not have been done.
    #[error("etcd did not answer in time")]
    Timeout,
    /// The object is larger than etcd takes.
    #[error("the object is too large")]
    TooLarge,
    /// What is stored under the key is no object.
    #[error("{key} holds no object: {reason}")]
    Corrupt {
        /// The key in etcd.
        key: String,
        /// What is wrong with its value.
        reason: String,
    },
}

impl From<etcd_client::Error> for StorageError {
    fn from(error: etcd_client::Error) -> Self {
        let text = match &error {
            etcd_client::Error::GRpcStatus(status) => status.message().to_owned(),
            other => other.to_string(),
        };
        match text.as_str() {
            t if t.contains("required revision has been compacted") => Self::Compacted,
            t if t.contains("request is too large") => Self::TooLarge,
            t if t.contains("request timed out") || t.contains("context deadline exceeded") => Self::Timeout,
            _ => Self::Unavailable(text),
        }
    }
}
