//! Why a text is no JSON, in the words of Go's encoding/json, which Kubernetes passes on to clients.

/// As deep as values may be, in Go too.
const DEEPEST: usize = 10_000;

/// What is wrong with the text first; nothing if it is JSON.
pub(super) fn explain(text: impl AsRef<[u8]>) -> Option<String> {
    let mut scan = Scan { bytes: text.as_ref(), at: 0, open: Vec::new() };
    scan.value().and_then(|()| scan.end()).err()
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The objects and arrays that are not closed yet. They are no calls within calls: texts may be deeper than a thread's stack.
    open: Vec<Within>,
}

#[derive(Clone, Copy)]
enum Within {
    Object,
    Array,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The message for the byte at hand, or for the end of the text.
    fn wrong<T>(&self, context: &str) -> Result<T, String> {
        Err(match self.peek() {
            None => "unexpected end of JSON input".to_owned(),
            Some(byte) => format!("invalid character {} {context}", quote_byte(byte)),
        })
    }

    fn end(&mut self) -> Result<(), String> {
        self.space();
        if self.peek().is_none() { Ok(()) } else { self.wrong("after top-level value") }
    }

    /// A value with all that is in it.
    fn value(&mut self) -> Result<(), String> {
        while self.begun()? || self.goes_on()? {}
        Ok(())
    }

    /// The beginning of a value: whether another value has to follow, the first one within it.
    fn begun(&mut self) -> Result<bool, String> {
        self.space();
        match self.peek() {
            Some(b'{') => return self.opened(Within::Object, b'}'),
            Some(b'[') => return self.opened(Within::Array, b']'),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => self.wrong("looking for beginning of value"),
        }?;
        Ok(false)
    }

    fn opened(&mut self, within: Within, end: u8) -> Result<bool, String> {
        if self.open.len() == DEEPEST {
            return self.wrong("exceeded max depth");
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(false);
        }
        self.open.push(within);
        if let Within::Object = within {
            self.key()?;
        }
        Ok(true)
    }

    /// What stands behind a value: whether another one has to follow.
    fn goes_on(&mut self) -> Result<bool, String> {
        while let Some(&within) = self.open.last() {
            self.space();
            match (within, self.peek()) {
                (Within::Object, Some(b',')) => {
                    self.at += 1;
                    self.key()?;
                    return Ok(true);
                }
                (Within::Array, Some(b',')) => {
                    self.at += 1;
                    return Ok(true);
                }
                (Within::Object, Some(b'}')) | (Within::Array, Some(b']')) => {
                    self.at += 1;
                    self.open.pop();
                }
                (Within::Object, _) => return self.wrong("after object key:value pair"),
                (Within::Array, _) => return self.wrong("after array element"),
            }
        }
        Ok(false)
    }

    /// An object's key, and the colon behind it.
    fn key(&mut self) -> Result<(), String> {
        self.space();
        if self.peek() != Some(b'"') {
            return self.wrong("looking for beginning of object key string");
        }
        self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return self.wrong("after object key");
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<(), String> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                Some(0x20..) => self.at += 1,
                _ => return self.wrong("in string literal"),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        match self.peek() {
            Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|b| b.is_ascii_hexdigit()) {
                        return self.wrong("in \\u hexadecimal character escape");
                    }
                    self.at += 1;
                }
            }
            _ => return self.wrong("in string escape code"),
        }
        Ok(())
    }

    fn digits(&mut self, context: &str) -> Result<(), String> {
        if !self.peek().is_some_and(|b| b.is_ascii_digit()) {
            return self.wrong(context);
        }
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), String> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Result<(), String> {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                return self.wrong(&format!("in literal {word} (expecting '{}')", char::from(expected)));
            }
            self.at += 1;
        }
        Ok(())
    }
}

/// A byte as Go shows it: as if it were a Latin-1 character.
fn quote_byte(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        b'\\' => "'\\\\'".to_owned(),
        b'\n' => "'\\n'".to_owned(),
        b'\r' => "'\\r'".to_owned(),
        b'\t' => "'\\t'".to_owned(),
        0..0x20 | 0x7f..0xa0 => format!("'\\x{byte:02x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn messages_are_gos() {
        for (text, message) in [
            ("", "unexpected end of JSON input"),
            ("{nope", "invalid character 'n' looking for beginning of object key string"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{} x", "invalid character 'x' after top-level value"),
            ("tru", "unexpected end of JSON input"),
            ("trap", "invalid character 'a' in literal true (expecting 'u')"),
            ("-a", "invalid character 'a' in numeric literal"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("\"\\q\"", "invalid character 'q' in string escape code"),
            ("\"a\nb\"", "invalid character '\\n' in string literal"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
        ] {
            assert_eq!(explain(text).as_deref(), Some(message), "{text}");
        }
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = |levels: usize| format!("{}0{}", open.repeat(levels), close.repeat(levels));
            assert_eq!(explain(deep(10_000)), None);
            let why = format!("invalid character '{}' exceeded max depth", &open[..1]);
            assert_eq!(explain(deep(10_001)), Some(why));
            assert_eq!(explain(open.repeat(9_999)).as_deref(), Some("unexpected end of JSON input"));
        }
        assert_eq!(explain(" {\"a\": [1, -2.5e3, \"\\u00e9\", true, null, {}]} "), None);
    }
}
