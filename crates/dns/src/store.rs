//! Records in the pod's own etcd: kube2sky writes them, skydns reads them and follows their changes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use etcd_client::{Client, Event, EventType, GetOptions, Txn, TxnOp, WatchOptions};
use tokio_util::sync::CancellationToken;

use crate::follow::Change;
use crate::record::{PREFIX, key, path_of_key};
use crate::zone::{Shared, Zone};

/// Below this key SkyDNS keeps its settings, which are no records.
const CONFIG: &str = "/skydns/config";
/// Between attempts at an etcd that is not there yet.
const RETRY: Duration = Duration::from_millis(100);
/// Operations of one transaction: etcd takes 128.
const OPERATIONS: usize = 128;

/// Makes etcd hold what the change says. With `all`, what the change does not put is taken away: an earlier kube2sky's.
///
/// # Errors
/// When etcd does not take it.
pub async fn write(client: &mut Client, change: &Change, all: bool) -> anyhow::Result<()> {
    let mut removed: BTreeSet<String> = change.removed.iter().map(|path| key(path)).collect();
    if all {
        let known = client.get(PREFIX, Some(GetOptions::new().with_prefix().with_keys_only())).await;
        for found in known.context("reading the records that are there")?.kvs() {
            let key = found.key_str().unwrap_or_default().to_owned();
            if key != CONFIG && path_of_key(&key).is_none_or(|path| !change.put.contains_key(&path)) {
                removed.insert(key);
            }
        }
    }
    let puts = change.put.iter().map(|(path, record)| TxnOp::put(key(path), record.json(), None));
    let operations: Vec<TxnOp> = puts.chain(removed.into_iter().map(|key| TxnOp::delete(key, None))).collect();
    for some in operations.chunks(OPERATIONS) {
        client.txn(Txn::new().and_then(some)).await.context("writing records")?;
    }
    Ok(())
}

/// Keeps `zone` as etcd has it until `stop` is cancelled; `ready` is called when it is so first. An etcd that goes away is
/// waited for, and the zone answers as it is meanwhile.
pub async fn read(endpoint: &str, zone: Arc<Shared>, stop: CancellationToken, ready: impl Fn()) {
    loop {
        let Some(ended) = stop.run_until_cancelled(read_once(endpoint, &zone, &ready)).await else { return };
        if let Err(error) = ended {
            tracing::warn!("{error:#}; trying again");
        }
        if stop.run_until_cancelled(tokio::time::sleep(RETRY)).await.is_none() {
            return;
        }
    }
}

async fn read_once(endpoint: &str, zone: &Shared, ready: &impl Fn()) -> anyhow::Result<()> {
    let mut client = Client::connect([endpoint], None).await.with_context(|| format!("reaching etcd at {endpoint}"))?;
    let listed = client.get(PREFIX, Some(GetOptions::new().with_prefix())).await.context("listing records")?;
    let revision = listed.header().map_or(0, etcd_client::ResponseHeader::revision);
    let mut fresh = Zone::default();
    for found in listed.kvs() {
        put(&mut fresh, found.key(), found.value());
    }
    zone.set(fresh);
    ready();
    let options = WatchOptions::new().with_prefix().with_start_revision(revision + 1);
    let mut changes = client.watch(PREFIX, Some(options)).await.context("watching records")?;
    while let Some(message) = changes.message().await.context("watching records")? {
        zone.change(|zone| message.events().iter().for_each(|event| take(zone, event)));
    }
    anyhow::bail!("etcd at {endpoint} ended the watch of records")
}

fn take(zone: &mut Zone, event: &Event) {
    let Some(found) = event.kv() else { return };
    match event.event_type() {
        EventType::Put => put(zone, found.key(), found.value()),
        EventType::Delete => {
            if let Some(path) = path(found.key()) {
                zone.remove(&path);
            }
        }
    }
}

fn path(key: &[u8]) -> Option<Vec<String>> {
    std::str::from_utf8(key).ok().filter(|key| *key != CONFIG).and_then(path_of_key)
}

fn put(zone: &mut Zone, key: &[u8], value: &[u8]) {
    let Some(path) = path(key) else { return };
    match serde_json::from_slice(value) {
        Ok(record) => zone.insert(&path, record),
        Err(error) => tracing::warn!("record {} is not understood: {error}", crate::record::name(&path)),
    }
}
