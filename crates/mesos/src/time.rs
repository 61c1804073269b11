//! Points and spans of time.

use crate::message::message;

message! {
    /// A point of time, in nanoseconds since the Unix epoch.
    pub struct TimeInfo {
        nanoseconds! i64,
    }

    /// A span of time, in nanoseconds.
    pub struct DurationInfo {
        nanoseconds! i64,
    }

    /// When an agent is planned to be away.
    pub struct Unavailability {
        start! TimeInfo,
        duration? DurationInfo,
    }
}

impl TimeInfo {
    /// `seconds` since the epoch.
    pub fn from_seconds(seconds: f64) -> Self {
        Self { nanoseconds: (seconds * 1e9) as i64 }
    }
}

impl From<std::time::Duration> for DurationInfo {
    fn from(duration: std::time::Duration) -> Self {
        Self { nanoseconds: i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX) }
    }
}

impl DurationInfo {
    /// The span; a negative one is none.
    pub fn duration(&self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.nanoseconds).unwrap_or(0))
    }
}
