//! The Kubernetes API over etcd. The only room that talks to etcd.
//!
//! A request's way: [`http`] understands its head, [`api`] lets it pass and hands it to its verb or subresource, which reads
//! from or writes through [`storage`]; what an object is and may be is `kube-api`'s.

mod admission;
mod api;
mod auth;
mod authorize;
mod bootstrap;
mod convert;
mod discovery;
mod health;
mod http;
mod kubelet;
mod metrics;
mod oidc;
mod openapi;
mod options;
mod present;
mod selection;
mod service;
mod slis;
mod storage;
mod strategy;
mod subresource;
mod upgrade;
mod verbs;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use serve::tls::ClientAuth;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use api::{Api, Service};
use auth::Authenticator;
use auth::file::Secrets;
use auth::jwt::Tokens;
use options::Options;

/// Runs `km apiserver` with these arguments until it is asked to end, and drains.
///
/// # Errors
/// Flags or files that cannot be used, and addresses that cannot be bound. That etcd does not answer is no error: the server
/// says so on `/readyz` and waits for it.
pub fn run(args: Vec<String>) -> serve::Running {
    Box::pin(main(args))
}

async fn main(args: Vec<String>) -> anyhow::Result<()> {
    let shutdown = serve::shutdown::on_signal()?;
    run_until(args, shutdown).await
}

/// The same until `shutdown` is cancelled.
///
/// # Errors
/// As [`run`].
pub async fn run_until(args: Vec<String>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let options: Options = serve::flags::parse("apiserver", args, options::IGNORED)?;
    serve::log::init(options.v);
    let tls = tls(&options)?;
    let plain = bind(options.insecure_bind_address, options.insecure_port).await?;
    let secure = if tls.is_some() { bind(options.bind_address, options.secure_port).await? } else { None };
    anyhow::ensure!(
        plain.is_some() || secure.is_some(),
        "both --insecure-port and --secure-port are 0: nothing to serve on"
    );
    let resources = kube_api::kinds::all().iter().filter(|kind| kind.allows("list") && kind.allows("create"));
    let (event_ttl, compaction) = (options.event_ttl, options.etcd_compaction_interval);
    let store = storage::Store::start(
        &options.etcd_servers,
        resources.map(|kind| kind.plural),
        event_ttl,
        compaction,
        &shutdown,
    )
    .await
    .context("connecting to etcd")?;
    let api = Arc::new(Api {
        authenticator: authenticator(&options)?,
        tokens: tokens(&options)?,
        kubelet: kubelet::Kubelet::new(&options)?,
        rbac: authorize::rbac::Rbac::default(),
        quotas: admission::resource_quota::Ledger::default(),
        metrics: metrics::Metrics::new(),
        slis: slis::Slis::new(),
        room: Semaphore::new(options.max_requests_inflight),
        bootstrapped: AtomicBool::new(false),
        shutdown: shutdown.clone(),
        store,
        options,
    });
    let bootstrap = tokio::spawn(bootstrap::run(Arc::clone(&api), shutdown.clone()));
    let aggregation = tokio::spawn(authorize::aggregate::run(Arc::clone(&api), shutdown.clone()));
    let service = Service(api);
    let (plain_service, plain_shutdown) = (service.clone(), shutdown.clone());
    let plain = async move {
        if let Some(listener) = plain {
            serve::http::plain(listener, plain_service, plain_shutdown).await;
        }
    };
    let secure = async move {
        if let (Some(listener), Some(config)) = (secure, tls) {
            serve::http::tls(listener, config, service, shutdown).await;
        }
    };
    tokio::join!(plain, secure);
    bootstrap.await.context("the bootstrap task")?;
    aggregation.await.context("the task that aggregates cluster roles")?;
    Ok(())
}

async fn bind(address: std::net::IpAddr, port: u16) -> anyhow::Result<Option<TcpListener>> {
    if port == 0 {
        return Ok(None);
    }
    let address = SocketAddr::new(address, port);
    let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
    tracing::info!(%address, "listening");
    Ok(Some(listener))
}

fn tls(options: &Options) -> anyhow::Result<Option<Arc<rustls::ServerConfig>>> {
    if options.secure_port == 0 {
        return Ok(None);
    }
    let file = |flag: &Option<PathBuf>, name: &str, flag_name: &str| {
        options.file(flag.as_ref(), name).with_context(|| {
            format!(
                "--secure-port needs {flag_name}, or {name} in --cert-dir ({}); 0 turns it off",
                options.cert_dir.display()
            )
        })
    };
    let certificate = read(&file(&options.tls_cert_file, "apiserver.crt", "--tls-cert-file")?)?;
    let key = read(&file(&options.tls_private_key_file, "apiserver.key", "--tls-private-key-file")?)?;
    let authority = options.file(options.client_ca_file.as_ref(), "ca.crt").map(|path| read(&path)).transpose()?;
    let clients = authority.as_deref().map(|pem| (pem, ClientAuth::Optional));
    serve::tls::server_config(&certificate, &key, clients).map(Some)
}

fn authenticator(options: &Options) -> anyhow::Result<Authenticator> {
    let secrets = |flag: &Option<PathBuf>, name: &str, parse: fn(&str) -> anyhow::Result<Secrets>| {
        let Some(path) = options.file(flag.as_ref(), name) else { return Ok(Secrets::default()) };
        let text = String::from_utf8(read(&path)?).with_context(|| format!("reading {}", path.display()))?;
        parse(&text).with_context(|| format!("reading {}", path.display()))
    };
    Ok(Authenticator {
        tokens: secrets(&options.token_auth_file, "token-users", Secrets::tokens)?,
        passwords: secrets(&options.basic_auth_file, "basic-users", Secrets::passwords)?,
        control: Some(options.insecure_bind_address).filter(|address| !address.is_unspecified()),
    })
}

fn tokens(options: &Options) -> anyhow::Result<Option<Tokens>> {
    let signing = options.file(options.service_account_signing_key_file.as_ref(), "service-account.key");
    let public = options.file(options.service_account_key_file.as_ref(), "service-account.pub");
    if signing.is_none() && public.is_none() {
        return Ok(None);
    }
    let files: Vec<String> = [&signing, &public].into_iter().flatten().map(|path| path.display().to_string()).collect();
    let signing = signing.map(|path| read(&path)).transpose()?;
    let public = public.map(|path| read(&path)).transpose()?;
    // the documents name one file for both: a key also tells its public half
    let (signing, public) = match (signing, public) {
        (signing, Some(pem)) if !String::from_utf8_lossy(&pem).contains("PUBLIC KEY") => (signing.or(Some(pem)), None),
        both => both,
    };
    let tokens = Tokens::from_pem(signing.as_deref(), public.as_deref());
    tokens.map(Some).with_context(|| format!("reading {}", files.join(" and ")))
}

fn read(path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("reading {}", path.display()))
}
