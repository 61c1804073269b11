//! The plan as `--dry-run` prints it.

use super::{Action, Plan, Source};

/// The plan as lines, a step each, marked `+` where something is made, `~` where it is replaced, `=` where it stays.
pub(crate) fn page(plan: &Plan) -> String {
    let mut lines = vec![format!(
        "cluster {} on {} (Docker {}, {})",
        plan.cluster, plan.engine.endpoint, plan.engine.version, plan.engine.platform
    )];
    for step in &plan.images {
        lines.push(match &step.source {
            Source::Present => format!("= image {}", step.image),
            Source::Executable => format!("+ image {} from this executable", step.image),
            Source::Wrap { executable } => format!("+ image {} from {}", step.image, executable.display()),
            Source::Pull => format!("+ image {} pulled", step.image),
        });
    }
    lines.extend(plan.pulls.iter().map(|image| format!("+ image {image} pulled")));
    for step in &plan.networks {
        let layout = &step.layout;
        let mark = mark(step.create);
        lines.push(format!("{mark} network {} {} (pods and others {})", step.name, layout.subnet, layout.ip_range));
    }
    for step in &plan.volumes {
        lines.push(format!("{} volume {}", mark(step.create), step.name));
    }
    for step in &plan.containers {
        let (mark, note) = match &step.action {
            Action::Create => ("+", String::new()),
            Action::Finish | Action::Start => ("+", " (start)".to_owned()),
            Action::Keep => ("=", String::new()),
            Action::Recreate => ("~", " (recreate)".to_owned()),
            Action::Differs { image } => ("!", format!(" (differs: made from {image})")),
        };
        let addresses: Vec<String> = step.spec.networks.iter().map(|network| network.address.to_string()).collect();
        let ports: String = step
            .spec
            .ports
            .iter()
            .map(|port| format!(" {}:{}->{}", port.host_address, port.host_port, port.port))
            .collect();
        lines.push(format!("{mark} container {} {}{ports}{note}", step.spec.name, addresses.join(" ")));
    }
    if let Some(step) = &plan.dns {
        lines.push(format!("{} addon dns {}", mark(step.create), step.server));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn mark(create: bool) -> &'static str {
    if create { "+" } else { "=" }
}
