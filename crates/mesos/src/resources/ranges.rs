//! Sets of numbers as sorted, joined ranges with both ends included.

use crate::value::Range;

/// Sorts ranges and joins those that overlap or touch; a range that ends before it begins is dropped.
pub(super) fn join(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.retain(|range| range.begin <= range.end);
    ranges.sort_unstable();
    let mut joined: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.begin <= last.end.saturating_add(1) => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// What of `ranges` is not in `taken`; both joined.
pub(super) fn without(ranges: &[Range], taken: &[Range]) -> Vec<Range> {
    let mut left = Vec::with_capacity(ranges.len() + taken.len());
    for range in ranges {
        let mut rest = Some(*range);
        for hole in taken {
            let Some(range) = rest else { break };
            if hole.end < range.begin || hole.begin > range.end {
                continue;
            }
            if hole.begin > range.begin {
                left.push(Range { begin: range.begin, end: hole.begin - 1 });
            }
            rest = (hole.end < range.end).then(|| Range { begin: hole.end + 1, end: range.end });
        }
        left.extend(rest);
    }
    left
}

/// Whether all of `wanted` is in `ranges`; both joined.
pub(super) fn contain(ranges: &[Range], wanted: &[Range]) -> bool {
    wanted.iter().all(|want| ranges.iter().any(|range| range.begin <= want.begin && want.end <= range.end))
}
