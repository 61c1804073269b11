//! Channels over a WebSocket: what each message's first byte says, of a command (`v4.channel.k8s.io`, `v5.channel.k8s.io`) and of ports.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

/// Bytes of a terminal's size, which is two small numbers.
const MAX_SIZE: usize = 1024;

/// A channel of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Channel {
    /// To the command.
    Stdin = 0,
    /// From it.
    Stdout = 1,
    /// From it, unless it has a terminal.
    Stderr = 2,
    /// How it ended: [`Outcome`](crate::outcome::Outcome).
    Error = 3,
    /// The terminal's size.
    Resize = 4,
    /// Its payload's byte is a channel on which the sender sends nothing more. Since version 5.
    Close = 255,
}

/// A message: a channel and its bytes.
pub type Message = (Channel, Bytes);

impl Channel {
    /// The channel of this number, if it is known.
    pub(crate) fn of(byte: u8) -> Option<Self> {
        let all = [Self::Stdin, Self::Stdout, Self::Stderr, Self::Error, Self::Resize, Self::Close];
        all.into_iter().find(|channel| *channel as u8 == byte)
    }

    /// The message that carries `bytes` on this channel.
    #[must_use]
    pub fn message(self, bytes: &[u8]) -> Bytes {
        message(self as u8, bytes)
    }
}

/// The message that carries `bytes` on a channel.
#[must_use]
pub(crate) fn message(channel: u8, bytes: &[u8]) -> Bytes {
    let mut message = BytesMut::with_capacity(1 + bytes.len());
    message.put_u8(channel);
    message.put_slice(bytes);
    message.freeze()
}

/// The same in base64, for clients that take text alone: its first character is the channel's number, counted from `0`.
#[must_use]
pub(crate) fn in_base64(channel: u8, bytes: &[u8]) -> String {
    let mut message = String::from(char::from(b'0'.saturating_add(channel)));
    STANDARD.encode_string(bytes, &mut message);
    message
}

/// The message in base64.
#[must_use]
pub(crate) fn from_base64(text: &[u8]) -> Option<Bytes> {
    let (channel, payload) = text.split_first()?;
    let number = channel.checked_sub(b'0')?;
    let mut message = vec![number];
    STANDARD.decode_vec(payload, &mut message).ok()?;
    Some(message.into())
}

/// What a message says; `None` for an empty one and for channels that are not known.
#[must_use]
pub fn parse(message: Bytes) -> Option<Message> {
    let (number, bytes) = split(message)?;
    Some((Channel::of(number)?, bytes))
}

/// A message's channel and what it carries; `None` for an empty one.
#[must_use]
pub(crate) fn split(mut message: Bytes) -> Option<(u8, Bytes)> {
    let number = *message.first()?;
    Some((number, message.split_off(1)))
}

/// A terminal's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Size {
    /// Columns.
    #[serde(alias = "width")]
    pub width: u16,
    /// Rows.
    #[serde(alias = "height")]
    pub height: u16,
}

/// Takes sizes from a stream of JSON objects, however it is cut.
#[derive(Default)]
pub struct Sizes(BytesMut);

impl Sizes {
    /// The newest size that is complete with these bytes. What is no size is dropped.
    pub fn push(&mut self, bytes: &[u8]) -> Option<Size> {
        self.0.extend_from_slice(bytes);
        let mut values = serde_json::Deserializer::from_slice(&self.0).into_iter::<Size>();
        let (mut newest, mut broken, mut done) = (None, false, 0);
        while let Some(value) = values.next() {
            match value {
                Ok(size) => (newest, done) = (Some(size), values.byte_offset()),
                Err(error) => broken = !error.is_eof(),
            }
        }
        let _ = self.0.split_to(done);
        if broken || self.0.len() > MAX_SIZE {
            self.0.clear();
        }
        newest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back() {
        assert_eq!(parse(Channel::Stderr.message(b"oh")), Some((Channel::Stderr, Bytes::from_static(b"oh"))));
        assert_eq!(parse(Bytes::from_static(&[255, 0])), Some((Channel::Close, Bytes::from_static(&[0]))));
        assert_eq!(parse(Bytes::from_static(&[1])), Some((Channel::Stdout, Bytes::new())));
        assert_eq!((parse(Bytes::new()), parse(Bytes::from_static(&[9, 9]))), (None, None));
    }

    #[test]
    fn sizes_are_taken_however_they_are_cut() {
        let mut sizes = Sizes::default();
        assert_eq!(sizes.push(b"{\"Width\":80,\"Hei"), None);
        assert_eq!(sizes.push(b"ght\":24}\n"), Some(Size { width: 80, height: 24 }));
        assert_eq!(
            sizes.push(b"{\"Width\":1,\"Height\":2}{\"width\":3,\"height\":4}"),
            Some(Size { width: 3, height: 4 })
        );
        assert_eq!(sizes.push(b"nonsense"), None);
        assert_eq!(sizes.push(b"{\"Width\":5,\"Height\":6}"), Some(Size { width: 5, height: 6 }));
        assert_eq!(sizes.push(&vec![b' '; 2 * MAX_SIZE]), None);
        assert_eq!(serde_json::to_string(&Size { width: 80, height: 24 }).unwrap(), r#"{"Width":80,"Height":24}"#);
    }
}
