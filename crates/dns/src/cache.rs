//! Answers that are given again as they were encoded: the zone's until it changes, others' for as long as they allowed.
//!
//! The key is the request without its ID, so that whatever else a client says in it (its spelling of the name, its EDNS)
//! gets an answer of its own. Times to live are counted down in the bytes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Answers that are kept at most; a full cache forgets what is over, and all where that is not enough.
const ENTRIES: usize = 4096;
/// The longest request and answer that are kept: what fits a datagram.
const LENGTH: usize = 1232;
/// The longest that somebody else's answer is kept.
const KEEP: Duration = Duration::from_secs(300);
const HEADER: usize = 12;
/// The pseudo-record of EDNS, whose time to live is none (RFC 6891 section 6.1.3).
const OPT: u16 = 41;

/// How long an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// While the zone has this generation.
    While(u64),
    /// As long as its records allow.
    TimeToLive,
}

/// The answers, bounded in number and size.
#[derive(Debug, Default)]
pub struct Cache(Mutex<HashMap<Box<[u8]>, Entry>>);

#[derive(Debug)]
struct Entry {
    bytes: Box<[u8]>,
    generation: Option<u64>,
    since: Instant,
    until: Instant,
    /// Where the times to live stand that are counted down.
    times: Box<[usize]>,
}

impl Cache {
    /// The answer to these bytes of a request, if it still holds.
    #[must_use]
    pub fn get(&self, request: &[u8], generation: u64, now: Instant) -> Option<Vec<u8>> {
        let entries = self.0.lock();
        let entry = entries.get(request.get(2..)?)?;
        if !entry.holds(generation, now) {
            return None;
        }
        let mut bytes = entry.bytes.to_vec();
        bytes[..2].copy_from_slice(&request[..2]);
        let passed = u32::try_from(now.duration_since(entry.since).as_secs()).unwrap_or(u32::MAX);
        for &at in &entry.times {
            let left = read_u32(&bytes, at)?.saturating_sub(passed);
            bytes[at..at + 4].copy_from_slice(&left.to_be_bytes());
        }
        Some(bytes)
    }

    /// Keeps an answer, where it may be kept.
    pub fn put(&self, request: &[u8], answer: &[u8], holds: Holds, now: Instant) {
        if request.len() > LENGTH || answer.len() > LENGTH || request.len() < HEADER {
            return;
        }
        let (generation, keep, times) = match holds {
            Holds::While(generation) => (Some(generation), KEEP, Vec::new()),
            Holds::TimeToLive => match times_to_live(answer) {
                Some(times) if !times.is_empty() => (None, least(answer, &times), times),
                _ => return,
            },
        };
        if keep.is_zero() {
            return;
        }
        let mut entries = self.0.lock();
        if entries.len() >= ENTRIES {
            entries.retain(|_, entry| entry.holds(generation.unwrap_or(u64::MAX), now));
        }
        if entries.len() >= ENTRIES {
            entries.clear();
        }
        let entry = Entry { bytes: answer.into(), generation, since: now, until: now + keep, times: times.into() };
        entries.insert(request[2..].into(), entry);
    }
}

impl Entry {
    fn holds(&self, generation: u64, now: Instant) -> bool {
        self.generation.is_none_or(|made| made == generation) && now < self.until
    }
}

fn least(answer: &[u8], times: &[usize]) -> Duration {
    let seconds = times.iter().filter_map(|at| read_u32(answer, *at)).min().unwrap_or(0);
    Duration::from_secs(seconds.into()).min(KEEP)
}

/// Where the times to live of a message's records stand; none where it is no message.
fn times_to_live(message: &[u8]) -> Option<Vec<usize>> {
    let count = |at: usize| Some(usize::from(read_u16(message, at)?));
    let (questions, records) = (count(4)?, count(6)? + count(8)? + count(10)?);
    let mut at = HEADER;
    for _ in 0..questions {
        at = after_name(message, at)? + 4;
    }
    let mut times = Vec::new();
    for _ in 0..records {
        at = after_name(message, at)?;
        if read_u16(message, at)? != OPT {
            read_u32(message, at + 4)?;
            times.push(at + 4);
        }
        at += 10 + usize::from(read_u16(message, at + 8)?);
    }
    Some(times)
}

/// The place behind a name: its labels up to the root, or up to a pointer (RFC 1035 section 4.1.4).
fn after_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length if length & 0xc0 == 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{Message, MessageType, OpCode, Query};
    use hickory_proto::rr::rdata::A;
    use hickory_proto::rr::{Name, RData, Record, RecordType};
    use proptest::prelude::*;

    use super::*;

    /// A request, and an answer that holds for `seconds`.
    fn exchange(id: u16, seconds: u32) -> (Vec<u8>, Vec<u8>) {
        let name = Name::from_ascii("example.org.").unwrap();
        let mut request = Message::new(id, MessageType::Query, OpCode::Query);
        request.add_query(Query::query(name.clone(), RecordType::A));
        let mut answer = Message::new(id, MessageType::Response, OpCode::Query);
        answer.add_query(Query::query(name.clone(), RecordType::A));
        answer.add_answer(Record::from_rdata(name, seconds, RData::A(A::new(192, 0, 2, 1))));
        (request.to_vec().unwrap(), answer.to_vec().unwrap())
    }

    #[test]
    fn an_answer_of_others_is_given_again_with_the_client_s_id_until_its_time_is_over() {
        let (cache, now) = (Cache::default(), Instant::now());
        let (request, answer) = exchange(1, 60);
        cache.put(&request, &answer, Holds::TimeToLive, now);
        let other = exchange(2, 60).0;
        let given = Message::from_vec(&cache.get(&other, 0, now + Duration::from_secs(20)).unwrap()).unwrap();
        assert_eq!((given.id, given.answers[0].ttl), (2, 40));
        assert_eq!(cache.get(&other, 0, now + Duration::from_secs(60)), None);
    }

    #[test]
    fn an_answer_of_the_zone_holds_until_the_zone_changes() {
        let (cache, now) = (Cache::default(), Instant::now());
        let (request, answer) = exchange(1, 30);
        cache.put(&request, &answer, Holds::While(7), now);
        let later = now + Duration::from_secs(40);
        assert_eq!(Message::from_vec(&cache.get(&request, 7, later).unwrap()).unwrap().answers[0].ttl, 30);
        assert_eq!(cache.get(&request, 8, later), None);
    }

    #[test]
    fn what_may_not_be_kept_is_not() {
        let (cache, now) = (Cache::default(), Instant::now());
        let (request, answer) = exchange(1, 0);
        cache.put(&request, &answer, Holds::TimeToLive, now);
        assert_eq!(cache.get(&request, 0, now), None);
    }

    #[test]
    fn it_never_holds_more_than_its_share() {
        let (cache, now) = (Cache::default(), Instant::now());
        let (request, answer) = exchange(1, 60);
        for n in 0..2 * ENTRIES {
            let other = [&request[..], &n.to_be_bytes()].concat();
            cache.put(&other, &answer, Holds::TimeToLive, now);
        }
        assert!(cache.0.lock().len() <= ENTRIES);
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_through_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let (cache, now) = (Cache::default(), Instant::now());
            cache.put(&bytes, &bytes, Holds::TimeToLive, now);
            let _ = cache.get(&bytes, 0, now);
        }
    }
}
