//! A range of etcd's keys, read while it arrives.
//!
//! The client keeps an answer in pieces until all of it is there, and then copies every value out of it: for a start with
//! thousands of objects that is more work than reading them. Here each pair of key and value is handed on as soon as its
//! last byte has come, as a part of the buffer that it came in.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, TE};
use http_body_util::BodyExt;
use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint};
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::transport::Channel;

use super::error::StorageError;
use super::etcd::{Stored, TIMEOUT};

/// The method, as gRPC spells it in a request's path.
const METHOD: &str = "/etcdserverpb.KV/Range";
/// How much room is made for what is to come: a few of HTTP/2's frames.
const ROOM: usize = 64 << 10;
/// What stands before a message of gRPC: a flag that says whether it is compressed, and its length.
const PREFIX: usize = 5;
/// How long a field's number and its length, or number, are at most.
const HEAD: usize = 20;
/// The number of a response's pairs among its fields, which the others go around.
const PAIRS: u32 = 2;

/// What is asked for, as `etcdserverpb.RangeRequest` has it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Request {
    /// The first key.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) key: Vec<u8>,
    /// The key behind the last.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) range_end: Vec<u8>,
    /// How many keys at most; 0: all.
    #[prost(int64, tag = "3")]
    pub(crate) limit: i64,
    /// At which revision; 0: now.
    #[prost(int64, tag = "4")]
    pub(crate) revision: i64,
}

/// `mvccpb.KeyValue`: what is used of it.
#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(bytes = "bytes", tag = "1")]
    key: Bytes,
    #[prost(int64, tag = "3")]
    mod_revision: i64,
    #[prost(bytes = "bytes", tag = "5")]
    value: Bytes,
}

/// `etcdserverpb.RangeResponse` without its pairs.
#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    header: Option<Header>,
    #[prost(int64, tag = "4")]
    count: i64,
}

/// `etcdserverpb.ResponseHeader`: what is used of it.
#[derive(Clone, PartialEq, Message)]
struct Header {
    #[prost(int64, tag = "3")]
    revision: i64,
}

/// An answer on its way.
pub(crate) struct RangeStream {
    body: Body,
    parts: Parts,
}

impl RangeStream {
    /// Asks for a range.
    pub(crate) async fn ask(mut channel: Channel, request: &Request) -> Result<Self, StorageError> {
        let asked = async {
            std::future::poll_fn(|cx| channel.poll_ready(cx)).await.map_err(gone)?;
            channel.call(framed(request)).await.map_err(gone)
        };
        let (head, body) = in_time(asked).await?.into_parts();
        // an answer that is an error alone says so at once
        refused(&head.headers)?;
        Ok(Self { body, parts: Parts::default() })
    }

    /// The pairs that have come since the last call, at least one; `None` behind the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Stored>>, StorageError> {
        let mut pairs = Vec::new();
        while pairs.is_empty() {
            let Some(frame) = in_time(async { self.body.frame().await.transpose().map_err(gone) }).await? else {
                return self.parts.ended().then_some(None).ok_or_else(|| gone("the answer broke off"));
            };
            match frame.into_data() {
                Ok(data) => {
                    self.parts.push(&data);
                    while let Some(pair) = self.parts.pair().map_err(gone)? {
                        pairs.push(pair);
                    }
                }
                Err(frame) => refused(&frame.into_trailers().unwrap_or_default())?,
            }
        }
        Ok(Some(pairs))
    }

    /// etcd's revision when it answered; known once a pair has come, or the end.
    pub(crate) fn revision(&self) -> u64 {
        self.parts.rest.header.as_ref().map_or(0, |header| u64::try_from(header.revision).unwrap_or(0))
    }

    /// How many keys the range holds, those beyond the limit too; known behind the last pair.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.parts.rest.count).unwrap_or(0)
    }
}

/// An answer's bytes, taken apart as far as they are there.
#[derive(Debug, Default)]
struct Parts {
    pending: BytesMut,
    /// How much of the message is still to be taken; `None` before its beginning.
    left: Option<usize>,
    /// All that is no pair.
    rest: Response,
}

impl Parts {
    fn push(&mut self, data: &[u8]) {
        self.pending.reserve(data.len().max(ROOM));
        self.pending.extend_from_slice(data);
    }

    /// The next pair, if all of it is there.
    fn pair(&mut self) -> Result<Option<Stored>, StorageError> {
        while let Some(Field { number, head, mut bytes }) = self.field()? {
            if number == PAIRS {
                bytes.advance(head);
                return Ok(Some(KeyValue::decode(bytes).map_err(gone)?.into()));
            }
            self.rest.merge(bytes).map_err(gone)?;
        }
        Ok(None)
    }

    /// The next field of the message, if all of it is there.
    fn field(&mut self) -> Result<Option<Field>, StorageError> {
        let Some(left) = self.message()? else { return Ok(None) };
        let mut rest = &self.pending[..];
        if left == 0 || rest.len() < left.min(HEAD) {
            return Ok(None);
        }
        let (number, wire) = decode_key(&mut rest).map_err(gone)?;
        let number_or_length = decode_varint(&mut rest).map_err(gone)?;
        let head = self.pending.len() - rest.len();
        let size = match wire {
            WireType::Varint => head,
            WireType::LengthDelimited => head.saturating_add(usize::try_from(number_or_length).map_err(gone)?),
            other => return Err(gone(format!("a range has no field of type {other:?}"))),
        };
        if size > left {
            return Err(gone("a field is longer than its message"));
        }
        if size > self.pending.len() {
            return Ok(None);
        }
        self.left = Some(left - size);
        Ok(Some(Field { number, head, bytes: self.pending.split_to(size).freeze() }))
    }

    /// How much of the message is left, if it has begun.
    fn message(&mut self) -> Result<Option<usize>, StorageError> {
        if self.left.is_none() && self.pending.len() >= PREFIX {
            if self.pending.get_u8() != 0 {
                return Err(gone("the answer is compressed, which nobody asked for"));
            }
            self.left = Some(usize::try_from(self.pending.get_u32()).map_err(gone)?);
        }
        Ok(self.left)
    }

    /// Whether all of the message was taken.
    fn ended(&self) -> bool {
        self.left == Some(0) && self.pending.is_empty()
    }
}

/// A field of a message: its number, how much of its bytes are number and length, and the bytes.
struct Field {
    number: u32,
    head: usize,
    bytes: Bytes,
}

impl From<KeyValue> for Stored {
    fn from(KeyValue { key, mod_revision, value }: KeyValue) -> Self {
        let key = String::from_utf8_lossy(&key).into_owned();
        Self { key, value, revision: u64::try_from(mod_revision).unwrap_or(0) }
    }
}

/// The request of a message, as gRPC has it.
fn framed(message: &impl Message) -> http::Request<Body> {
    let mut bytes = BytesMut::with_capacity(PREFIX + message.encoded_len());
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.encoded_len()).expect("a question is short"));
    message.encode(&mut bytes).expect("there is room for it");
    let request = http::Request::post(METHOD).header(TE, "trailers").header(CONTENT_TYPE, "application/grpc");
    let body = Body::new(http_body_util::Full::new(bytes.freeze()));
    request.version(http::Version::HTTP_2).body(body).expect("all parts are constants")
}

/// Refuses an answer whose status is not OK.
fn refused(headers: &HeaderMap) -> Result<(), StorageError> {
    match tonic::Status::from_header_map(headers) {
        Some(status) if status.code() != tonic::Code::Ok => Err(etcd_client::Error::GRpcStatus(status).into()),
        _ => Ok(()),
    }
}

/// Bounds the time until the next part of an answer.
async fn in_time<T>(part: impl Future<Output = Result<T, StorageError>>) -> Result<T, StorageError> {
    tokio::time::timeout(TIMEOUT, part).await.unwrap_or(Err(StorageError::Timeout))
}

fn gone(error: impl ToString) -> StorageError {
    StorageError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A response as etcd writes it: its header, pairs, and how many there are.
    fn response(pairs: &[(&str, &str)]) -> Vec<u8> {
        let mut message = Vec::new();
        let header = Header { revision: 7 };
        prost::encoding::message::encode(1, &header, &mut message);
        for (key, value) in pairs {
            let (key, value) = (Bytes::copy_from_slice(key.as_bytes()), Bytes::copy_from_slice(value.as_bytes()));
            prost::encoding::message::encode(PAIRS, &KeyValue { key, mod_revision: 5, value }, &mut message);
        }
        prost::encoding::bool::encode(3, &true, &mut message);
        prost::encoding::int64::encode(4, &9, &mut message);
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0][..], &length, &message].concat()
    }

    /// What comes of bytes that arrive in pieces of this size.
    fn taken(bytes: &[u8], piece: usize) -> Result<(Vec<(String, Bytes)>, Parts), StorageError> {
        let (mut parts, mut pairs) = (Parts::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            parts.push(piece);
            while let Some(Stored { key, value, revision }) = parts.pair()? {
                assert_eq!(revision, 5);
                pairs.push((key, value));
            }
        }
        Ok((pairs, parts))
    }

    #[test]
    fn an_answer_is_taken_apart_wherever_its_pieces_end() {
        let long = "x".repeat(3000);
        let sent = [("/registry/a", "1"), ("/registry/b", ""), ("/registry/c", &long)];
        let bytes = response(&sent);
        for piece in (1..64).chain([1000, bytes.len()]) {
            let (pairs, parts) = taken(&bytes, piece).unwrap();
            let expected = sent.map(|(key, value)| (key.to_owned(), Bytes::copy_from_slice(value.as_bytes())));
            assert_eq!(pairs, expected, "in pieces of {piece}");
            assert!(parts.ended());
            assert_eq!(parts.rest, Response { header: Some(Header { revision: 7 }), count: 9 });
        }
    }

    #[test]
    fn an_answer_that_breaks_off_or_is_none_is_told() {
        let bytes = response(&[("k", "v")]);
        for end in 0..bytes.len() {
            assert!(!taken(&bytes[..end], 16).unwrap().1.ended(), "{end} bytes");
        }
        let mut compressed = bytes.clone();
        compressed[0] = 1;
        assert!(taken(&compressed, 16).is_err());
        let mut long = bytes;
        long[PREFIX + 1] = 0x7f; // the header's length
        assert!(taken(&long, 16).is_err());
        assert!(taken(&[&[0, 0, 0, 0, 20][..], &[0xff; 20]].concat(), 16).is_err());
    }
}
