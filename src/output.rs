//! What the kubectl-like commands print: tables, JSON, YAML, names, single fields, and descriptions.

pub(crate) mod columns;
pub(crate) mod describe;
mod format;
pub(crate) mod jsonpath;
pub(crate) mod object;
pub(crate) mod sort;
pub(crate) mod table;
mod yaml;

pub(crate) use format::{Format, own_cells};
