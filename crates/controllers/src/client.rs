//! The way to the API server: a request that is not answered in time fails. Watches, which are answered for long, are not
//! bounded here: `watcher` has a bound of its own.

use std::pin::Pin;
use std::task::{Context as Tasks, Poll};
use std::time::Duration;

use anyhow::Context as _;
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tower::{BoxError, Layer, Service};

/// How long an answer may take: the most that Kubernetes gives any request.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client whose requests end, and say whose they are.
///
/// # Errors
/// When the configuration cannot be used.
pub(crate) fn bounded(mut config: Config) -> anyhow::Result<Client> {
    config.headers.push(serve::version::user_agent("kube-controller-manager"));
    let builder = ClientBuilder::try_from(config).context("cannot make a client of the API server")?;
    Ok(builder.with_layer(&Patience(PATIENCE)).build())
}

/// Bounds what it is laid over.
struct Patience(Duration);

impl<S> Layer<S> for Patience {
    type Service = Bounded<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Bounded { inner, patience: self.0 }
    }
}

/// A service whose answers are waited for no longer than that.
struct Bounded<S> {
    inner: S,
    patience: Duration,
}

impl<S> Service<http::Request<Body>> for Bounded<S>
where
    S: Service<http::Request<Body>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, tasks: &mut Tasks<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(tasks)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let watches = request.uri().query().is_some_and(|query| query.split('&').any(|part| part == "watch=true"));
        let (answer, patience) = (self.inner.call(request), self.patience);
        Box::pin(async move {
            if watches {
                return answer.await;
            }
            match tokio::time::timeout(patience, answer).await {
                Ok(answer) => answer,
                Err(_) => Err(format!("the API server has not answered for {} seconds", patience.as_secs()).into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    /// Answers after an hour.
    struct Slow;

    impl Service<http::Request<Body>> for Slow {
        type Response = ();
        type Error = BoxError;
        type Future = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

        fn poll_ready(&mut self, _: &mut Tasks<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: http::Request<Body>) -> Self::Future {
            Box::pin(async {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                Ok(())
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_but_watches_end() {
        let mut service = Patience(PATIENCE).layer(Slow);
        let mut ask = |path: &str| service.call(http::Request::get(path).body(Body::empty()).unwrap());
        let refusal = ask("/api/v1/pods?limit=1").await.unwrap_err();
        assert_eq!(refusal.to_string(), "the API server has not answered for 60 seconds");
        assert!(ask("/api/v1/pods?&watch=true&allowWatchBookmarks=true").await.is_ok());
    }

    #[tokio::test]
    async fn the_api_server_is_told_who_asks() {
        serve::tls::install_provider();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let client = bounded(Config::new(server.parse().unwrap())).unwrap();
        let asking = tokio::spawn(async move { client.apiserver_version().await });
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        let request = String::from_utf8_lossy(&request[..length]).to_ascii_lowercase();
        assert!(request.contains("\r\nuser-agent: kube-controller-manager/v1."), "{request}");
        asking.abort();
    }
}
