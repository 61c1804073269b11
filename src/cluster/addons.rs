//! What runs on a cluster as pods and belongs to it: the DNS.

pub(crate) mod dns;
