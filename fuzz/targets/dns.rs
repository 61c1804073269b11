//! Datagrams to the name server: whatever comes, it is dropped, asked elsewhere, or answered by a message with its number.
#![no_main]

use std::sync::{Arc, LazyLock};

use dns::answer::Domain;
use dns::forward::Forwarder;
use dns::record::{Record, path};
use dns::server::{Answered, Resolver};
use dns::zone::{Shared, Zone};
use libfuzzer_sys::fuzz_target;

static RESOLVER: LazyLock<Resolver> = LazyLock::new(|| {
    let mut zone = Zone::default();
    for (name, host) in [
        ("ab.web.a.svc.cluster.local", "10.1.0.2"),
        ("cd.web.a.svc.cluster.local", "10.1.0.3"),
        ("ef.six.a.svc.cluster.local", "fe80::1"),
        ("gh.alias.a.svc.cluster.local", "web.a.svc.cluster.local"),
        ("ij.loop.a.svc.cluster.local", "loop.a.svc.cluster.local"),
    ] {
        zone.insert(&path(name), Record::new(host, 80));
    }
    let domain = Domain::parse("cluster.local").expect("a name");
    Resolver::new(Arc::new(Shared::new(zone)), domain, Forwarder::new(Vec::new()))
});

fuzz_target!(|datagram: &[u8]| {
    if let Answered::Bytes(answer) = RESOLVER.datagram(datagram) {
        assert_eq!(answer[..2], datagram[..2], "the answer is to another question");
    }
});
