//! Frames of SPDY/3.1: bytes in, frames out, and back.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::header::{self, Headers};

const VERSION: u16 = 3;
/// Bytes of a frame's head.
const HEAD: usize = 8;
/// Bytes of a control frame's body; headers are small, and all else is fixed.
const MAX_CONTROL: usize = 64 << 10;
/// Bytes of a frame of data that one [`Frame::Data`] holds; a longer one comes in pieces.
const MAX_CHUNK: usize = 64 << 10;
/// The flag by which a sender says that it sends nothing more on the stream.
const FIN: u8 = 1;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const SETTINGS: u16 = 4;
const PING: u16 = 6;
const GOAWAY: u16 = 7;
const HEADERS: u16 = 8;
const WINDOW_UPDATE: u16 = 9;

/// Status of a reset stream: what was sent on it makes no sense.
pub const PROTOCOL_ERROR: u32 = 1;
/// Status of a reset stream: no such stream.
pub const INVALID_STREAM: u32 = 2;
/// Status of a reset stream: not now.
pub const REFUSED_STREAM: u32 = 3;
/// Status of a reset stream: no interest any more.
pub const CANCEL: u32 = 5;

/// A frame that means something here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// SYN_STREAM: the sender opens a stream.
    Open {
        /// Its ID, odd where a client opens it.
        stream: u32,
        /// What it is for.
        headers: Headers,
        /// Whether the sender sends nothing on it.
        fin: bool,
    },
    /// SYN_REPLY: the other end takes it.
    Reply {
        /// The stream.
        stream: u32,
        /// Headers in return.
        headers: Headers,
        /// Whether the sender sends nothing on it.
        fin: bool,
    },
    /// RST_STREAM: nothing more on it, in neither direction.
    Reset {
        /// The stream.
        stream: u32,
        /// Why.
        status: u32,
    },
    /// PING, which the other end sends back.
    Ping(u32),
    /// GOAWAY: no new streams after this one.
    GoAway(u32),
    /// Bytes of a stream, or a piece of them.
    Data {
        /// The stream.
        stream: u32,
        /// The bytes.
        bytes: Bytes,
        /// Whether they are the last.
        fin: bool,
    },
}

/// What is wrong with a frame; the connection is of no use after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another version of SPDY, or another protocol.
    #[error("a frame of version {0}, not 3")]
    Version(u16),
    /// A control frame that is too long.
    #[error("a control frame of {0} bytes")]
    TooLong(usize),
    /// A control frame that is too short for its type.
    #[error("a control frame of type {0} is too short")]
    TooShort(u16),
    /// A header block is wrong.
    #[error("the headers of a frame of type {0}")]
    Headers(u16, #[source] header::Error),
}

/// Takes frames from a connection's bytes.
#[derive(Default)]
pub struct Decoder {
    headers: header::Reader,
    data: Option<Rest>,
}

/// What is still to come of a frame of data.
struct Rest {
    stream: u32,
    left: usize,
    fin: bool,
}

impl Decoder {
    /// The next frame in `buffer`, or `None` where more bytes are needed. Frames that mean nothing here (settings, windows,
    /// additional headers) are passed over.
    ///
    /// # Errors
    /// A frame that is none.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, Error> {
        loop {
            if let Some(rest) = self.data.take() {
                return Ok(self.piece(rest, buffer));
            }
            if buffer.len() < HEAD {
                return Ok(None);
            }
            let word = u32::from_be_bytes([buffer[0], buffer[1], buffer[2], buffer[3]]);
            let flags = buffer[4];
            let length = u32::from_be_bytes([0, buffer[5], buffer[6], buffer[7]]) as usize;
            if word & 1 << 31 == 0 {
                buffer.advance(HEAD);
                self.data = Some(Rest { stream: word, left: length, fin: flags & FIN != 0 });
                continue;
            }
            let (version, kind) = ((word >> 16) as u16 & 0x7fff, word as u16);
            if version != VERSION {
                return Err(Error::Version(version));
            }
            if length > MAX_CONTROL {
                return Err(Error::TooLong(length));
            }
            if buffer.len() < HEAD + length {
                return Ok(None);
            }
            buffer.advance(HEAD);
            let body = buffer.split_to(length).freeze();
            if let Some(frame) = self.control(kind, flags & FIN != 0, body)? {
                return Ok(Some(frame));
            }
        }
    }

    fn piece(&mut self, mut rest: Rest, buffer: &mut BytesMut) -> Option<Frame> {
        if buffer.is_empty() && rest.left > 0 {
            self.data = Some(rest);
            return None;
        }
        let bytes = buffer.split_to(rest.left.min(buffer.len()).min(MAX_CHUNK)).freeze();
        let stream = rest.stream;
        rest.left -= bytes.len();
        let fin = rest.left == 0 && rest.fin;
        self.data = (rest.left > 0).then_some(rest);
        Some(Frame::Data { stream, bytes, fin })
    }

    fn control(&mut self, kind: u16, fin: bool, mut body: Bytes) -> Result<Option<Frame>, Error> {
        let fixed = match kind {
            SYN_STREAM => 10,
            SYN_REPLY | HEADERS | PING | SETTINGS => 4,
            RST_STREAM | GOAWAY | WINDOW_UPDATE => 8,
            _ => 0,
        };
        if body.len() < fixed {
            return Err(Error::TooShort(kind));
        }
        let mut fixed = body.split_to(fixed);
        let mut headers = || self.headers.read(&body).map_err(|error| Error::Headers(kind, error));
        let mut id = || fixed.get_u32() & !(1 << 31);
        Ok(match kind {
            SYN_STREAM => Some(Frame::Open { stream: id(), headers: headers()?, fin }),
            SYN_REPLY => Some(Frame::Reply { stream: id(), headers: headers()?, fin }),
            HEADERS => {
                // read for the compression's sake, which all blocks share
                headers()?;
                None
            }
            RST_STREAM => Some(Frame::Reset { stream: id(), status: fixed.get_u32() }),
            PING => Some(Frame::Ping(fixed.get_u32())),
            GOAWAY => Some(Frame::GoAway(id())),
            _ => None,
        })
    }
}

/// Makes a connection's bytes of frames.
#[derive(Default)]
pub struct Encoder {
    headers: header::Writer,
}

impl Encoder {
    /// Appends `frame` to `out`.
    ///
    /// # Panics
    /// When a frame's data is longer than 24 bits can say.
    pub fn encode(&mut self, frame: &Frame, out: &mut BytesMut) {
        match frame {
            Frame::Open { stream, headers, fin } => {
                let block = self.headers.write(headers);
                control(out, SYN_STREAM, *fin, 10 + block.len());
                out.put_u32(*stream);
                // no stream it belongs to, the highest priority, no slot
                out.put_slice(&[0; 6]);
                out.put_slice(&block);
            }
            Frame::Reply { stream, headers, fin } => {
                let block = self.headers.write(headers);
                control(out, SYN_REPLY, *fin, 4 + block.len());
                out.put_u32(*stream);
                out.put_slice(&block);
            }
            Frame::Reset { stream, status } => {
                control(out, RST_STREAM, false, 8);
                out.put_u32(*stream);
                out.put_u32(*status);
            }
            Frame::Ping(id) => {
                control(out, PING, false, 4);
                out.put_u32(*id);
            }
            Frame::GoAway(last) => {
                control(out, GOAWAY, false, 8);
                out.put_u32(*last);
                out.put_u32(0);
            }
            Frame::Data { stream, bytes, fin } => {
                assert!(bytes.len() < 1 << 24, "a frame of data is shorter than 16 MiB");
                out.put_u32(*stream);
                out.put_u32(u32::from(u8::from(*fin)) << 24 | bytes.len() as u32);
                out.put_slice(bytes);
            }
        }
    }
}

fn control(out: &mut BytesMut, kind: u16, fin: bool, length: usize) {
    out.put_u16(1 << 15 | VERSION);
    out.put_u16(kind);
    out.put_u32(u32::from(u8::from(fin)) << 24 | length as u32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn data(stream: u32, bytes: &'static [u8], fin: bool) -> Frame {
        Frame::Data { stream, bytes: Bytes::from_static(bytes), fin }
    }

    fn all(decoder: &mut Decoder, bytes: &[u8], step: usize) -> Vec<Frame> {
        let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
        for part in bytes.chunks(step) {
            buffer.extend_from_slice(part);
            while let Some(frame) = decoder.decode(&mut buffer).unwrap() {
                frames.push(frame);
            }
        }
        assert!(buffer.is_empty());
        frames
    }

    #[test]
    fn frames_come_back_however_the_bytes_are_cut() {
        let headers = vec![("streamtype".to_owned(), "stdin".to_owned())];
        let frames = [
            Frame::Open { stream: 1, headers: headers.clone(), fin: false },
            Frame::Reply { stream: 1, headers: Headers::new(), fin: false },
            Frame::Open { stream: 3, headers, fin: true },
            Frame::Ping(7),
            Frame::Reset { stream: 3, status: CANCEL },
            data(1, b"x", false),
            data(1, b"", true),
            Frame::GoAway(3),
        ];
        let (mut encoder, mut bytes) = (Encoder::default(), BytesMut::new());
        frames.iter().for_each(|frame| encoder.encode(frame, &mut bytes));
        for step in [1, 3, bytes.len()] {
            assert_eq!(all(&mut Decoder::default(), &bytes, step), frames, "in steps of {step}");
        }
    }

    #[test]
    fn data_is_given_on_as_it_comes() {
        let (mut decoder, mut buffer) = (Decoder::default(), BytesMut::from(&[0, 0, 0, 5, 1, 0, 0, 4, b'a', b'b'][..]));
        assert_eq!(decoder.decode(&mut buffer).unwrap(), Some(data(5, b"ab", false)));
        assert_eq!(decoder.decode(&mut buffer).unwrap(), None);
        buffer.extend_from_slice(b"cd");
        assert_eq!(decoder.decode(&mut buffer).unwrap(), Some(data(5, b"cd", true)));
    }

    #[test]
    fn settings_and_windows_are_passed_over() {
        let bytes = [
            &[0x80, 3, 0, 4, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 7, 0, 1, 0, 0][..],
            &[0x80, 3, 0, 9, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 9],
            &[0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 9],
        ]
        .concat();
        assert_eq!(all(&mut Decoder::default(), &bytes, 5), [Frame::Ping(9)]);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for (bytes, error) in [
            (&[0x80, 2, 0, 1, 0, 0, 0, 0][..], Error::Version(2)),
            (&[0x80, 3, 0, 1, 0, 1, 0, 1], Error::TooLong(0x1_0001)),
            (&[0x80, 3, 0, 3, 0, 0, 0, 0], Error::TooShort(3)),
        ] {
            assert_eq!(Decoder::default().decode(&mut BytesMut::from(bytes)), Err(error));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let (mut decoder, mut buffer) = (Decoder::default(), BytesMut::from(&bytes[..]));
            while let Ok(Some(_)) = decoder.decode(&mut buffer) {}
        }
    }
}
