//! Netlink to the kernel's netfilter and to its routes: messages as bytes, and the socket that carries them.

pub(crate) mod route;
pub(crate) mod socket;
pub(crate) mod wire;
