//! The servers of this crate alone, and a tiny executor, for its tests:
//! `mesosd [km] mesos-master|mesos-agent|mesos-command-executor|executor [FLAGS]`.
//!
//! The executor does what the names of its tasks say: `finish`, `fail`, `die` (exits with 3), and all others stay until
//! they are killed. It answers a message with `pong:` and the same bytes.

use std::time::Duration;

use anyhow::{Context, bail};
use mesos::executor::Event;
use mesos::executor::client::{Agent, Notice, connect};
use mesos::executor::environment::Environment;
use mesos::{Bytes, TaskID, TaskState, TaskStatus};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1).skip_while(|arg| arg == "km");
    match args.next().as_deref() {
        Some("mesos-master") => mesosd::master::run(args.collect()).await,
        Some("mesos-agent") => mesosd::agent::run(args.collect()).await,
        Some(mesosd::agent::COMMAND_EXECUTOR) => mesosd::agent::run_command_executor(args.collect()).await,
        Some("executor") => executor().await,
        other => bail!("no server is called {other:?}"),
    }
}

async fn executor() -> anyhow::Result<()> {
    let environment = Environment::from_process().context("failed to read the environment")?;
    let (agent, mut notices) = connect(environment);
    let mut staying: Vec<TaskID> = Vec::new();
    while let Some(notice) = notices.next().await {
        let event = match notice {
            Notice::Event(event) => event,
            Notice::Disconnected { .. } => continue,
            Notice::GaveUp { .. } => return Ok(()),
        };
        match event {
            Event::Launch(launch) => {
                let task = launch.task;
                report(&agent, &task.task_id, TaskState::Starting, "starting");
                report(&agent, &task.task_id, TaskState::Running, "running");
                match task.name.as_str() {
                    "finish" => report(&agent, &task.task_id, TaskState::Finished, "done"),
                    "fail" => report(&agent, &task.task_id, TaskState::Failed, "it failed"),
                    "die" => {
                        agent.flushed(Duration::from_secs(30)).await;
                        std::process::exit(3);
                    }
                    _ => staying.push(task.task_id),
                }
            }
            Event::Kill(kill) => {
                staying.retain(|task| *task != kill.task_id);
                report(&agent, &kill.task_id, TaskState::Killed, "killed");
            }
            Event::Message(message) => {
                let answer = [b"pong:".as_slice(), &message.data.0].concat();
                agent.message(Bytes(answer)).await;
            }
            Event::Shutdown => break,
            _ => {}
        }
    }
    staying.iter().for_each(|task| report(&agent, task, TaskState::Killed, "shutdown"));
    agent.flushed(Duration::from_secs(30)).await;
    Ok(())
}

fn report(agent: &Agent, task: &TaskID, state: TaskState, message: &str) {
    let message = Some(message.to_owned());
    agent.update(TaskStatus { task_id: task.clone(), state, message, ..TaskStatus::default() });
}
