//! What processes use while nothing happens. Shared by the benches.

use std::time::Duration;

use super::process::Use;

/// The memory of each at the end of `seconds`, and the share of a core that it took in them. `used` says what each has used until
/// then; what went before settles first.
pub(crate) async fn over(
    seconds: u64,
    what: &str,
    used: impl AsyncFn() -> anyhow::Result<Vec<Use>>,
) -> anyhow::Result<Vec<Use>> {
    tokio::time::sleep(Duration::from_secs(seconds.min(10))).await;
    let before = used().await?;
    eprintln!("{what} for {seconds} s");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let after = used().await?;
    let share = |(before, after): (Use, Use)| Use { pss: after.pss, cpu: (after.cpu - before.cpu) / seconds as f64 };
    Ok(before.into_iter().zip(after).map(share).collect())
}
