//! Who wrote which fields: `metadata.managedFields`, as Kubernetes keeps it for every write that is no server-side apply.
//!
//! A write is compared with what was there ([`compare`]): what it added or changed belongs to its manager from now on and to
//! nobody else, what it removed belongs to nobody. The sets of fields ([`FieldSet`]) and the comparison know nothing of
//! managers, so that apply, which asks who owns what before it writes, can be built on the same two.

mod compare;
mod entry;
mod set;

use serde::{Serialize, Serializer};
use serde_json::Value;

pub use compare::{Comparison, compare, zero};
use entry::Entry;
pub use set::FieldSet;

/// The manager of a write of which nothing is known.
const UNKNOWN: &str = "unknown";
/// The longest name of a manager, in bytes.
pub const LONGEST_NAME: usize = 128;
/// More entries of updates than this are not kept; the oldest are merged.
const MOST_UPDATERS: usize = 10;
/// The manager of the entries that were merged.
const OLDEST: &str = "ancient-changes";

/// Who writes, through which version of the API, and when.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    /// The manager's name; of no name, `unknown`.
    pub manager: &'a str,
    /// The `apiVersion` of the objects as the writer sees them.
    pub api_version: &'a str,
    /// The subresource that is written, or nothing.
    pub subresource: &'a str,
    /// Now, in RFC 3339 to the second.
    pub time: &'a str,
}

/// The name of a manager that does not give one: the first word of its user agent.
#[must_use]
pub fn name_of_agent(user_agent: &str) -> String {
    let first = user_agent.split('/').next().unwrap_or_default();
    let mut name = String::new();
    for character in first.chars().filter(|&character| printable(character)) {
        if name.len() + character.len_utf8() > LONGEST_NAME {
            break;
        }
        name.push(character);
    }
    name
}

/// Whether a manager's name may hold the character.
#[must_use]
pub fn printable(character: char) -> bool {
    !character.is_control() && (!character.is_whitespace() || character == ' ')
}

/// Where the entries that a write starts from come from.
enum Start {
    /// The client has cleared them.
    Cleared,
    /// Those that the client sent with the object.
    Given(Vec<Entry>),
    /// Those that are stored.
    Stored(Vec<Entry>),
}

/// The `managedFields` after a write.
#[derive(Debug)]
pub enum After<'v> {
    /// Nothing is kept of the object.
    Nothing,
    /// What is stored stays as it is.
    AsStored(&'v Value),
    /// These entries.
    Entries(Entries),
}

impl After<'_> {
    /// As a value; `Null` for nothing.
    #[must_use]
    pub fn into_value(self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::AsStored(stored) => stored.clone(),
            Self::Entries(entries) => serde_json::to_value(entries).expect("entries are JSON"),
        }
    }

    /// As JSON; `None` for nothing.
    #[must_use]
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::AsStored(stored) => Some(stored.to_string()),
            Self::Entries(entries) => Some(serde_json::to_string(&entries).expect("entries are JSON")),
        }
    }
}

/// Entries of `managedFields`, in Kubernetes' order; at least one.
#[derive(Debug)]
pub struct Entries(Vec<Entry>);

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Tells the `managedFields` after a write.
///
/// `stored` are those before it. `given` are those that came with the object: a list of empty entries clears, a valid list counts
/// instead of the stored, an invalid or empty one does not count; a subresource gives none. `compared` tells the write's
/// comparison as clients of an `apiVersion` see it; nothing where the kind is not served in it. An object of which nothing
/// is kept stays so but by `new`, its creation.
pub fn after<'v>(
    writer: &Writer<'_>,
    stored: &'v Value,
    given: &Value,
    new: bool,
    mut compared: impl FnMut(&str) -> Option<Comparison>,
) -> After<'v> {
    let as_stored = if stored.is_null() { After::Nothing } else { After::AsStored(stored) };
    let start = start(stored, given);
    let kept = matches!(&start, Start::Given(entries) | Start::Stored(entries) if !entries.is_empty());
    if !kept && !new {
        return After::Nothing;
    }
    let Some(own) = compared(writer.api_version) else { return as_stored };
    let mut entries = match start {
        Start::Stored(_) if own.is_empty() => return as_stored,
        Start::Cleared => Vec::new(),
        Start::Given(entries) | Start::Stored(entries) => entries,
    };
    entries.retain_mut(|entry| {
        let other = if entry.api_version == writer.api_version { None } else { Some(compared(&entry.api_version)) };
        let comparison = match &other {
            None => &own,
            Some(Some(other)) => other,
            // a version that is not served cannot be compared
            Some(None) => return false,
        };
        for gone in [&comparison.added, &comparison.modified, &comparison.removed] {
            entry.fields.subtract(gone);
        }
        !entry.fields.is_empty()
    });
    let mut written = own.added;
    written.unite(own.modified);
    if !written.is_empty() {
        take_over(&mut entries, writer, written);
    }
    cap(&mut entries);
    entry::sort(&mut entries);
    if entries.is_empty() { After::Nothing } else { After::Entries(Entries(entries)) }
}

fn start(stored: &Value, given: &Value) -> Start {
    if entry::is_reset(given) {
        return Start::Cleared;
    }
    // what a client sends back as it got it is not read twice
    match entry::decode(given).filter(|entries| !entries.is_empty() && given != stored) {
        Some(entries) => Start::Given(entries),
        None => Start::Stored(entry::decode(stored).unwrap_or_default()),
    }
}

/// Gives the fields to the writer.
fn take_over(entries: &mut Vec<Entry>, writer: &Writer<'_>, fields: FieldSet) {
    let manager = if writer.manager.is_empty() { UNKNOWN } else { writer.manager };
    let same = |entry: &&mut Entry| {
        !entry.applied
            && entry.manager == manager
            && entry.api_version == writer.api_version
            && entry.subresource == writer.subresource
    };
    if let Some(entry) = entries.iter_mut().find(same) {
        entry.fields.unite(fields);
        entry.time = writer.time.to_owned();
        return;
    }
    entries.push(Entry {
        manager: manager.to_owned(),
        applied: false,
        api_version: writer.api_version.to_owned(),
        subresource: writer.subresource.to_owned(),
        time: writer.time.to_owned(),
        fields,
    });
}

/// Merges the oldest updaters' entries of a version until there are few enough.
fn cap(entries: &mut Vec<Entry>) {
    let updaters = |entries: &[Entry]| entries.iter().filter(|entry| !entry.applied).count();
    if updaters(entries) <= MOST_UPDATERS {
        return;
    }
    entries.sort_by(Entry::by_age);
    let mut oldest: Vec<Entry> = Vec::new();
    let mut kept = Vec::new();
    let mut many = updaters(entries);
    for entry in std::mem::take(entries) {
        if entry.applied || many <= MOST_UPDATERS {
            kept.push(entry);
            continue;
        }
        match oldest.iter_mut().find(|first| first.api_version == entry.api_version) {
            None => oldest.push(entry),
            Some(first) => {
                first.manager = OLDEST.to_owned();
                first.subresource.clear();
                first.time = entry.time;
                first.fields.unite(entry.fields);
                many -= 1;
            }
        }
    }
    oldest.extend(kept);
    *entries = oldest;
}

/// The `managedFields` of an object.
#[must_use]
pub fn of(object: &Value) -> &Value {
    object.get("metadata").and_then(|metadata| metadata.get("managedFields")).unwrap_or(&Value::Null)
}
