//! The Mesos v1 HTTP API: types, RecordIO, scheduler, executor and operator clients. Knows nothing of Kubernetes.
//!
//! Types carry Mesos' own names and spell themselves in JSON as Mesos does: enums by name, unset fields omitted, bytes as
//! base64. Decode what a peer sent with [`json::from_slice`], which forgives what Mesos forgives.

mod message;

pub mod address;
pub mod agent;
pub mod backoff;
pub mod bytes;
pub mod check;
pub mod command;
pub mod container;
pub mod discovery;
pub mod executor;
pub mod framework;
pub mod http;
pub mod id;
pub mod json;
pub mod label;
pub mod master;
pub mod offer;
pub mod recordio;
pub mod resource;
pub mod resources;
pub mod scheduler;
pub mod status;
pub mod task;
pub mod time;
pub mod value;

pub use address::MasterAddress;
pub use agent::{AgentCapability, AgentInfo};
pub use bytes::Bytes;
pub use command::{CommandInfo, Environment, Uri, Variable};
pub use container::{ContainerInfo, ContainerStatus, IPAddress, NetworkInfo};
pub use executor::ExecutorInfo;
pub use framework::{FrameworkCapability, FrameworkInfo};
pub use id::{AgentID, ContainerID, ExecutorID, FrameworkID, OfferID, OperationID, ResourceProviderID, TaskID};
pub use label::{Label, Labels};
pub use master::MasterInfo;
pub use offer::{Filters, Offer, Operation};
pub use resource::{AllocationInfo, ReservationInfo, Resource};
pub use resources::Resources;
pub use status::{Reason, Source, TaskState, TaskStatus};
pub use task::{KillPolicy, Task, TaskGroupInfo, TaskInfo};
pub use value::{Attribute, Ranges, Scalar, Set, Text};
