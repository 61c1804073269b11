//! `health-check`, `await-health-check` and `await-file`: the small tools of the original's images
//! (reference/k8sm-behaviour.md, section 5.5). `km` and `k8sm` have them both.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser};

use crate::failure::{Failure, Kind};
use crate::shell;

/// Ask a URL once: exit code 0 when it answers 200, 7 when nobody answers, else 1
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm health-check http://127.0.0.1:8888/healthz")]
pub(crate) struct HealthCheck {
    #[command(flatten)]
    target: Target,
}

/// Ask a URL until it answers 200
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm await-health-check -t=60 http://127.0.0.1:8888/healthz")]
pub(crate) struct AwaitHealthCheck {
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    target: Target,
}

/// Wait until a file is there
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm await-file -t=60 /var/lib/k8sm/pki/apiserver.crt")]
pub(crate) struct AwaitFile {
    #[command(flatten)]
    patience: Patience,
    /// The file
    file: PathBuf,
}

#[derive(Debug, Args)]
struct Target {
    /// The URL
    url: String,
    /// The certificate authority of an https URL
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Patience {
    /// How long to wait
    #[arg(short, long, value_name = "TIME", default_value = "10s", value_parser = serve::duration::of_flag)]
    timeout: Duration,
}

/// The exit code when nobody answers: that of curl.
const NO_CONNECTION: u8 = 7;

/// How often is asked again, as in the original.
const PERIOD: Duration = Duration::from_millis(500);

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    Bad,
    Unreachable,
}

impl HealthCheck {
    /// Asks, and gives the exit code.
    pub(crate) fn run(&self) -> ExitCode {
        match on_runtime(async { self.target.ask(&self.target.client()?).await }) {
            Ok(Health::Good) => ExitCode::SUCCESS,
            Ok(Health::Bad) => ExitCode::FAILURE,
            Ok(Health::Unreachable) => ExitCode::from(NO_CONNECTION),
            Err(failure) => failure.report(false),
        }
    }
}

impl AwaitHealthCheck {
    /// Waits, and gives the exit code.
    pub(crate) fn run(&self) -> ExitCode {
        let waited = on_runtime(async {
            let client = self.target.client()?;
            let asked = async {
                while self.target.ask(&client).await? != Health::Good {
                    tokio::time::sleep(PERIOD).await;
                }
                Ok(())
            };
            self.patience.limit(asked).await
        });
        waited.map_or_else(|failure| failure.report(false), |()| ExitCode::SUCCESS)
    }
}

impl AwaitFile {
    /// Waits, and gives the exit code.
    pub(crate) fn run(&self) -> ExitCode {
        let waited = on_runtime(async {
            let seen = async {
                while !Path::new(&self.file).exists() {
                    tokio::time::sleep(PERIOD).await;
                }
                Ok(())
            };
            self.patience.limit(seen).await
        });
        waited.map_or_else(|failure| failure.report(false), |()| ExitCode::SUCCESS)
    }
}

impl Patience {
    async fn limit(&self, wait: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
        // The original's scripts end with 1, whatever the reason.
        tokio::time::timeout(self.timeout, wait).await.unwrap_or_else(|_| Err(Failure::failed("Timed out")))
    }
}

impl Target {
    fn client(&self) -> Result<reqwest::Client, Failure> {
        // Somebody else may have installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy();
        if let Some(file) = &self.ca_file {
            let unread = || Failure::usage(format!("read certificate authority {}", file.display()));
            let pem = std::fs::read(file).map_err(|error| unread().because(error))?;
            let certificate = reqwest::Certificate::from_pem(&pem).map_err(|error| unread().because(error))?;
            builder = builder.tls_certs_only([certificate]);
        }
        builder.build().map_err(|error| Failure::environment("make an HTTP client").because(error))
    }

    async fn ask(&self, client: &reqwest::Client) -> Result<Health, Failure> {
        match client.get(&self.url).send().await {
            Ok(answer) if answer.status() == reqwest::StatusCode::OK => Ok(Health::Good),
            Ok(_) => Ok(Health::Bad),
            Err(error) if error.is_builder() => Err(Failure::usage(format!("{} is no URL", self.url)).because(error)),
            Err(error) if error.is_connect() => Ok(Health::Unreachable),
            Err(_) => Ok(Health::Bad),
        }
    }
}

fn on_runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::environment("start the runtime").because(error))?.block_on(work)
}

/// `km health-check`.
pub(crate) fn health_check(args: Vec<String>) -> ExitCode {
    tool::<HealthCheck>("health-check", args, HealthCheck::run)
}

/// `km await-health-check`.
pub(crate) fn await_health_check(args: Vec<String>) -> ExitCode {
    tool::<AwaitHealthCheck>("await-health-check", args, AwaitHealthCheck::run)
}

/// `km await-file`.
pub(crate) fn await_file(args: Vec<String>) -> ExitCode {
    tool::<AwaitFile>("await-file", args, AwaitFile::run)
}

#[derive(Parser)]
struct Words<T: Args> {
    #[command(flatten)]
    args: T,
}

fn tool<T: Args>(name: &str, args: Vec<String>, run: impl Fn(&T) -> ExitCode) -> ExitCode {
    match Words::<T>::try_parse_from(std::iter::once(format!("km {name}")).chain(args)) {
        Ok(words) => run(&words.args),
        Err(asked) if !asked.use_stderr() => match shell::data(&asked.render().to_string()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.report(false),
        },
        Err(refusal) => {
            shell::say(refusal.render().to_string().trim_end());
            ExitCode::from(Kind::Usage as u8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// A server that answers each of these status lines once.
    fn server(answers: &'static [&'static str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 1024]);
                let _ = write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        });
        format!("http://{address}/healthz")
    }

    fn ask(url: String) -> Health {
        let target = Target { url, ca_file: None };
        on_runtime(async { target.ask(&target.client()?).await }).unwrap()
    }

    #[test]
    fn health_is_200_and_nothing_else() {
        assert_eq!(ask(server(&["200 OK"])), Health::Good);
        assert_eq!(ask(server(&["204 No Content"])), Health::Bad);
        assert_eq!(ask(server(&["500 Internal Server Error"])), Health::Bad);
    }

    #[test]
    fn nobody_there_is_told_apart() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(ask(format!("http://{free}/")), Health::Unreachable);
    }

    #[test]
    fn waiting_ends_when_it_is_healthy() {
        let url = server(&["500 Internal Server Error", "200 OK"]);
        let wait = AwaitHealthCheck {
            patience: Patience { timeout: Duration::from_secs(30) },
            target: Target { url, ca_file: None },
        };
        assert_eq!(format!("{:?}", wait.run()), format!("{:?}", ExitCode::SUCCESS));
    }
}
