//! Volumes of the engine's own: emptyDirs in memory, which only the engine can mount.

use std::collections::HashMap;
use std::path::PathBuf;

use bollard::errors::Error;
use bollard::models::VolumeCreateRequest;
use bollard::query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptions};

use super::{Runtime, ignore, label};

impl Runtime {
    /// Makes a volume in memory, of `bytes` at most, or finds it made. It lives while a container that runs has it: the
    /// pod's sandbox does from its start to its end. Gives where it is on the Docker host while it lives.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn create_memory(&self, name: &str, uid: &str, bytes: u64, group: Option<u32>) -> Result<PathBuf, Error> {
        // everybody may write; files belong to the group where there is one
        let rights = group.map_or_else(|| "mode=0777".to_owned(), |group| format!("mode=2777,gid={group}"));
        let options =
            [("type", "tmpfs".to_owned()), ("device", "tmpfs".to_owned()), ("o", format!("size={bytes},{rights}"))];
        let labels = [(label::CLUSTER, &*self.cluster), (label::NODE, &*self.node), (label::POD_UID, uid)];
        let request = VolumeCreateRequest {
            name: Some(name.to_owned()),
            driver: Some("local".to_owned()),
            driver_opts: Some(options.map(|(key, value)| (key.to_owned(), value)).into()),
            labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
            ..VolumeCreateRequest::default()
        };
        Ok(self.docker.create_volume(request).await?.mountpoint.into())
    }

    /// UIDs of the pods that have volumes on this node, each as often as it has one.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn volume_owners(&self) -> Result<Vec<String>, Error> {
        let filters: HashMap<String, Vec<String>> = self.filters(None);
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let volumes = self.docker.list_volumes(Some(options)).await?.volumes.into_iter().flatten();
        Ok(volumes.filter_map(|mut volume| volume.labels.remove(label::POD_UID)).collect())
    }

    /// Removes the pod's volumes. Its containers are gone.
    ///
    /// # Errors
    /// When the engine cannot.
    pub async fn remove_volumes(&self, uid: &str) -> Result<(), Error> {
        let filters: HashMap<String, Vec<String>> = self.filters(Some(uid));
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        for volume in self.docker.list_volumes(Some(options)).await?.volumes.into_iter().flatten() {
            ignore(self.docker.remove_volume(&volume.name, None::<RemoveVolumeOptions>).await, &[404])?;
        }
        Ok(())
    }
}
