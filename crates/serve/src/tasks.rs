//! Tasks that a server lives by: where one of them panics the server ends, and whoever runs it starts it again.

use tokio::task::JoinSet;

/// Waits for a task that does not end by itself, which is a panic; those that end as they should are let go.
pub async fn broken(tasks: &mut JoinSet<()>) -> anyhow::Error {
    loop {
        match tasks.join_next().await {
            Some(Ok(())) => {}
            Some(Err(error)) => return anyhow::Error::new(error).context("a part of this server has ended"),
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_told_and_an_end_is_not() {
        let mut tasks = JoinSet::new();
        tasks.spawn(async {});
        assert!(
            tokio::time::timeout(Duration::from_secs(1), broken(&mut tasks)).await.is_err(),
            "nothing has panicked"
        );
        tasks.spawn(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            panic!("no");
        });
        assert_eq!(broken(&mut tasks).await.to_string(), "a part of this server has ended");
    }
}
