//! Netlink to the kernel's netfilter: messages as bytes, and the socket that carries them.

pub(crate) mod socket;
pub(crate) mod wire;
