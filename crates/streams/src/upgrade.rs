//! Agreeing on a protocol: which one a client's upgrade request offers that is spoken here, and the answer to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

/// The header by which protocols are offered and chosen over SPDY.
pub const STREAM_PROTOCOL: HeaderName = HeaderName::from_static("x-stream-protocol-version");
/// What a key is followed by before it is hashed (RFC 6455, 4.2.2).
const WEBSOCKET_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What a connection is used for after the upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `exec` and `attach`.
    Command,
    /// `port-forward`.
    PortForward,
    /// `logs`.
    Log,
}

/// A protocol that is spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A command in channels of a WebSocket, which says of the end only what went wrong, in words.
    CommandWebSocketV1,
    /// The same in base64, for clients that take text alone.
    CommandWebSocketV1Base64,
    /// A command in channels of a WebSocket, with a status at the end.
    CommandWebSocketV4,
    /// The same in base64.
    CommandWebSocketV4Base64,
    /// The same, with a signal that a channel is closed.
    CommandWebSocketV5,
    /// A command in streams of SPDY/3.1.
    CommandSpdyV4,
    /// Ports in streams of SPDY/3.1.
    PortForwardSpdy,
    /// The same, in messages of a WebSocket.
    PortForwardTunnel,
    /// Ports in channels of a WebSocket, two for each that the request names.
    PortForwardChannels,
    /// The same in base64.
    PortForwardChannelsBase64,
    /// A log in messages of a WebSocket.
    LogWebSocket,
    /// The same in base64.
    LogWebSocketBase64,
}

/// Why a request is not upgraded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It asks for no upgrade, or for one to something else.
    #[error("Upgrade request required")]
    NoUpgrade,
    /// The WebSocket's handshake lacks something.
    #[error("bad WebSocket handshake: {0}")]
    Handshake(&'static str),
    /// None of the protocols it offers is spoken here.
    #[error("unable to upgrade: unable to negotiate protocol: client supports [{}], server accepts [{}]", .0.join(" "), .1.join(" "))]
    Protocol(Vec<String>, Vec<&'static str>),
}

impl Refusal {
    /// The code that the client is told.
    #[must_use]
    pub fn code(&self) -> StatusCode {
        match self {
            Self::NoUpgrade | Self::Handshake(_) => StatusCode::BAD_REQUEST,
            Self::Protocol(..) => StatusCode::FORBIDDEN,
        }
    }
}

impl Protocol {
    const ALL: [Self; 12] = [
        Self::CommandWebSocketV5,
        Self::CommandWebSocketV4,
        Self::CommandWebSocketV4Base64,
        Self::CommandWebSocketV1,
        Self::CommandWebSocketV1Base64,
        Self::CommandSpdyV4,
        Self::PortForwardSpdy,
        Self::PortForwardTunnel,
        Self::PortForwardChannels,
        Self::PortForwardChannelsBase64,
        Self::LogWebSocket,
        Self::LogWebSocketBase64,
    ];

    /// Its name in headers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CommandWebSocketV5 => "v5.channel.k8s.io",
            Self::CommandWebSocketV4 | Self::CommandSpdyV4 | Self::PortForwardChannels => "v4.channel.k8s.io",
            Self::CommandWebSocketV4Base64 | Self::PortForwardChannelsBase64 => "v4.base64.channel.k8s.io",
            Self::CommandWebSocketV1 => "channel.k8s.io",
            Self::CommandWebSocketV1Base64 => "base64.channel.k8s.io",
            Self::PortForwardSpdy => "portforward.k8s.io",
            Self::PortForwardTunnel => "SPDY/3.1+portforward.k8s.io",
            Self::LogWebSocket => "binary.k8s.io",
            Self::LogWebSocketBase64 => "base64.binary.k8s.io",
        }
    }

    fn purpose(self) -> Purpose {
        match self {
            Self::PortForwardSpdy
            | Self::PortForwardTunnel
            | Self::PortForwardChannels
            | Self::PortForwardChannelsBase64 => Purpose::PortForward,
            Self::LogWebSocket | Self::LogWebSocketBase64 => Purpose::Log,
            _ => Purpose::Command,
        }
    }

    fn is_websocket(self) -> bool {
        !matches!(self, Self::CommandSpdyV4 | Self::PortForwardSpdy)
    }

    /// Whether what is sent is text, in base64.
    #[must_use]
    pub fn is_base64(self) -> bool {
        matches!(
            self,
            Self::CommandWebSocketV1Base64
                | Self::CommandWebSocketV4Base64
                | Self::PortForwardChannelsBase64
                | Self::LogWebSocketBase64
        )
    }

    /// What a client of WebSockets means that offers nothing.
    fn unnamed(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Command => Self::CommandWebSocketV1,
            Purpose::Log => Self::LogWebSocket,
            Purpose::PortForward => Self::PortForwardChannels,
        }
    }

    /// The first protocol that the request's headers offer for the purpose and that is spoken here.
    ///
    /// # Errors
    /// A request that is not to be upgraded.
    pub fn agree(headers: &HeaderMap, purpose: Purpose) -> Result<Self, Refusal> {
        let websocket = match tokens(headers, &UPGRADE).next() {
            Some(name) if name.eq_ignore_ascii_case("websocket") => true,
            Some(name) if name.eq_ignore_ascii_case("SPDY/3.1") => false,
            _ => return Err(Refusal::NoUpgrade),
        };
        if !tokens(headers, &CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade")) {
            return Err(Refusal::NoUpgrade);
        }
        if websocket {
            if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
                return Err(Refusal::Handshake("Sec-WebSocket-Version is not 13"));
            }
            if !headers.contains_key(SEC_WEBSOCKET_KEY) {
                return Err(Refusal::Handshake("Sec-WebSocket-Key is missing"));
            }
        }
        let ours = || Self::ALL.into_iter().filter(|p| p.is_websocket() == websocket && p.purpose() == purpose);
        let header = if websocket { SEC_WEBSOCKET_PROTOCOL } else { STREAM_PROTOCOL };
        let agreed = tokens(headers, &header).find_map(|offered| ours().find(|protocol| protocol.name() == offered));
        let nothing = websocket && tokens(headers, &header).next().is_none();
        let agreed = agreed.or_else(|| nothing.then(|| Self::unnamed(purpose)));
        agreed.ok_or_else(|| {
            Refusal::Protocol(tokens(headers, &header).map(str::to_owned).collect(), ours().map(Self::name).collect())
        })
    }

    /// The answer by which the request with these headers is upgraded to this protocol.
    #[must_use]
    pub fn switching<B: Default>(self, headers: &HeaderMap) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let reply = response.headers_mut();
        reply.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        if self.is_websocket() {
            reply.insert(UPGRADE, HeaderValue::from_static("websocket"));
            if headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
                reply.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(self.name()));
            }
            if let Some(key) = headers.get(SEC_WEBSOCKET_KEY) {
                reply.insert(SEC_WEBSOCKET_ACCEPT, accept(key.as_bytes()));
            }
        } else {
            reply.insert(UPGRADE, HeaderValue::from_static("SPDY/3.1"));
            reply.insert(STREAM_PROTOCOL, HeaderValue::from_static(self.name()));
        }
        response
    }
}

/// What proves that a WebSocket's key was read.
#[must_use]
pub fn accept(key: &[u8]) -> HeaderValue {
    let mut hash = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key);
    hash.update(WEBSOCKET_GUID.as_bytes());
    HeaderValue::try_from(STANDARD.encode(hash.finish())).expect("base64 is plain text")
}

/// The values of a header that is a list, in their order.
fn tokens<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }

    fn appended(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn new_kubectl_gets_websockets() {
        let exec = headers(&[
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "v5.channel.k8s.io, v4.channel.k8s.io"),
        ]);
        let agreed = Protocol::agree(&exec, Purpose::Command).unwrap();
        assert_eq!(agreed, Protocol::CommandWebSocketV5);
        let reply = agreed.switching::<()>(&exec);
        assert_eq!(reply.status(), 101);
        // the example of RFC 6455
        assert_eq!(reply.headers()[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(reply.headers()[SEC_WEBSOCKET_PROTOCOL], "v5.channel.k8s.io");
        assert!(matches!(Protocol::agree(&exec, Purpose::Log), Err(Refusal::Protocol(..))));
    }

    #[test]
    fn clients_of_websockets_that_say_little_are_understood() {
        let offers = |protocol: Option<&str>| {
            let mut all = vec![("connection", "Upgrade"), ("upgrade", "websocket")];
            all.extend([("sec-websocket-version", "13"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")]);
            all.extend(protocol.map(|protocol| ("sec-websocket-protocol", protocol)));
            headers(&all)
        };
        let agreed = |protocol, purpose| Protocol::agree(&offers(protocol), purpose);
        assert_eq!(agreed(Some("channel.k8s.io"), Purpose::Command), Ok(Protocol::CommandWebSocketV1));
        assert_eq!(agreed(None, Purpose::Command), Ok(Protocol::CommandWebSocketV1));
        assert_eq!(agreed(Some("binary.k8s.io"), Purpose::Log), Ok(Protocol::LogWebSocket));
        assert_eq!(agreed(None, Purpose::PortForward), Ok(Protocol::PortForwardChannels));
        let text = agreed(Some("v4.base64.channel.k8s.io"), Purpose::PortForward).unwrap();
        assert!(text.is_base64() && text != Protocol::CommandWebSocketV4Base64);
        assert!(agreed(Some("x"), Purpose::Log).is_err());
        let silent = Protocol::CommandWebSocketV1.switching::<()>(&offers(None));
        assert!(!silent.headers().contains_key(SEC_WEBSOCKET_PROTOCOL));
    }

    #[test]
    fn old_kubectl_gets_spdy() {
        let exec = appended(&[
            ("connection", "Upgrade"),
            ("upgrade", "SPDY/3.1"),
            ("x-stream-protocol-version", "v9.channel.k8s.io"),
            ("x-stream-protocol-version", "v4.channel.k8s.io"),
            ("x-stream-protocol-version", "channel.k8s.io"),
        ]);
        let agreed = Protocol::agree(&exec, Purpose::Command).unwrap();
        assert_eq!(agreed, Protocol::CommandSpdyV4);
        let reply = agreed.switching::<()>(&exec);
        assert_eq!(reply.headers()[STREAM_PROTOCOL], "v4.channel.k8s.io");
        assert_eq!(reply.headers()[UPGRADE], "SPDY/3.1");
    }

    #[test]
    fn all_else_is_refused_with_a_reason() {
        assert_eq!(Protocol::agree(&HeaderMap::new(), Purpose::Command), Err(Refusal::NoUpgrade));
        let other = headers(&[("connection", "upgrade"), ("upgrade", "h2c")]);
        assert_eq!(Protocol::agree(&other, Purpose::Command), Err(Refusal::NoUpgrade));
        let old = headers(&[
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "SPDY/3.1"),
            ("x-stream-protocol-version", "channel.k8s.io"),
        ]);
        let refusal = Protocol::agree(&old, Purpose::Command).unwrap_err();
        assert_eq!(refusal.code(), StatusCode::FORBIDDEN);
        assert_eq!(
            refusal.to_string(),
            "unable to upgrade: unable to negotiate protocol: client supports [channel.k8s.io], server accepts [v4.channel.k8s.io]"
        );
    }
}
