//! RecordIO (reference section 1.3): `<length in decimal>\n<bytes>`, records following each other without a separator.

use bytes::{Buf, BytesMut};

/// The longest record that is read. Mesos has no limit; an honest peer stays far below this one.
pub const MAX_RECORD: usize = 16 * 1024 * 1024;

/// The most digits of a length within `MAX_RECORD`, leading zeros not counted.
const MAX_DIGITS: usize = 8;

/// Why a stream is no RecordIO. The connection has to be dropped: where the next record begins is not known any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The length is no number.
    #[error("a record's length is no decimal number")]
    Length,
    /// The length is above [`MAX_RECORD`].
    #[error("a record is longer than {MAX_RECORD} bytes")]
    TooLong,
}

/// One record, framed.
pub fn encode(record: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(record.len() + 9);
    framed.extend_from_slice(record.len().to_string().as_bytes());
    framed.push(b'\n');
    framed.extend_from_slice(record);
    framed
}

/// Takes bytes as they come, split anywhere, and gives whole records.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
    /// The length of the record whose header was read.
    length: Option<usize>,
    failed: Option<Error>,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what came.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next record, or `None` until more is fed.
    ///
    /// # Errors
    /// When the stream is no RecordIO; and the same again for every later call.
    pub fn next_record(&mut self) -> Result<Option<BytesMut>, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let length = match self.length {
            Some(length) => length,
            None => match self.take_length() {
                Ok(Some(length)) => length,
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.failed = Some(error.clone());
                    self.buffer = BytesMut::new();
                    return Err(error);
                }
            },
        };
        if self.buffer.len() < length {
            self.length = Some(length);
            return Ok(None);
        }
        self.length = None;
        Ok(Some(self.buffer.split_to(length)))
    }

    /// Whether the stream ended within a record.
    pub fn is_incomplete(&self) -> bool {
        self.length.is_some() || !self.buffer.is_empty()
    }

    fn take_length(&mut self) -> Result<Option<usize>, Error> {
        let newline = self.buffer.iter().position(|byte| *byte == b'\n');
        let digits = &self.buffer[..newline.unwrap_or(self.buffer.len())];
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(Error::Length);
        }
        let significant = digits.iter().skip_while(|digit| **digit == b'0').count();
        if significant > MAX_DIGITS || digits.len() > 2 * MAX_DIGITS {
            return Err(Error::TooLong);
        }
        let Some(newline) = newline else { return Ok(None) };
        if digits.is_empty() {
            return Err(Error::Length);
        }
        let length = digits.iter().fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
        if length > MAX_RECORD {
            return Err(Error::TooLong);
        }
        self.buffer.advance(newline + 1);
        Ok(Some(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let mut decoder = Decoder::new();
        decoder.feed(bytes);
        let mut records = Vec::new();
        while let Some(record) = decoder.next_record()? {
            records.push(record.to_vec());
        }
        Ok(records)
    }

    #[test]
    fn records_follow_each_other() {
        let expected: [&[u8]; 3] = [b"hello", b"", b"{\"type\":\"HEARTBEAT\"}"];
        assert_eq!(decode(b"5\nhello0\n20\n{\"type\":\"HEARTBEAT\"}7\nabc").unwrap(), expected);
    }

    #[test]
    fn what_is_no_length_is_refused_for_good() {
        for bad in [&b"\n"[..], b"-1\n", b" 5\nhello", b"0x5\n", b"5\rhello", b"HTTP/1.1"] {
            let mut decoder = Decoder::new();
            decoder.feed(bad);
            assert_eq!(decoder.next_record(), Err(Error::Length), "{bad:?}");
            decoder.feed(b"5\nhello");
            assert_eq!(decoder.next_record(), Err(Error::Length), "{bad:?}");
        }
    }

    #[test]
    fn a_length_above_the_limit_is_refused_before_it_comes() {
        assert_eq!(decode(b"16777217\n"), Err(Error::TooLong));
        assert_eq!(decode(b"999999999"), Err(Error::TooLong));
        assert_eq!(decode(b"00000000000000000"), Err(Error::TooLong));
        assert_eq!(decode(b"16777216\n").unwrap(), Vec::<Vec<u8>>::new());
    }

    proptest::proptest! {
        #[test]
        fn what_is_encoded_is_decoded_however_it_is_split(
            records in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..300), 0..8),
            cuts in proptest::collection::vec(1usize..40, 1..20),
        ) {
            let bytes: Vec<u8> = records.iter().flat_map(|record| encode(record)).collect();
            let (mut decoder, mut decoded, mut rest) = (Decoder::new(), Vec::new(), &bytes[..]);
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, left) = rest.split_at((*cut).min(rest.len()));
                decoder.feed(piece);
                while let Some(record) = decoder.next_record().unwrap() {
                    decoded.push(record.to_vec());
                }
                rest = left;
            }
            proptest::prop_assert_eq!(decoded, records);
            proptest::prop_assert!(!decoder.is_incomplete());
        }

        #[test]
        fn no_input_panics_or_grows(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = decode(&bytes);
        }
    }
}
