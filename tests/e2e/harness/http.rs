//! HTTP as simply as it can be asked: one GET, one answer, the connection closed.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const TIME: Duration = Duration::from_secs(5);

/// The status code and body of `GET path` at `address` (host:port).
///
/// # Errors
/// No connection or no answer, in words.
pub(crate) fn get(address: &str, path: &str) -> Result<(u16, String), String> {
    let wrong = |error: std::io::Error| format!("GET {path} at {address}: {error}");
    let resolved = address.to_socket_addrs().map_err(wrong)?.next().ok_or("no address")?;
    let mut stream = TcpStream::connect_timeout(&resolved, TIME).map_err(wrong)?;
    stream.set_read_timeout(Some(TIME)).map_err(wrong)?;
    // HTTP/1.0, so that the body is not in chunks.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\nAccept: */*\r\n\r\n").map_err(wrong)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(wrong)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("no HTTP answer: {answer:?}"))?;
    let code =
        head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| format!("no code in {head:?}"))?;
    Ok((code, body.to_owned()))
}

/// The JSON that `GET path` gives with code 200.
///
/// # Errors
/// Anything else, in words.
pub(crate) fn json(address: &str, path: &str) -> Result<serde_json::Value, String> {
    match get(address, path)? {
        (200, body) => serde_json::from_str(&body).map_err(|error| format!("{path}: {error}: {body}")),
        (code, body) => Err(format!("{path} answered {code}: {body}")),
    }
}
