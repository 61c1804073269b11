//! The few questions asked of etcd, each with its time limit.

use std::time::Duration;

use bytes::Bytes;
use etcd_client::{
    BalancedChannelBuilder, Client, Compare, CompareOp, ConnectOptions, GetOptions, KvClient, PutOptions, Txn, TxnOp,
    TxnOpResponse, WatchClient, WatchOptions, WatchStream,
};
use tokio::sync::mpsc;
use tonic::transport::channel::Change;
use tonic::transport::{Channel, Endpoint};

use super::error::StorageError;
use super::range::{self, RangeStream};

/// How long etcd may take to answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest message taken from etcd; a transaction's events arrive in one.
const MAX_MESSAGE: usize = 256 << 20;

/// A connection to an etcd cluster. Clones share it.
#[derive(Clone)]
pub(crate) struct Etcd {
    client: Client,
    kv: KvClient,
    watch: WatchClient,
    /// What all of them send through.
    channel: Channel,
}

/// A key's value and the revision of its last change.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) key: String,
    pub(crate) value: Bytes,
    pub(crate) revision: u64,
}

/// One write, done if the key is at the expected revision and all claims are free.
pub(crate) struct Write {
    pub(crate) key: String,
    /// The key's revision before; 0 where it must not exist.
    pub(crate) expected: u64,
    /// The value to put and the lease that ends it, or `None` to delete the key.
    pub(crate) value: Option<(Vec<u8>, Option<i64>)>,
    /// Keys taken for this object alone.
    pub(crate) take: Vec<String>,
    /// Keys given back.
    pub(crate) release: Vec<String>,
    /// Other keys that are written with it.
    pub(crate) beside: Vec<Beside>,
}

/// Another key that is written with an object, if it is at the expected revision.
#[derive(Debug)]
pub(crate) struct Beside {
    pub(crate) key: String,
    pub(crate) expected: u64,
    pub(crate) value: Vec<u8>,
}

impl Etcd {
    /// Connects lazily: that no etcd answers shows in the first question.
    pub(crate) async fn connect(endpoints: &[String]) -> Result<Self, StorageError> {
        let options = ConnectOptions::new()
            .with_connect_timeout(Duration::from_secs(5))
            .with_keep_alive(Duration::from_secs(10), Duration::from_secs(10))
            .with_keep_alive_while_idle(true);
        let mut channel = None;
        let client = Client::connect_with_balanced_channel(endpoints, Some(options), Shared(&mut channel)).await?;
        let channel = channel.ok_or_else(|| StorageError::Unavailable("there is no channel to it".to_owned()))?;
        let kv = client.kv_client().max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE);
        let watch = client.watch_client().max_decoding_message_size(MAX_MESSAGE);
        Ok(Self { client, kv, watch, channel })
    }

    /// etcd's current revision, linearizable.
    pub(crate) async fn revision(&self) -> Result<u64, StorageError> {
        let options = GetOptions::new().with_keys_only().with_limit(1);
        let answer = limited(self.kv.clone().get("/registry/k8sm/format", Some(options))).await?;
        Ok(revision_of(answer.header()))
    }

    /// A key's value, linearizable.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Stored>, StorageError> {
        let mut answer = limited(self.kv.clone().get(key, None)).await?;
        Ok(answer.take_kvs().into_iter().next().map(stored))
    }

    /// Up to `limit` (0: all) keys with `prefix` behind the key `after`, at `revision` (0: now), as they arrive.
    pub(crate) async fn range(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        revision: u64,
    ) -> Result<RangeStream, StorageError> {
        let request = range::Request {
            key: after.map_or_else(|| prefix.as_bytes().to_vec(), |key| [key.as_bytes(), b"\0"].concat()),
            range_end: range_end(prefix),
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
            revision: i64::try_from(revision).unwrap_or(i64::MAX),
        };
        RangeStream::ask(self.channel.clone(), &request).await
    }

    /// Does the write in one transaction and tells its revision.
    pub(crate) async fn write(&self, write: Write) -> Result<u64, StorageError> {
        let expected = i64::try_from(write.expected).unwrap_or(i64::MAX);
        let mut when = vec![Compare::mod_revision(write.key.as_str(), CompareOp::Equal, expected)];
        when.extend(write.take.iter().map(|claim| Compare::version(claim.as_str(), CompareOp::Equal, 0)));
        when.extend(write.beside.iter().map(|other| {
            let expected = i64::try_from(other.expected).unwrap_or(i64::MAX);
            Compare::mod_revision(other.key.as_str(), CompareOp::Equal, expected)
        }));
        let mut then = vec![match write.value {
            Some((value, lease)) => {
                let options = lease.map(|id| PutOptions::new().with_lease(id));
                TxnOp::put(write.key.as_str(), value, options)
            }
            None => TxnOp::delete(write.key.as_str(), None),
        }];
        then.extend(write.release.iter().map(|claim| TxnOp::delete(claim.as_str(), None)));
        then.extend(write.take.iter().map(|claim| TxnOp::put(claim.as_str(), write.key.as_str(), None)));
        then.extend(write.beside.into_iter().map(|other| TxnOp::put(other.key, other.value, None)));
        let mut otherwise = vec![TxnOp::get(write.key.as_str(), Some(GetOptions::new().with_keys_only()))];
        otherwise.extend(
            write.take.iter().map(|claim| TxnOp::get(claim.as_str(), Some(GetOptions::new().with_keys_only()))),
        );
        let txn = Txn::new().when(when).and_then(then).or_else(otherwise);
        let answer = limited(self.kv.clone().txn(txn)).await?;
        if answer.succeeded() {
            return Ok(revision_of(answer.header()));
        }
        Err(refusal(write.expected, &answer.op_responses()))
    }

    /// Puts a value without conditions and tells the revision.
    pub(crate) async fn put(&self, key: &str, value: &str) -> Result<u64, StorageError> {
        let answer = limited(self.kv.clone().put(key, value, None)).await?;
        Ok(revision_of(answer.header()))
    }

    /// Changes of all keys under `prefix` behind revision `after`, with the values they replaced where `previous`.
    pub(crate) async fn watch(&self, prefix: &str, after: u64, previous: bool) -> Result<WatchStream, StorageError> {
        let options =
            WatchOptions::new().with_prefix().with_start_revision(i64::try_from(after + 1).unwrap_or(i64::MAX));
        let options = if previous { options.with_prev_key() } else { options };
        limited(self.watch.clone().watch(prefix, Some(options))).await
    }

    /// Forgets what was before `revision`.
    pub(crate) async fn compact(&self, revision: u64) -> Result<(), StorageError> {
        limited(self.kv.clone().compact(i64::try_from(revision).unwrap_or(i64::MAX), None)).await.map(|_| ())
    }

    /// Sets `key` to `value` if it is at `version` (a count of its changes); tells whether, its version and value now,
    /// and the revision.
    pub(crate) async fn turn(&self, key: &str, version: i64, value: &str) -> Result<(bool, i64, u64), StorageError> {
        let txn = Txn::new()
            .when([Compare::version(key, CompareOp::Equal, version)])
            .and_then([TxnOp::put(key, value, None)])
            .or_else([TxnOp::get(key, None)]);
        let answer = limited(self.kv.clone().txn(txn)).await?;
        let revision = revision_of(answer.header());
        let now = answer.op_responses().iter().find_map(|r| match r {
            TxnOpResponse::Get(get) => get.kvs().first().map(etcd_client::KeyValue::version),
            _ => None,
        });
        Ok((answer.succeeded(), now.unwrap_or(version + 1), revision))
    }

    /// A lease of `ttl`.
    pub(crate) async fn grant(&self, ttl: Duration) -> Result<i64, StorageError> {
        let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX).max(1);
        Ok(limited(self.client.lease_client().grant(seconds, None)).await?.id())
    }
}

/// Makes the channel of all clients, and keeps a hand on it for [`Etcd::range`].
struct Shared<'c>(&'c mut Option<Channel>);

impl BalancedChannelBuilder for Shared<'_> {
    type Error = tonic::transport::Error;

    fn balanced_channel(
        self,
        buffer_size: usize,
    ) -> Result<(etcd_client::Channel, mpsc::Sender<Change<http::Uri, Endpoint>>), Self::Error> {
        let (channel, endpoints) = Channel::balance_channel(buffer_size);
        *self.0 = Some(channel.clone());
        Ok((etcd_client::Channel::Tonic(channel), endpoints))
    }
}

/// Bounds a question's time and translates its error.
async fn limited<T>(question: impl Future<Output = Result<T, etcd_client::Error>>) -> Result<T, StorageError> {
    match tokio::time::timeout(TIMEOUT, question).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StorageError::Timeout),
    }
}

/// Why a conditional write was refused, from what its "else" read: the key first, then the claims. Where neither says why, it was
/// something beside them.
fn refusal(expected: u64, reads: &[TxnOpResponse]) -> StorageError {
    let mut keys = reads.iter().map(|read| match read {
        TxnOpResponse::Get(get) => get.kvs().first(),
        _ => None,
    });
    match keys.next().flatten() {
        Some(kv) if kv.mod_revision() != i64::try_from(expected).unwrap_or(i64::MAX) => {
            return if expected == 0 { StorageError::Exists } else { StorageError::Conflict };
        }
        None if expected != 0 => return StorageError::NotFound,
        _ => {}
    }
    let claim = keys.flatten().next().map(|kv| String::from_utf8_lossy(kv.key()).into_owned());
    claim.map_or(StorageError::Beside, StorageError::Claimed)
}

fn stored(kv: etcd_client::KeyValue) -> Stored {
    let revision = u64::try_from(kv.mod_revision()).unwrap_or(0);
    let (key, value) = kv.into_key_value();
    Stored { key: String::from_utf8_lossy(&key).into_owned(), value: value.into(), revision }
}

fn revision_of(header: Option<&etcd_client::ResponseHeader>) -> u64 {
    header.and_then(|h| u64::try_from(h.revision()).ok()).unwrap_or(0)
}

/// The first key behind all keys with `prefix`, which ends in an ASCII character.
fn range_end(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}
