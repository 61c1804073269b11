//! Carrying out a plan: what depends on nothing runs at once, and what is there is left alone.

mod container;
pub(crate) mod keys;
mod things;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bollard::errors::Error as DockerError;
use futures::future::join_all;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::image::{self, Recipe};
use super::observed::Observed;
use super::pki::Pki;
use super::plan::{Action, ContainerStep, ImageStep, Plan, Source};
use super::progress::Progress;
use super::spec;
use crate::failure::Failure;

/// How many containers are started at once: more do not make the engine any faster.
const STARTS: usize = 4;

/// One run of `up`.
pub(crate) struct Act<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) progress: &'a Progress,
    /// The run's name, in a label of everything that it makes.
    pub(crate) run: &'a str,
    /// Cancelled when the user interrupts.
    pub(crate) interrupt: &'a CancellationToken,
    /// What was there before the run. A container that replaces one of that does not carry the run's label: undoing takes away
    /// what the run added, and the cluster that was there keeps its components.
    pub(crate) before: &'a Observed,
    /// When the run is over, done or not.
    pub(crate) deadline: Instant,
    starts: Arc<Semaphore>,
}

impl<'a> Act<'a> {
    /// A run that has done nothing yet.
    pub(crate) fn new(
        engine: &'a Engine,
        progress: &'a Progress,
        run: &'a str,
        interrupt: &'a CancellationToken,
        before: &'a Observed,
        deadline: Instant,
    ) -> Self {
        Self { engine, progress, run, interrupt, before, deadline, starts: Arc::new(Semaphore::new(STARTS)) }
    }

    /// Makes and starts what `plan` says, up to running containers.
    ///
    /// # Errors
    /// The first failure; what was made until then carries the run's label.
    pub(crate) async fn carry_out(&self, plan: &Plan) -> Result<Pki, Failure> {
        let phase = self.progress.phase("images, networks and volumes");
        let fresh = plan.containers.iter().all(|step| step.action == Action::Create)
            && plan.volumes.iter().any(|step| step.create && step.name == plan.cluster.of("pki"));
        let names = api_names(plan);
        let cluster = plan.cluster.to_string();
        let generated = tokio::task::spawn_blocking(move || Pki::generate(&cluster, &names));
        let (images, things) = tokio::join!(self.images(plan), self.things(plan));
        things.and(images)?;
        phase.done("");
        let generated = generated
            .await
            .map_err(|error| Failure::failed("make the cluster's keys").because(error))?
            .map_err(|error| Failure::failed("make the cluster's keys").because(error))?;
        let phase = self.progress.phase("containers");
        let pki = self.containers(plan, fresh, generated).await?;
        phase.done(&count(plan));
        Ok(pki)
    }

    /// Makes the images that are missing.
    async fn images(&self, plan: &Plan) -> Result<(), Failure> {
        let (made, pulled) = tokio::join!(all(plan.images.iter().map(|step| self.image(plan, step))), self.pulls(plan));
        made.and(pulled)
    }

    async fn image(&self, plan: &Plan, step: &ImageStep) -> Result<(), Failure> {
        match &step.source {
            Source::Present => Ok(()),
            Source::Executable => self.send(Recipe::km(&step.image), plan).await,
            Source::Wrap { executable } => self.wrap(executable.clone(), plan).await,
            Source::Pull => self.pull_etcd(&step.image).await,
        }
    }

    /// Pulls the images that the user's own file names.
    async fn pulls(&self, plan: &Plan) -> Result<(), Failure> {
        all(plan.pulls.iter().map(|image| async move {
            let pulled = self.unless_interrupted(image::etcd::pull(&self.engine.docker, image)).await?;
            pulled.map_err(|refused| {
                Failure::environment(format!("image {image} of the compose file is not here and cannot be pulled"))
                    .because(refused)
                    .hint("`docker images` lists what is here")
            })
        }))
        .await
    }

    async fn wrap(&self, executable: PathBuf, plan: &Plan) -> Result<(), Failure> {
        let wrapped = tokio::task::spawn_blocking(move || image::etcd::wrapped(&executable)).await;
        let recipe = wrapped.map_err(anyhow::Error::from).and_then(|recipe| recipe).map_err(|error| {
            Failure::environment("wrap this machine's etcd into an image")
                .because(error)
                .hint("name an image instead with --etcd-image")
        })?;
        self.send(recipe, plan).await
    }

    async fn pull_etcd(&self, image: &str) -> Result<(), Failure> {
        let pulled = self.unless_interrupted(image::etcd::pull(&self.engine.docker, image)).await?;
        pulled.map_err(|refused| {
            Failure::environment(format!("etcd image {image} is not here and cannot be pulled"))
                .because(refused)
                .hint("name one that is here with --etcd-image, or install etcd on this machine (Debian: etcd-server)")
        })
    }

    async fn send(&self, recipe: Recipe, plan: &Plan) -> Result<(), Failure> {
        let image = recipe.image.clone();
        let sent = recipe.send(&self.engine.docker, plan.cluster.as_str(), self.run, self.interrupt).await;
        self.check()?;
        sent.map_err(|error| {
            Failure::environment(format!("make image {image}"))
                .because(error)
                .hint("is there room on the engine's disk? `docker system df` tells")
        })
    }

    /// Makes and starts containers. The API server's is made first, as its volume holds the keys of all.
    async fn containers(&self, plan: &Plan, fresh: bool, generated: Pki) -> Result<Pki, Failure> {
        let steps: Vec<&ContainerStep> = in_order(plan);
        let created = steps.iter().map(|step| self.make(step));
        all(created).await?;
        let api = plan.cluster.of("apiserver");
        let found = if fresh { None } else { keys::read(self.engine, &api).await? };
        let lost = found.is_none();
        let pki = found.unwrap_or(generated);
        if lost {
            keys::write(self.engine, &api, &pki).await?;
        }
        // Where the keys were lost, what was made with them is of no use to anybody.
        let started = steps.iter().map(|step| self.start(step, &pki, lost));
        all(started).await?;
        Ok(pki)
    }

    /// The keys of a cluster that is there.
    ///
    /// # Errors
    /// When its volume does not hold them.
    pub(crate) async fn keys(&self, plan: &Plan) -> Result<Pki, Failure> {
        keys::of(self.engine, &plan.cluster).await
    }

    /// `future`, unless the user interrupts it.
    async fn unless_interrupted<T>(&self, future: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.interrupt.cancelled() => Err(interrupted()),
            done = future => Ok(done),
        }
    }

    /// Refuses to begin another step after an interrupt. Steps that run end by themselves: an engine goes on with what
    /// it was asked for, and undoing must find all of it.
    fn check(&self) -> Result<(), Failure> {
        if self.interrupt.is_cancelled() { Err(interrupted()) } else { Ok(()) }
    }
}

/// Waits for all of them, also where one fails: an engine carries out what it was asked for, and whoever undoes it must
/// find all of it. Gives the first failure.
async fn all(steps: impl Iterator<Item = impl Future<Output = Result<(), Failure>>>) -> Result<(), Failure> {
    join_all(steps).await.into_iter().collect()
}

/// What `up` says when the user interrupts it.
pub(crate) fn interrupted() -> Failure {
    Failure::interrupted("interrupted")
}

/// How Linux says that a disk is full.
pub(crate) const NO_SPACE: &str = "no space left on device";

/// What to try then.
pub(crate) const DISK_HINT: &str = "free some disk: `docker system df` tells what holds it";

/// A failed call to the engine.
pub(crate) fn refused(what: String) -> impl FnOnce(DockerError) -> Failure {
    move |error| {
        let hint = match &error {
            DockerError::DockerResponseServerError { message, .. } if message.contains(NO_SPACE) => Some(DISK_HINT),
            DockerError::DockerResponseServerError { message, .. } if is_port(message) => {
                Some("end the program that listens there, or `k8sm down` and `k8sm up` choose another port")
            }
            _ => None,
        };
        let failure = Failure::environment(what).because(error);
        if let Some(hint) = hint { failure.hint(hint) } else { failure }
    }
}

/// Whether an engine's refusal is for a port that somebody has.
fn is_port(message: &str) -> bool {
    ["already allocated", "address already in use"].iter().any(|words| message.contains(words))
}

/// Whether somebody else was quicker: a port or subnet that the plan chose was taken since, or an image that it found
/// was removed by a `down`. A fresh plan chooses others and sends the image. What a cluster has already stays: there is
/// nothing to choose.
pub(crate) fn outrun(failure: &Failure, plan: &Plan) -> bool {
    let Some(DockerError::DockerResponseServerError { status_code, message }) = failure.cause() else { return false };
    let chosen = plan.networks.iter().any(|network| network.create);
    let image_gone = *status_code == 404 && plan.images.iter().any(|step| message.contains(&step.image));
    image_gone || chosen && (message.contains("overlap") || is_port(message))
}

/// Containers in the order in which others wait for them; slaves take longest to start.
fn in_order(plan: &Plan) -> Vec<&ContainerStep> {
    const ORDER: [&str; 6] = ["etcd", "mesosmaster1", "apiserver", "mesosslave", "scheduler", "controller"];
    let mut steps: Vec<&ContainerStep> = plan.containers.iter().collect();
    steps.sort_by_key(|step| ORDER.iter().position(|component| *component == step.spec.component));
    steps
}

/// The names and addresses under which the API server is reached: from this machine, from components, from pods.
fn api_names(plan: &Plan) -> Vec<String> {
    let service = "kubernetes.default.svc.cluster.local";
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1", "apiserver"].map(str::to_owned).to_vec();
    names.extend((1..=5).filter_map(|parts| {
        let name: Vec<&str> = service.split('.').take(parts).collect();
        (name.len() == parts && parts != 4).then(|| name.join("."))
    }));
    names.push(plan.cluster.of("apiserver"));
    if plan.engine.is_remote() {
        names.push(plan.engine.host.clone());
    }
    names.push(plan.choices.service_address(1).to_string());
    let api = plan.containers.iter().find(|step| step.spec.component == "apiserver");
    let addresses = api.into_iter().flat_map(|step: &ContainerStep| &step.spec.networks);
    names.extend(addresses.map(|network: &spec::NetworkUse| network.address.to_string()));
    names
}

fn count(plan: &Plan) -> String {
    let made = plan.containers.iter().filter(|step| matches!(step.action, Action::Create | Action::Recreate)).count();
    let started = plan.containers.iter().filter(|step| matches!(step.action, Action::Start | Action::Finish)).count();
    match (made, started) {
        (0, 0) => String::new(),
        (made, 0) => format!("({made} made)"),
        (0, started) => format!("({started} started)"),
        (made, started) => format!("({made} made, {started} started)"),
    }
}
