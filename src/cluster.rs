//! A cluster on Docker: the plan, carrying it out, and taking it away again (docs/architecture.md).

pub(crate) mod act;
pub(crate) mod addons;
mod archive;
pub(crate) mod compose;
pub(crate) mod down;
pub(crate) mod engine;
mod image;
mod interrupt;
pub(crate) mod kubeconfig;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod logs;
pub(crate) mod name;
pub(crate) mod observed;
pub(crate) mod pause;
mod pki;
pub(crate) mod plan;
pub(crate) mod port;
pub(crate) mod probe;
mod progress;
pub(crate) mod publish;
pub(crate) mod ready;
mod remove;
mod spec;
pub(crate) mod status;
mod subnet;
pub(crate) mod up;
