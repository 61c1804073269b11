//! Texts: without quotes where that can be, in single or double quotes, or as they are, line by line.

use super::{line, resolve};

/// Behind this column a line is broken at the next space.
const WIDTH: usize = 80;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// Writes the name of a field, in one line.
pub(super) fn key(out: &mut String, text: &str) {
    match style(text) {
        Style::Literal => write(out, text, Style::Double, None),
        style => write(out, text, style, None),
    }
}

/// Writes a text whose further lines stand at `indent`, at least two spaces in.
pub(super) fn text(out: &mut String, text: &str, indent: usize) {
    let indent = indent.max(2);
    match style(text) {
        Style::Literal => literal(out, text, indent),
        style => write(out, text, style, Some(indent)),
    }
}

fn style(text: &str) -> Style {
    let special = text.chars().any(|c| !is_printable(c) || matches!(c, '\u{2028}' | '\u{2029}'));
    if text.contains('\n') {
        let lost = special || text.ends_with(' ') || text.contains(" \n");
        return if lost { Style::Double } else { Style::Literal };
    }
    if special || !resolve::is_text(text) {
        return Style::Double;
    }
    if is_plain(text) { Style::Plain } else { Style::Single }
}

/// Whether a text can stand without quotes where no `{` or `[` is around it.
fn is_plain(text: &str) -> bool {
    let blank = |c: Option<char>| c.is_none_or(|c| c == ' ');
    let mut characters = text.chars();
    let (first, second) = (characters.next(), characters.next());
    let indicator = match first {
        Some(c) if "#,[]{}&*!|>'\"%@`".contains(c) => true,
        Some('-' | '?' | ':') => blank(second),
        _ => false,
    };
    let inside = text.contains(": ") || text.ends_with(':') || text.contains(" #");
    let markers = text.starts_with("---") || text.starts_with("...");
    !(indicator || inside || markers || text.starts_with(' ') || text.ends_with(' '))
}

/// What Go's library does not escape.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

/// Writes a text in a style of one line, which is broken at spaces where there is an `indent` for the next.
fn write(out: &mut String, text: &str, style: Style, indent: Option<usize>) {
    let quote = match style {
        Style::Single => "'",
        Style::Double => "\"",
        Style::Plain | Style::Literal => "",
    };
    out.push_str(quote);
    let mut column = column(out);
    let characters: Vec<char> = text.chars().collect();
    for (index, &c) in characters.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| characters[index]);
        let next = characters.get(index + 1).copied();
        let first_space = c == ' ' && before.is_some_and(|before| before != ' ');
        let kept = next.is_some_and(|next| next != ' ' || style == Style::Double);
        match indent {
            Some(indent) if first_space && kept && column > WIDTH => {
                line(out, indent);
                column = indent;
                if next == Some(' ') {
                    out.push('\\');
                    column += 1;
                }
            }
            _ => {
                let written = match style {
                    Style::Double => escaped(c),
                    Style::Single if c == '\'' => "''".to_owned(),
                    _ => c.to_string(),
                };
                column += written.chars().count();
                out.push_str(&written);
            }
        }
    }
    out.push_str(quote);
}

fn escaped(c: char) -> String {
    match c {
        '\0' => "\\0".to_owned(),
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        '\u{1b}' => "\\e".to_owned(),
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\u{85}' => "\\N".to_owned(),
        '\u{2028}' => "\\L".to_owned(),
        '\u{2029}' => "\\P".to_owned(),
        c if is_printable(c) => c.to_string(),
        c => match u32::from(c) {
            code @ 0..=0xff => format!("\\x{code:02X}"),
            code @ 0..=0xffff => format!("\\u{code:04X}"),
            code => format!("\\U{code:08X}"),
        },
    }
}

/// Writes a text line by line. The signs behind `|` say that its first line begins with spaces, and how it ends.
fn literal(out: &mut String, text: &str, indent: usize) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    if !text.ends_with('\n') {
        out.push('-');
    } else if text == "\n" || text.ends_with("\n\n") {
        out.push('+');
    }
    out.push('\n');
    for part in text.split_inclusive('\n') {
        if part != "\n" {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str(part);
    }
}

/// How many characters the last line has.
fn column(out: &str) -> usize {
    out.rsplit('\n').next().unwrap_or_default().chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &str) -> String {
        let mut out = "  k: ".to_owned();
        text(&mut out, value, 4);
        out["  k: ".len()..].to_owned()
    }

    #[test]
    fn texts_are_quoted_as_kubectl_quotes_them() {
        for plain in
            ["a b", "a:b", "a#b", "-a", "?a", ":a", "a,b", "a'b", "a\"b", "a\\b", "é", "http://a/b?c=d&e", "key=value"]
        {
            assert_eq!(written(plain), plain);
        }
        for single in
            [" a", "a ", "a: b", "a:", "a #b", "#a", "-", "- a", "---", "...", "?", ":", "[a", "{a", "}a", ",a", "*a"]
        {
            assert_eq!(written(single), format!("'{single}'"));
        }
        assert_eq!(written("it's: x"), "'it''s: x'");
        assert_eq!(written("tab\there"), "\"tab\\there\"");
        assert_eq!(written("\u{1f600}\u{feff}\u{1}"), "\"\\U0001F600\\uFEFF\\x01\"");
        assert_eq!(written("a\r\nb"), "\"a\\r\\nb\"");
        assert_eq!(written("yes"), "\"yes\"");
    }

    #[test]
    fn lines_stand_as_they_are() {
        for (value, text) in [
            ("line\n", "|\n    line\n"),
            ("line\nline", "|-\n    line\n    line"),
            ("line\n\n", "|+\n    line\n\n"),
            ("\nline", "|2-\n\n    line"),
            ("\n", "|2+\n\n"),
            (" lead\nline\n", "|2\n     lead\n    line\n"),
            ("line \nline", "\"line \\nline\""),
            ("line\n \n", "\"line\\n \\n\""),
        ] {
            assert_eq!(written(value), text, "{value:?}");
        }
    }

    #[test]
    fn long_texts_are_broken_at_a_space_behind_the_margin() {
        let words = written(&"word ".repeat(40));
        let line = |words| format!("{}\n    word", vec!["word"; words].join(" "));
        assert!(words.starts_with(&format!("'{}", line(16))), "{words}");
        assert_eq!(written(&"x".repeat(100)), "x".repeat(100));
        let lost = written(&format!("a\n{}\n", "word ".repeat(20)));
        assert!(lost.starts_with(&format!("\"a\\n{}", line(15))), "{lost}");
    }
}
