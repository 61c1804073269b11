//! Three servers on one etcd behave as one: what writers, readers and watchers saw is a history that could have happened one
//! step after the other.
//!
//! Every change has a revision of its own, so that the order is not searched for but read; what is checked is that nobody
//! saw anything that contradicts it.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use crate::harness::{Api, Etcd, Server};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const OBJECTS: usize = 4;
const WRITERS: usize = 6;
const STEPS: usize = 60;

/// An object as somebody saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    revision: u64,
    uid: String,
    /// How often it was updated.
    count: u64,
}

impl State {
    fn of(object: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{object}")).to_owned();
        Self {
            revision: text(&object["metadata"]["resourceVersion"]).parse().unwrap(),
            uid: text(&object["metadata"]["uid"]),
            count: text(&object["data"]["count"]).parse().unwrap(),
        }
    }
}

/// What an operation that succeeded saw or did.
#[derive(Clone, Debug)]
enum Saw {
    Wrote(State),
    Deleted { uid: String },
    Read(Option<State>),
    Listed { revision: u64, states: BTreeMap<String, State> },
}

#[derive(Clone, Debug)]
struct Operation {
    name: String,
    began: Instant,
    ended: Instant,
    saw: Saw,
}

/// A change as a watch told it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    event: String,
    name: String,
    state: State,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_are_as_one() {
    let etcd = Etcd::start();
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(Server::start(&etcd).await);
    }
    let apis: Vec<Api> = servers.iter().map(Server::admin).collect();
    let (_, list) = apis[0].get(MAPS).await;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let watches: Vec<_> = apis.iter().map(|api| tokio::spawn(follow(api.clone(), version.clone()))).collect();
    let writers: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(work(apis.clone()))).collect();
    let mut operations = Vec::new();
    for writer in writers {
        operations.extend(writer.await.unwrap());
    }
    apis[0].make(MAPS, &json!({"metadata": {"name": "last"}, "data": {"count": "0"}})).await;
    let mut histories = Vec::new();
    for watch in watches {
        histories.push(watch.await.unwrap());
    }
    let history = histories.pop().unwrap();
    assert!(histories.iter().all(|other| *other == history), "every watch tells the same");
    assert!(history.windows(2).all(|pair| pair[0].state.revision < pair[1].state.revision), "once, and in order");
    no_update_is_lost(&history);
    every_change_was_acknowledged(&history, &operations);
    nobody_looked_back(&history, &operations);
    lists_are_of_one_moment(&history, &operations);
}

/// Does many things to few objects, each by way of any server.
async fn work(apis: Vec<Api>) -> Vec<Operation> {
    let mut done = Vec::new();
    for _ in 0..STEPS {
        let api = &apis[rand::random_range(0..apis.len())];
        let name = format!("o{}", rand::random_range(0..OBJECTS));
        let began = Instant::now();
        let saw = match rand::random_range(0..10) {
            0..2 => create(api, &name).await,
            2..6 => increment(api, &apis[rand::random_range(0..apis.len())], &name).await,
            6 => delete(api, &name).await,
            7..9 => Some(read(api, &name).await),
            _ => Some(list(api).await),
        };
        done.extend(saw.map(|saw| Operation { name, began, ended: Instant::now(), saw }));
    }
    done
}

async fn create(api: &Api, name: &str) -> Option<Saw> {
    let (code, answer) = api.post(MAPS, &json!({"metadata": {"name": name}, "data": {"count": "0"}})).await;
    assert!(code == 201 || code == 409, "{code}: {answer}");
    (code == 201).then(|| Saw::Wrote(State::of(&answer)))
}

/// Reads by one server, and writes by another under the condition that nobody else did.
async fn increment(reader: &Api, writer: &Api, name: &str) -> Option<Saw> {
    let path = format!("{MAPS}/{name}");
    let (code, mut object) = reader.get(&path).await;
    if code == 404 {
        return None;
    }
    object["data"]["count"] = (State::of(&object).count + 1).to_string().into();
    let (code, answer) = writer.put(&path, &object).await;
    assert!(matches!(code, 200 | 404 | 409), "{code}: {answer}");
    (code == 200).then(|| Saw::Wrote(State::of(&answer)))
}

async fn delete(api: &Api, name: &str) -> Option<Saw> {
    let (code, answer) = api.delete(&format!("{MAPS}/{name}")).await;
    assert!(code == 200 || code == 404, "{code}: {answer}");
    (code == 200).then(|| Saw::Deleted { uid: answer["details"]["uid"].as_str().unwrap().to_owned() })
}

async fn read(api: &Api, name: &str) -> Saw {
    let (code, answer) = api.get(&format!("{MAPS}/{name}")).await;
    assert!(code == 200 || code == 404, "{code}: {answer}");
    Saw::Read((code == 200).then(|| State::of(&answer)))
}

async fn list(api: &Api) -> Saw {
    let (code, answer) = api.get(MAPS).await;
    assert_eq!(code, 200, "{answer}");
    let revision = answer["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    let items = answer["items"].as_array().unwrap().iter();
    let states = items.map(|item| (item["metadata"]["name"].as_str().unwrap().to_owned(), State::of(item)));
    Saw::Listed { revision, states: states.filter(|(name, _)| name.starts_with('o')).collect() }
}

/// All that one watch tells until the object `last`.
async fn follow(api: Api, version: String) -> Vec<Told> {
    let mut watch = api.watch(&format!("{MAPS}?watch=true&resourceVersion={version}")).await;
    let mut told = Vec::new();
    loop {
        let event = watch.next().await.expect("the watch goes on");
        let name = event["object"]["metadata"]["name"].as_str().unwrap_or_else(|| panic!("{event}")).to_owned();
        if name == "last" {
            return told;
        }
        // the server's own objects are of no interest
        if name.starts_with('o') {
            let (event, state) = (event["type"].as_str().unwrap().to_owned(), State::of(&event["object"]));
            told.push(Told { event, name, state });
        }
    }
}

/// Each object counts its updates: none was made on a state that another update had replaced.
fn no_update_is_lost(history: &[Told]) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for Told { event, state, .. } in history {
        let before = counts.insert(&state.uid, state.count);
        let expected = match event.as_str() {
            "ADDED" => (None, 0),
            "MODIFIED" => (state.count.checked_sub(1), state.count),
            _ => (Some(state.count), state.count),
        };
        assert_eq!((before, state.count), expected, "{event} {state:?}");
    }
}

/// Who was told of success did it, and nobody else did anything.
fn every_change_was_acknowledged(history: &[Told], operations: &[Operation]) {
    let mut done: Vec<u64> = operations.iter().filter_map(|operation| change(history, operation)).collect();
    done.sort_unstable();
    assert_eq!(done, history.iter().map(|told| told.state.revision).collect::<Vec<_>>());
}

/// The revision of the change that the operation made.
fn change(history: &[Told], operation: &Operation) -> Option<u64> {
    match &operation.saw {
        Saw::Wrote(state) => {
            assert!(history.iter().any(|told| told.state == *state && told.event != "DELETED"), "{operation:?}");
            Some(state.revision)
        }
        Saw::Deleted { uid } => {
            let end = history.iter().find(|told| told.event == "DELETED" && told.state.uid == *uid);
            Some(end.unwrap_or_else(|| panic!("{operation:?}")).state.revision)
        }
        Saw::Read(_) | Saw::Listed { .. } => None,
    }
}

/// What an operation did or saw comes behind everything that had been done or seen when it began, and is no change that began
/// only after it had ended.
fn nobody_looked_back(history: &[Told], operations: &[Operation]) {
    let changes: BTreeMap<u64, &Operation> =
        operations.iter().filter_map(|operation| Some((change(history, operation)?, operation))).collect();
    for later in operations {
        let before = operations.iter().filter(|earlier| earlier.ended < later.began);
        let known = before.filter_map(|earlier| match &earlier.saw {
            Saw::Wrote(_) | Saw::Deleted { .. } => change(history, earlier),
            Saw::Read(state) => state.as_ref().map(|state| state.revision),
            Saw::Listed { revision, .. } => Some(*revision),
        });
        let known = known.max().unwrap_or(0);
        let begun = |revision: &u64| changes[revision].began < later.ended;
        match &later.saw {
            Saw::Wrote(_) | Saw::Deleted { .. } => assert!(change(history, later).unwrap() > known, "{later:?}"),
            Saw::Listed { revision, .. } => assert!(*revision >= known, "{later:?} behind {known}"),
            Saw::Read(seen) => {
                // the object's states that the read could see: that at the revision known, and those that came later
                let own = history.iter().filter(|told| told.name == later.name);
                let at = own.clone().rfind(|told| told.state.revision <= known);
                let since = own.filter(|told| told.state.revision > known && begun(&told.state.revision));
                let there = |told: &Told| (told.event != "DELETED").then(|| told.state.clone());
                let possible: Vec<_> = std::iter::once(at.and_then(there)).chain(since.map(there)).collect();
                assert!(possible.contains(seen), "{later:?} of {possible:?}, known {known}");
            }
        }
    }
}

/// A list shows each object as it was at the list's revision.
fn lists_are_of_one_moment(history: &[Told], operations: &[Operation]) {
    for operation in operations {
        let Saw::Listed { revision, states } = &operation.saw else { continue };
        let mut expected = BTreeMap::new();
        for Told { event, name, state } in history.iter().take_while(|told| told.state.revision <= *revision) {
            match event.as_str() {
                "DELETED" => drop(expected.remove(name)),
                _ => drop(expected.insert(name.clone(), state.clone())),
            }
        }
        assert_eq!(*states, expected, "at {revision}");
    }
}
