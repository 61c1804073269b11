//! Header blocks: names and values, compressed by zlib with a dictionary that both ends know from the specification.
//!
//! One compression lasts as long as the connection: each block ends in a sync flush, and later ones refer to earlier ones.

use std::sync::LazyLock;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateError, InflateFlush, Status};

/// Bytes of a block after decompression; a stream's headers are some hundred.
const MAX_BLOCK: usize = 64 << 10;
/// zlib's window, as a power of two.
const WINDOW_BITS: u8 = 15;
/// What blocks of headers are compressed by at zlib's usual level.
const LEVEL: i32 = 6;

/// Names (in lower case) and values.
pub type Headers = Vec<(String, String)>;

/// The words that the dictionary of SPDY/3 begins with, each after its length in four bytes (draft-mbelshe-httpbis-spdy-00,
/// 2.6.10.1).
const WORDS: &str = "options head post put delete trace accept accept-charset accept-encoding accept-language \
    accept-ranges age allow authorization cache-control connection content-base content-encoding content-language \
    content-length content-location content-md5 content-range content-type date etag expect expires from host if-match \
    if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma \
    proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade \
    user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie \
    keep-alive origin";

/// What follows them.
const TAIL: &str = "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 \
    Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not \
    Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov \
    Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,\
    application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8\
    charset=iso-8859-1,utf-,*,enq=0.";

static DICTIONARY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut dictionary = Vec::with_capacity(1423);
    for word in WORDS.split_whitespace() {
        let word = word.replace('_', " ");
        dictionary.put_u32(word.len() as u32);
        dictionary.put_slice(word.as_bytes());
    }
    dictionary.put_slice(TAIL.as_bytes());
    dictionary
});

/// What is wrong with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// zlib does not understand it.
    #[error("the header block is not compressed as SPDY/3 has it")]
    Compression,
    /// More than [`MAX_BLOCK`] bytes.
    #[error("the header block is larger than {MAX_BLOCK} bytes")]
    TooLarge,
    /// Lengths that lead out of it, or names and values that are no text.
    #[error("the header block is malformed")]
    Malformed,
}

/// Reads the blocks of one connection, in their order.
pub struct Reader(Inflate);

/// Writes the blocks of one connection, in their order.
pub struct Writer(Deflate);

impl Default for Reader {
    fn default() -> Self {
        Self(Inflate::new(true, WINDOW_BITS))
    }
}

impl Default for Writer {
    fn default() -> Self {
        let mut deflate = Deflate::new(LEVEL, true, WINDOW_BITS);
        deflate.set_dictionary(&DICTIONARY).expect("a fresh compression takes a dictionary");
        Self(deflate)
    }
}

impl Reader {
    /// The headers of a compressed block.
    ///
    /// # Errors
    /// A block that is none; the connection's compression is then broken for good.
    pub fn read(&mut self, block: &[u8]) -> Result<Headers, Error> {
        parse(self.inflate(block)?)
    }

    fn inflate(&mut self, block: &[u8]) -> Result<Bytes, Error> {
        let (mut out, mut input, mut chunk) = (BytesMut::new(), block, [0_u8; 4096]);
        loop {
            let (read, written) = (self.0.total_in(), self.0.total_out());
            let status = self.0.decompress(input, &mut chunk, InflateFlush::SyncFlush);
            let (read, written) = ((self.0.total_in() - read) as usize, (self.0.total_out() - written) as usize);
            input = &input[read..];
            out.extend_from_slice(&chunk[..written]);
            if out.len() > MAX_BLOCK {
                return Err(Error::TooLarge);
            }
            match status {
                Err(InflateError::NeedDict { .. }) => {
                    self.0.set_dictionary(&DICTIONARY).map_err(|_| Error::Compression)?;
                }
                Ok(Status::Ok | Status::BufError) if input.is_empty() && written < chunk.len() => {
                    return Ok(out.freeze());
                }
                Ok(Status::Ok) if read > 0 || written > 0 => {}
                _ => return Err(Error::Compression),
            }
        }
    }
}

impl Writer {
    /// The compressed block of these headers.
    pub fn write(&mut self, headers: &Headers) -> Vec<u8> {
        let mut plain = Vec::new();
        plain.put_u32(headers.len() as u32);
        for text in headers.iter().flat_map(|(name, value)| [name, value]) {
            plain.put_u32(text.len() as u32);
            plain.put_slice(text.as_bytes());
        }
        // deflate never makes more of it than this, the flush and zlib's own head included
        let mut out = vec![0; plain.len() + plain.len() / 8 + 128];
        let before = self.0.total_out();
        self.0.compress(&plain, &mut out, DeflateFlush::SyncFlush).expect("the output has room for all");
        out.truncate((self.0.total_out() - before) as usize);
        out
    }
}

fn parse(mut block: Bytes) -> Result<Headers, Error> {
    let count = block.try_get_u32().map_err(|_| Error::Malformed)?;
    let mut headers = Headers::new();
    for _ in 0..count {
        headers.push((text(&mut block)?.to_ascii_lowercase(), text(&mut block)?));
    }
    if block.is_empty() { Ok(headers) } else { Err(Error::Malformed) }
}

fn text(block: &mut Bytes) -> Result<String, Error> {
    let length = block.try_get_u32().map_err(|_| Error::Malformed)? as usize;
    if length > block.len() {
        return Err(Error::Malformed);
    }
    String::from_utf8(block.split_to(length).to_vec()).map_err(|_| Error::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_dictionary_is_the_specifications() {
        let (mut a, mut b) = (1_u32, 0_u32);
        for &byte in DICTIONARY.iter() {
            a = (a + u32::from(byte)) % 65521;
            b = (b + a) % 65521;
        }
        // its Adler-32, by which zlib names dictionaries
        assert_eq!((DICTIONARY.len(), b << 16 | a), (1423, 0xe3c6_a7c2));
    }

    #[test]
    fn blocks_come_back_and_share_one_compression() {
        let (mut writer, mut reader) = (Writer::default(), Reader::default());
        let first = headers(&[("streamtype", "error"), ("port", "8080"), ("requestid", "0")]);
        let blocks: Vec<Vec<u8>> = (0..3).map(|_| writer.write(&first)).collect();
        assert_eq!(blocks[0][..2], [0x78, 0xbb], "zlib with a dictionary");
        assert!(blocks[1].len() < blocks[0].len() / 2, "the second refers to the first");
        for block in &blocks {
            assert_eq!(reader.read(block).unwrap(), first);
        }
        assert_eq!(reader.read(&writer.write(&Headers::new())).unwrap(), Headers::new());
    }

    #[test]
    fn a_block_that_blows_up_is_refused() {
        let (mut writer, mut reader) = (Writer::default(), Reader::default());
        let block = writer.write(&headers(&[("a", &"x".repeat(MAX_BLOCK))]));
        assert!(block.len() < 1024);
        assert_eq!(reader.read(&block), Err(Error::TooLarge));
    }

    #[test]
    fn lengths_that_lead_out_are_refused() {
        for block in [&[0, 0, 0, 1][..], &[0, 0, 0, 1, 0, 0, 0, 9, b'a'], &[0, 0], &[0, 0, 0, 0, 7]] {
            assert_eq!(parse(Bytes::copy_from_slice(block)), Err(Error::Malformed), "{block:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = Reader::default().read(&bytes);
            let _ = parse(bytes.into());
        }

        #[test]
        fn any_headers_come_back(pairs in proptest::collection::vec(("[a-z]{0,40}", ".{0,200}"), 0..20)) {
            let (mut writer, mut reader) = (Writer::default(), Reader::default());
            prop_assert_eq!(reader.read(&writer.write(&pairs)).unwrap(), pairs);
        }
    }
}
