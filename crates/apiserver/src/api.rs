//! The API: from a request to its answer.

mod call;
mod extensions;
mod gate;
mod impersonate;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::CACHE_CONTROL;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use kube_api::{Kind, Status};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::admission::resource_quota::Ledger;
use crate::auth::Authenticator;
use crate::auth::jwt::Tokens;
use crate::authorize::rbac::Rbac;
use crate::http::Incoming;
use crate::http::body::Body;
use crate::http::indent;
use crate::http::reply::{self, Answer};
use crate::http::sent::Sent;
use crate::kubelet::Kubelet;
use crate::metrics::{Asked, Metrics};
use crate::oidc::Document;
use crate::options::Options;
use crate::slis::Slis;
use crate::storage::{StorageError, Store};
use crate::{discovery, health, openapi, subresource, verbs};
pub(crate) use call::{Call, Verb, key};

/// How long a request may take, but for those that stay open by nature.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Everything that answering a request needs.
pub(crate) struct Api {
    pub(crate) options: Options,
    pub(crate) store: Store,
    pub(crate) authenticator: Authenticator,
    /// Service account tokens; `None` where no key is given.
    pub(crate) tokens: Option<Tokens>,
    pub(crate) kubelet: Kubelet,
    /// Rights by roles and bindings.
    pub(crate) rbac: Rbac,
    /// Whose turn it is to charge quotas.
    pub(crate) quotas: Ledger,
    pub(crate) metrics: Metrics,
    /// What the checks of health found.
    pub(crate) slis: Slis,
    /// Room for requests in flight.
    pub(crate) room: Semaphore,
    /// Whether what a cluster has from the beginning is there.
    pub(crate) bootstrapped: AtomicBool,
    /// Ends watches and followed logs.
    pub(crate) shutdown: CancellationToken,
}

/// The API as a service for hyper.
#[derive(Clone)]
pub(crate) struct Service(pub(crate) Arc<Api>);

impl hyper::service::Service<Request<hyper::body::Incoming>> for Service {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<hyper::body::Incoming>) -> Self::Future {
        let api = Arc::clone(&self.0);
        Box::pin(async move { Ok(api.answer(Sent::request(request)).await) })
    }
}

impl Api {
    /// Answers any request; a refusal is an answer too.
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let started = tokio::time::Instant::now();
        let method = request.method().clone();
        let metrics = self.metrics.clone();
        let accepted = request.headers().get(http::header::ACCEPT).cloned();
        let audit_id = reply::audit_id(request.headers());
        let indented = indent::wanted(request.uri().query(), request.headers());
        let mut asked = Asked::path(&method);
        let mut response = match self.route(request, &mut asked).await {
            Ok(response) => response,
            Err(status) => reply::refusal(&status, accepted.as_ref()),
        };
        if indented {
            response = indent::answer(response);
        }
        // what is said to one user is for nobody between; what may be kept says so itself
        let keep = response.headers_mut().entry(CACHE_CONTROL);
        keep.or_insert(HeaderValue::from_static("no-cache, private"));
        response.headers_mut().entry(reply::AUDIT_ID).or_insert(audit_id);
        metrics.answered(asked, response.status(), started.elapsed());
        if method == Method::HEAD {
            let (head, _) = response.into_parts();
            return Response::from_parts(head, crate::http::body::full(bytes::Bytes::new()));
        }
        response
    }

    /// Health and version are for everybody; all else is for known users who may do it. Notes what was asked for.
    async fn route(self: Arc<Self>, request: Request<Incoming>, asked: &mut Asked) -> Answer {
        let path = request.uri().path().to_owned();
        if !path.starts_with('/') || request.headers().get_all(http::header::HOST).iter().count() > 1 {
            return Err(Status::bad_request("the request names no path, or more than one host"));
        }
        // who shows nothing may look at these; who shows something wrong may not
        let shows = request.headers().contains_key(http::header::AUTHORIZATION);
        if shows && (health::Check::of(&path).is_some() || path.starts_with("/version")) {
            self.authenticate(&request).await?;
        }
        if let Some(check) = health::Check::of(&path) {
            return Ok(health::answer(&self, check, request.uri().query()).await);
        }
        if path == "/version" || path == "/version/" {
            if request.method() != Method::GET {
                return Err(Status::method_not_allowed());
            }
            crate::http::accept::negotiate(request.headers())?;
            return Ok(reply::document(StatusCode::OK, discovery::version()));
        }
        let user = self.authenticate(&request).await?;
        let user = self.impersonate(user, request.headers()).await?;
        if extensions::asked(&request) {
            return extensions::answer(&self, &user, &request).await;
        }
        if (path.starts_with("/api/v1/") && path != "/api/v1/")
            || (path.starts_with("/apis/") && path.split('/').count() > 4)
        {
            let (parts, body) = request.into_parts();
            let call = Call::new(parts, user)?;
            *asked = Asked::call(&call);
            self.authorize(&call).await?;
            return self.resource(call, body).await;
        }
        self.authorize_path(&user, request.method(), &path)?;
        if let Some(document) = Document::of(&path) {
            return document.answer(&self, request.method());
        }
        match path.as_str() {
            "/metrics" => Ok(self.metrics.answer(request.headers(), &self.store)),
            "/metrics/slis" => Ok(self.slis.answer(request.headers())),
            _ if path.starts_with("/openapi/") => openapi::answer(&request),
            _ => discovery::answer(&self, &request),
        }
    }

    /// A request for a resource, within its time and the room there is.
    async fn resource(self: Arc<Self>, call: Call, body: Incoming) -> Answer {
        if !self.store.loaded() {
            let message = "the server is still loading the objects from etcd, or etcd does not answer";
            return Err(Status::unavailable(message));
        }
        if call.stays_open() {
            return self.perform(call, body).await;
        }
        let patience = call.query.patience()?.map_or(REQUEST_TIMEOUT, |patience| patience.min(REQUEST_TIMEOUT));
        let Ok(_room) = self.room.try_acquire() else {
            return Err(Status::too_many_requests("Too many requests, please try again later.", 1));
        };
        match tokio::time::timeout(patience, Arc::clone(&self).perform(call, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(Status::timeout("request did not complete within the allotted timeout", 1)),
        }
    }

    /// The answer, with a warning where the kind is going out of use.
    async fn perform(self: Arc<Self>, call: Call, body: Incoming) -> Answer {
        let deprecation = call.kind().deprecation();
        let mut answer = self.dispatch(call, body).await;
        if let (Ok(response), Some(why)) = (&mut answer, deprecation) {
            reply::warn(response, &[why.to_owned()]);
        }
        answer
    }

    async fn dispatch(self: Arc<Self>, call: Call, body: Incoming) -> Answer {
        if let Some(subresource) = call.target.subresource {
            return subresource::answer(self, call, subresource, body).await;
        }
        if !self.stored(call.kind()) {
            return verbs::unstored::answer(self, call, body).await;
        }
        match call.verb {
            Verb::Get => verbs::read::get(&self, &call).await,
            Verb::List => verbs::read::list(&self, &call).await,
            Verb::Watch => verbs::watch::watch(&self, &call).await,
            Verb::Create => verbs::create::answer(&self, &call, body).await,
            Verb::Update => verbs::update::answer(&self, &call, body).await,
            Verb::Patch => verbs::patch::answer(&self, &call, body).await,
            Verb::Delete => verbs::delete::answer(&self, &call, body).await,
            Verb::DeleteCollection => verbs::delete::collection(&self, &call, body).await,
        }
    }

    /// Whether what a cluster has from the beginning is there.
    pub(crate) fn bootstrapped(&self) -> bool {
        self.bootstrapped.load(Ordering::Acquire)
    }

    /// It is there.
    pub(crate) fn set_bootstrapped(&self) {
        self.bootstrapped.store(true, Ordering::Release);
    }

    /// Whether the kind's objects are kept in storage.
    pub(crate) fn stored(&self, kind: &Kind) -> bool {
        self.store.shelf(kind.plural).is_some()
    }
}

/// What storage refused, as the client is told.
pub(crate) fn refuse(kind: &Kind, name: &str, error: StorageError) -> Status {
    match error {
        StorageError::NotFound => Status::not_found(kind, name),
        StorageError::Exists => Status::already_exists(kind, name),
        StorageError::Conflict => Status::modified(kind, name),
        StorageError::Compacted => Status::expired("The resourceVersion for the provided list is too old."),
        StorageError::Future(asked, current) => Status::too_large_resource_version(asked, current, 1),
        StorageError::TooLarge => Status::too_large(crate::http::body::MAX_REQUEST),
        StorageError::Timeout => Status::timeout("etcd did not answer in time", 1),
        StorageError::Unavailable(why) => Status::unavailable(format!("etcd is unavailable: {why}")),
        error @ (StorageError::Claimed(_) | StorageError::Beside | StorageError::Corrupt { .. }) => {
            Status::internal(&error.to_string())
        }
    }
}
