//! The health service of gRPC: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
//!
//! Its one request and one answer are written out here; a build step for them would be more than they are.

use std::time::Duration;

use http::uri::PathAndQuery;
use k8s_openapi::api::core::v1::GRPCAction;
use tonic::client::Grpc;
use tonic::transport::Endpoint;
use tonic::{Code, Request};
use tonic_prost::ProstCodec;

use super::{Answer, Target, bracketed};

/// `grpc.health.v1.HealthCheckRequest`.
#[derive(Clone, PartialEq, prost::Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

/// `grpc.health.v1.HealthCheckResponse`.
#[derive(Clone, PartialEq, prost::Message)]
struct HealthCheckResponse {
    #[prost(enumeration = "ServingStatus", tag = "1")]
    status: i32,
}

/// `grpc.health.v1.HealthCheckResponse.ServingStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
enum ServingStatus {
    Unknown = 0,
    Serving = 1,
    NotServing = 2,
    ServiceUnknown = 3,
}

impl ServingStatus {
    /// As the protocol spells it.
    fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Serving => "SERVING",
            Self::NotServing => "NOT_SERVING",
            Self::ServiceUnknown => "SERVICE_UNKNOWN",
        }
    }
}

/// Asks.
pub(super) async fn check(target: &Target, action: &GRPCAction, timeout: Duration) -> Answer {
    let port = u16::try_from(action.port).map_err(|_| format!("invalid port number: {}", action.port));
    let place = target.host(None).and_then(|host| Ok(format!("{}:{}", bracketed(&host), port?)));
    let address = match place {
        Ok(address) => address,
        Err(why) => return Answer::Error(why),
    };
    let service = action.service.clone().unwrap_or_default();
    let asked = tokio::time::timeout(timeout, ask(&address, service)).await;
    asked.unwrap_or_else(|_| {
        Answer::Bad(format!("timeout: health rpc to {address:?} did not complete within {timeout:?}"))
    })
}

async fn ask(address: &str, service: String) -> Answer {
    let endpoint = match Endpoint::from_shared(format!("http://{address}")) {
        Ok(endpoint) => endpoint,
        Err(error) => return Answer::Error(error.to_string()),
    };
    let Ok(channel) = endpoint.connect().await else {
        return Answer::Bad(format!("failed to connect service {address:?}"));
    };
    let mut client = Grpc::new(channel);
    if let Err(error) = client.ready().await {
        return Answer::Bad(format!("failed to connect service {address:?}: {error}"));
    }
    let path = PathAndQuery::from_static("/grpc.health.v1.Health/Check");
    let codec = ProstCodec::<HealthCheckRequest, HealthCheckResponse>::default();
    match client.unary(Request::new(HealthCheckRequest { service }), path, codec).await {
        Ok(response) => judge(response.into_inner().status),
        Err(status) if status.code() == Code::Unimplemented => Answer::Bad(format!(
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): {}",
            status.message()
        )),
        Err(status) => Answer::Bad(format!("error: health rpc probe failed: {}", status.message())),
    }
}

fn judge(status: i32) -> Answer {
    match ServingStatus::try_from(status) {
        Ok(ServingStatus::Serving) => Answer::Good(None),
        Ok(other) => Answer::Bad(format!("service unhealthy (responded with \"{}\")", other.name())),
        Err(_) => Answer::Bad(format!("service unhealthy (responded with \"{status}\")")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_serving_is_well() {
        assert_eq!(judge(1), Answer::Good(None));
        assert_eq!(judge(2), Answer::Bad("service unhealthy (responded with \"NOT_SERVING\")".into()));
        assert!(!judge(0).is_good() && !judge(3).is_good() && !judge(77).is_good());
    }
}
