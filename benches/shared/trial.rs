//! What a trial is told, and how its figures are written. Shared by the benches.

use super::report::Report;

/// A number out of the environment.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Seconds beside the seconds of a floor.
pub(crate) fn ratio(report: &mut Report, what: &str, floor: f64, figure: f64, limit: f64) {
    let text = format!("{figure:.2} s = {:.2} × floor", figure / floor);
    report.row(what, Some(format!("{floor:.2} s")), text, &format!("{limit} × floor"));
}

/// Bytes of memory and a share of a core.
pub(crate) fn usage(pss: u64, cpu: f64) -> String {
    format!("{:.1} MB, {:.2} % of a core", pss as f64 / 1e6, cpu * 100.0)
}
