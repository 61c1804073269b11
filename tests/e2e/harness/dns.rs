//! Questions to a name server, from this machine, as any resolver asks them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};

const TIME: Duration = Duration::from_secs(5);

/// What was answered, with the records as text.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The whole message.
    pub(crate) message: Message,
    /// The answers' data, sorted.
    pub(crate) data: Vec<String>,
}

/// Asks by UDP, with EDNS.
///
/// # Errors
/// No answer in time, in words.
pub(crate) fn ask(server: &str, name: &str, kind: RecordType) -> Result<Answer, String> {
    let mut question = question(name, kind);
    question.set_edns(Edns::new());
    let wrong = |error: std::io::Error| format!("ask {server} for {name}: {error}");
    let socket = UdpSocket::bind("0.0.0.0:0").map_err(wrong)?;
    socket.set_read_timeout(Some(TIME)).map_err(wrong)?;
    socket.connect(server).map_err(wrong)?;
    socket.send(&bytes(&question)).map_err(wrong)?;
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).map_err(wrong)?;
    read(&question, &buffer[..length])
}

/// Asks by TCP, without EDNS.
///
/// # Errors
/// No answer in time, in words.
pub(crate) fn ask_tcp(server: &str, name: &str, kind: RecordType) -> Result<Answer, String> {
    let question = question(name, kind);
    let wrong = |error: std::io::Error| format!("ask {server} for {name}: {error}");
    let address: SocketAddr = server.parse().expect("an address with a port");
    let mut stream = TcpStream::connect_timeout(&address, TIME).map_err(wrong)?;
    stream.set_read_timeout(Some(TIME)).map_err(wrong)?;
    let bytes = bytes(&question);
    let length = u16::try_from(bytes.len()).expect("a question is short");
    stream.write_all(&[&length.to_be_bytes()[..], &bytes].concat()).map_err(wrong)?;
    let mut length = [0; 2];
    stream.read_exact(&mut length).map_err(wrong)?;
    let mut buffer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut buffer).map_err(wrong)?;
    read(&question, &buffer)
}

fn question(name: &str, kind: RecordType) -> Message {
    let mut question = Message::new(4711, MessageType::Query, OpCode::Query);
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
    question
}

fn bytes(message: &Message) -> Vec<u8> {
    message.to_vec().expect("a question can be encoded")
}

fn read(question: &Message, bytes: &[u8]) -> Result<Answer, String> {
    let message = Message::from_vec(bytes).map_err(|error| format!("no DNS message: {error}"))?;
    if message.id != question.id || message.queries != question.queries {
        return Err(format!("the answer is to another question: {message:?}"));
    }
    let mut data: Vec<String> = message.answers.iter().map(|answer| answer.data.to_string()).collect();
    data.sort();
    Ok(Answer { message, data })
}
