//! SPDY frames: bytes that a client sends after its upgrade are frames or an error, never more than they say; frames come out as they went in.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use streams::spdy::frame::{Decoder, Encoder, Frame};

/// Frames until the bytes end or are wrong.
fn decode(bytes: &[u8], piece: usize) -> (Vec<Frame>, bool) {
    let (mut decoder, mut buffer, mut frames) = (Decoder::default(), BytesMut::new(), Vec::new());
    for bytes in bytes.chunks(piece) {
        buffer.extend_from_slice(bytes);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return (frames, false),
            }
        }
    }
    (frames, true)
}

/// Frames that the input chooses.
fn made(input: &[u8]) -> Vec<Frame> {
    let text = |bytes: &[u8]| bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect::<String>();
    let frame = |bytes: &[u8]| {
        let (stream, fin, rest) = (u32::from(bytes[1]) + 1, bytes[0] & 8 != 0, &bytes[2..]);
        let headers = || rest.chunks(4).enumerate().map(|(n, chunk)| (format!("h{n}"), text(chunk))).collect();
        match bytes[0] % 6 {
            0 => Frame::Open { stream, headers: headers(), fin },
            1 => Frame::Reply { stream, headers: headers(), fin },
            2 => Frame::Reset { stream, status: u32::from(bytes[0]) },
            3 => Frame::Ping(stream),
            4 => Frame::GoAway(stream),
            _ => Frame::Data { stream, bytes: Bytes::copy_from_slice(rest), fin },
        }
    };
    input.chunks(24).filter(|chunk| chunk.len() > 2).map(frame).collect()
}

fuzz_target!(|input: &[u8]| {
    assert_eq!(decode(input, input.len().max(1)).1, decode(input, 7).1, "how the bytes are cut decides");
    let (frames, mut out, mut encoder) = (made(input), BytesMut::new(), Encoder::default());
    frames.iter().for_each(|frame| encoder.encode(frame, &mut out));
    assert_eq!(decode(&out, out.len().max(1)), (frames, true));
});
