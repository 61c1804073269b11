//! nf_tables over netlink: just what service addresses need, as one table of our own.
//!
//! No crate serves here: those that are pure Rust lack the NAT, random-number and map expressions, the others want the
//! C libraries or the `nft` program, which an image from scratch does not have (docs/networking.md).

mod chain;
mod expression;
mod map;
mod table;
mod transaction;

pub use crate::netlink::route::make_local;
pub use crate::netlink::socket::{Error, Socket};
pub use table::{Changes, Hooks, Key, Table, Target};
pub use transaction::Transaction;
