//! A stream of RecordIO to a peer, bounded by the bytes that wait in it: a peer that does not read is hung up on.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use mesos::recordio;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How many bytes may wait for a peer.
const MAX_WAITING: usize = 16 * 1024 * 1024;

/// The master's end.
#[derive(Debug)]
pub(super) struct Sender {
    records: UnboundedSender<Bytes>,
    waiting: Arc<AtomicUsize>,
}

/// The connection's end. When it is dropped, the peer is gone.
pub(super) struct Records {
    records: UnboundedReceiver<Bytes>,
    waiting: Arc<AtomicUsize>,
    on_end: Option<Box<dyn FnOnce() + Send>>,
}

/// A stream; `on_end` is called when its connection has ended.
pub(super) fn channel(on_end: impl FnOnce() + Send + 'static) -> (Sender, Records) {
    let (sender, receiver) = unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let records = Records { records: receiver, waiting: waiting.clone(), on_end: Some(Box::new(on_end)) };
    (Sender { records: sender, waiting }, records)
}

impl Sender {
    /// Puts a record on the stream. Returns whether the peer keeps up.
    pub(super) fn send(&self, record: &[u8]) -> bool {
        let framed = Bytes::from(recordio::encode(record));
        let waiting = self.waiting.fetch_add(framed.len(), Ordering::Relaxed) + framed.len();
        waiting <= MAX_WAITING && self.records.send(framed).is_ok()
    }
}

impl Body for Records {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let record = std::task::ready!(self.records.poll_recv(context));
        if let Some(record) = &record {
            self.waiting.fetch_sub(record.len(), Ordering::Relaxed);
        }
        Poll::Ready(record.map(|record| Ok(Frame::data(record))))
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        if let Some(on_end) = self.on_end.take() {
            on_end();
        }
    }
}
