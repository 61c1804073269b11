//! Resource quantities: `100m`, `1Gi`, `1e3`. Kubernetes' rules: exact to 10⁻⁹ (what is finer is rounded away from
//! zero), printed in the suffix family it was written in, with the largest suffix that needs no fraction.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::str::FromStr;

const NANO: i128 = 1_000_000_000;
/// Kubernetes caps quantities at 2⁶³-1 units; here too, so that sums of many never overflow an i128.
const MAX_NANOS: i128 = (i64::MAX as i128) * NANO;

/// An amount of a resource. Equal and ordered by amount, however it was written.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

/// The family of suffixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// `n u m k M G T P E`
    DecimalSi,
    /// `Ki Mi Gi Ti Pi Ei`
    BinarySi,
    /// `e3`
    DecimalExponent,
}

/// Why a text is no quantity. The texts are Kubernetes'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Kubernetes' words for any malformed quantity.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// The number is right, what follows is not.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { nanos: 0, format: Format::DecimalSi };

    /// That many whole units.
    #[must_use]
    pub fn from_units(units: i64) -> Self {
        Self { nanos: i128::from(units) * NANO, format: Format::DecimalSi }
    }

    /// That many bytes, printed with `Ki`, `Mi`…
    #[must_use]
    pub fn from_bytes(bytes: i64) -> Self {
        Self { nanos: i128::from(bytes) * NANO, format: Format::BinarySi }
    }

    /// That many thousandths (of a CPU).
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self { nanos: i128::from(millis) * (NANO / 1000), format: Format::DecimalSi }
    }

    /// The amount in whole units, rounded up.
    #[must_use]
    pub fn units(self) -> i64 {
        narrow(ceil_div(self.nanos, NANO))
    }

    /// The amount in thousandths, rounded up.
    #[must_use]
    pub fn millis(self) -> i64 {
        narrow(ceil_div(self.nanos, NANO / 1000))
    }

    /// The amount as a number, which may lose precision.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "what the name says")]
    pub fn as_f64(self) -> f64 {
        self.nanos as f64 / NANO as f64
    }

    /// Less than nothing.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.nanos < 0
    }

    /// Nothing at all.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.nanos == 0
    }

    /// Whether it is a whole number of units.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.nanos % NANO == 0
    }

    /// The quantity that a text stands for.
    ///
    /// # Errors
    /// A text that is no quantity.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        text.parse()
    }

    /// The text that Kubernetes stores for this one.
    ///
    /// # Errors
    /// A text that is no quantity.
    pub fn canonical(text: &str) -> Result<String, QuantityError> {
        text.parse::<Self>().map(|q| q.to_string())
    }
}

fn narrow(n: i128) -> i64 {
    i64::try_from(n).unwrap_or(if n < 0 { i64::MIN } else { i64::MAX })
}

/// Division that rounds away from zero, as Kubernetes scales quantities.
fn ceil_div(n: i128, by: i128) -> i128 {
    let (whole, rest) = (n / by, n % by);
    whole + rest.signum()
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            Some(_) => (false, text),
            None => return Err(QuantityError::Format),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(QuantityError::Format);
        }
        let (scale, format) = parse_suffix(suffix)?;
        let nanos = scale.nanos(whole, fraction);
        Ok(Self { nanos: if negative { -nanos } else { nanos }, format })
    }
}

/// What the digits are multiplied by.
enum Scale {
    Ten(i32),
    Two(u32),
}

impl Scale {
    /// The digits in nanos, rounded up and capped.
    fn nanos(&self, whole: &str, fraction: &str) -> i128 {
        let digits = || whole.bytes().chain(fraction.bytes()).map(|b| i128::from(b - b'0'));
        let places = i32::try_from(fraction.len()).unwrap_or(i32::MAX);
        match *self {
            Self::Ten(exponent) => shift(digits(), exponent.saturating_add(9).saturating_sub(places)),
            Self::Two(bits) => {
                // Digits beyond the ninth after the point cannot change the rounded result but upwards by one nano.
                let nanos = shift(digits(), 9_i32.saturating_sub(places));
                nanos.checked_mul(1 << bits).map_or(MAX_NANOS, |n| n.min(MAX_NANOS))
            }
        }
    }
}

/// The number that the digits make, times ten to the power, rounded up and capped.
fn shift(digits: impl Iterator<Item = i128>, power: i32) -> i128 {
    let all: Vec<i128> = digits.skip_while(|&d| d == 0).collect();
    if all.is_empty() {
        return 0;
    }
    let length = i32::try_from(all.len()).unwrap_or(i32::MAX);
    let keep = length.saturating_add(power);
    if keep > 30 {
        return MAX_NANOS;
    }
    let kept = usize::try_from(keep.clamp(0, length)).unwrap_or(0);
    let mut n = all[..kept].iter().fold(0_i128, |n, d| n * 10 + d);
    for _ in length..keep {
        n *= 10;
    }
    if all[kept..].iter().any(|&d| d != 0) {
        n += 1;
    }
    n.min(MAX_NANOS)
}

fn parse_suffix(suffix: &str) -> Result<(Scale, Format), QuantityError> {
    let si = |exponent| Ok((Scale::Ten(exponent), Format::DecimalSi));
    let binary = |bits| Ok((Scale::Two(bits), Format::BinarySi));
    match suffix {
        "" => si(0),
        "n" => si(-9),
        "u" => si(-6),
        "m" => si(-3),
        "k" => si(3),
        "M" => si(6),
        "G" => si(9),
        "T" => si(12),
        "P" => si(15),
        "E" => si(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        _ => {
            let Some(exponent) = suffix.strip_prefix(['e', 'E']) else {
                return Err(bad_suffix(suffix));
            };
            let exponent: i32 = exponent.parse().map_err(|_| bad_suffix(suffix))?;
            Ok((Scale::Ten(exponent), Format::DecimalExponent))
        }
    }
}

/// A suffix of letters that could be one is another mistake than a text that is no quantity at all.
fn bad_suffix(suffix: &str) -> QuantityError {
    let letters = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let digits = letters.strip_prefix(['-', '+']).unwrap_or(letters);
    if digits.bytes().all(|b| b.is_ascii_digit()) { QuantityError::Suffix } else { QuantityError::Format }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SI: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
        const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
        if self.nanos == 0 {
            return f.write_str("0");
        }
        // Below 1024, and where there is a fraction, binary quantities are written in decimal.
        if self.format == Format::BinarySi && self.nanos.abs() >= 1024 * NANO && self.is_whole() {
            let (n, step) = reduce(self.nanos / NANO, 1024, BINARY.len() - 1);
            return write!(f, "{n}{}", BINARY[step]);
        }
        let (n, step) = reduce(self.nanos, 1000, SI.len() - 1);
        if self.format == Format::DecimalExponent {
            let exponent = i32::try_from(step * 3).unwrap_or(0) - 9;
            return if exponent == 0 { write!(f, "{n}") } else { write!(f, "{n}e{exponent}") };
        }
        write!(f, "{n}{}", SI[step])
    }
}

/// Divides as often as nothing is lost, at most `most` times.
fn reduce(mut n: i128, by: i128, most: usize) -> (i128, usize) {
    let mut step = 0;
    while step < most && n % by == 0 {
        n /= by;
        step += 1;
    }
    (n, step)
}

impl Add for Quantity {
    type Output = Self;

    /// The sum, in the left one's format unless that is zero.
    fn add(self, other: Self) -> Self {
        let format = if self.is_zero() { other.format } else { self.format };
        Self { nanos: self.nanos.saturating_add(other.nanos), format }
    }
}

impl Sub for Quantity {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let format = if self.is_zero() { other.format } else { self.format };
        Self { nanos: self.nanos.saturating_sub(other.nanos), format }
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Quantity {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, Add::add)
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn canonical_texts_are_those_of_kubernetes() {
        for (text, canonical) in [
            ("0", "0"),
            ("0.5", "500m"),
            ("100m", "100m"),
            ("1000m", "1"),
            ("1.5Gi", "1536Mi"),
            ("1024", "1024"),
            ("1024Ki", "1Mi"),
            ("0.5Ki", "512"),
            ("1e3", "1e3"),
            ("1000e0", "1e3"),
            ("8E", "8E"),
            ("1000k", "1M"),
            ("-1", "-1"),
            ("+3", "3"),
            ("0.0000000001", "1n"),
            (".5", "500m"),
            ("5.", "5"),
            ("0.1Mi", "104857600m"),
            ("99999999999999999999", "9223372036854775807"),
        ] {
            assert_eq!(Quantity::canonical(text).as_deref(), Ok(canonical), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "one", "1.2.3", "-", "1 Gi", "--1", "1GB!"] {
            assert_eq!(text.parse::<Quantity>(), Err(QuantityError::Format), "{text}");
        }
        for text in ["1KiKi", "1ee3", "1mm", "1i"] {
            assert_eq!(text.parse::<Quantity>(), Err(QuantityError::Suffix), "{text}");
        }
    }

    #[test]
    fn amounts_compare_and_add_across_formats() {
        let (gi, bytes): (Quantity, Quantity) = ("1Gi".parse().expect("valid"), "1073741824".parse().expect("valid"));
        assert_eq!(gi, bytes);
        assert_eq!((gi + bytes).to_string(), "2Gi");
        assert_eq!((Quantity::ZERO + gi).to_string(), "1Gi");
        assert_eq!("250m".parse::<Quantity>().expect("valid").units(), 1);
        assert_eq!("0.0001".parse::<Quantity>().expect("valid").millis(), 1);
    }

    proptest! {
        #[test]
        fn printing_loses_nothing(n in -1_000_000_000_000_i64..1_000_000_000_000, suffix in "(|n|u|m|k|M|Ki|Mi|e2|e-3)") {
            let quantity: Quantity = format!("{n}{suffix}").parse().expect("valid");
            let printed = quantity.to_string();
            let again: Quantity = printed.parse().expect("printed quantities parse");
            prop_assert_eq!(quantity, again);
            prop_assert_eq!(printed, again.to_string());
        }

        #[test]
        fn no_text_makes_it_panic(text in "[+-]?[0-9.]{0,40}[a-zA-Z0-9+-]{0,12}") {
            let _ = text.parse::<Quantity>().map(|q| (q + q).to_string());
        }
    }
}
