//! Durations as Mesos' flags and environment spell them: a number and a unit, `90secs`, `1.5mins`.

use std::str::FromStr;
use std::time::Duration;

use mesos::executor::environment::parse_duration;

/// Units with their nanoseconds, smallest first.
const UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("secs", 1_000_000_000),
    ("mins", 60_000_000_000),
    ("hrs", 3_600_000_000_000),
    ("days", 86_400_000_000_000),
    ("weeks", 604_800_000_000_000),
];

/// A duration that reads and prints as Mesos' do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text(pub(crate) Duration);

impl FromStr for Text {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_duration(text).map(Self).ok_or_else(|| format!("'{text}' is no duration such as 15secs"))
    }
}

impl std::fmt::Display for Text {
    /// With the largest unit that gives a whole number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nanoseconds = self.0.as_nanos();
        let unit = UNITS
            .iter()
            .rev()
            .find(|(_, unit)| nanoseconds >= u128::from(*unit) && nanoseconds.is_multiple_of(u128::from(*unit)));
        let (name, unit) = unit.unwrap_or(&UNITS[0]);
        write!(f, "{}{name}", nanoseconds / u128::from(*unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_with_the_largest_whole_unit() {
        for text in ["5secs", "90secs", "15mins", "1weeks", "2hrs", "100ms", "0ns", "36hrs"] {
            assert_eq!(text.parse::<Text>().unwrap().to_string(), text);
        }
        assert_eq!("1.5mins".parse::<Text>().unwrap().to_string(), "90secs");
        assert_eq!("60secs".parse::<Text>().unwrap().to_string(), "1mins");
    }

    #[test]
    fn refuses_what_has_no_number_or_unit() {
        for text in ["", "5", "secs", "-1secs", "5minutes", "1.2.3secs"] {
            assert!(text.parse::<Text>().is_err(), "{text}");
        }
    }
}
