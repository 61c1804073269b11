//! Durations as Go writes them: `1h30m`, `1.5s`, `-2ms`.

use std::time::Duration;

/// The units, in seconds.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("\u{b5}s", 1e-6),
    ("\u{3bc}s", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];

/// The seconds of a duration.
///
/// # Errors
/// Why it is none, in Go's words.
pub fn seconds(text: &str) -> Result<f64, String> {
    let invalid = || format!("time: invalid duration {}", quoted(text));
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0.0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let is_digit = |c: char| c.is_ascii_digit() || c == '.';
    let mut total = 0.0;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c| !is_digit(c)).unwrap_or(rest.len()));
        let (unit, after) = after.split_at(after.find(is_digit).unwrap_or(after.len()));
        let number: f64 = number.parse().map_err(|_| invalid())?;
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", quoted(text)));
        }
        let known = UNITS.iter().find(|(known, _)| *known == unit);
        let (_, of) =
            known.ok_or_else(|| format!("time: unknown unit {} in duration {}", quoted(unit), quoted(text)))?;
        total += number * of;
        rest = after;
    }
    Ok(sign * total)
}

/// The time that a flag gives: a duration that is not negative, or whole seconds.
///
/// # Errors
/// Why it is none, ready to be shown.
pub fn of_flag(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let seconds = seconds(text).map_err(|_| "expected a time such as 90s, 500ms or 1h30m".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "a time cannot be negative, nor endless".to_owned())
}

/// A text as Go's durations are quoted: what is no ASCII byte by byte.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='\u{7f}' => out.push(c),
            _ => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out.push_str(&format!("\\x{byte:02x}"))),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::{of_flag, seconds};
    use std::time::Duration;

    #[test]
    fn durations_are_gos() {
        for (text, expected) in
            [("0", 0.0), ("32s", 32.0), ("1h30m", 5400.0), ("-1.5s", -1.5), ("+.5m", 30.0), ("250ms", 0.25)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for (text, why) in [
            ("", "invalid duration"),
            ("abc", "invalid duration"),
            ("-", "invalid duration"),
            ("1.2.3s", "invalid duration"),
            ("5", "missing unit in duration"),
            ("5d", "unknown unit \"d\" in duration"),
            ("5\\\"", "unknown unit \"\\\\\\\"\" in duration"),
        ] {
            assert_eq!(seconds(text), Err(format!("time: {why} {text:?}")), "{text}");
        }
        let odd = r#"time: unknown unit "\xc3\xa9\x0a" in duration "1\xc3\xa9\x0a""#;
        assert_eq!(seconds("1é\n"), Err(odd.to_owned()));
    }

    #[test]
    fn a_flag_takes_durations_and_seconds() {
        for (text, expected) in [("0", 0), ("90", 90_000), ("500ms", 500), ("1h30m", 5_400_000), ("1.5s", 1500)] {
            assert_eq!(of_flag(text), Ok(Duration::from_millis(expected)), "{text}");
        }
        for (text, why) in
            [("", "expected a time"), ("soon", "expected a time"), ("5d", "expected"), ("-5s", "negative")]
        {
            assert!(of_flag(text).unwrap_err().contains(why), "{text}");
        }
        assert!(of_flag("99999999999999999999h").is_err());
    }
}
