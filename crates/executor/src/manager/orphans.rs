//! What belongs to no pod of this node and was left behind, by an executor that died or by something that could not be removed
//! at its time: containers, volumes in memory, files.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;

use crate::context::Context;
use crate::pod;
use crate::runtime::Owner;

/// What a pod left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Orphan {
    /// Containers, and whatever else there is.
    Containers(Owner),
    /// Volumes or files of the pod of that UID, and no containers.
    Rest(String),
}

/// All there is of pods that are not `known`.
///
/// # Errors
/// When the engine does not answer, or the pods' directory cannot be read.
pub(super) async fn find(context: &Context, known: impl Fn(&str) -> bool) -> anyhow::Result<Vec<Orphan>> {
    let owners = context.runtime.owners().await?;
    let volumes = context.runtime.volume_owners().await?;
    let directories = directories(&context.flags.root_dir.join("pods"))?;
    Ok(sort(owners, volumes.into_iter().chain(directories), known))
}

fn sort(owners: Vec<Owner>, others: impl Iterator<Item = String>, known: impl Fn(&str) -> bool) -> Vec<Orphan> {
    let owners: Vec<_> = owners.into_iter().filter(|owner| !known(&owner.uid)).collect();
    let has_containers = |uid: &String| owners.iter().any(|owner| owner.uid == *uid);
    let rest: BTreeSet<String> = others.filter(|uid| !known(uid) && !has_containers(uid)).collect();
    owners.into_iter().map(Orphan::Containers).chain(rest.into_iter().map(Orphan::Rest)).collect()
}

/// UIDs of pods that have a directory.
fn directories(of: &Path) -> io::Result<Vec<String>> {
    match std::fs::read_dir(of) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(entries) => entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
    }
}

/// Removes it; false where something of it may still be there and is to be looked for again.
pub(super) async fn remove(context: Arc<Context>, orphan: Orphan) -> bool {
    let (uid, containers_gone) = match orphan {
        Orphan::Rest(uid) => (uid, true),
        Orphan::Containers(owner) => match is_ours(&context, &owner).await {
            Ok(true) => return true,
            Ok(false) => {
                let gone = remove_containers(&context, &owner).await;
                (owner.uid, gone)
            }
            Err(error) => {
                tracing::warn!(%error, pod = owner.name, "cannot ask whose containers these are");
                return false;
            }
        },
    };
    tracing::info!(uid, "removing what is left of a pod that is not here");
    containers_gone && remove_rest(&context, &uid).await
}

/// Whether the pod is there and not another node's.
async fn is_ours(context: &Context, owner: &Owner) -> kube::Result<bool> {
    let found = context.get::<Pod>(&owner.namespace, &owner.name).await?;
    Ok(found.filter(|pod| pod::uid(pod) == owner.uid).is_some_and(|pod| {
        let node = pod::spec(&pod).node_name.as_deref().filter(|node| !node.is_empty());
        node.is_none_or(|node| node == context.node)
    }))
}

async fn remove_containers(context: &Context, owner: &Owner) -> bool {
    let Owner { uid, namespace, name } = owner;
    tracing::info!(pod = name, namespace, uid, "removing containers of no pod");
    let observed = match context.runtime.observe(uid).await {
        Ok(observed) => observed,
        Err(error) => {
            tracing::warn!(pod = name, %error, "cannot look at the containers");
            return false;
        }
    };
    let containers = observed.containers.iter().map(|container| &container.id);
    let mut gone = true;
    for id in containers.chain(observed.sandboxes.iter().map(|sandbox| &sandbox.id)) {
        if let Err(error) = context.runtime.remove(id).await {
            tracing::warn!(container = id, %error, "cannot remove the container");
            gone = false;
        }
    }
    gone
}

/// Removes the volumes and files of a pod that has no containers; false where something is left.
async fn remove_rest(context: &Context, uid: &str) -> bool {
    let volumes = context.runtime.remove_volumes(uid).await;
    if let Err(error) = &volumes {
        tracing::warn!(uid, %error, "cannot remove the pod's volumes");
    }
    let files = context.directory(uid).remove();
    if let Err(error) = &files {
        tracing::warn!(uid, %error, "cannot remove the pod's files");
    }
    volumes.is_ok() && files.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_unknown_pods_is_found_once() {
        let owner = |uid: &str| Owner { uid: uid.into(), namespace: "n".into(), name: "p".into() };
        let others = ["a", "b", "c", "c"].map(str::to_owned).into_iter();
        let found = sort(vec![owner("a"), owner("known")], others, |uid| uid == "known" || uid == "b");
        assert_eq!(found, [Orphan::Containers(owner("a")), Orphan::Rest("c".into())]);
    }

    #[test]
    fn directories_are_named_by_uid() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(directories(&root.path().join("none")).unwrap(), [""; 0]);
        std::fs::create_dir(root.path().join("u")).unwrap();
        assert_eq!(directories(root.path()).unwrap(), ["u"]);
    }
}
