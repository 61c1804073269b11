//! What a container is made with: its environment, command line, mounts and namespaces.

use k8s_openapi::api::core::v1::Container;

use super::{Kit, Worker};
use crate::env::{self, Sources};
use crate::gate;
use crate::observed::Observed;
use crate::pod;
use crate::runtime::container::Prepared;
use crate::runtime::images::Image;
use crate::runtime::words;
use crate::security;
use crate::termination;
use crate::volumes::{self, Bind, Part};

impl Worker {
    /// The container's environment, command line and binds.
    pub(super) async fn prepared(
        &self,
        container: &Container,
        image: &Image,
        attempt: u32,
        kit: &Kit<'_>,
    ) -> Result<Prepared, String> {
        let user = security::user(&self.pod, container, &image.user)?;
        let security_options = security::options(&self.pod, container)?;
        let mut with_address = None;
        if env::wants_pod_ip(container) {
            let address = kit.ready.clone().await.map_err(|error| words(&error))?;
            let pod_ip = address.map(|address| address.to_string()).unwrap_or_default();
            with_address = Some(Sources { pod_ip, ..kit.sources.clone() });
        }
        let sources = with_address.as_ref().unwrap_or(kit.sources);
        let variables = env::variables(&self.pod, container, sources)?;
        let (command, args) = env::command_line(container, &variables);
        if volumes::wants_sandbox(container, kit.volumes) {
            kit.ready.clone().await.map_err(|error| words(&error))?;
        }
        let mounts = volumes::binds(container, kit.volumes, &variables, &kit.directory.sandbox_socket())?;
        let mut binds: Vec<String> = mounts.iter().map(|mount| mount.bind.clone()).collect();
        let termination = termination::make(kit.directory, &container.name, attempt)
            .map_err(|error| format!("cannot make the termination message file: {error}"))?;
        termination::forget(kit.directory, &container.name, attempt.saturating_sub(1));
        let own = [
            (kit.directory.host.join("etc-hosts"), "/etc/hosts"),
            (kit.directory.host.join("resolv.conf"), "/etc/resolv.conf"),
            (termination, termination::path(container)),
        ];
        for (file, path) in own {
            if !mounts.iter().any(|mount| mount.at == path) {
                binds.push(format!("{}:{path}", file.display()));
            }
        }
        let pid_mode = self.pid_mode(container, kit)?;
        let env = variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let ipc_mode = self.ipc().map(str::to_owned);
        let (command, args) = match parts(&mounts)? {
            checks if checks.is_empty() => (command, args),
            checks => {
                let program = gate::program(&self.context, kit.sandbox).await?;
                binds.push(format!("{}:{}:ro", program.display(), gate::PATH));
                gated(checks, line(image, command, args))
            }
        };
        let image = container.image.clone().unwrap_or_default();
        let handler = kit.handler.map(str::to_owned);
        Ok(Prepared { handler, env, image, command, args, binds, pid_mode, ipc_mode, user, security_options })
    }

    /// Whose processes the container sees: those of the container it debugs, of its node, of its pod, or its own.
    fn pid_mode(&self, container: &Container, kit: &Kit<'_>) -> Result<Option<String>, String> {
        if let Some(target) = pod::target_of(&self.pod, &container.name) {
            return Ok(Some(format!("container:{}", running(kit.observed, target)?)));
        }
        let spec = pod::spec(&self.pod);
        Ok(match (spec.host_pid, spec.share_process_namespace) {
            (Some(true), _) => Some(self.context.placement.host_network.clone()),
            (_, Some(true)) => Some(format!("container:{}", kit.sandbox)),
            _ => None,
        })
    }
}

/// What the gate is to look for: the parts of volumes that may be moved until they are mounted, each by its place in its file
/// system.
fn parts(mounts: &[Bind]) -> Result<Vec<String>, String> {
    let parts: Vec<_> = mounts.iter().filter_map(|mount| Some((&mount.at, mount.part.as_ref()?))).collect();
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let mountinfo = std::fs::read(sandbox::gate::MOUNTINFO).map_err(|error| error.to_string())?;
    let check = |(at, part): (&String, &Part)| {
        let origin = match part {
            Part::Here(path) => sandbox::gate::origin(&mountinfo, path)?,
            Part::Memory(path) => path.clone(),
        };
        sandbox::gate::word(at, &origin)
    };
    let checks: Option<Vec<_>> = parts.into_iter().map(check).collect();
    checks.ok_or_else(|| "cannot tell where a part of a volume lies".to_owned())
}

/// What the container runs, as Docker would put it together.
fn line(image: &Image, command: Option<Vec<String>>, args: Option<Vec<String>>) -> Vec<String> {
    let rest = match (&command, args) {
        (_, Some(args)) => args,
        (Some(_), None) => Vec::new(),
        (None, None) => image.command.clone(),
    };
    [command.unwrap_or_else(|| image.entrypoint.clone()), rest].concat()
}

/// The same behind the gate.
fn gated(checks: Vec<String>, line: Vec<String>) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let first = [gate::PATH.to_owned(), "gate".to_owned()];
    let command = first.into_iter().chain(checks).chain(["--".to_owned()]).collect();
    (Some(command), Some(line))
}

/// The running container of that name.
fn running<'o>(observed: &'o Observed, name: &str) -> Result<&'o str, String> {
    let newest = observed.named(name).next().filter(|container| container.running());
    newest.map(|container| container.id.as_str()).ok_or_else(|| format!("target container \"{name}\" does not run"))
}
