//! Whether a text without quotes is a text to a reader of YAML 1.1, or a number, a moment, a truth or nothing.

/// Words that are no texts, as they are spelt.
const WORDS: &[&str] = &[
    "", "~", "null", "Null", "NULL", "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "n", "N",
    "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF",
    "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
];

/// Whether it is a text.
pub(super) fn is_text(text: &str) -> bool {
    if WORDS.contains(&text) {
        return false;
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return true;
    }
    let plain = text.replace('_', "");
    !(is_integer(&plain) || is_float(&plain) || is_base_60(text) || is_moment(text))
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

/// An integer of another base; those of base 10 are read as numbers with a point too.
fn is_integer(text: &str) -> bool {
    let text = unsigned(text);
    let bases = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)];
    bases.iter().any(|(prefix, base)| {
        text.strip_prefix(prefix)
            .is_some_and(|digits| !digits.starts_with('+') && u64::from_str_radix(digits, *base).is_ok())
    })
}

/// `1`, `1.5`, `.5`, `1e3`.
fn is_float(text: &str) -> bool {
    let text = unsigned(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    number && exponent.is_none_or(|exponent| digits(unsigned(exponent)))
}

/// `1:30` is ninety.
fn is_base_60(text: &str) -> bool {
    let mut parts = unsigned(text).split(':');
    let first = parts.next().unwrap_or_default();
    let mut others = parts.peekable();
    let sixtieth = |part: &str| {
        let whole = part.split_once('.').map_or(part, |(whole, _)| whole);
        matches!(whole.len(), 1 | 2) && whole.parse::<u8>().is_ok_and(|number| number < 60)
    };
    first.starts_with(|digit: char| digit.is_ascii_digit())
        && first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
        && others.peek().is_some()
        && others.all(sixtieth)
}

/// `2026-01-02`, and with a time behind it.
fn is_moment(text: &str) -> bool {
    let (date, time) = text.split_once(['T', 't', ' ']).map_or((text, None), |(date, time)| (date, Some(time)));
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number = |part: &str, most: u8| part.len() <= 2 && part.parse::<u8>().is_ok_and(|n| (1..=most).contains(&n));
    year.len() == 4
        && year.bytes().all(|byte| byte.is_ascii_digit())
        && number(month, 12)
        && number(day, 31)
        && time.is_none_or(|time| time.starts_with(|digit: char| digit.is_ascii_digit()) && time.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::is_text;

    #[test]
    fn kubectl_quotes_what_is_no_text() {
        let quoted = "y N yes on Off true TRUE 1 +1 -1 0644 089 0x1F 0b11 0o17 1_000 1.5 .5 5. 1e3 1e+3 .inf -.INF .nan 1:30 \
                      1:30:45 2026-01-02 2026-1-2 2026-11-26T22:53:48Z 20260102 0 00 -0 0.0 1_ 123456789012345678901234567890";
        for text in quoted.split(' ').chain(["", "2026-01-02 10:11:12"]) {
            assert!(!is_text(text), "{text:?}");
        }
        let plain = "tRue 0xZZ 1.5.2 12:99 2026-13-45 << = a -a v1 1,000 NaN Infinity 1e e1 _1 + -. 0x";
        for text in plain.split(' ') {
            assert!(is_text(text), "{text:?}");
        }
    }
}
