//! A transaction: nf_tables messages between the marks of a batch.

use crate::netlink::wire::{ACK, Attributes, IPV4, REQUEST, message};

const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;

/// What a message of a transaction does (`NFT_MSG_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Verb {
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
pub(super) const CREATE: u16 = 0x400;
/// `NLM_F_APPEND`: a rule goes behind the others of its chain.
pub(super) const APPEND: u16 = 0x800;

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
        transaction.mark(BATCH_BEGIN);
        transaction
    }

    /// Whether there is nothing to carry out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// The bytes to send in one piece, and how many messages the kernel will acknowledge.
    #[must_use]
    pub fn finish(mut self) -> (Vec<u8>, u32) {
        self.mark(BATCH_END);
        (self.bytes, self.messages)
    }

    /// Adds a message whose attributes `fill` writes.
    pub(super) fn add(&mut self, verb: Verb, flags: u16, fill: impl FnOnce(&mut Attributes<'_>)) {
        self.messages += 1;
        let kind = (SUBSYSTEM << 8) | verb as u16;
        message(&mut self.bytes, (kind, REQUEST | ACK | flags, self.messages), (IPV4, 0), fill);
    }

    fn mark(&mut self, kind: u16) {
        message(&mut self.bytes, (kind, REQUEST, self.messages), (0, SUBSYSTEM), |_| {});
    }
}

impl Default for Transaction {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::wire::messages;

    #[test]
    fn messages_stand_between_the_marks_of_a_batch() {
        let mut transaction = Transaction::new();
        assert!(transaction.is_empty());
        transaction.add(Verb::NewTable, CREATE, |a| a.text(1, "k8sm"));
        let (bytes, count) = transaction.finish();
        let kinds: Vec<u16> = messages(&bytes).map(|message| message.kind).collect();
        assert_eq!((count, kinds), (1, vec![BATCH_BEGIN, 0xa00, BATCH_END]));
    }
}
