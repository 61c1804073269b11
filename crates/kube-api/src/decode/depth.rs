//! How deep a YAML text goes, seen before it is parsed: the parser takes time by the square of the depth of flow collections
//! (`[[[…`), so that three megabytes of brackets would keep it for hours.

/// How deep flow collections may be, as in Go's YAML. (What is deeper than 128 the parser refuses itself, soon enough.)
pub const LIMIT: usize = 10_000;

/// Whether the text opens more than [`LIMIT`] flow collections that it does not close. A bracket opens one where a value can
/// begin; brackets of quoted texts are counted too, which so many of them hardly ever are.
#[must_use]
pub fn exceeded(text: &str) -> bool {
    let (mut depth, mut before) = (0_usize, b'\n');
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' if matches!(before, b' ' | b'\t' | b'\n' | b'\r' | b'[' | b'{' | b',' | b':') => {
                depth += 1;
                if depth > LIMIT {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = byte;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_and_length_is_not() {
        assert!(exceeded(&"[".repeat(LIMIT + 1)));
        assert!(exceeded(&"{ ".repeat(LIMIT + 1)));
        assert!(exceeded(&"{a: ".repeat(LIMIT + 1)));
        assert!(!exceeded(&"[]".repeat(3 * LIMIT)));
        assert!(!exceeded(&"a[".repeat(3 * LIMIT)), "a word's own bracket");
        assert!(!exceeded(&"- ".repeat(3 * LIMIT)), "the parser's own limit is for these");
    }
}
