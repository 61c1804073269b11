//! Undoing an `up` that failed or was interrupted: a new cluster goes, one that was there before loses what was added to it.

use futures::future::join_all;

use super::{DRAIN, Options, client, documents};
use crate::client::Path;
use crate::cluster::act;
use crate::cluster::addons::deploy;
use crate::cluster::engine::Engine;
use crate::cluster::logs;
use crate::cluster::observed::{Observed, State};
use crate::cluster::plan::Plan;
use crate::cluster::remove;
use crate::failure::{Failure, Kind};
use crate::shell;

/// Shows why it failed, keeps the logs, and removes what the run made.
pub(super) async fn undo(
    options: &Options,
    engine: &Engine,
    plan: &Plan,
    before: &Observed,
    run: &str,
    failure: &Failure,
) {
    let cluster = &options.cluster;
    if failure.kind() != Kind::Interrupted {
        logs::save_and_show(engine, cluster, failure).await;
    }
    if options.keep {
        shell::say(&format!("kept as it is: `k8sm down{}` removes it", cluster.flag()));
        return;
    }
    let undone = if before.is_empty() {
        remove::cluster(engine, cluster).await.map(drop)
    } else {
        undo_additions(engine, plan, before, run).await
    };
    if let Err(left) = undone {
        shell::say(&format!("not everything could be removed: {}", left.line()));
        shell::say(&format!("`k8sm down{}` tries again", cluster.flag()));
    }
}

/// Gives a cluster that was there before back as it was, but for what `--recreate` had replaced by then.
async fn undo_additions(engine: &Engine, plan: &Plan, before: &Observed, run: &str) -> Result<(), Failure> {
    let slaves = new_slaves(plan, before);
    let gone = join_all(slaves.iter().map(|slave| remove::slave(engine, &plan.cluster, slave))).await;
    // An API server that was never reached holds nothing of this run.
    let _ = tokio::time::timeout(DRAIN, undo_objects(engine, plan, run, &slaves)).await;
    stop_again(engine, before).await;
    remove::run(engine, run).await?;
    gone.into_iter().collect::<Result<(), Failure>>()?;
    let after = Observed::read(engine, &plan.cluster).await?;
    let replaced = replaced(before, &after);
    if !replaced.is_empty() {
        let names = replaced.join(", ");
        shell::say(&format!(
            "replaced already, and not to be had back: {names}; the same command again completes them"
        ));
    }
    Ok(())
}

/// The hostnames of slaves that were not there in any form before this run.
fn new_slaves(plan: &Plan, before: &Observed) -> Vec<String> {
    let specs = plan.containers.iter().map(|step| &step.spec).filter(|spec| spec.component == "mesosslave");
    let known = |name: &String| before.components.contains_key(name) || before.volumes.contains(name);
    specs.filter(|spec| !known(&spec.name)).map(|spec| spec.hostname.clone()).collect()
}

/// The components of before whose containers are others now, or gone. One that was never started held nothing.
fn replaced<'a>(before: &'a Observed, after: &Observed) -> Vec<&'a str> {
    let same = |name: &String, id: &String| after.components.get(name).is_some_and(|now| now.id == *id);
    let begun = before.components.iter().filter(|(_, there)| there.state != State::Created);
    let others = begun.filter(|(name, there)| !same(name, &there.id));
    others.map(|(name, _)| name.as_str()).collect()
}

/// Takes the objects away that this run put on a cluster that was there before: addons, and nodes of slaves that go.
async fn undo_objects(engine: &Engine, plan: &Plan, run: &str, slaves: &[String]) -> Result<(), Failure> {
    let documents = documents(plan)?;
    if documents.is_none() && slaves.is_empty() {
        return Ok(());
    }
    let pki = act::keys::of(engine, &plan.cluster).await?;
    let client = client(plan, &pki).await?;
    if let Some(documents) = documents {
        deploy::undo(&client, &documents, run).await?;
    }
    let node = kube_api::kinds::of("v1", "Node").expect("nodes are in the table of kinds");
    for slave in slaves {
        match client.delete(&Path::object(node, "", slave), &serde_json::json!({})).await {
            Err(error) if !error.is_not_found() => return Err(Failure::from(error).about(&format!("node {slave}"))),
            _ => {}
        }
    }
    Ok(())
}

/// Stops what this run started of a cluster that was there before.
async fn stop_again(engine: &Engine, before: &Observed) {
    let stopped = before.components.iter().filter(|(_, component)| component.state != State::Running);
    let stops = stopped.map(|(name, _)| async move {
        // One that is gone or stopped already is as it was.
        let _ = engine.docker.stop_container(name, None).await;
    });
    join_all(stops).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::observed::tests::component;
    use crate::cluster::plan::Request;
    use crate::cluster::plan::tests as plans;

    #[test]
    fn undoing_knows_what_was_replaced_and_which_slaves_are_new() {
        let of = |hostnames: &[&str]| {
            let named = hostnames.iter().map(|one| (format!("gtest-{one}"), component(one, State::Running)));
            Observed { components: named.collect(), ..Observed::default() }
        };
        let before = of(&["etcd", "apiserver", "mesosslave1"]);
        let mut after = of(&["etcd", "apiserver"]);
        after.components.get_mut("gtest-apiserver").unwrap().id = "another".to_owned();
        assert_eq!(replaced(&before, &after), ["gtest-apiserver", "gtest-mesosslave1"]);
        assert!(replaced(&before, &before).is_empty());
        after.components = before.components.clone();
        after.components.remove("gtest-etcd");
        let mut unfinished = before.clone();
        unfinished.components.get_mut("gtest-etcd").unwrap().state = State::Created;
        assert!(replaced(&unfinished, &after).is_empty(), "it held nothing");
        let plan = plans::plan(&Request { slaves: Some(3), ..Request::default() }, &before, &plans::machine()).unwrap();
        let volumes = ["gtest-mesosslave2".to_owned()].into();
        assert_eq!(new_slaves(&plan, &Observed { volumes, ..before }), ["mesosslave3"]);
    }
}
