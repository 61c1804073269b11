//! Protobuf's wire format: fields, one after the other.

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) &'static str);

/// A field's value as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire<'a> {
    /// A varint, or 32 bits.
    Number(u64),
    /// 64 bits.
    Fixed(u64),
    /// Bytes of known length: text, bytes, a message.
    Bytes(&'a [u8]),
}

impl<'a> Wire<'a> {
    pub(super) fn bytes(self) -> Result<&'a [u8], Malformed> {
        if let Wire::Bytes(bytes) = self { Ok(bytes) } else { Err(Malformed("a number where bytes are expected")) }
    }

    pub(super) fn text(self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed("a text is no UTF-8"))
    }

    /// A signed number; negative ones are written in 64 bits.
    pub(super) fn number(self) -> Result<i64, Malformed> {
        match self {
            Wire::Number(number) | Wire::Fixed(number) => Ok(number.cast_signed()),
            Wire::Bytes(_) => Err(Malformed("bytes where a number is expected")),
        }
    }

    pub(super) fn double(self) -> Result<f64, Malformed> {
        match self {
            Wire::Fixed(bits) => Ok(f64::from_bits(bits)),
            _ => Err(Malformed("no floating point number where one is expected")),
        }
    }
}

/// Reads a message's fields.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn field(&mut self) -> Result<(u32, Wire<'a>), Malformed> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| Malformed("a field's number is out of range"))?;
        let wire = match key & 7 {
            0 => Wire::Number(self.varint()?),
            1 => Wire::Fixed(u64::from_le_bytes(self.take(8)?.try_into().map_err(|_| END)?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| END)?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Number(u64::from(u32::from_le_bytes(self.take(4)?.try_into().map_err(|_| END)?))),
            _ => return Err(Malformed("a field of unknown form")),
        };
        Ok((number, wire))
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(END)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed("a number is too long"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(END)?;
        self.rest = rest;
        Ok(taken)
    }
}

const END: Malformed = Malformed("it ends within a field");

impl<'a> Iterator for Reader<'a> {
    type Item = Result<(u32, Wire<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            // nothing behind an error means anything
            self.rest = &[];
        }
        Some(field)
    }
}
