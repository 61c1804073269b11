//! Protobuf's wire format: fields, one after the other, each with its number and the form of its value.

/// What is wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

impl Malformed {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    fn form(wire: Wire<'_>, field: &str) -> Self {
        let form = match wire {
            Wire::Varint(_) => 0,
            Wire::Fixed64(_) => 1,
            Wire::Bytes(_) => 2,
            Wire::Fixed32 => 5,
        };
        Self(format!("proto: wrong wireType = {form} for field {field}"))
    }
}

/// A field's value as it is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    /// 32 bits, which no field of Kubernetes is.
    Fixed32,
    /// Bytes of known length: text, bytes, a message, packed numbers.
    Bytes(&'a [u8]),
}

impl<'a> Wire<'a> {
    /// The bytes; `field` is named where it has none, as below.
    pub(super) fn bytes(self, field: &str) -> Result<&'a [u8], Malformed> {
        if let Wire::Bytes(bytes) = self { Ok(bytes) } else { Err(Malformed::form(self, field)) }
    }

    pub(super) fn text(self, field: &str) -> Result<&'a str, Malformed> {
        let bytes = self.bytes(field)?;
        std::str::from_utf8(bytes).map_err(|_| Malformed(format!("proto: field {field} contains invalid UTF-8")))
    }

    /// A signed number; negative ones are written in 64 bits.
    pub(super) fn number(self, field: &str) -> Result<i64, Malformed> {
        if let Wire::Varint(number) = self { Ok(number.cast_signed()) } else { Err(Malformed::form(self, field)) }
    }

    pub(super) fn double(self, field: &str) -> Result<f64, Malformed> {
        if let Wire::Fixed64(bits) = self { Ok(f64::from_bits(bits)) } else { Err(Malformed::form(self, field)) }
    }
}

/// Groups, which protobuf has given up, are skipped up to this depth.
const MAX_GROUPS: usize = 64;

/// Reads a message's fields. After an error there are none.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The numbers of a packed field.
    pub(super) fn packed(bytes: &'a [u8]) -> impl Iterator<Item = Result<i64, Malformed>> + 'a {
        let mut reader = Self::new(bytes);
        std::iter::from_fn(move || {
            if reader.rest.is_empty() {
                return None;
            }
            let number = reader.varint();
            if number.is_err() {
                reader.rest = &[];
            }
            Some(number.map(u64::cast_signed))
        })
    }

    /// The next field, behind groups.
    fn field(&mut self) -> Result<Option<(u32, Wire<'a>)>, Malformed> {
        let mut groups = Vec::new();
        while !self.rest.is_empty() {
            let key = self.varint()?;
            let number = u32::try_from(key >> 3).ok().filter(|&number| number > 0 && number < 1 << 29);
            let number =
                number.ok_or_else(|| Malformed(format!("proto: illegal tag {} (wire type {})", key >> 3, key & 7)))?;
            let wire = match key & 7 {
                0 => Wire::Varint(self.varint()?),
                1 => Wire::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().map_err(|_| end())?)),
                2 => {
                    let length = usize::try_from(self.varint()?).map_err(|_| end())?;
                    Wire::Bytes(self.take(length)?)
                }
                3 if groups.len() < MAX_GROUPS => {
                    groups.push(number);
                    continue;
                }
                4 if groups.pop() == Some(number) => continue,
                5 => {
                    self.take(4)?;
                    Wire::Fixed32
                }
                form => return Err(Malformed(format!("proto: illegal wireType {form}"))),
            };
            if groups.is_empty() {
                return Ok(Some((number, wire)));
            }
        }
        if groups.is_empty() { Ok(None) } else { Err(end()) }
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or_else(end)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed::new("proto: integer overflow"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(end)?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<(u32, Wire<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.field();
        if field.is_err() {
            // nothing behind an error means anything
            self.rest = &[];
        }
        field.transpose()
    }
}

fn end() -> Malformed {
    Malformed::new("unexpected EOF")
}

/// Writes a message's fields.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Bytes that are no field.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn number(&mut self, number: u32, value: i64) {
        self.varint(u64::from(number) << 3);
        self.varint(value.cast_unsigned());
    }

    pub(super) fn double(&mut self, number: u32, value: f64) {
        self.varint(u64::from(number) << 3 | 1);
        self.raw(&value.to_bits().to_le_bytes());
    }

    pub(super) fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.varint(u64::from(number) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.raw(bytes);
    }

    /// A message within the message. Its length is known only behind it: one byte is left for it, more are put in between.
    pub(super) fn nested(&mut self, number: u32, write: impl FnOnce(&mut Self)) {
        self.varint(u64::from(number) << 3 | 2);
        let start = self.0.len();
        self.0.push(0);
        write(self);
        let mut length = Self(Vec::new());
        length.varint((self.0.len() - start - 1) as u64);
        self.0.splice(start..=start, length.0);
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }
}
