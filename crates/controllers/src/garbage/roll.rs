//! Which objects of a kind there are, by UID: a list that a broken watch is followed by says nothing of those that have gone.

use std::collections::HashSet;
use std::mem;

use kube::ResourceExt;
use kube::runtime::watcher::Event;

use super::Uid;

/// The objects that a watch has shown.
#[derive(Default)]
pub(super) struct Roll {
    known: HashSet<Uid>,
    /// What was known before the list under way, and perhaps broken off ones before it, less what it has shown.
    missing: HashSet<Uid>,
}

impl Roll {
    /// Who is gone by this event.
    pub(super) fn gone<K: kube::Resource>(&mut self, event: &Event<K>) -> Vec<Uid> {
        match event {
            Event::Init => {
                self.missing.extend(mem::take(&mut self.known));
                Vec::new()
            }
            Event::InitApply(object) | Event::Apply(object) => {
                let uid = object.uid().unwrap_or_default();
                self.missing.remove(&uid);
                self.known.insert(uid);
                Vec::new()
            }
            Event::InitDone => mem::take(&mut self.missing).into_iter().collect(),
            Event::Delete(object) => {
                let uid = object.uid().unwrap_or_default();
                self.known.remove(&uid);
                vec![uid]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::ConfigMap;

    fn object(uid: &str) -> ConfigMap {
        let mut object = ConfigMap::default();
        object.metadata.uid = Some(uid.to_owned());
        object
    }

    #[test]
    fn a_list_that_shows_an_object_no_more_is_its_end() {
        let mut roll = Roll::default();
        let mut hear = |event: Event<ConfigMap>| roll.gone(&event);
        for event in [Event::Init, Event::InitApply(object("a")), Event::InitDone, Event::Apply(object("b"))] {
            assert!(hear(event).is_empty());
        }
        hear(Event::Apply(object("c")));
        assert_eq!(hear(Event::Delete(object("c"))), ["c"]);
        // a list that breaks off is begun again
        for event in [Event::Init, Event::Init, Event::InitApply(object("b")), Event::InitApply(object("d"))] {
            assert!(hear(event).is_empty());
        }
        assert_eq!(hear(Event::InitDone), ["a"]);
        hear(Event::Init);
        let mut gone = hear(Event::InitDone);
        gone.sort();
        assert_eq!(gone, ["b", "d"]);
    }
}
