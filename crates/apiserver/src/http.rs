//! The HTTP side: what a request asks for, and how it is answered.

pub(crate) mod accept;
pub(crate) mod body;
pub(crate) mod indent;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod reply;
pub(crate) mod sent;

/// The body of every request.
pub(crate) type Incoming = sent::Sent<hyper::body::Incoming>;
