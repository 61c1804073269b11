//! Which clusters an engine has, known by their labels.

use std::collections::BTreeMap;

use bollard::query_parameters::ListContainersOptionsBuilder;
use serde::Serialize;

use super::engine::Engine;
use super::name;
use super::status::table;
use crate::failure::Failure;

/// One cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) slaves: usize,
    /// How many of its components run.
    pub(crate) running: usize,
    pub(crate) components: usize,
    /// The images of its servers.
    pub(crate) images: Vec<String>,
}

/// Reads the clusters of the engine, by name.
///
/// # Errors
/// When the engine does not say.
pub(crate) async fn read(engine: &Engine) -> Result<Vec<Entry>, Failure> {
    let filters = std::collections::HashMap::from([("label", vec![name::COMPONENT])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let listed = engine.docker.list_containers(Some(options)).await;
    let listed = listed.map_err(|error| Failure::environment("list Docker's containers").because(error))?;
    let mut clusters: BTreeMap<String, Entry> = BTreeMap::new();
    for container in listed {
        let labels = container.labels.unwrap_or_default();
        let Some(name) = labels.get(name::CLUSTER) else { continue };
        let entry = clusters.entry(name.clone()).or_insert_with(|| Entry { name: name.clone(), ..Entry::default() });
        let component = labels.get(name::COMPONENT).map_or("", String::as_str);
        entry.components += 1;
        entry.slaves += usize::from(component == "mesosslave");
        entry.running += usize::from(container.state.is_some_and(|state| state.to_string() == "running"));
        let image = container.image.filter(|image| component != "etcd" && !entry.images.contains(image));
        entry.images.extend(image);
    }
    Ok(clusters.into_values().collect())
}

/// The clusters as a table for people.
pub(crate) fn page(clusters: &[Entry]) -> String {
    let mut rows = vec![["NAME", "SLAVES", "RUNNING", "IMAGE"].map(str::to_owned)];
    rows.extend(clusters.iter().map(|entry| {
        let running = format!("{}/{}", entry.running, entry.components);
        [entry.name.clone(), entry.slaves.to_string(), running, entry.images.join(",")]
    }));
    table(&rows)
}
