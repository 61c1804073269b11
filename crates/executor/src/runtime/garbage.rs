//! Images that this node pulled, and their removal when the disk is full.
//!
//! The engine belongs to the developer: only what was not there before a pod of ours made us pull it is ever removed, and
//! only where no container has it. The names are kept in a file of the node, a line each.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::Path;

use bollard::errors::Error;
use bollard::query_parameters::{ListContainersOptionsBuilder, RemoveImageOptions};

use super::{Runtime, is_status, words};

/// The file's name in the node's root directory.
const FILE: &str = "pulled-images";

/// Notes that the node pulled an image that was not there.
///
/// # Errors
/// When the file cannot be written.
pub fn note(root: &Path, image: &str) -> io::Result<()> {
    let mut all = noted(root);
    if all.insert(image.to_owned()) { write(root, &all) } else { Ok(()) }
}

fn noted(root: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root.join(FILE)).unwrap_or_default();
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn write(root: &Path, all: &BTreeSet<String>) -> io::Result<()> {
    let text: String = all.iter().map(|image| format!("{image}\n")).collect();
    let next = root.join(format!("{FILE}.tmp"));
    std::fs::write(&next, text)?;
    std::fs::rename(next, root.join(FILE))
}

impl Runtime {
    /// Removes the images that the node pulled and no container has; their names. What the engine keeps is tried again
    /// another time.
    pub async fn collect_images(&self, root: &Path) -> Vec<String> {
        let mut removed = Vec::new();
        let used = match self.images_in_use().await {
            Ok(used) => used,
            Err(error) => {
                tracing::warn!(error = words(&error), "cannot tell which images are in use");
                return removed;
            }
        };
        for image in noted(root) {
            // the engine itself would take a name from an image that has another one, containers or not
            if self.image(&image).await.is_ok_and(|found| found.is_some_and(|found| used.contains(&found.id))) {
                continue;
            }
            match self.docker.remove_image(&image, None::<RemoveImageOptions>, None).await {
                Ok(_) => removed.push(image),
                Err(error) if is_status(&error, 404) => removed.push(image),
                Err(error) => tracing::debug!(image, error = words(&error), "the image stays"),
            }
        }
        // others may have been pulled meanwhile
        let left = noted(root).into_iter().filter(|image| !removed.contains(image)).collect();
        if let Err(error) = write(root, &left) {
            tracing::warn!(%error, "cannot write which images were pulled");
        }
        removed
    }
}

impl Runtime {
    /// The IDs of images that some container has, whoever's it is.
    async fn images_in_use(&self) -> Result<HashSet<String>, Error> {
        let all = ListContainersOptionsBuilder::default().all(true).build();
        let listed = self.docker.list_containers(Some(all)).await?;
        Ok(listed.into_iter().filter_map(|container| container.image_id).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulled_images_are_remembered_once() {
        let root = tempfile::tempdir().unwrap();
        for image in ["b:1", "a:1", "b:1"] {
            note(root.path(), image).unwrap();
        }
        assert_eq!(noted(root.path()), ["a:1".to_owned(), "b:1".to_owned()].into());
    }
}
