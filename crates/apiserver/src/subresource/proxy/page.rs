//! The body of a page whose links are led through the proxy.

use std::io::{Read, Write};

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use flate2::write::{DeflateEncoder, GzEncoder};
use futures::{Stream, StreamExt, stream};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};

use super::html;
use super::link::Link;
use crate::http::body::{self, Body, BoxError};

/// The largest page that is held to be rewritten, packed and unpacked. Larger ones pass as they are.
const MAX_PAGE: usize = 16 << 20;

/// How a page is packed, where it can be unpacked here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    Gzip,
    Deflate,
}

impl Coding {
    /// That of a page to be rewritten. Redirects are followed and not read, and what is no HTML has no links.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let kind = text(CONTENT_TYPE)?.split(';').next()?.trim();
        if kind != "text/html" || headers.contains_key(LOCATION) {
            return None;
        }
        match text(CONTENT_ENCODING).unwrap_or_default() {
            "" => Some(Self::Plain),
            "gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }
}

/// The page as the client gets it. Its length is told in the headers where it changed, and stays there where it did not.
pub(super) async fn rewritten<S>(mut frames: S, coding: Coding, link: &Link, headers: &mut HeaderMap) -> Body
where
    S: Stream<Item = Result<Bytes, BoxError>> + Send + Unpin + 'static,
{
    let mut held = BytesMut::new();
    while let Some(frame) = frames.next().await {
        match frame {
            Ok(bytes) => held.extend_from_slice(&bytes),
            // the client reads up to where the server broke off, as it would have
            Err(error) => return body::stream(stream::iter([Ok(held.freeze()), Err(error)])),
        }
        if held.len() > MAX_PAGE {
            return body::stream(stream::iter([Ok(held.freeze())]).chain(frames));
        }
    }
    if held.is_empty() {
        // an answer to HEAD tells the length of a page that is not there to be rewritten
        headers.remove(CONTENT_LENGTH);
        return body::full(held);
    }
    let page = unpacked(&held, coding).map(|page| html::rewrite(&page, |url| link.led(url)));
    let Some(packed) = page.and_then(|page| packed(page, coding)) else { return body::full(held) };
    headers.insert(CONTENT_LENGTH, packed.len().into());
    body::full(packed)
}

/// `None` for what is not packed so, or is too much.
fn unpacked(packed: &[u8], coding: Coding) -> Option<Vec<u8>> {
    let mut page = Vec::new();
    let most = MAX_PAGE as u64 + 1;
    let read = match coding {
        Coding::Plain => packed.take(most).read_to_end(&mut page),
        Coding::Gzip => MultiGzDecoder::new(packed).take(most).read_to_end(&mut page),
        Coding::Deflate => DeflateDecoder::new(packed).take(most).read_to_end(&mut page),
    };
    (read.ok()? <= MAX_PAGE).then_some(page)
}

fn packed(page: Vec<u8>, coding: Coding) -> Option<Vec<u8>> {
    match coding {
        Coding::Plain => Some(page),
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&page).and_then(|()| encoder.finish()).ok()
        }
        Coding::Deflate => {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&page).and_then(|()| encoder.finish()).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<a href="/rewriteme">test</a>"#;
    const LED: &str = r#"<a href="/P/rewriteme">test</a>"#;

    async fn through(page: Vec<u8>, coding: Coding) -> (Bytes, Option<usize>) {
        use http_body_util::BodyExt;
        let link = Link { prefix: "/P".into(), authority: "10.0.0.7:80".into(), host: None };
        let mut headers = HeaderMap::new();
        let frames = stream::iter([Ok(Bytes::from(page))]);
        let body = rewritten(frames, coding, &link, &mut headers).await.collect().await.unwrap().to_bytes();
        (body, headers.get(CONTENT_LENGTH).map(|length| length.to_str().unwrap().parse().unwrap()))
    }

    #[tokio::test]
    async fn a_page_is_rewritten_as_it_is_packed() {
        for coding in [Coding::Plain, Coding::Gzip, Coding::Deflate] {
            let (body, length) = through(packed(PAGE.into(), coding).unwrap(), coding).await;
            assert_eq!(length, Some(body.len()), "{coding:?}");
            assert_eq!(unpacked(&body, coding).unwrap(), LED.as_bytes(), "{coding:?}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_unpacked_or_held_passes() {
        let (body, length) = through(PAGE.into(), Coding::Gzip).await;
        assert_eq!((&body[..], length), (PAGE.as_bytes(), None));
        let large = format!("{PAGE}{}", " ".repeat(MAX_PAGE)).into_bytes();
        assert_eq!(through(large.clone(), Coding::Plain).await, (large.clone().into(), None));
        let bomb = packed(large, Coding::Gzip).unwrap();
        assert_eq!(through(bomb.clone(), Coding::Gzip).await, (bomb.into(), None));
    }

    #[test]
    fn pages_are_known_by_their_headers() {
        let of = |all: &[(&'static str, &'static str)]| {
            Coding::of(&all.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect())
        };
        assert_eq!(of(&[("content-type", "text/html; charset=utf-8")]), Some(Coding::Plain));
        assert_eq!(of(&[("content-type", "text/html"), ("content-encoding", "gzip")]), Some(Coding::Gzip));
        for other in [("content-encoding", "br"), ("location", "/x")] {
            assert_eq!(of(&[("content-type", "text/html"), other]), None, "{other:?}");
        }
        assert_eq!((of(&[]), of(&[("content-type", "text/plain")])), (None, None));
    }
}
