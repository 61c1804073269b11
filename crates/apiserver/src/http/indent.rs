//! JSON for people: indented where the client asks for it, or is one that people look at.

use bytes::Bytes;
use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderMap, Response};
use http_body_util::BodyExt;

use super::body::Body;
use super::query::Query;

/// What people look at, by the beginning of its `User-Agent`.
const PEOPLES: &[&str] = &["curl", "Wget", "Mozilla/5.0"];

/// An answer's mark: what it holds is an object of the API in JSON, which may be indented.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Indentable;

/// Whether a request's answer is indented: the `pretty` parameter says so, or the media type's, or the client is for people.
pub(crate) fn wanted(query: Option<&str>, headers: &HeaderMap) -> bool {
    if let Some(text) = query.filter(|query| query.contains("pretty"))
        && let Some(said) = Query::parse(Some(text)).get("pretty")
    {
        return matches!(said, "1" | "t" | "T" | "true" | "TRUE" | "True");
    }
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok()).unwrap_or_default();
    let agent = text(USER_AGENT);
    PEOPLES.iter().any(|name| agent.starts_with(name))
        || text(ACCEPT).split([',', ';']).any(|part| part.trim() == "pretty=1")
}

/// The answer, indented if that may be done.
pub(crate) fn answer(response: Response<Body>) -> Response<Body> {
    if response.extensions().get::<Indentable>().is_none() {
        return response;
    }
    let mut indent = Indent::default();
    response.map(|body| body.map_frame(move |frame| frame.map_data(|bytes| indent.feed(&bytes))).boxed_unsync())
}

/// Indents JSON that comes in any pieces, by two spaces a level, as Go does.
#[derive(Default)]
struct Indent {
    depth: usize,
    /// Within a text, and behind its backslash.
    quoted: bool,
    escaped: bool,
    /// Behind the beginning of an object or list of which nothing has come yet.
    opened: bool,
}

impl Indent {
    fn feed(&mut self, piece: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(piece.len() + piece.len() / 2);
        for &byte in piece {
            if self.quoted {
                self.text(byte);
                out.push(byte);
            } else {
                self.structure(byte, &mut out);
            }
        }
        out.into()
    }

    fn text(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => self.quoted = false,
            _ => {}
        }
    }

    fn structure(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => return,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if !std::mem::take(&mut self.opened) {
                    self.line(out);
                }
            }
            b',' | b':' => {}
            _ if std::mem::take(&mut self.opened) => self.line(out),
            _ => {}
        }
        out.push(byte);
        match byte {
            b'{' | b'[' => (self.depth, self.opened) = (self.depth + 1, true),
            b'"' => self.quoted = true,
            b',' => self.line(out),
            b':' => out.push(b' '),
            _ => {}
        }
    }

    fn line(&self, out: &mut Vec<u8>) {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b' ', 2 * self.depth));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn headers(name: http::HeaderName, value: &str) -> HeaderMap {
        [(name, value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn who_is_answered_with_indented_json() {
        for (query, agent, is) in [
            (None, "curl/8.5.0", true),
            (None, "Wget/1.21", true),
            (None, "Mozilla/5.0 (X11; Linux x86_64)", true),
            (None, "kubectl/v1.33.0", false),
            (Some("pretty=true"), "kubectl/v1.33.0", true),
            (Some("limit=5&pretty=1"), "", true),
            (Some("pretty=false"), "curl/8.5.0", false),
            (Some("pretty=yes"), "curl/8.5.0", false),
            (Some("pretty="), "curl/8.5.0", true),
            (Some("pretty"), "kubectl", false),
            (Some("labelSelector=pretty%3Dtrue"), "kubectl", false),
        ] {
            assert_eq!(wanted(query, &headers(USER_AGENT, agent)), is, "{query:?} {agent}");
        }
        assert!(wanted(None, &headers(ACCEPT, "application/json; pretty=1")));
        assert!(!wanted(None, &headers(ACCEPT, "application/json;pretty=0")));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            r#"[a"\\:,{}\[\] \n]{0,6}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(r#"[a"\\]{0,3}"#, inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn pieces_come_out_as_one(value in any_json(), size in 1_usize..9) {
            let mut indent = Indent::default();
            let compact = serde_json::to_vec(&value).unwrap();
            let out: Vec<u8> = compact.chunks(size).flat_map(|piece| indent.feed(piece)).collect();
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string_pretty(&value).unwrap());
        }
    }
}
