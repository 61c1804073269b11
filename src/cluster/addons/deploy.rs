//! An addon's objects on the cluster: completed by `up`, brought to their settings by `k8sm addons`, and undone.

use futures::future::join_all;
use serde_json::{Value, json};

use super::dns;
use crate::client::manifest::Document;
use crate::client::{Client, Error, Form, Patch, Path};
use crate::failure::Failure;

/// The annotation that names the run of `up` that made an object, so that undoing it finds exactly what it made.
const RUN: &str = "io.k8sm/run";

/// Creates what is missing, at once but for the pods' controller, whose pods need the rest. What is there stays as it is.
///
/// # Errors
/// The first refusal.
pub(crate) async fn complete(client: &Client, documents: &[Document], run: &str) -> Result<(), Failure> {
    let (controllers, others): (Vec<_>, Vec<_>) = documents.iter().partition(|one| one.kind.plural == CONTROLLERS);
    for batch in [others, controllers] {
        let created = batch.into_iter().map(|document| create_missing(client, document, run));
        join_all(created).await.into_iter().collect::<Result<(), Failure>>()?;
    }
    Ok(())
}

const CONTROLLERS: &str = "replicationcontrollers";

async fn create_missing(client: &Client, document: &Document, run: &str) -> Result<(), Failure> {
    let made = async {
        match client.get(&path(document), Form::Object).await {
            Err(error) if error.is_not_found() => {}
            found => return found.map(drop),
        }
        let mut object = document.value();
        object["metadata"]["annotations"][RUN] = run.into();
        client.create(&list(document), object.to_string().into_bytes()).await.map(drop)
    };
    made.await.map_err(|error| about(document, error))
}

/// Creates the object, or brings the one that is there to it; says which.
///
/// # Errors
/// The server's refusal.
pub(crate) async fn apply(client: &Client, document: &Document) -> Result<&'static str, Failure> {
    let applied = async {
        match client.get(&path(document), Form::Object).await {
            Ok(mut found) if document.kind.plural == CONTROLLERS => {
                // merged into an earlier template, this one would be neither
                found["spec"] = document.value()["spec"].take();
                client.replace(&path(document), &found).await.map(|_| "configured")
            }
            Ok(_) => client.patch(&path(document), Patch::Merge, &document.value()).await.map(|_| "configured"),
            Err(error) if error.is_not_found() => {
                client.create(&list(document), document.json.clone()).await.map(|_| "created")
            }
            Err(error) => Err(error),
        }
    };
    applied.await.map_err(|error| about(document, error))
}

/// Deletes what that run made, and the pods with it. What is gone is gone.
///
/// # Errors
/// The first object that could not be deleted.
pub(crate) async fn undo(client: &Client, documents: &[Document], run: &str) -> Result<(), Failure> {
    let undone = documents.iter().map(|document| async move {
        let deleted = async {
            let object = client.get(&path(document), Form::Object).await?;
            if object["metadata"]["annotations"][RUN] != run {
                return Ok(());
            }
            let uid = &object["metadata"]["uid"];
            let options = json!({"propagationPolicy": "Background", "preconditions": {"uid": uid}});
            client.delete(&path(document), &options).await.map(drop)
        };
        match deleted.await {
            Err(error) if !error.is_not_found() => Err(about(document, error)),
            _ => Ok(()),
        }
    });
    join_all(undone).await.into_iter().collect()
}

/// Whether a pod runs what its controller's template says; one of an earlier template is replaced by nobody but us.
pub(crate) fn is_of_template(pod: &Value, controller: &Value) -> bool {
    let containers = |spec: &Value| -> Vec<[Value; 4]> {
        let all = spec["containers"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().map(|one| ["name", "image", "command", "args"].map(|field| one[field].clone())).collect()
    };
    containers(&pod["spec"]) == containers(&controller["spec"]["template"]["spec"])
}

fn list(document: &Document) -> Path {
    Path::list(document.kind, Some(dns::NAMESPACE))
}

fn path(document: &Document) -> Path {
    Path::object(document.kind, dns::NAMESPACE, &document.name)
}

fn about(document: &Document, error: Error) -> Failure {
    Failure::from(error).about(&format!("{} {}", document.kind.kind, document.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_of_an_earlier_template_is_known() {
        let containers = |image: &str| json!([{"name": "skydns", "image": image, "args": ["--addr=0.0.0.0:53"]}]);
        let controller = json!({"spec": {"template": {"spec": {"containers": containers("km:2")}}}});
        let pod = |image: &str| json!({"spec": {"containers": containers(image), "nodeName": "mesosslave1"}});
        assert!(is_of_template(&pod("km:2"), &controller));
        assert!(!is_of_template(&pod("km:1"), &controller));
    }
}
