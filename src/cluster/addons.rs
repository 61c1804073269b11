//! What runs on a cluster as pods and belongs to it: the DNS.

pub(crate) mod deploy;
pub(crate) mod dns;
