//! What a Kubernetes object is: kinds, schemas, defaults, validation, selectors, quantities, printing columns. No IO.
//!
//! Objects are [`serde_json::Value`] in this room: the API server keeps them as bytes and looks at few of them closely.
//! A request's way through it: [`decode::object`] (bytes to a checked value), [`defaults::apply`],
//! [`validate::create`] or [`validate::update`]; any refusal is a [`status::Status`].

pub mod decode;
pub mod defaults;
pub mod duration;
pub mod kinds;
pub mod managed;
pub mod meta;
pub mod openapi;
pub mod patch;
pub mod protobuf;
pub mod quantity;
pub mod quota;
pub mod schema;
pub mod selector;
pub mod status;
pub mod table;
pub mod validate;

pub use kinds::Kind;
pub use status::Status;
