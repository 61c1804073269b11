//! Checks of a task, made by its executor.

use crate::CommandInfo;
use crate::container::Protocol;
use crate::message::{enumeration, message};

enumeration! {
    /// How a check is made.
    pub enum CheckType {
        Command = "COMMAND", Http = "HTTP", Tcp = "TCP"; _ => Unknown
    }
}

message! {
    /// A check whose result is only reported. Times in seconds; unset ones mean delay 15, interval 10, timeout 20.
    pub struct CheckInfo {
        r#type? CheckType,
        command? CheckCommand,
        http? CheckHttp,
        tcp? CheckTcp,
        delay_seconds? f64,
        interval_seconds? f64,
        timeout_seconds? f64,
    }

    /// A check by a command's exit code.
    pub struct CheckCommand {
        command! CommandInfo,
    }

    /// A check by an HTTP request.
    pub struct CheckHttp {
        port! u32,
        path? String,
    }

    /// A check by a connection.
    pub struct CheckTcp {
        port! u32,
    }

    /// A check whose failures end the task: after 3, and none within a grace of 10 s, where unset.
    pub struct HealthCheck {
        delay_seconds? f64,
        interval_seconds? f64,
        timeout_seconds? f64,
        consecutive_failures? u32,
        grace_period_seconds? f64,
        r#type? CheckType,
        command? CommandInfo,
        http? HealthCheckHttp,
        tcp? HealthCheckTcp,
    }

    /// A health check by an HTTP request.
    pub struct HealthCheckHttp {
        protocol= Protocol,
        scheme? String,
        port! u32,
        path? String,
        statuses* u32,
    }

    /// A health check by a connection.
    pub struct HealthCheckTcp {
        protocol= Protocol,
        port! u32,
    }

    /// The last result of a check; an empty part means none yet.
    pub struct CheckStatusInfo {
        r#type? CheckType,
        command? CheckStatusCommand,
        http? CheckStatusHttp,
        tcp? CheckStatusTcp,
    }

    /// Result of a command.
    pub struct CheckStatusCommand {
        exit_code? i32,
    }

    /// Result of an HTTP request.
    pub struct CheckStatusHttp {
        status_code? u32,
    }

    /// Result of a connection.
    pub struct CheckStatusTcp {
        succeeded? bool,
    }
}
