//! Tokens and passwords from files: lines of `secret,user,uid` and perhaps `"group,group"`.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::User;

/// Users by what they show. Kept by hash, so that looking one up tells nothing by its time.
#[derive(Default)]
pub(crate) struct Secrets(HashMap<[u8; 32], Arc<User>>);

impl Secrets {
    /// Users by token.
    pub(crate) fn tokens(text: &str) -> anyhow::Result<Self> {
        Self::parse(text, |secret, _| secret.to_owned())
    }

    /// Users by `name:password`.
    pub(crate) fn passwords(text: &str) -> anyhow::Result<Self> {
        Self::parse(text, |secret, name| format!("{name}:{secret}"))
    }

    /// The user who shows this.
    pub(crate) fn get(&self, shown: &str) -> Option<&Arc<User>> {
        self.0.get(&hash(shown))
    }

    fn parse(text: &str, shown: impl Fn(&str, &str) -> String) -> anyhow::Result<Self> {
        let mut users = HashMap::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let fields = fields(line);
            let [secret, name, uid, groups @ ..] = fields.as_slice() else {
                return Err(anyhow::anyhow!("line {} has no secret,user,uid", number + 1));
            };
            let groups = groups.iter().flat_map(|list| list.split(',')).map(str::trim).filter(|g| !g.is_empty());
            (!secret.is_empty() && !name.is_empty())
                .then_some(())
                .with_context(|| format!("line {} has an empty secret or user", number + 1))?;
            let user = User::known(name, uid, groups.map(str::to_owned).collect());
            users.insert(hash(&shown(secret, name)), Arc::new(user));
        }
        Ok(Self(users))
    }
}

fn hash(shown: &str) -> [u8; 32] {
    Sha256::digest(shown.as_bytes()).into()
}

/// The fields of a CSV line, of which some may be quoted.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.trim().chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field).trim().to_owned()),
            c => field.push(c),
        }
    }
    fields.push(field.trim().to_owned());
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_or_refused_by_number() {
        let secrets = Secrets::tokens("abc,cluster-admin,cluster-admin\n\ndef,ann,1,\"x, y\"").unwrap();
        assert_eq!(secrets.get("abc").unwrap().name, "cluster-admin");
        assert_eq!(secrets.get("def").unwrap().groups[..2], ["x", "y"]);
        assert!(secrets.get("ab").is_none());
        let refusal = Secrets::tokens("a,b,c\nd,e").err().unwrap().to_string();
        assert!(refusal.contains("line 2"), "{refusal}");
        assert!(Secrets::tokens(",b,c").is_err(), "an empty token would let everybody in");
    }
}
