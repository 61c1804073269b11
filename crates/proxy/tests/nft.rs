//! Our table in a network namespace of the test's own: real connections, through the real kernel. Needs root.
#![allow(unsafe_code)] // `unshare` has no interface in the standard library

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

use proxy::conntrack;
use proxy::nft::{Hooks, Key, Rules, Socket, Target, difference, make_local};

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

fn target(endpoints: &[SocketAddrV4]) -> Target {
    Target { endpoints: endpoints.to_vec(), affinity_seconds: 0 }
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
        let both = Rules::from([(key(TCP, 5, 80), target(&[one, two]))]);
        socket.commit(difference(Hooks::Pod, RANGE, None, &both)).unwrap();
        let said: Vec<String> = (0..64).map(|_| ask(5, 80).unwrap()).collect();
        assert!(said.iter().any(|s| s == "one") && said.iter().any(|s| s == "two"));

        let second = Rules::from([(key(TCP, 5, 80), target(&[two])), (key(TCP, 6, 81), target(&[one]))]);
        socket.commit(difference(Hooks::Pod, RANGE, Some(&both), &second)).unwrap();
        assert!((0..16).all(|_| ask(5, 80).unwrap() == "two"));
        assert_eq!(ask(6, 81).unwrap(), "one");

        let none = Rules::from([(key(TCP, 5, 80), target(&[]))]);
        socket.commit(difference(Hooks::Pod, RANGE, Some(&second), &none)).unwrap();
        assert_eq!(ask(5, 80).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert!(difference(Hooks::Pod, RANGE, Some(&none), &none).is_empty());
    });
}

#[test]
fn what_nobody_serves_is_refused_at_once() {
    in_namespace(|socket| {
        socket.commit(difference(Hooks::Pod, RANGE, None, &Rules::new())).unwrap();
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
        let one = server("one");
        let rules = Rules::from([(key(TCP, 5, 80), target(&[one]))]);
        socket.commit(difference(Hooks::Node, RANGE, None, &rules)).unwrap();
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
        let rules = Rules::from([(key(UDP, 10, 53), target(&[endpoint])), (node, target(&[server("node")]))]);
        socket.commit(difference(Hooks::Node, RANGE, None, &rules)).unwrap();

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
        let endpoints: Vec<SocketAddrV4> = ["a", "b", "c", "d"].map(server).to_vec();
        let rules = Rules::from([(key(TCP, 5, 80), Target { endpoints, affinity_seconds: 100 })]);
        socket.commit(difference(Hooks::Pod, RANGE, None, &rules)).unwrap();
        let first = ask(5, 80).unwrap();
        assert!((0..32).all(|_| ask(5, 80).unwrap() == first));
    });
}

#[test]
fn a_refused_transaction_names_its_message_and_changes_nothing() {
    in_namespace(|socket| {
        let rules = Rules::from([(key(TCP, 5, 80), target(&[server("one")]))]);
        socket.commit(difference(Hooks::Pod, RANGE, None, &rules)).unwrap();
        let unknown = Rules::from([(key(TCP, 9, 80), target(&[]))]);
        let stale = Rules::from([(key(TCP, 9, 80), target(&[SocketAddrV4::new(POD, 1)]))]);
        let refusal = socket.commit(difference(Hooks::Pod, RANGE, Some(&stale), &unknown)).unwrap_err();
        assert!(refusal.to_string().contains("message 1 of"), "{refusal}");
        assert_eq!(ask(5, 80).unwrap(), "one");
    });
}

#[test]
fn ten_thousand_services_take_and_one_of_them_changes() {
    in_namespace(|socket| {
        let many = |last: SocketAddrV4| -> Rules {
            let mut rules: Rules = (0..10_000u16)
                .map(|n| {
                    let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 20, 0, 0)) + u32::from(n));
                    (Key { protocol: TCP, address, port: 80 }, target(&[SocketAddrV4::new(POD, 1)]))
                })
                .collect();
            rules.insert(key(TCP, 5, 80), target(&[last]));
            rules
        };
        let (before, after) = (many(server("before")), many(server("after")));
        socket.commit(difference(Hooks::Pod, RANGE, None, &before)).unwrap();
        let change = difference(Hooks::Pod, RANGE, Some(&before), &after);
        let (bytes, messages) = change.clone().finish();
        assert!(bytes.len() < 1000 && messages < 10, "one service's change is a few elements, not all of them");
        socket.commit(change).unwrap();
        assert_eq!(ask(5, 80).unwrap(), "after");
    });
}

#[test]
fn a_udp_client_leaves_an_endpoint_that_went_away() {
    in_namespace(|socket| {
        let servers = [(); 2].map(|()| UdpSocket::bind("10.1.1.1:0").unwrap());
        let rules = [0, 1].map(|n: usize| {
            let endpoint = SocketAddrV4::new(POD, servers[n].local_addr().unwrap().port());
            Rules::from([(key(UDP, 10, 53), target(&[endpoint]))])
        });
        let heard = |server: &UdpSocket| {
            server.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            server.recv_from(&mut [0; 8]).map(|(length, _)| length)
        };
        let client = UdpSocket::bind("0.0.0.0:0").unwrap();
        client.connect("10.10.10.10:53").unwrap();
        socket.commit(difference(Hooks::Pod, RANGE, None, &rules[0])).unwrap();
        client.send(b"one").unwrap();
        assert_eq!(heard(&servers[0]).unwrap(), 3);

        socket.commit(difference(Hooks::Pod, RANGE, Some(&rules[0]), &rules[1])).unwrap();
        let released = conntrack::release(&socket, &conntrack::affected(&rules[0], &rules[1])).unwrap();
        assert_eq!(released, 1);
        client.send(b"second").unwrap();
        assert_eq!(heard(&servers[1]).unwrap(), 6);
    });
}
