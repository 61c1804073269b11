//! A SPDY connection that a client opens streams on, over any byte stream.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::frame::{Decoder, Encoder, Frame, INVALID_STREAM, PROTOCOL_ERROR, REFUSED_STREAM};
use super::header::Headers;
use crate::{Gone, Io};

/// Chunks that a stream holds for its consumer, and frames that wait to be sent.
pub const QUEUE: usize = 16;
/// Streams open at one time; a port-forward uses two a connection.
const MAX_STREAMS: usize = 1024;
/// Bytes that are gathered into one write.
const BATCH: usize = 64 << 10;
/// How long the last bytes may take to be sent, and then the client to close its end.
const LINGER: Duration = Duration::from_secs(5);

/// The server's end of a connection.
pub struct Connection {
    opened: mpsc::Receiver<Stream>,
    outgoing: mpsc::Sender<Outgoing>,
    gone: CancellationToken,
    reader: AbortOnDropHandle<()>,
    writer: AbortOnDropHandle<()>,
}

/// A stream that the client opened.
pub struct Stream {
    /// What it is for.
    pub headers: Headers,
    /// The client's bytes.
    pub reader: StreamReader,
    /// Bytes to the client.
    pub writer: StreamWriter,
}

/// The client's bytes on a stream.
pub struct StreamReader {
    incoming: mpsc::Receiver<Bytes>,
    _room: Arc<OwnedSemaphorePermit>,
}

/// Bytes to the client on a stream.
pub struct StreamWriter {
    id: u32,
    outgoing: mpsc::Sender<Outgoing>,
    reset: CancellationToken,
    _room: Arc<OwnedSemaphorePermit>,
}

/// What the writer is told.
enum Outgoing {
    Frame(Frame),
    /// Send what is there and close.
    End,
}

impl Connection {
    /// Serves `io`, on which the client speaks next.
    pub fn serve(io: impl Io) -> Self {
        let (read, write) = tokio::io::split(io);
        let (outgoing, frames) = mpsc::channel(QUEUE);
        let (open, opened) = mpsc::channel(QUEUE);
        let gone = CancellationToken::new();
        let client = Client {
            outgoing: outgoing.clone(),
            open,
            streams: HashMap::new(),
            last: 0,
            room: Arc::new(Semaphore::new(MAX_STREAMS)),
        };
        let reader = ending(client.read(read), gone.clone());
        let writer = ending(write_frames(write, frames), gone.clone());
        Self { opened, outgoing, gone, reader: AbortOnDropHandle::new(reader), writer: AbortOnDropHandle::new(writer) }
    }

    /// The next stream that the client opens; `None` when it opens no more.
    pub async fn accept(&mut self) -> Option<Stream> {
        self.opened.recv().await
    }

    /// Streams that are opened from now on are refused.
    pub fn refuse_more(&mut self) {
        self.opened.close();
    }

    /// Cancelled when the connection broke or the client closed it.
    #[must_use]
    pub fn gone(&self) -> CancellationToken {
        self.gone.clone()
    }

    /// Sends what is to be sent, closes, and waits a moment for the client to do the same: bytes of its that nobody read
    /// would otherwise make the kernel throw away the last ones of ours.
    pub async fn close(self) {
        let Self { opened, outgoing, reader, writer, .. } = self;
        drop(opened);
        let last = async {
            let _ = outgoing.send(Outgoing::Frame(Frame::GoAway(0))).await;
            let _ = outgoing.send(Outgoing::End).await;
            let _ = writer.await;
            let _ = reader.await;
        };
        let _ = tokio::time::timeout(LINGER, last).await;
    }
}

/// A task that ends the connection when it ends.
fn ending(work: impl Future<Output = Result<(), Error>> + Send + 'static, gone: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let _guard = gone.drop_guard();
        if let Err(error) = work.await {
            tracing::debug!(error = &error as &dyn std::error::Error, "SPDY connection ended");
        }
    })
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the connection broke")]
    Io(#[from] io::Error),
    #[error("the client does not speak SPDY/3.1")]
    Frame(#[from] super::frame::Error),
}

/// What is known of the client by what it sent.
struct Client {
    outgoing: mpsc::Sender<Outgoing>,
    open: mpsc::Sender<Stream>,
    /// The streams that somebody here uses.
    streams: HashMap<u32, Open>,
    /// The highest ID of a stream of its.
    last: u32,
    room: Arc<Semaphore>,
}

/// A stream that somebody here uses.
struct Open {
    /// Its consumer, as long as the client may send.
    incoming: Option<mpsc::Sender<Bytes>>,
    reset: CancellationToken,
    /// Gone when nobody uses it any more.
    room: Weak<OwnedSemaphorePermit>,
}

impl Client {
    async fn read(mut self, mut io: ReadHalf<impl Io>) -> Result<(), Error> {
        let (mut decoder, mut buffer) = (Decoder::default(), BytesMut::new());
        loop {
            while let Some(frame) = decoder.decode(&mut buffer)? {
                self.take(frame).await;
            }
            buffer.reserve(BATCH);
            if io.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
    }

    async fn take(&mut self, frame: Frame) {
        match frame {
            Frame::Open { stream, headers, fin } => self.opened(stream, headers, fin).await,
            Frame::Data { stream, bytes, fin } => {
                if stream > self.last {
                    return self.reset(stream, INVALID_STREAM).await;
                }
                // where nobody uses the stream any more, what the client still says on it is not missed
                let Some(Open { incoming, .. }) = self.streams.get_mut(&stream) else { return };
                if let Some(incoming) = incoming.as_ref().filter(|_| !bytes.is_empty()) {
                    let _ = incoming.send(bytes).await;
                }
                if fin {
                    *incoming = None;
                }
            }
            Frame::Reset { stream, .. } => {
                if let Some(open) = self.streams.remove(&stream) {
                    open.reset.cancel();
                }
            }
            Frame::Ping(id) if id % 2 == 1 => self.send(Frame::Ping(id)).await,
            // answers to what was never asked, and a client that opens no more streams
            Frame::Ping(_) | Frame::Reply { .. } | Frame::GoAway(_) => {}
        }
    }

    async fn opened(&mut self, id: u32, headers: Headers, fin: bool) {
        if id.is_multiple_of(2) || id <= self.last {
            return self.reset(id, PROTOCOL_ERROR).await;
        }
        self.last = id;
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            return self.reset(id, REFUSED_STREAM).await;
        };
        self.streams.retain(|_, open| open.room.strong_count() > 0);
        let (sender, incoming) = mpsc::channel(QUEUE);
        let (room, reset) = (Arc::new(room), CancellationToken::new());
        let open = Open { incoming: (!fin).then_some(sender), reset: reset.clone(), room: Arc::downgrade(&room) };
        let writer = StreamWriter { id, outgoing: self.outgoing.clone(), reset, _room: Arc::clone(&room) };
        let stream = Stream { headers, reader: StreamReader { incoming, _room: room }, writer };
        self.streams.insert(id, open);
        self.send(Frame::Reply { stream: id, headers: Headers::new(), fin: false }).await;
        if self.open.send(stream).await.is_err() {
            self.streams.remove(&id);
            self.reset(id, REFUSED_STREAM).await;
        }
    }

    async fn reset(&self, stream: u32, status: u32) {
        self.send(Frame::Reset { stream, status }).await;
    }

    async fn send(&self, frame: Frame) {
        // a writer that is gone has ended the connection
        let _ = self.outgoing.send(Outgoing::Frame(frame)).await;
    }
}

async fn write_frames(mut io: WriteHalf<impl Io>, mut frames: mpsc::Receiver<Outgoing>) -> Result<(), Error> {
    let (mut encoder, mut buffer, mut ended) = (Encoder::default(), BytesMut::new(), false);
    while !ended {
        let mut next = frames.recv().await;
        loop {
            match next {
                Some(Outgoing::Frame(frame)) => encoder.encode(&frame, &mut buffer),
                Some(Outgoing::End) | None => {
                    ended = true;
                    break;
                }
            }
            match frames.try_recv() {
                Ok(more) if buffer.len() < BATCH => next = Some(more),
                Ok(more) => {
                    io.write_all(&buffer).await?;
                    buffer.clear();
                    next = Some(more);
                }
                Err(_) => break,
            }
        }
        io.write_all(&buffer).await?;
        io.flush().await?;
        buffer.clear();
    }
    io.shutdown().await?;
    Ok(())
}

impl Stream {
    /// A header's value, empty where it is absent. Names are in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }
}

impl StreamReader {
    /// The next bytes; `None` when the client sends no more.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.incoming.recv().await
    }
}

impl StreamWriter {
    /// Sends bytes, when there is room for them.
    ///
    /// # Errors
    /// When the client wants none.
    pub async fn write(&self, bytes: Bytes) -> Result<(), Gone> {
        self.send(bytes, false).await
    }

    /// Says that nothing more is sent.
    pub async fn finish(&self) {
        // a client that wants nothing needs no word
        let _ = self.send(Bytes::new(), true).await;
    }

    /// Cancelled when the client resets the stream.
    #[must_use]
    pub fn reset(&self) -> &CancellationToken {
        &self.reset
    }

    async fn send(&self, bytes: Bytes, fin: bool) -> Result<(), Gone> {
        if self.reset.is_cancelled() {
            return Err(Gone);
        }
        let frame = Outgoing::Frame(Frame::Data { stream: self.id, bytes, fin });
        tokio::select! {
            sent = self.outgoing.send(frame) => sent.map_err(|_| Gone),
            () = self.reset.cancelled() => Err(Gone),
        }
    }
}
