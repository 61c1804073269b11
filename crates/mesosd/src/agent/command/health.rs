//! The health check of a command's task (reference section 4.4): made again and again while the command runs. What it finds is
//! told when it changes, and whenever it fails; too many failures one after the other are the task's end.

use std::time::Duration;

use mesos::TaskInfo;
use mesos::check::{CheckType, HealthCheck};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::Instant;

/// The most that is read of an HTTP answer: its first line is in it.
const ANSWER: usize = 4096;

/// A task's health as its executor knows it.
pub(super) struct Health {
    check: HealthCheck,
    /// When the next check begins.
    due: Instant,
    /// The end of the time in which a task that has never been healthy may fail.
    grace: Instant,
    failures: u32,
    healthy: Option<bool>,
}

/// What a check's result means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing new.
    Nothing,
    /// To be told.
    Told {
        healthy: bool,
        /// The task has to end.
        ends: bool,
    },
}

impl Health {
    /// Of a task that has started now; `None` where nobody asks for its health.
    pub(super) fn of(task: &TaskInfo) -> Option<Self> {
        let check = task.health_check.clone()?;
        let now = Instant::now();
        let due = now + seconds(check.delay_seconds, 15.0);
        let grace = now + seconds(check.grace_period_seconds, 10.0);
        Some(Self { check, due, grace, failures: 0, healthy: None })
    }

    /// Waits for the next check's turn, makes it, and says what it means. Cancelled in its midst it is made again.
    pub(super) async fn next(&mut self) -> Verdict {
        tokio::time::sleep_until(self.due).await;
        let timeout = seconds(self.check.timeout_seconds, 20.0);
        let result = match tokio::time::timeout(timeout, ask(&self.check)).await {
            Ok(result) => result,
            Err(_) => Err(format!("no answer within {} s", timeout.as_secs_f32())),
        };
        let now = Instant::now();
        self.due = now + seconds(self.check.interval_seconds, 10.0);
        if let Err(why) = &result {
            tracing::info!(why, "the task's health check failed");
        }
        self.judge(result.is_ok(), now)
    }

    fn judge(&mut self, passed: bool, now: Instant) -> Verdict {
        if passed {
            self.failures = 0;
            let was = self.healthy.replace(true);
            return if was == Some(true) { Verdict::Nothing } else { Verdict::Told { healthy: true, ends: false } };
        }
        if self.healthy.is_none() && now <= self.grace {
            return Verdict::Nothing;
        }
        self.failures += 1;
        self.healthy = Some(false);
        Verdict::Told { healthy: false, ends: self.failures >= self.check.consecutive_failures.unwrap_or(3) }
    }
}

fn seconds(asked: Option<f64>, usual: f64) -> Duration {
    Duration::try_from_secs_f64(asked.unwrap_or(usual)).unwrap_or(Duration::from_secs_f64(usual))
}

/// Makes the check once.
async fn ask(check: &HealthCheck) -> Result<(), String> {
    match (check.r#type, &check.command, &check.http, &check.tcp) {
        (Some(CheckType::Command), Some(command), ..) => {
            let mut command = Command::from(super::process_of(command).map_err(|error| error.to_string())?);
            let status = command.kill_on_drop(true).status().await.map_err(|error| error.to_string())?;
            if status.success() { Ok(()) } else { Err(format!("the command ended with {status}")) }
        }
        (Some(CheckType::Http), _, Some(http), _) => {
            let path = http.path.as_deref().unwrap_or("/");
            get(&format!("127.0.0.1:{}", http.port), path).await
        }
        (Some(CheckType::Tcp), _, _, Some(tcp)) => {
            let connected = TcpStream::connect(format!("127.0.0.1:{}", tcp.port)).await;
            connected.map(drop).map_err(|error| error.to_string())
        }
        _ => Err("there is no such check".to_owned()),
    }
}

/// An HTTP GET; the statuses 200 to 399 are good.
async fn get(server: &str, path: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(server).await.map_err(failed)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut answer = Vec::new();
    let mut piece = [0; 512];
    while !answer.contains(&b'\n') && answer.len() < ANSWER {
        match stream.read(&mut piece).await.map_err(failed)? {
            0 => break,
            length => answer.extend_from_slice(&piece[..length]),
        }
    }
    let line = String::from_utf8_lossy(&answer);
    let line = line.lines().next().unwrap_or_default();
    let status = line.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
    match status {
        Some(200..=399) if line.starts_with("HTTP/") => Ok(()),
        _ => Err(format!("the answer was {line:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesos::CommandInfo;
    use mesos::check::{HealthCheckHttp, HealthCheckTcp};
    use tokio::net::TcpListener;

    fn health(check: HealthCheck) -> Health {
        Health::of(&TaskInfo { health_check: Some(check), ..TaskInfo::default() }).unwrap()
    }

    #[tokio::test]
    async fn a_task_is_unhealthy_after_its_grace_and_ends_after_so_many_failures() {
        let mut health = health(HealthCheck { consecutive_failures: Some(2), ..HealthCheck::default() });
        let (early, late) = (health.grace, health.grace + Duration::from_secs(1));
        assert_eq!(health.judge(false, early), Verdict::Nothing, "within its grace");
        assert_eq!(health.judge(false, late), Verdict::Told { healthy: false, ends: false });
        assert_eq!(health.judge(true, late), Verdict::Told { healthy: true, ends: false });
        assert_eq!(health.judge(true, late), Verdict::Nothing, "it is known");
        assert_eq!(health.judge(false, early), Verdict::Told { healthy: false, ends: false }, "grace is for the new");
        assert_eq!(health.judge(false, late), Verdict::Told { healthy: false, ends: true });
        assert!(Health::of(&TaskInfo::default()).is_none());
    }

    #[tokio::test]
    async fn commands_ports_and_pages_are_asked() {
        let command = |value: &str| HealthCheck {
            r#type: Some(CheckType::Command),
            command: Some(CommandInfo { value: Some(value.into()), shell: true, ..CommandInfo::default() }),
            ..HealthCheck::default()
        };
        assert_eq!(ask(&command("exit 0")).await, Ok(()));
        assert!(ask(&command("exit 3")).await.unwrap_err().contains('3'));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = u32::from(listener.local_addr().unwrap().port());
        let tcp = HealthCheckTcp { port, ..HealthCheckTcp::default() };
        let tcp = HealthCheck { r#type: Some(CheckType::Tcp), tcp: Some(tcp), ..HealthCheck::default() };
        assert_eq!(ask(&tcp).await, Ok(()));
        let serving = tokio::spawn(async move {
            let (_, _) = listener.accept().await.unwrap();
            for answer in ["HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 500 Oh\r\n\r\n"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 512]).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let http = HealthCheckHttp { port, path: Some("/up".into()), ..HealthCheckHttp::default() };
        let http = HealthCheck { r#type: Some(CheckType::Http), http: Some(http), ..HealthCheck::default() };
        assert_eq!(ask(&http).await, Ok(()));
        assert!(ask(&http).await.unwrap_err().contains("500"));
        serving.await.unwrap();
        assert!(ask(&http).await.is_err() && ask(&tcp).await.is_err(), "nobody listens any more");
    }
}
