//! Links of an HTML page, found by its start tags; all else stays as it is, byte by byte.
//!
//! Nothing is parsed but where tags, comments and raw text begin and end. What is malformed is text, and stays.

/// The attributes that hold one URL, by the tags that they are links of; as in Kubernetes.
const LINKS: [(&str, &[&str]); 25] = [
    ("a", &["href"]),
    ("applet", &["codebase"]),
    ("area", &["href"]),
    ("audio", &["src"]),
    ("base", &["href"]),
    ("blockquote", &["cite"]),
    ("body", &["background"]),
    ("button", &["formaction"]),
    ("command", &["icon"]),
    ("del", &["cite"]),
    ("embed", &["src"]),
    ("form", &["action"]),
    ("frame", &["longdesc", "src"]),
    ("head", &["profile"]),
    ("html", &["manifest"]),
    ("iframe", &["longdesc", "src"]),
    ("img", &["longdesc", "src", "usemap"]),
    ("input", &["formaction", "src", "usemap"]),
    ("ins", &["cite"]),
    ("link", &["href"]),
    ("object", &["classid", "codebase", "data", "usemap"]),
    ("q", &["cite"]),
    ("script", &["src"]),
    ("source", &["src"]),
    ("video", &["poster", "src"]),
];

/// Tags whose content is text up to their end tag, whatever it looks like.
const RAW: [&str; 9] = ["iframe", "noembed", "noframes", "plaintext", "script", "style", "textarea", "title", "xmp"];

/// The page with its links as `led` makes them; those that it makes nothing of stay.
pub(super) fn rewrite(page: &[u8], led: impl Fn(&str) -> Option<String>) -> Vec<u8> {
    let (mut out, mut copied) = (Vec::with_capacity(page.len() + page.len() / 8), 0);
    let mut cursor = Cursor { page, at: 0 };
    while let Some(tag) = cursor.start_tag() {
        let attributes = LINKS.iter().find(|(name, _)| tag.name.eq_ignore_ascii_case(name.as_bytes()));
        for (name, (start, end)) in tag.attributes {
            let link =
                attributes.is_some_and(|(_, all)| all.iter().any(|one| name.eq_ignore_ascii_case(one.as_bytes())));
            let url = std::str::from_utf8(&page[start..end]).ok().filter(|_| link);
            if let Some(to) = url.and_then(&led) {
                out.extend_from_slice(&page[copied..start]);
                out.extend_from_slice(to.as_bytes());
                copied = end;
            }
        }
        if let Some(raw) = RAW.iter().find(|raw| tag.name.eq_ignore_ascii_case(raw.as_bytes())) {
            cursor.skip_raw(raw);
        }
    }
    out.extend_from_slice(&page[copied..]);
    out
}

/// A start tag, and where the values of its attributes are in the page.
struct Tag<'a> {
    name: &'a [u8],
    attributes: Vec<(&'a [u8], (usize, usize))>,
}

struct Cursor<'a> {
    page: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a [u8] {
        self.page.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.page.get(self.at).copied()
    }

    /// The next start tag, with the cursor behind it. One that does not end is none.
    fn start_tag(&mut self) -> Option<Tag<'a>> {
        loop {
            self.at += self.rest().iter().position(|&byte| byte == b'<')?;
            match (self.page.get(self.at + 1)?, self.page.get(self.at + 2)) {
                (b'!', _) if self.rest().starts_with(b"<!--") => self.skip_comment(),
                (b'/', Some(letter)) if letter.is_ascii_alphabetic() => {
                    self.at += 2;
                    self.tag()?;
                }
                (b'!' | b'?' | b'/', _) => self.skip_past(b'>'),
                (letter, _) if letter.is_ascii_alphabetic() => {
                    self.at += 1;
                    return self.tag();
                }
                _ => self.at += 1,
            }
        }
    }

    /// A tag from its name on.
    fn tag(&mut self) -> Option<Tag<'a>> {
        let name = self.take_until(|byte| is_space(byte) || matches!(byte, b'/' | b'>'));
        let mut attributes = Vec::new();
        loop {
            self.take_until(|byte| !is_space(byte) && byte != b'/');
            if self.peek()? == b'>' {
                self.at += 1;
                return Some(Tag { name, attributes });
            }
            attributes.push(self.attribute()?);
        }
    }

    fn attribute(&mut self) -> Option<(&'a [u8], (usize, usize))> {
        let start = self.at;
        // an equals sign that comes first belongs to the name
        self.at += 1;
        self.take_until(|byte| is_space(byte) || matches!(byte, b'/' | b'>' | b'='));
        let name = &self.page[start..self.at];
        self.take_until(|byte| !is_space(byte));
        if self.peek()? != b'=' {
            return Some((name, (self.at, self.at)));
        }
        self.at += 1;
        self.take_until(|byte| !is_space(byte));
        let quote = self.peek()?;
        if !matches!(quote, b'"' | b'\'') {
            let start = self.at;
            self.take_until(|byte| is_space(byte) || byte == b'>');
            return Some((name, (start, self.at)));
        }
        self.at += 1;
        let start = self.at;
        self.take_until(|byte| byte == quote);
        let end = self.at;
        self.peek()?;
        self.at += 1;
        Some((name, (start, end)))
    }

    /// What comes before the first byte of that kind, which is to the page's end where there is none.
    fn take_until(&mut self, stop: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let taken = &rest[..rest.iter().position(|&byte| stop(byte)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn skip_past(&mut self, last: u8) {
        self.take_until(|byte| byte == last);
        self.at += 1;
    }

    /// Behind a comment. `<!-->` is a whole one: its dashes are those of both ends.
    fn skip_comment(&mut self) {
        let body = self.page.get(self.at + 2..).unwrap_or_default();
        let ends = |at: usize| body[at..].starts_with(b"-->") || body[at..].starts_with(b"--!>");
        self.at = (0..body.len()).find(|&at| ends(at)).map_or(self.page.len(), |end| self.at + 2 + end + 3);
    }

    /// To the end tag of that name.
    fn skip_raw(&mut self, name: &str) {
        while !self.rest().is_empty() {
            self.take_until(|byte| byte == b'<');
            let found = self.rest().strip_prefix(b"</").and_then(|rest| rest.split_at_checked(name.len()));
            let ends = found.is_some_and(|(found, after)| {
                let closed = after.first().is_none_or(|&byte| is_space(byte) || matches!(byte, b'/' | b'>'));
                closed && found.eq_ignore_ascii_case(name.as_bytes())
            });
            if ends {
                return;
            }
            self.at += 1;
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn led(page: &str) -> String {
        let led = |url: &str| url.starts_with('/').then(|| format!("/P{url}"));
        String::from_utf8(rewrite(page.as_bytes(), led)).unwrap()
    }

    #[test]
    fn links_are_led() {
        for (page, expected) in [
            (r#"<a href="/rewriteme">test</a>"#, r#"<a href="/P/rewriteme">test</a>"#),
            ("<A\n HREF = '/x' >", "<A\n HREF = '/P/x' >"),
            ("<a href=/x>", "<a href=/P/x>"),
            ("<img src=/a/b usemap='/c' alt=/d/>", "<img src=/P/a/b usemap='/P/c' alt=/d/>"),
            (
                "<br/><script src='/s'></script><link/href='/x'/>",
                "<br/><script src='/P/s'></script><link/href='/P/x'/>",
            ),
            ("<a title='>' href='/x'>1 < 2", "<a title='>' href='/P/x'>1 < 2"),
            ("<!--><a href='/x'>", "<!--><a href='/P/x'>"),
            ("<!-- x --!><a href='/x'>", "<!-- x --!><a href='/P/x'>"),
            ("<title><a href='/x'></title><a href='/x'>", "<title><a href='/x'></title><a href='/P/x'>"),
        ] {
            assert_eq!(led(page), expected);
        }
    }

    #[test]
    fn all_else_stays() {
        for page in [
            "",
            "<",
            "<a",
            "<a href",
            "<a href=",
            "<a href='/x",
            "<a href=>/x",
            "<a hreflang='/x'>",
            "<ab href='/x'>",
            "</a href='/x'>",
            "< a href='/x'>",
            "<!-- <a href='/x'> -->",
            "<!DOCTYPE html><?php '/x' ?>",
            "<script>'<a href=\"/x\">' </scriptx></script>",
            "<a href='x'><a href=\"http://elsewhere/x\">",
        ] {
            assert_eq!(led(page), page);
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_kept_where_nothing_is_led(page in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(rewrite(&page, |_| None), page);
        }

        #[test]
        fn what_looks_like_tags_does_no_harm(page in "([<>/='\"! a-]|<a |href=|<!--|-->|<script|</script>|\u{e9}){0,40}") {
            let kept = rewrite(page.as_bytes(), |_| None);
            prop_assert_eq!(kept, page.as_bytes());
            rewrite(page.as_bytes(), |url| Some(format!("/P{url}")));
        }

        #[test]
        fn text_stays(page in "[^<]{0,200}") {
            prop_assert_eq!(rewrite(page.as_bytes(), |_| Some(String::new())), page.as_bytes());
        }
    }
}
