//! Users by name, from `/etc/passwd` and `/etc/group` alone: a container made from scratch has neither those files nor
//! what the C library looks names up with.

use std::io;
use std::path::Path;

/// A user as the kernel knows one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// All groups, the primary one first.
    pub(crate) groups: Vec<u32>,
}

/// Why a name is no user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    #[error("failed to find user '{0}' in /etc/passwd")]
    Unknown(String),
    #[error("failed to read {0}")]
    Read(String, #[source] io::Error),
}

impl User {
    /// Finds `name`. `root` is user 0 without a look.
    pub(crate) fn named(name: &str) -> Result<Self, LookupError> {
        let read = |path: &str| match std::fs::read_to_string(Path::new(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LookupError::Read(path.to_owned(), error)),
            other => Ok(other.unwrap_or_default()),
        };
        if name == "root" {
            return Ok(Self { uid: 0, gid: 0, groups: vec![0] });
        }
        Self::find(name, &read("/etc/passwd")?, &read("/etc/group")?)
            .ok_or_else(|| LookupError::Unknown(name.to_owned()))
    }

    /// Is it the one this process runs as?
    pub(crate) fn is_current(&self) -> bool {
        // SAFETY: geteuid has no arguments and cannot fail.
        #[allow(unsafe_code)] // std has no call for it
        let current = unsafe { libc::geteuid() };
        self.uid == current
    }

    fn find(name: &str, passwd: &str, group: &str) -> Option<Self> {
        let entry: Vec<&str> = passwd.lines().find(|line| line.split(':').next() == Some(name))?.split(':').collect();
        let (uid, gid): (u32, u32) = (entry.get(2)?.parse().ok()?, entry.get(3)?.parse().ok()?);
        let mut groups = vec![gid];
        groups.extend(group.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let member = fields.get(3)?.split(',').any(|member| member == name);
            fields.get(2)?.parse::<u32>().ok().filter(|id| member && *id != gid)
        }));
        Some(Self { uid, gid, groups })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_its_primary_and_supplementary_groups() {
        let passwd = "root:x:0:0::/root:/bin/sh\nworker:x:1000:100:A Worker:/home/w:/bin/sh\n";
        let group = "users:x:100:worker\ndocker:x:998:other,worker\nwheel:x:10:other\n";
        let worker = User { uid: 1000, gid: 100, groups: vec![100, 998] };
        assert_eq!(User::find("worker", passwd, group), Some(worker));
        assert_eq!(User::find("nobody", passwd, group), None);
    }

    #[test]
    fn root_needs_no_files() {
        assert_eq!(User::named("root").unwrap().uid, 0);
        assert!(User::named("no such user").unwrap_err().to_string().contains("'no such user'"));
    }
}
