//! The user's kubeconfig: our cluster is put in and taken out again, and not a byte else of it changes.
//!
//! The file is edited as text where its style allows, so that comments, order and spelling stay. What is needed to take
//! our entries out again lies in our own context's `extensions`; there is no state elsewhere.

mod block;
mod entry;
mod file;
mod lock;
mod merge;
mod unmerge;

pub(crate) use entry::Access;
pub(crate) use file::{File, Outcome, candidates};

/// The sections that get an entry each.
const SECTIONS: [&str; 3] = ["clusters", "contexts", "users"];
