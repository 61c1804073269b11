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

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[test]
    fn a_peer_that_does_not_read_is_told_from_one_that_does() {
        let (sender, mut records) = channel(|| {});
        let record = vec![b'x'; MAX_WAITING / 4];
        let fits = (0..4).filter(|_| sender.send(&record)).count();
        assert_eq!(fits, 3, "frames count too");
        let mut context = Context::from_waker(std::task::Waker::noop());
        for _ in 0..3 {
            assert!(Pin::new(&mut records).poll_frame(&mut context).is_ready());
        }
        assert!(sender.send(&record), "what was read makes room");
    }

    #[tokio::test]
    async fn the_end_of_either_side_is_the_end_of_both() {
        let ended = Arc::new(AtomicUsize::new(0));
        let count = ended.clone();
        let (sender, mut records) = channel(move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert!(sender.send(b"last"));
        drop(sender);
        assert_eq!(records.frame().await.unwrap().unwrap().into_data().unwrap(), "4\nlast");
        assert!(records.frame().await.is_none());
        drop(records);
        assert_eq!(ended.load(Ordering::Relaxed), 1);
        let (sender, records) = channel(|| {});
        drop(records);
        assert!(!sender.send(b"nobody hears this"));
    }
}
