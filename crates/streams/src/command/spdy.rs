//! A command over SPDY/3.1: a stream for each of stdin, stdout, stderr, the terminal's size, and how it ended.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Error, QUEUE, Session, Wanted};
use crate::channel::{Size, Sizes};
use crate::outcome::Outcome;
use crate::spdy::connection::{Connection, Stream, StreamReader, StreamWriter};
use crate::{Gone, Io};

/// How long the client may take to open its streams, as with a kubelet.
const OPENING: Duration = Duration::from_secs(30);

/// The way to the client.
pub struct Output {
    connection: Connection,
    error: StreamWriter,
    stdout: Option<StreamWriter>,
    stderr: Option<StreamWriter>,
    /// Held open, as the client expects.
    _others: Vec<StreamWriter>,
}

/// The streams as the client opens them.
#[derive(Default)]
struct Streams {
    error: Option<Stream>,
    stdin: Option<Stream>,
    stdout: Option<Stream>,
    stderr: Option<Stream>,
    resize: Option<Stream>,
}

impl Streams {
    fn put(&mut self, stream: Stream) {
        let place = match stream.header("streamtype") {
            "error" => &mut self.error,
            "stdin" => &mut self.stdin,
            "stdout" => &mut self.stdout,
            "stderr" => &mut self.stderr,
            "resize" => &mut self.resize,
            other => return tracing::debug!("a stream of type {other:?} is of no use to a command"),
        };
        *place = Some(stream);
    }

    fn complete(&self, wanted: Wanted) -> bool {
        let needed = [
            (true, &self.error),
            (wanted.stdin, &self.stdin),
            (wanted.stdout, &self.stdout),
            (wanted.stderr && !wanted.tty, &self.stderr),
            (wanted.tty, &self.resize),
        ];
        needed.into_iter().all(|(needed, stream)| !needed || stream.is_some())
    }
}

/// Waits for the client's streams.
pub(super) async fn open(io: impl Io, wanted: Wanted) -> Result<Session, Error> {
    let mut connection = Connection::serve(io);
    let mut streams = Streams::default();
    let opening = async {
        while !streams.complete(wanted) {
            streams.put(connection.accept().await.ok_or(Error::Streams)?);
        }
        Ok::<_, Error>(())
    };
    match tokio::time::timeout(OPENING, opening).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) | Err(_) => return Err(Error::Streams),
    }
    connection.refuse_more();
    let gone = connection.gone();
    let Streams { error, stdin, stdout, stderr, resize } = streams;
    let error = error.ok_or(Error::Streams)?.writer;
    let mut others = Vec::new();
    let stdin = stdin.map(|stream| {
        others.push(stream.writer);
        bytes_of(stream.reader)
    });
    let (sizes, resized) = mpsc::channel(QUEUE);
    if let Some(stream) = resize {
        others.push(stream.writer);
        tokio::spawn(read_sizes(stream.reader, sizes));
    }
    let writer = |stream: Option<Stream>| stream.map(|stream| stream.writer);
    let output = Output { connection, error, stdout: writer(stdout), stderr: writer(stderr), _others: others };
    Ok(Session { stdin, resize: resized, output: super::Output::Spdy(output), gone })
}

/// The bytes of a stream as a queue.
fn bytes_of(mut reader: StreamReader) -> mpsc::Receiver<Bytes> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Some(bytes) = reader.next().await {
            if sender.send(bytes).await.is_err() {
                return;
            }
        }
    });
    receiver
}

async fn read_sizes(mut reader: StreamReader, sizes: mpsc::Sender<Size>) {
    let mut parser = Sizes::default();
    while let Some(bytes) = reader.next().await {
        if let Some(size) = parser.push(&bytes)
            && sizes.send(size).await.is_err()
        {
            return;
        }
    }
}

impl Output {
    pub(super) async fn stdout(&self, bytes: Bytes) -> Result<(), Gone> {
        write(self.stdout.as_ref(), bytes).await
    }

    pub(super) async fn stderr(&self, bytes: Bytes) -> Result<(), Gone> {
        write(self.stderr.as_ref(), bytes).await
    }

    pub(super) async fn finish(self, outcome: &Outcome) {
        let Self { connection, error, stdout, stderr, _others } = self;
        for stream in [&stdout, &stderr].into_iter().flatten() {
            stream.finish().await;
        }
        // a client that is gone is not told
        let _ = error.write(outcome.to_json().into()).await;
        error.finish().await;
        connection.close().await;
    }
}

async fn write(stream: Option<&StreamWriter>, bytes: Bytes) -> Result<(), Gone> {
    match stream {
        Some(stream) => stream.write(bytes).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spdy::frame::{Decoder, Encoder, Frame};
    use crate::upgrade::Protocol;
    use bytes::BytesMut;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn open_frame(stream: u32, kind: &str) -> Frame {
        Frame::Open { stream, headers: vec![("streamtype".into(), kind.into())], fin: false }
    }

    #[tokio::test]
    async fn a_command_is_served_from_the_first_stream_to_its_outcome() {
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let (mut encoder, mut bytes) = (Encoder::default(), BytesMut::new());
        for frame in [
            open_frame(1, "error"),
            open_frame(3, "stdin"),
            open_frame(5, "stdout"),
            open_frame(7, "stderr"),
            Frame::Ping(1),
            Frame::Data { stream: 3, bytes: Bytes::from_static(b"in"), fin: true },
        ] {
            encoder.encode(&frame, &mut bytes);
        }
        client.write_all(&bytes).await.unwrap();
        let served = tokio::spawn(async move {
            let wanted = Wanted { stdin: true, stdout: true, stderr: true, tty: false };
            let mut session = Session::open(server, Protocol::CommandSpdyV4, wanted).await.unwrap();
            let mut stdin = session.stdin.take().unwrap();
            assert_eq!(stdin.recv().await.unwrap(), "in");
            assert_eq!(stdin.recv().await, None);
            session.output.stdout(Bytes::from_static(b"out")).await.unwrap();
            session.output.stderr(Bytes::from_static(b"err")).await.unwrap();
            session.output.finish(&Outcome::Success).await;
        });
        let (mut decoder, mut buffer, mut said) = (Decoder::default(), BytesMut::new(), Vec::new());
        while client.read_buf(&mut buffer).await.unwrap() > 0 {
            while let Some(frame) = decoder.decode(&mut buffer).unwrap() {
                said.push(frame);
            }
        }
        drop(client);
        served.await.unwrap();
        let of = |wanted: u32| -> (Vec<u8>, bool) {
            let mut bytes = Vec::new();
            let mut ended = false;
            for frame in &said {
                if let Frame::Data { stream, bytes: more, fin } = frame
                    && *stream == wanted
                {
                    bytes.extend_from_slice(more);
                    ended |= fin;
                }
            }
            (bytes, ended)
        };
        assert_eq!(of(5), (b"out".to_vec(), true));
        assert_eq!(of(7), (b"err".to_vec(), true));
        assert_eq!(of(1), (Outcome::Success.to_json(), true));
        assert!(said.contains(&Frame::Ping(1)), "{said:?}");
        assert!(said.iter().any(|frame| matches!(frame, Frame::Reply { stream: 3, .. })), "{said:?}");
    }
}
