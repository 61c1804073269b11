//! Netlink messages as bytes: headers and attributes, written and read.
//!
//! The layouts are those of linux/netlink.h and linux/netfilter/nfnetlink.h. Numbers inside attributes are in network order
//! unless the kernel says otherwise, which this module's callers know.

/// `NLM_F_REQUEST`.
pub(crate) const REQUEST: u16 = 0x01;
/// `NLM_F_ACK`.
pub(crate) const ACK: u16 = 0x04;
/// `NLM_F_DUMP`.
pub(crate) const DUMP: u16 = 0x300;
/// `AF_INET`.
pub(crate) const IPV4: u8 = 2;

const HEADER: usize = 20;
const NESTED: u16 = 0x8000;
const KIND: u16 = 0x3fff;

/// Appends one message of netfilter's netlink to `bytes`: its header, then the attributes that `fill` writes.
pub(crate) fn message(
    bytes: &mut Vec<u8>,
    (kind, flags, sequence): (u16, u16, u32),
    (family, resource): (u8, u16),
    fill: impl FnOnce(&mut Attributes<'_>),
) {
    let start = bytes.len();
    bytes.extend_from_slice(&0u32.to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&flags.to_ne_bytes());
    bytes.extend_from_slice(&sequence.to_ne_bytes());
    bytes.extend_from_slice(&0u32.to_ne_bytes());
    bytes.extend_from_slice(&[family, 0]);
    bytes.extend_from_slice(&resource.to_be_bytes());
    fill(&mut Attributes(bytes));
    let length = u32::try_from(bytes.len() - start).expect("a message is bounded by its callers");
    bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
}

/// Writes attributes at the end of a message; each is padded to four bytes.
pub(crate) struct Attributes<'a>(&'a mut Vec<u8>);

impl Attributes<'_> {
    pub(crate) fn bytes(&mut self, kind: u16, value: &[u8]) {
        let start = self.open(kind);
        self.0.extend_from_slice(value);
        self.shut(start);
    }

    pub(crate) fn text(&mut self, kind: u16, value: &str) {
        let start = self.open(kind);
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(0);
        self.shut(start);
    }

    pub(crate) fn number(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    pub(crate) fn nested(&mut self, kind: u16, fill: impl FnOnce(&mut Attributes<'_>)) {
        let start = self.open(kind | NESTED);
        fill(&mut Attributes(self.0));
        self.shut(start);
    }

    fn open(&mut self, kind: u16) -> usize {
        let start = self.0.len();
        self.0.extend_from_slice(&0u16.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        start
    }

    fn shut(&mut self, start: usize) {
        let length = u16::try_from(self.0.len() - start).expect("callers keep an attribute below 64 KiB");
        self.0[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }
}

/// A message that the kernel sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) kind: u16,
    pub(crate) sequence: u32,
    /// What follows the netlink header.
    pub(crate) body: &'a [u8],
}

/// The whole messages in a datagram; what is cut short is left out.
pub(crate) fn messages(mut datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let header = datagram.first_chunk::<16>()?;
        let word = |at: usize| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let length = word(0) as usize;
        let body = datagram.get(16..length)?;
        let message = Message { kind: u16::from_ne_bytes([header[4], header[5]]), sequence: word(8), body };
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
}

/// The attributes in a run of bytes, by kind without its flags.
pub(crate) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let header = bytes.first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([header[2], header[3]]) & KIND, value))
    })
}

/// The attribute of that kind in a run of bytes.
pub(crate) fn attribute(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(found, _)| *found == kind).map(|(_, value)| value)
}

/// The attributes of a message's body, behind netfilter's own header.
pub(crate) fn after_header(body: &[u8]) -> &[u8] {
    body.get(HEADER - 16..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = Vec::new();
        message(&mut bytes, (7, REQUEST, 3), (IPV4, 0), |a| {
            a.text(1, "k8sm");
            a.nested(2, |a| a.number(9, 0x0102_0304));
        });
        let read: Vec<Message<'_>> = messages(&bytes).collect();
        assert_eq!((read.len(), read[0].kind, read[0].sequence), (1, 7, 3));
        let body = after_header(read[0].body);
        assert_eq!(attribute(body, 1), Some(&b"k8sm\0"[..]));
        assert_eq!(attribute(attribute(body, 2).unwrap(), 9), Some(&[1, 2, 3, 4][..]));
        assert_eq!(attribute(body, 3), None);
    }

    #[test]
    fn what_is_cut_short_is_left_out() {
        let mut bytes = Vec::new();
        message(&mut bytes, (7, REQUEST, 3), (IPV4, 0), |a| a.text(1, "k8sm"));
        for end in 0..bytes.len() {
            assert_eq!(messages(&bytes[..end]).count(), 0, "{end}");
            let _ = attributes(&bytes[..end]).count();
        }
    }
}
