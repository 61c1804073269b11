//! Our table in a network namespace of the test's own: real connections, through the real kernel. Needs root.
#![allow(unsafe_code)] // `unshare` has no interface in the standard library

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proxy::conntrack;
use proxy::nft::{Changes, Hooks, Key, Socket, Table, Target, make_local};

const RANGE: (Ipv4Addr, u8) = (Ipv4Addr::new(10, 10, 10, 0), 24);
const POD: Ipv4Addr = Ipv4Addr::new(10, 1, 1, 1);
const TCP: u8 = 6;
const UDP: u8 = 17;

/// Runs `test` on a thread with an empty network namespace, with an address of a pod's and a way to
/// the service range.
fn in_namespace(test: impl FnOnce(Socket) + Send + 'static) {
    let done = std::thread::spawn(move || {
        // SAFETY: only this thread, which does nothing else, changes its namespace.
        assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNET) }, 0, "this test needs root");
        for line in ["link set lo up", "addr add 10.1.1.1/32 dev lo", "route add 10.10.0.0/16 dev lo src 10.1.1.1"] {
            assert!(Command::new("ip").args(line.split(' ')).status().expect("install iproute2").success());
        }
        test(Socket::open().unwrap());
    });
    done.join().unwrap();
}

fn key(protocol: u8, last: u8, port: u16) -> Key {
    Key { protocol, address: Ipv4Addr::new(10, 10, 10, last), port }
}

fn target(endpoints: &[SocketAddrV4]) -> Option<Arc<Target>> {
    Some(Arc::new(Target { endpoints: endpoints.to_vec(), affinity_seconds: 0 }))
}

/// A table of the test's own, and the namespace that holds it.
struct Held {
    table: Table,
    socket: Socket,
}

impl Held {
    /// Made with these services in it.
    fn with(socket: Socket, hooks: Hooks, changes: &Changes) -> Self {
        let mut table = Table::new(hooks, RANGE);
        let _ = table.change(changes);
        socket.commit(table.make()).unwrap();
        Self { table, socket }
    }

    fn change(&mut self, changes: &Changes) {
        self.socket.commit(self.table.change(changes)).unwrap();
    }
}

fn address(listener: &TcpListener) -> SocketAddrV4 {
    SocketAddrV4::new(POD, listener.local_addr().unwrap().port())
}

/// A server that says `name` to everybody.
fn server(name: &'static str) -> SocketAddrV4 {
    let listener = TcpListener::bind("10.1.1.1:0").unwrap();
    let address = address(&listener);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.and_then(|mut stream| stream.write_all(name.as_bytes()));
        }
    });
    address
}

fn ask(last: u8, port: u16) -> std::io::Result<String> {
    let address = SocketAddrV4::new(Ipv4Addr::new(10, 10, 10, last), port);
    let mut stream = TcpStream::connect_timeout(&address.into(), Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    Ok(said)
}

#[test]
fn a_service_spreads_over_its_endpoints_and_follows_their_changes() {
    in_namespace(|socket| {
        let (one, two) = (server("one"), server("two"));
        let mut held = Held::with(socket, Hooks::Pod, &Changes::from([(key(TCP, 5, 80), target(&[one, two]))]));
        let said: Vec<String> = (0..64).map(|_| ask(5, 80).unwrap()).collect();
        assert!(said.iter().any(|s| s == "one") && said.iter().any(|s| s == "two"));

        let second = Changes::from([(key(TCP, 5, 80), target(&[two])), (key(TCP, 6, 81), target(&[one]))]);
        held.change(&second);
        assert!((0..16).all(|_| ask(5, 80).unwrap() == "two"));
        assert_eq!(ask(6, 81).unwrap(), "one");
        assert!(held.table.change(&second).is_empty(), "what is so already is not sent");

        held.change(&Changes::from([(key(TCP, 5, 80), target(&[])), (key(TCP, 6, 81), None)]));
        for (last, port) in [(5, 80), (6, 81)] {
            assert_eq!(ask(last, port).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        }
    });
}

#[test]
fn what_nobody_serves_is_refused_at_once() {
    in_namespace(|socket| {
        let outside = Key { protocol: TCP, address: Ipv4Addr::new(10, 10, 99, 1), port: 80 };
        let mut held = Held::with(socket, Hooks::Pod, &Changes::from([(outside, target(&[]))]));
        let ask_outside =
            || TcpStream::connect_timeout(&SocketAddrV4::new(outside.address, 80).into(), Duration::from_secs(5));
        assert_eq!(
            ask_outside().unwrap_err().kind(),
            ErrorKind::ConnectionRefused,
            "an external address without endpoints"
        );
        held.change(&Changes::from([(outside, target(&[server("one")]))]));
        assert!(ask_outside().is_ok());
        held.change(&Changes::from([(outside, None)]));
        assert_eq!(ask(77, 80).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let client = UdpSocket::bind("0.0.0.0:0").unwrap();
        client.connect("10.10.10.77:53").unwrap();
        // a datagram that its own host's filter rejects fails in the call that sends it
        assert_eq!(client.send(b"anybody?").unwrap_err().kind(), ErrorKind::PermissionDenied);
    });
}

#[test]
fn the_service_range_of_a_node_is_its_own_and_what_nobody_serves_in_it_is_refused() {
    in_namespace(|socket| {
        for _ in 0..2 {
            make_local(RANGE).unwrap();
        }
        Held::with(socket, Hooks::Node, &Changes::from([(key(TCP, 5, 80), target(&[server("one")]))]));
        assert_eq!(ask(5, 80).unwrap(), "one");
        assert_eq!(ask(77, 80).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let routes = Command::new("ip").args(["route", "get", "10.10.10.77"]).output().unwrap();
        assert!(String::from_utf8_lossy(&routes.stdout).starts_with("local 10.10.10.77 dev lo"), "{routes:?}");
    });
}

#[test]
fn udp_and_node_ports_are_served() {
    in_namespace(|socket| {
        let server_socket = UdpSocket::bind("10.1.1.1:0").unwrap();
        let endpoint = SocketAddrV4::new(POD, server_socket.local_addr().unwrap().port());
        let node = Key { protocol: TCP, address: Ipv4Addr::UNSPECIFIED, port: 30080 };
        let served = [(key(UDP, 10, 53), target(&[endpoint])), (node, target(&[server("node")]))];
        Held::with(socket, Hooks::Node, &Changes::from(served));

        let client = UdpSocket::bind("0.0.0.0:0").unwrap();
        client.connect("10.10.10.10:53").unwrap();
        client.send(b"hello").unwrap();
        let mut buffer = [0; 8];
        server_socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let (length, from) = server_socket.recv_from(&mut buffer).unwrap();
        server_socket.send_to(&buffer[..length], from).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        assert_eq!(client.recv(&mut buffer).unwrap(), 5);

        let mut said = String::new();
        TcpStream::connect("10.1.1.1:30080").unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "node");
    });
}

#[test]
fn a_client_stays_with_its_endpoint_where_that_is_asked() {
    in_namespace(|socket| {
        let servers = ["a", "b", "c", "d"].map(|name| (name, server(name)));
        let served = |servers: &[(&str, SocketAddrV4)], affinity_seconds| {
            let endpoints = servers.iter().map(|(_, address)| *address).collect();
            Changes::from([(key(TCP, 5, 80), Some(Arc::new(Target { endpoints, affinity_seconds })))])
        };
        let mut held = Held::with(socket, Hooks::Pod, &served(&servers, 100));
        let stays = || {
            let first = ask(5, 80).unwrap();
            (0..32).all(|_| ask(5, 80).unwrap() == first).then_some(first)
        };
        let first = stays().unwrap();
        let others: Vec<_> = servers.iter().filter(|(name, _)| *name != first).copied().collect();
        held.change(&served(&others, 100));
        let second = stays().expect("with another one, once the first is gone");
        assert_ne!(first, second);
        held.change(&served(&servers, 100));
        assert_eq!(stays().as_ref(), Some(&second), "and not back to the first");
        held.change(&served(&servers, 0));
        assert!(stays().is_none(), "affinity is over");
        held.change(&served(&servers, 1));
        let third = stays().unwrap();
        let later: Vec<String> = (0..24)
            .map(|_| {
                std::thread::sleep(Duration::from_millis(1100));
                ask(5, 80).unwrap()
            })
            .take_while(|said| *said == third)
            .collect();
        assert!(later.len() < 24, "who is silent for as long as that begins anew");
    });
}

#[test]
fn a_refused_transaction_names_its_message_and_changes_nothing() {
    in_namespace(|socket| {
        let held = Held::with(socket, Hooks::Pod, &Changes::from([(key(TCP, 5, 80), target(&[server("one")]))]));
        let mut other = Table::new(Hooks::Pod, RANGE);
        let _ = other.change(&Changes::from([(key(TCP, 9, 80), target(&[SocketAddrV4::new(POD, 1)]))]));
        let refusal = held.socket.commit(other.change(&Changes::from([(key(TCP, 9, 80), None)]))).unwrap_err();
        assert!(refusal.to_string().contains("message 1 of"), "{refusal}");
        assert_eq!(ask(5, 80).unwrap(), "one");
    });
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are for who reads the test's output")]
fn ten_thousand_services_take_and_one_of_them_changes() {
    in_namespace(|socket| {
        let mut many: Changes = (0..10_000u16)
            .map(|n| {
                let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 20, 0, 0)) + u32::from(n));
                (Key { protocol: TCP, address, port: 80 }, target(&[SocketAddrV4::new(POD, 1)]))
            })
            .collect();
        many.insert(key(TCP, 5, 80), target(&[server("before")]));
        let began = Instant::now();
        let mut held = Held::with(socket, Hooks::Pod, &many);
        println!("10,000 services made: {:?}", began.elapsed());
        let after = Changes::from([(key(TCP, 5, 80), target(&[server("after")]))]);
        let began = Instant::now();
        let change = held.table.change(&after);
        let (bytes, messages) = change.clone().finish();
        assert!(bytes.len() < 1000 && messages < 10, "one service's change is a few elements, not all of them");
        held.socket.commit(change).unwrap();
        println!("one of them changed: {:?}", began.elapsed());
        assert_eq!(ask(5, 80).unwrap(), "after");
    });
}

#[test]
fn a_udp_client_leaves_an_endpoint_that_went_away() {
    in_namespace(|socket| {
        let servers = [(); 2].map(|()| UdpSocket::bind("10.1.1.1:0").unwrap());
        let rules = [0, 1].map(|n: usize| {
            let endpoint = SocketAddrV4::new(POD, servers[n].local_addr().unwrap().port());
            Changes::from([(key(UDP, 10, 53), target(&[endpoint]))])
        });
        let heard = |server: &UdpSocket| {
            server.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            server.recv_from(&mut [0; 8]).map(|(length, _)| length)
        };
        let client = UdpSocket::bind("0.0.0.0:0").unwrap();
        client.connect("10.10.10.10:53").unwrap();
        let mut held = Held::with(socket, Hooks::Pod, &rules[0]);
        client.send(b"one").unwrap();
        assert_eq!(heard(&servers[0]).unwrap(), 3);

        let affected = conntrack::affected(&held.table, &rules[1]);
        held.change(&rules[1]);
        let released = conntrack::release(&held.socket, &affected).unwrap();
        assert_eq!(released, 1);
        client.send(b"second").unwrap();
        assert_eq!(heard(&servers[1]).unwrap(), 6);
    });
}
