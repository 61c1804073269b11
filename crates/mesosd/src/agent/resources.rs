//! What an agent offers: what its flags say, and what is detected where they are silent (reference, section 9.4).

use std::path::Path;

use mesos::resource::ReservationType;
use mesos::resources::{ParseError, parse_resources};
use mesos::{Resource, Resources};

/// Why `--resources` cannot be offered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("failed to parse --resources")]
    Parse(#[from] ParseError),
    #[error("--resources must not hold {0}: a dynamic reservation, a persistent volume or revocable")]
    NotStatic(String),
}

/// Reads `--resources` and adds what this machine has of the names that are not in it. Those given as nothing are neither
/// offered nor detected. In text form, those of no role get `default_role`.
pub(crate) fn offered(text: &str, default_role: &str, detected: Vec<Resource>) -> Result<Vec<Resource>, Error> {
    let given = parse_resources(&with_role(text, default_role))?;
    for resource in &given {
        let dynamic = resource.reservations.iter().any(|of| of.r#type == Some(ReservationType::Dynamic));
        let persistent = resource.disk.as_ref().is_some_and(|disk| disk.persistence.is_some());
        if dynamic || persistent || resource.revocable.is_some() {
            return Err(Error::NotStatic(resource.name.clone()));
        }
    }
    let missing: Vec<_> =
        detected.into_iter().filter(|found| !given.iter().any(|has| has.name == found.name)).collect();
    Ok(Resources::from_iter(given.into_iter().chain(missing)).to_vec())
}

/// The text form with `role` put to those items that have none.
fn with_role(text: &str, role: &str) -> String {
    if role == "*" || text.trim_start().starts_with('[') {
        return text.to_owned();
    }
    let items = text.split([';', '\n']).map(|item| match item.split_once(':') {
        Some((name, value)) if !name.contains('(') => format!("{name}({role}):{value}"),
        _ => item.to_owned(),
    });
    items.collect::<Vec<_>>().join(";")
}

/// What this machine has, with what Mesos leaves to others taken off.
pub(crate) fn detect(work_dir: &Path) -> Vec<Resource> {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_memory(&text));
    let memory = memory.map_or(1024, |total| if total >= 2048 { total - 1024 } else { total / 2 });
    let disk = disk_size(work_dir).map_or(10240, |total| if total >= 10240 { total - 5120 } else { total / 2 });
    vec![
        Resource::scalar("cpus", cpus as f64),
        Resource::scalar("mem", memory as f64),
        Resource::scalar("disk", disk as f64),
        Resource::ranges("ports", [(31000, 32000)]),
    ]
}

/// Total memory in MB, from `/proc/meminfo`.
fn total_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}

/// Size in MB of the file system that holds `path`.
fn disk_size(path: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).ok()?;
    // SAFETY: `path` ends with NUL, `stat` is a plain structure that the call fills.
    #[allow(unsafe_code)] // std does not tell the size of a file system
    let stat = unsafe {
        let mut stat: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(path.as_ptr(), &raw mut stat) == 0).then_some(stat)?
    };
    Some(stat.f_blocks * stat.f_frsize / (1024 * 1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_line_is_offered_as_it_stands() {
        let line = "cpus:4;mem:1280;disk:25600;ports:[8000-21099,31000-32000]";
        let expected = vec![
            Resource::scalar("cpus", 4.0),
            Resource::scalar("mem", 1280.0),
            Resource::scalar("disk", 25600.0),
            Resource::ranges("ports", [(8000, 21099), (31000, 32000)]),
        ];
        assert_eq!(offered(line, "*", detect(Path::new("/"))).unwrap(), expected);
    }

    #[test]
    fn what_is_given_is_not_detected_even_when_it_is_none() {
        let detected = vec![Resource::scalar("cpus", 8.0), Resource::scalar("mem", 64.0)];
        let names: Vec<_> = offered("cpus:0;ports:[1-2]", "*", detected).unwrap().into_iter().map(|r| r.name).collect();
        assert_eq!(names, ["ports", "mem"]);
    }

    #[test]
    fn the_default_role_is_for_those_of_none() {
        let offered = offered("cpus(public):2;mem:5;disk(*):1", "web", Vec::new()).unwrap();
        let roles: Vec<_> =
            offered.iter().map(|resource| resource.reservations.first().and_then(|first| first.role.clone())).collect();
        assert_eq!(roles, [Some("public".to_owned()), Some("web".to_owned()), None]);
    }

    #[test]
    fn what_only_an_operation_can_make_is_refused() {
        let json =
            r#"[{"name":"mem","type":"SCALAR","scalar":{"value":9},"reservations":[{"type":"DYNAMIC","role":"x"}]}]"#;
        assert!(matches!(offered(json, "*", Vec::new()), Err(Error::NotStatic(name)) if name == "mem"));
    }

    #[test]
    fn this_machine_has_something_of_each() {
        let detected = detect(Path::new("/"));
        assert_eq!(detected.len(), 4);
        assert!(detected.iter().all(|resource| resource.scalar.is_none_or(|scalar| scalar.value >= 1.0)));
    }
}
