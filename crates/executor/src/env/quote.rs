//! Text in quotes as Go's `%q` puts it, which is how a downward API volume lists labels and annotations. Pure.

use std::fmt::Write;

/// The text in double quotes. What can be printed stands as it is, combining characters too; all else is escaped.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        escape(c, &mut quoted);
    }
    quoted.push('"');
    quoted
}

/// Appends the character, escaped where it cannot stand for itself.
fn escape(c: char, quoted: &mut String) {
    let code = u32::from(c);
    let written = match c {
        '"' | '\\' => write!(quoted, "\\{c}"),
        c if is_printable(c) => write!(quoted, "{c}"),
        '\u{7}' => write!(quoted, "\\a"),
        '\u{8}' => write!(quoted, "\\b"),
        '\u{c}' => write!(quoted, "\\f"),
        '\n' => write!(quoted, "\\n"),
        '\r' => write!(quoted, "\\r"),
        '\t' => write!(quoted, "\\t"),
        '\u{b}' => write!(quoted, "\\v"),
        '\0'..' ' | '\u{7f}' => write!(quoted, "\\x{code:02x}"),
        '\u{80}'..='\u{ffff}' => write!(quoted, "\\u{code:04x}"),
        _ => write!(quoted, "\\U{code:08x}"),
    };
    written.expect("a string takes all that is written");
}

/// Letters, marks, numbers, punctuation, symbols and the space. Rust's escapes know the same ones, but for quotes, which they
/// escape, and for a combining character at the beginning, where nothing stands before it to combine with.
fn is_printable(c: char) -> bool {
    let text = ['a', c].iter().collect::<String>();
    matches!(c, '\'' | '"' | '\\') || text.escape_debug().eq(text.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_by_go() {
        for (text, expected) in [
            ("", r#""""#),
            ("it's", r#""it's""#),
            ("a \"b\" \\", r#""a \"b\" \\""#),
            ("\u{7}\u{8}\u{c}\n\r\t\u{b}", r#""\a\b\f\n\r\t\v""#),
            ("\0\u{1b}\u{7f}", r#""\x00\x1b\x7f""#),
            ("é ☺ 漢 😀", r#""é ☺ 漢 😀""#),
            ("e\u{301}", "\"e\u{301}\""),
            ("\u{301}", "\"\u{301}\""),
            ("\u{80}\u{a0}\u{ad}\u{200b}\u{2028}\u{feff}\u{e000}", r#""\u0080\u00a0\u00ad\u200b\u2028\ufeff\ue000""#),
            ("\u{fffd}", "\"\u{fffd}\""),
            ("\u{e0001}\u{10ffff}", r#""\U000e0001\U0010ffff""#),
        ] {
            assert_eq!(quoted(text), expected, "{text:?}");
        }
    }
}
