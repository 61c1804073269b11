//! The order of an object's fields: as Go's YAML library sorts them, numbers by their value.
//!
//! Go's is none where a number ends in one name and goes on in another (`a1b`, `a01`, `a10`); there this one counts the whole number.

use std::cmp::Ordering;

/// Part of a name. Marks stand before numbers, and these before letters.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Mark(char),
    /// How many digits without zeros in front, these, and how many with them.
    Number(usize, &'a str, usize),
    Letter(char),
}

/// Compares two names.
pub(super) fn natural(one: &str, other: &str) -> Ordering {
    Parts(one).cmp(Parts(other))
}

/// What is left of a name.
struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let first = self.0.chars().next()?;
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (part, rest) = self.0.split_at(digits.max(first.len_utf8()));
        self.0 = rest;
        Some(if digits > 0 {
            let counted = part.trim_start_matches('0');
            Part::Number(counted.len(), counted, digits)
        } else if first.is_alphabetic() {
            Part::Letter(first)
        } else {
            Part::Mark(first)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_kubectl_s_order() {
        let kubectl = [
            "_", "~", "1", "1.5", "01", "2", "10", "A", "Z", "a%2", "a-b", "a.b", "a/b", "a: b", "a_b", "a1", "a1-",
            "a1b", "a01", "a2", "a10", "ab", "b", "no", "x y", "é",
        ];
        let mut sorted = kubectl;
        sorted.reverse();
        sorted.sort_by(|one, other| natural(one, other));
        assert_eq!(sorted, kubectl);
    }
}
