//! The name server over real sockets and a real etcd.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use dns::answer::Domain;
use dns::follow::Change;
use dns::forward::Forwarder;
use dns::record::{Record, path};
use dns::server::{Answered, Resolver, Server};
use dns::store;
use dns::zone::{Shared, Zone};
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const PATIENCE: Duration = Duration::from_secs(10);

/// A name server of a domain; it ends with the test.
async fn server(domain: &str, zone: &Arc<Shared>, upstream: Vec<SocketAddr>) -> SocketAddr {
    let resolver = Resolver::new(Arc::clone(zone), Domain::parse(domain).unwrap(), Forwarder::new(upstream));
    let server = Server::bind(LOCAL, resolver).await.unwrap();
    let address = server.address().unwrap();
    tokio::spawn(server.serve(CancellationToken::new()));
    address
}

fn question(name: &str, kind: RecordType) -> Message {
    let mut request = Message::new(4711, MessageType::Query, OpCode::Query);
    request.metadata.recursion_desired = true;
    request.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    request
}

async fn ask(server: SocketAddr, name: &str) -> Message {
    let socket = UdpSocket::bind(LOCAL).await.unwrap();
    socket.send_to(&question(name, RecordType::A).to_vec().unwrap(), server).await.unwrap();
    let mut buffer = [0; 4096];
    let length = timeout(PATIENCE, socket.recv(&mut buffer)).await.expect("an answer").unwrap();
    let reply = Message::from_vec(&buffer[..length]).unwrap();
    assert_eq!(reply.id, 4711);
    reply
}

async fn ask_tcp(server: SocketAddr, name: &str) -> Message {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let bytes = question(name, RecordType::A).to_vec().unwrap();
    stream.write_all(&[&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat()).await.unwrap();
    let mut buffer = vec![0; usize::from(timeout(PATIENCE, stream.read_u16()).await.unwrap().unwrap())];
    stream.read_exact(&mut buffer).await.unwrap();
    Message::from_vec(&buffer).unwrap()
}

fn zone(records: &[(&str, &str)]) -> Arc<Shared> {
    let mut zone = Zone::default();
    records.iter().for_each(|(at, host)| zone.insert(&path(at), Record::new(*host, 0)));
    Arc::new(Shared::new(zone))
}

fn data(message: &Message) -> Vec<String> {
    message.answers.iter().map(|answer| answer.data.to_string()).collect()
}

#[tokio::test]
async fn names_outside_and_aliases_are_asked_elsewhere() {
    let outside = zone(&[("ab.www.a.svc.example.org", "192.0.2.7")]);
    let upstream = server("example.org", &outside, Vec::new()).await;
    let ours = zone(&[("cd.elsewhere.default.svc.cluster.local", "www.a.svc.example.org")]);
    let server = server("cluster.local", &ours, vec![upstream]).await;
    assert_eq!(data(&ask(server, "www.a.svc.example.org.").await), ["192.0.2.7"]);
    assert_eq!(
        data(&ask(server, "elsewhere.default.svc.cluster.local.").await),
        ["www.a.svc.example.org.", "192.0.2.7"]
    );
    assert_eq!(ask(server, "nobody.a.svc.example.org.").await.response_code, ResponseCode::NXDomain);
}

#[tokio::test]
async fn nobody_to_ask_is_a_server_failure() {
    let server = server("cluster.local", &zone(&[]), Vec::new()).await;
    assert_eq!(ask(server, "example.org.").await.response_code, ResponseCode::ServFail);
}

#[tokio::test]
async fn a_long_answer_is_cut_in_a_datagram_and_whole_over_tcp() {
    let many: Vec<(String, String)> =
        (0..200).map(|n| (format!("h{n}.web.default.svc.cluster.local"), format!("10.1.0.{n}"))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let server = server("cluster.local", &zone(&many), Vec::new()).await;
    let cut = ask(server, "web.default.svc.cluster.local.").await;
    assert!(cut.truncation && cut.answers.is_empty());
    assert_eq!(ask_tcp(server, "web.default.svc.cluster.local.").await.answers.len(), 200);
}

#[tokio::test]
async fn nonsense_is_dropped_and_the_next_question_answered() {
    let server = server("cluster.local", &zone(&[("ab.web.default.svc.cluster.local", "10.1.0.2")]), Vec::new()).await;
    let socket = UdpSocket::bind(LOCAL).await.unwrap();
    for nonsense in [&b""[..], b"x", &[0xff; 600], &[0; 12]] {
        socket.send_to(nonsense, server).await.unwrap();
    }
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(&[0, 3, 1, 2, 3]).await.unwrap();
    assert_eq!(timeout(PATIENCE, stream.read(&mut [0; 8])).await.unwrap().unwrap_or(0), 0, "the connection is closed");
    assert_eq!(data(&ask(server, "web.default.svc.cluster.local.").await), ["10.1.0.2"]);
}

#[tokio::test]
async fn what_others_said_is_given_again_and_what_the_zone_says_is_not_old() {
    let outside = zone(&[("ab.www.a.svc.example.org", "192.0.2.7")]);
    let upstream = server("example.org", &outside, Vec::new()).await;
    let ours = zone(&[("cd.web.default.svc.cluster.local", "10.1.0.2")]);
    let server = server("cluster.local", &ours, vec![upstream]).await;
    for _ in 0..2 {
        assert_eq!(data(&ask(server, "www.a.svc.example.org.").await), ["192.0.2.7"]);
        assert_eq!(data(&ask(server, "web.default.svc.cluster.local.").await), ["10.1.0.2"]);
        // from now on nobody outside knows it
        outside.set(Zone::default());
    }
    ours.change(|zone| zone.insert(&path("cd.web.default.svc.cluster.local"), Record::new("10.1.0.3", 0)));
    assert_eq!(data(&ask(server, "web.default.svc.cluster.local.").await), ["10.1.0.3"]);
}

proptest! {
    #[test]
    fn no_bytes_do_any_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let resolver = Resolver::new(zone(&[]), Domain::parse("cluster.local").unwrap(), Forwarder::new(Vec::new()));
        let _ = resolver.datagram(&bytes);
    }

    #[test]
    fn a_question_with_any_bytes_behind_and_in_it_is_answered_in_a_datagram(
        label in "[a-z]{1,20}|[*]|any", kind in any::<u16>(), at in 0usize..60, byte in any::<u8>(), tail in prop::collection::vec(any::<u8>(), 0..40)
    ) {
        let records = zone(&[("ab.web.default.svc.cluster.local", "10.1.0.2")]);
        let resolver = Resolver::new(records, Domain::parse("cluster.local").unwrap(), Forwarder::new(Vec::new()));
        let mut bytes = question(&format!("{label}.default.svc.cluster.local."), RecordType::from(kind)).to_vec().unwrap();
        match resolver.datagram(&bytes) {
            Answered::Bytes(answer) => prop_assert_eq!(Message::from_vec(&answer).unwrap().id, 4711),
            other => prop_assert!(false, "{:?}", other),
        }
        bytes.extend(tail);
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Answered::Bytes(answer) = resolver.datagram(&bytes) {
            prop_assert!(answer.len() <= 1232 && Message::from_vec(&answer).is_ok());
        }
    }
}

/// A real etcd with its data in a directory of its own.
struct Etcd {
    child: Child,
    url: String,
    _directory: tempfile::TempDir,
}

impl Etcd {
    fn start() -> Self {
        let port = || std::net::TcpListener::bind(LOCAL).unwrap().local_addr().unwrap().port();
        let (directory, url, peer) = (
            tempfile::tempdir().unwrap(),
            format!("http://127.0.0.1:{}", port()),
            format!("http://127.0.0.1:{}", port()),
        );
        let child = Command::new("etcd")
            .arg("--data-dir")
            .arg(directory.path())
            .args(["--listen-client-urls", &url, "--advertise-client-urls", &url, "--listen-peer-urls", &peer])
            .args(["--initial-advertise-peer-urls", &peer, "--initial-cluster", &format!("default={peer}")])
            .stderr(Stdio::null())
            .spawn()
            .expect("install etcd-server");
        Self { child, url, _directory: directory }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn what_kube2sky_writes_skydns_answers() {
    let etcd = Etcd::start();
    let zone = Arc::new(Shared::default());
    let server = server("cluster.local", &zone, Vec::new()).await;
    let (ready, mut is_ready) = tokio::sync::mpsc::unbounded_channel();
    let (url, read) = (etcd.url.clone(), Arc::clone(&zone));
    tokio::spawn(async move { store::read(&url, read, CancellationToken::new(), || _ = ready.send(())).await });
    timeout(PATIENCE, is_ready.recv()).await.expect("etcd is reached");

    let at = path("ab.web.default.svc.cluster.local");
    let mut client = etcd_client::Client::connect([&etcd.url], None).await.unwrap();
    client.put("/skydns/local/cluster/svc/old/gone/ff", "{\"host\":\"10.1.0.9\"}", None).await.unwrap();
    let come = Change { put: [(at.clone(), Record::new("10.1.0.2", 0))].into(), ..Change::default() };
    store::write(&mut client, &come, true).await.unwrap();
    until(server, "web.default.svc.cluster.local.", |message| data(message) == ["10.1.0.2"]).await;
    until(server, "gone.old.svc.cluster.local.", |message| message.response_code == ResponseCode::NXDomain).await;

    let go = Change { removed: [at].into(), ..Change::default() };
    store::write(&mut client, &go, false).await.unwrap();
    until(server, "web.default.svc.cluster.local.", |message| message.response_code == ResponseCode::NXDomain).await;
}

/// Asks until the answer is as wanted, as often as answers come, for a bounded time.
async fn until(server: SocketAddr, name: &str, wanted: impl Fn(&Message) -> bool) {
    timeout(PATIENCE, async {
        while !wanted(&ask(server, name).await) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{name} was not answered as it should"));
}
