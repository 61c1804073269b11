//! Netlink messages as bytes: headers, attributes, and a transaction of nf_tables messages.
//!
//! The layouts are those of linux/netlink.h and linux/netfilter/nf_tables.h. Numbers inside attributes are in network
//! order unless the kernel says otherwise, which this module's callers know.

const HEADER: usize = 16;
const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const REQUEST: u16 = 0x01;
const ACK: u16 = 0x04;
const NESTED: u16 = 0x8000;
const IPV4: u8 = 2;

/// What a message of a transaction does (`NFT_MSG_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Verb {
    NewTable = 0,
    DelTable = 2,
    NewChain = 3,
    DelChain = 5,
    NewRule = 6,
    NewSet = 9,
    NewElement = 12,
    DelElement = 14,
}

/// `NLM_F_CREATE`.
pub(crate) const CREATE: u16 = 0x400;
/// `NLM_F_APPEND`: a rule goes behind the others of its chain.
pub(crate) const APPEND: u16 = 0x800;

/// Messages that the kernel carries out all together or not at all.
///
/// One transaction is encoded once and may be sent through the sockets of many network namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    bytes: Vec<u8>,
    messages: u32,
}

impl Transaction {
    /// An empty transaction.
    #[must_use]
    pub fn new() -> Self {
        let mut transaction = Self { bytes: Vec::with_capacity(4096), messages: 0 };
        transaction.control(BATCH_BEGIN);
        transaction
    }

    /// Whether there is nothing to carry out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// The bytes to send in one piece, and the sequence number of the last message, whose acknowledgement ends the answer.
    #[must_use]
    pub fn finish(mut self) -> (Vec<u8>, u32) {
        self.control(BATCH_END);
        (self.bytes, self.messages)
    }

    /// Adds a message whose attributes `fill` writes.
    pub(crate) fn message(&mut self, verb: Verb, flags: u16, fill: impl FnOnce(&mut Attributes<'_>)) {
        self.messages += 1;
        let start = self.header((SUBSYSTEM << 8) | verb as u16, REQUEST | ACK | flags, IPV4, 0);
        fill(&mut Attributes(&mut self.bytes));
        self.close(start);
    }

    fn control(&mut self, kind: u16) {
        let start = self.header(kind, REQUEST, 0, SUBSYSTEM);
        self.close(start);
    }

    fn header(&mut self, kind: u16, flags: u16, family: u8, resource: u16) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&0u32.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&flags.to_ne_bytes());
        self.bytes.extend_from_slice(&self.messages.to_ne_bytes());
        self.bytes.extend_from_slice(&0u32.to_ne_bytes());
        self.bytes.extend_from_slice(&[family, 0]);
        self.bytes.extend_from_slice(&resource.to_be_bytes());
        debug_assert_eq!(self.bytes.len(), start + HEADER + 4, "a header and nfgenmsg are 20 bytes");
        start
    }

    fn close(&mut self, start: usize) {
        let length = u32::try_from(self.bytes.len() - start).expect("a message is bounded by its callers");
        self.bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
    }
}

impl Default for Transaction {
    fn default() -> Self {
        Self::new()
    }
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

    pub(crate) fn long(&mut self, kind: u16, value: u64) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_framed_between_batch_begin_and_end() {
        let mut transaction = Transaction::new();
        transaction.message(Verb::NewTable, CREATE, |a| a.text(1, "k8sm"));
        let (bytes, last) = transaction.finish();
        assert_eq!(last, 1);
        let lengths: Vec<u32> =
            [0, 20, 52].iter().map(|&at| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())).collect();
        assert_eq!(lengths, [20, 32, 20]);
        assert_eq!(&bytes[40..52], b"\x09\0\x01\0k8sm\0\0\0\0");
        assert_eq!(bytes.len(), 72);
    }

    #[test]
    fn nothing_to_do_is_empty() {
        assert!(Transaction::new().is_empty());
    }
}
