//! A request as a line of `*.script` has it, sent byte by byte, so that no client of ours mends what is wrong with it:
//!
//! ```text
//! METHOD TARGET [Header: value]... BODY
//! ```
//!
//! A word for the body's type (`json`, `merge`…, see [`TYPES`]) is short for its header. The body, the target and headers know `\n`, `\\`
//! and `\xNN`, and `<TEXT*N>` stands for N times that text. A `Content-Length` that is given is sent instead of the true one.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::harness::PATIENCE;

/// Short words for a body's type.
const TYPES: &[(&str, &str)] = &[
    ("json", "application/json"),
    ("yaml", "application/yaml"),
    ("protobuf", "application/vnd.kubernetes.protobuf"),
    ("jsonpatch", "application/json-patch+json"),
    ("merge", "application/merge-patch+json"),
    ("strategic", "application/strategic-merge-patch+json"),
    ("apply", "application/apply-patch+yaml"),
];

/// What a client sends.
pub(crate) struct Request {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Request {
    /// What a line says.
    pub(crate) fn parse(line: &str) -> Self {
        let (method, rest) = line.split_once(' ').expect("METHOD TARGET");
        let (target, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let mut head = format!("{method} ").into_bytes();
        head.extend(bytes(target));
        head.extend(b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
        let mut sized = false;
        while let Some((header, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            sized |= ["content-length", "transfer-encoding"].iter().any(|name| header.to_lowercase().starts_with(name));
            head.extend(bytes(header));
            head.extend(b"\r\n");
            rest = after.trim_start();
        }
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        if let Some((_, media)) = TYPES.iter().find(|(short, _)| *short == word) {
            head.extend(format!("Content-Type: {media}\r\n").as_bytes());
            rest = after;
        }
        let body = bytes(rest);
        if !(sized || body.is_empty() && method == "GET") {
            head.extend(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        head.extend(b"\r\n");
        Self { head, body }
    }

    /// Sends it over a connection of its own; the code, head and body of the answer. `None` where the server just closes.
    pub(crate) async fn send(&self, address: &str, tls: &Arc<ClientConfig>) -> Option<(u16, String, Vec<u8>)> {
        let tcp = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await.unwrap();
        let (mut read, mut write) = tokio::io::split(stream);
        let sending = async {
            // whoever refuses a body does not read it to its end
            let _ = write.write_all(&self.head).await;
            let _ = write.write_all(&self.body).await;
            let _ = write.flush().await;
            std::future::pending::<()>().await;
        };
        let mut answer = Vec::new();
        let reading = async {
            // what came before a connection was reset counts
            let _ = read.read_to_end(&mut answer).await;
        };
        tokio::select! {
            () = sending => {}
            () = reading => {}
            () = tokio::time::sleep(PATIENCE) => {}
        }
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
        let body = answer.split_off(end + 4);
        let head = String::from_utf8_lossy(&answer).into_owned();
        let code = head.split(' ').nth(1)?.parse().ok()?;
        let body = if head.to_lowercase().contains("transfer-encoding: chunked") { unchunk(&body) } else { body };
        Some((code, head, body))
    }
}

/// The bytes that a text with its escapes and repetitions stands for.
fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        rest = &rest[char.len_utf8()..];
        if char == '\\' && rest.starts_with('n') {
            out.push(b'\n');
            rest = &rest[1..];
        } else if char == '\\' && rest.starts_with('\\') {
            out.push(b'\\');
            rest = &rest[1..];
        } else if let Some(hex) = rest.strip_prefix('x').filter(|_| char == '\\').and_then(|rest| rest.get(..2)) {
            out.push(u8::from_str_radix(hex, 16).expect("two hexadecimal digits"));
            rest = &rest[3..];
        } else if let Some((unit, count, after)) = (char == '<').then(|| repetition(rest)).flatten() {
            (0..count).for_each(|_| out.extend_from_slice(&unit));
            rest = after;
        } else {
            out.extend(char.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    out
}

/// What is repeated, how often, and what follows: of `TEXT*N>…`.
fn repetition(text: &str) -> Option<(Vec<u8>, usize, &str)> {
    let (inside, after) = text.split_once('>')?;
    let (unit, count) = inside.rsplit_once('*')?;
    Some((bytes(unit), count.parse().ok()?, after))
}

/// The body of an answer that came in chunks.
fn unchunk(mut body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&body[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let Some(size) = size.filter(|size| *size > 0 && end + 2 + size <= body.len()) else { break };
        out.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = body.get(end + 4 + size..).unwrap_or_default();
    }
    out
}

#[test]
fn lines_stand_for_bytes() {
    let request = Request::parse(r#"POST /a\xff [X: y] json {"a":<ab*3>}\n"#);
    let head = b"POST /a\xff HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX: y\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n";
    assert_eq!(request.head, head);
    assert_eq!(request.body, b"{\"a\":ababab}\n");
    assert_eq!(unchunk(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), b"abcde");
}
