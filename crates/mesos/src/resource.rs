//! A resource: an amount of something at an agent, and for whom it is kept. Arithmetic is in `resources`.

use crate::ResourceProviderID;
use crate::container::Volume;
use crate::label::Labels;
use crate::message::{enumeration, message};
use crate::value::{Ranges, Scalar, Set, ValueType};

message! {
    /// One resource. `role` and `reservation` are the format before reservation refinement, `reservations` the one after.
    pub struct Resource {
        provider_id? ResourceProviderID,
        name! String,
        r#type! ValueType,
        scalar? Scalar,
        ranges? Ranges,
        set? Set,
        role? String,
        allocation_info? AllocationInfo,
        reservation? ReservationInfo,
        reservations* ReservationInfo,
        disk? DiskInfo,
        revocable? RevocableInfo,
        shared? SharedInfo,
    }

    /// The role that a resource is offered or allocated to.
    pub struct AllocationInfo {
        role? String,
    }

    /// Who a resource is reserved for.
    pub struct ReservationInfo {
        r#type? ReservationType,
        role? String,
        principal? String,
        labels? Labels,
    }

    /// What kind of disk a `disk` resource is.
    pub struct DiskInfo {
        persistence? Persistence,
        volume? Volume,
        source? DiskSource,
    }

    /// A volume that outlives its task.
    pub struct Persistence {
        id! String,
        principal? String,
    }

    /// Where a disk comes from.
    pub struct DiskSource {
        r#type! DiskSourceType,
        path? DiskRoot,
        mount? DiskRoot,
        vendor? String,
        id? String,
        metadata? Labels,
        profile? String,
    }

    /// The directory of a disk.
    pub struct DiskRoot {
        root? String,
    }

    /// Marks a resource that may be taken away at any time.
    pub struct RevocableInfo {}

    /// Marks a resource that several tasks may use at once.
    pub struct SharedInfo {}
}

enumeration! {
    /// By whom a reservation was made.
    pub enum ReservationType {
        Static = "STATIC", Dynamic = "DYNAMIC"; _ => Unknown
    }

    /// The kind of a disk's source.
    pub enum DiskSourceType {
        Path = "PATH", Mount = "MOUNT", Block = "BLOCK", Raw = "RAW"; _ => Unknown
    }
}

impl Resource {
    /// An unreserved amount.
    pub fn scalar(name: &str, value: f64) -> Self {
        Self { name: name.to_owned(), scalar: Some(Scalar { value }), ..Self::default() }
    }

    /// Unreserved ranges, both ends included.
    pub fn ranges(name: &str, ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let range = ranges.into_iter().map(|(begin, end)| crate::value::Range { begin, end }).collect();
        Self { name: name.to_owned(), r#type: ValueType::Ranges, ranges: Some(Ranges { range }), ..Self::default() }
    }
}
