//! Durations for people, as `kubectl get` shows ages.

use jiff::Timestamp;

/// Seconds as two units at most: `45s`, `5m`, `2m10s`, `3h`, `3h20m`, `5d`, `2d3h`, `2y30d`.
#[must_use]
pub fn human(seconds: i64) -> String {
    let s = seconds;
    if s < -1 {
        return "<invalid>".to_owned();
    }
    let s = s.max(0);
    let (m, h, d, y) = (s / 60, s / 3600, s / 86_400, s / (365 * 86_400));
    let two = |big: i64, unit: char, small: i64, small_unit: char| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{small_unit}") }
    };
    match () {
        () if s < 120 => format!("{s}s"),
        () if m < 10 => two(m, 'm', s % 60, 's'),
        () if m < 180 => format!("{m}m"),
        () if h < 8 => two(h, 'h', m % 60, 'm'),
        () if h < 48 => format!("{h}h"),
        () if h < 192 => two(d, 'd', h % 24, 'h'),
        () if d < 730 => format!("{d}d"),
        () if y < 8 => two(y, 'y', d % 365, 'd'),
        () => format!("{y}y"),
    }
}

/// The age of an RFC 3339 time at `now`, `<unknown>` where there is none.
#[must_use]
pub fn age(since: Option<&str>, now: Timestamp) -> String {
    since
        .and_then(|text| text.parse::<Timestamp>().ok())
        .map_or_else(|| "<unknown>".to_owned(), |t| human(now.as_second() - t.as_second()))
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn ages_lose_precision_as_they_grow() {
        const DAY: i64 = 86_400;
        for (seconds, text) in [
            (-5, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (130, "2m10s"),
            (599, "9m59s"),
            (600, "10m"),
            (179 * 60 + 59, "179m"),
            (3 * 3600, "3h"),
            (3 * 3600 + 1200, "3h20m"),
            (8 * 3600 + 1200, "8h"),
            (47 * 3600, "47h"),
            (2 * DAY, "2d"),
            (2 * DAY + 3 * 3600, "2d3h"),
            (8 * DAY + 3600, "8d"),
            (729 * DAY, "729d"),
            (730 * DAY, "2y"),
            (760 * DAY, "2y30d"),
            (8 * 365 * DAY + 5 * DAY, "8y"),
        ] {
            assert_eq!(human(seconds), text, "{seconds}");
        }
    }
}
