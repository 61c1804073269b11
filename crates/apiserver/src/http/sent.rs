//! The body that a client sends, of which a little is taken in even where it is of no use any more.
//!
//! A request may be answered before its body was read: who may not do it is told so at once. Over HTTP/2 the stream is reset then as
//! soon as the answer is out, and common clients (curl 7.88) lose the answer that way when they are still writing. So what is left of
//! a small body is read and dropped beside the answer.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::EXPECT;
use http::{HeaderMap, Request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::runtime::Handle;

/// How much is taken in that nobody wants.
const MOST: usize = 64 << 10;
/// How long its client may take to send it.
const PATIENCE: Duration = Duration::from_secs(2);

/// A body that is read to its end when it is dropped before, if that is near.
pub(crate) struct Sent<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// `None` where there is nothing more to take in.
    body: Option<B>,
    /// How long it was until now.
    read: usize,
    /// Whether the client asked to be told before it sends.
    asks: bool,
}

impl<B> Sent<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// The request with its body as one of these.
    pub(crate) fn request(request: Request<B>) -> Request<Self> {
        let (head, body) = request.into_parts();
        let body = Self::new(body, &head.headers);
        Request::from_parts(head, body)
    }

    fn new(body: B, headers: &HeaderMap) -> Self {
        if body.is_end_stream() {
            return Self { body: None, read: 0, asks: false };
        }
        Self { body: Some(body), read: 0, asks: headers.contains_key(EXPECT) }
    }
}

impl<B> Body for Sent<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => this.read += frame.data_ref().map_or(0, Bytes::len),
            Poll::Ready(Some(Err(_)) | None) => this.body = None,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B> Drop for Sent<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) else { return };
        // there is none where a server is killed
        let Ok(runtime) = Handle::try_current() else { return };
        if wanted(self.asks, self.read, body.size_hint().lower()) {
            runtime.spawn(async move { tokio::time::timeout(PATIENCE, take_in(body)).await });
        }
    }
}

/// Whether the rest of a body is taken in: one that was too large was refused for that, and who asks before it sends has not begun.
fn wanted(asks: bool, read: usize, left: u64) -> bool {
    !asks && read < super::body::MAX_REQUEST && left <= MOST as u64
}

async fn take_in<B: Body<Data = Bytes> + Unpin>(mut body: B) {
    let mut left = MOST;
    while let Some(Ok(frame)) = body.frame().await {
        match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::StreamExt;
    use http_body_util::StreamBody;

    use super::*;

    /// How many of a body's frames of 16 KiB are read after the first `first`, when nobody wants it any more.
    async fn taken(frames: usize, first: usize, headers: &HeaderMap) -> usize {
        let read = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&read);
        let frames = futures::stream::iter(0..frames).map(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from_static(&[b' '; 16 << 10])))
        });
        let mut body = Sent::new(StreamBody::new(frames), headers);
        for _ in 0..first {
            body.frame().await;
        }
        drop(body);
        // what was spawned runs before this goes on: nothing of it waits
        tokio::task::yield_now().await;
        read.load(Ordering::Relaxed).saturating_sub(first)
    }

    #[tokio::test]
    async fn little_is_taken_in_of_what_nobody_wants() {
        let none = HeaderMap::new();
        assert_eq!(taken(3, 0, &none).await, 3);
        assert_eq!(taken(3, 1, &none).await, 2);
        assert_eq!(taken(1000, 0, &none).await, 5, "no more than 64 KiB, and what tells that there is more");
        assert_eq!(taken(1000, 192, &none).await, 0, "it was too large");
        let asks = HeaderMap::from_iter([(EXPECT, http::HeaderValue::from_static("100-continue"))]);
        assert_eq!(taken(3, 0, &asks).await, 0);
    }

    #[test]
    fn what_says_that_it_is_large_is_left() {
        assert!(wanted(false, 0, MOST as u64));
        assert!(!wanted(false, 0, MOST as u64 + 1));
    }
}
