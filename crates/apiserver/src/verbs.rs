//! What is done with objects: a file a verb.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod event;
pub(crate) mod manager;
pub(crate) mod modify;
pub(crate) mod page;
pub(crate) mod patch;
pub(crate) mod read;
pub(crate) mod unstored;
pub(crate) mod update;
pub(crate) mod watch;
