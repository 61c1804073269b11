//! RecordIO: records come out of a stream as they were put in, however it is cut; a stream that is none ends once for all.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mesos::recordio::{Decoder, Error, encode};

/// What a stream holds, fed in pieces of at most so many bytes.
fn read(stream: &[u8], piece: usize) -> Result<Vec<Vec<u8>>, Error> {
    let (mut decoder, mut records) = (Decoder::new(), Vec::new());
    for bytes in stream.chunks(piece) {
        decoder.feed(bytes);
        while let Some(record) = decoder.next_record()? {
            records.push(record.to_vec());
        }
    }
    Ok(records)
}

fuzz_target!(|bytes: &[u8]| {
    let whole = read(bytes, bytes.len().max(1));
    let cut = read(bytes, 3);
    // what came before nonsense may have come out of it or not
    if let (Ok(whole), Ok(cut)) = (&whole, &cut) {
        assert_eq!(whole, cut);
    }
    assert_eq!(whole.is_err(), cut.is_err());
    let framed: Vec<u8> = bytes.split(|byte| *byte == 0).flat_map(encode).collect();
    let back = read(&framed, 5).expect("what was encoded");
    assert!(back.iter().map(Vec::as_slice).eq(bytes.split(|byte| *byte == 0)));
});
