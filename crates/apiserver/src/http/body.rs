//! Bodies of answers, and of requests.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures::Stream;
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, StreamBody};
use kube_api::Status;

use crate::storage::Entry;

/// An error inside a body ends its connection.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// The body of every answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// The largest body of a request, as in Kubernetes.
pub(crate) const MAX_REQUEST: usize = 3 << 20;
/// How long a client may take to send its body.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take to notice that its body is refused.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// The size of a list's frames.
const FRAME: usize = 128 << 10;

/// A body of these bytes.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body that goes on as long as the stream does.
pub(crate) fn stream<S>(frames: S) -> Body
where
    S: Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
{
    use futures::StreamExt;
    StreamBody::new(frames.map(|frame| frame.map(Frame::data))).boxed_unsync()
}

/// Reads a request's body within its limits.
pub(crate) async fn read<B>(body: B) -> Result<Bytes, Status>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut body = std::pin::pin!(body);
    if body.size_hint().lower() > MAX_REQUEST as u64 {
        drain(body).await;
        return Err(Status::too_large(MAX_REQUEST));
    }
    match tokio::time::timeout(READ_TIMEOUT, Limited::new(body.as_mut(), MAX_REQUEST).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            drain(body).await;
            Err(Status::too_large(MAX_REQUEST))
        }
        Ok(Err(error)) => Err(Status::bad_request(format!("cannot read the request's body: {error}"))),
        Err(_) => Err(Status::timeout("the request's body did not come in time", 1)),
    }
}

/// Takes in some more of a body that is refused: a client that is still writing when the connection ends never reads why.
async fn drain<B>(mut body: std::pin::Pin<&mut B>)
where
    B: http_body::Body<Data = Bytes>,
{
    let draining = async {
        let mut left = MAX_REQUEST;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    // who is slow at this is cut off
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, draining).await;
}

/// A list, written frame by frame from the bytes that storage shares; of known length.
pub(crate) struct ListBody {
    head: Option<Bytes>,
    entries: std::vec::IntoIter<Arc<Entry>>,
    first: bool,
    ended: bool,
    left: u64,
}

impl ListBody {
    /// `head` goes up to the `[` of the items.
    pub(crate) fn new(head: Bytes, entries: Vec<Arc<Entry>>) -> Self {
        let items: usize = entries.iter().map(|entry| entry.item().len() + 1).sum();
        let length = head.len() + items + entries.len().saturating_sub(1) + 3;
        Self { head: Some(head), entries: entries.into_iter(), first: true, ended: false, left: length as u64 }
    }

    fn frame(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let capacity = usize::try_from(self.left).unwrap_or(FRAME).min(FRAME + FRAME / 4);
        let mut frame = BytesMut::with_capacity(capacity);
        frame.put(self.head.take().unwrap_or_default());
        while frame.len() < FRAME {
            let Some(entry) = self.entries.next() else {
                frame.put_slice(b"]}\n");
                self.ended = true;
                break;
            };
            if !std::mem::take(&mut self.first) {
                frame.put_u8(b',');
            }
            frame.put_u8(b'{');
            frame.put_slice(entry.item());
        }
        self.left -= frame.len() as u64;
        Some(frame.freeze())
    }
}

impl http_body::Body for ListBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.get_mut().frame().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body::Body as _;

    fn entry(name: &str) -> Arc<Entry> {
        let padding = "x".repeat(1000);
        let stored = format!(r#"{{"kind":"K","apiVersion":"v1","metadata":{{"name":"{name}","uid":"{padding}"}}}}"#);
        Arc::new(Entry::new(name, stored.as_bytes(), 7).unwrap())
    }

    #[tokio::test]
    async fn a_list_is_as_long_as_it_says() {
        for count in [0, 1, 2, 1000] {
            let entries = (0..count).map(|n| entry(&n.to_string())).collect();
            let body = ListBody::new(Bytes::from_static(br#"{"items":["#), entries);
            let said = body.size_hint().exact().unwrap();
            let whole = body.collect().await.unwrap().to_bytes();
            assert_eq!(said, whole.len() as u64);
            let list: serde_json::Value = serde_json::from_slice(&whole).unwrap();
            assert_eq!(list["items"].as_array().unwrap().len(), count);
        }
    }

    #[tokio::test]
    async fn bodies_are_bounded() {
        let refusal = read(Full::new(Bytes::from(vec![b' '; MAX_REQUEST + 1]))).await.unwrap_err();
        assert_eq!(refusal.code, 413);
        assert_eq!(read(Full::new(Bytes::from_static(b"{}"))).await.unwrap(), "{}");
    }
}
