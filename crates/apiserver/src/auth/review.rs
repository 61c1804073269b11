//! TokenReview: who shows a token, asked by somebody to whom it was shown.

use kube_api::Status;
use serde_json::{Value, json};

use super::User;
use crate::api::Api;

/// The status of a TokenReview.
pub(crate) fn token(api: &Api, review: &Value) -> Result<Value, Status> {
    let spec = &review["spec"];
    let token = spec["token"].as_str().unwrap_or_default();
    if token.is_empty() {
        return Err(Status::bad_request("token is required for TokenReview in authentication"));
    }
    let own = api.options.service_account_issuer.as_str();
    let asked: Vec<&str> = spec["audiences"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let asked = if asked.is_empty() { vec![own] } else { asked };
    // a token from a file is for this server alone
    let known = api.authenticator.tokens.get(token).filter(|_| asked.contains(&own));
    let known = known.map(|user| (User::clone(user), vec![own.to_owned()]));
    Ok(match known.or_else(|| api.service_account_for(token, &asked)) {
        Some((user, audiences)) => json!({"authenticated": true, "user": info(&user), "audiences": audiences}),
        None => json!({"user": {}, "error": "invalid bearer token"}),
    })
}

/// A user as reviews tell it.
pub(crate) fn info(user: &User) -> Value {
    let mut info = json!({"username": user.name, "groups": user.groups});
    if !user.uid.is_empty() {
        info["uid"] = user.uid.as_str().into();
    }
    if !user.extra.is_empty() {
        info["extra"] = user.extra.clone().into();
    }
    info
}
