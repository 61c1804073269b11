//! The table of results, printed and put into docs/performance.md.

use anyhow::Context;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md");
const BEGIN: &str = "<!-- figures: written by `make bench` -->\n";
const END: &str = "<!-- end of figures -->\n";

/// The rows that were measured.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<[String; 4]>,
}

/// The middle of what was measured.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

impl Report {
    /// What was measured, what it is compared with, its figure and its limit.
    pub(crate) fn row(&mut self, what: &str, floor: Option<String>, figure: String, limit: &str) {
        self.rows.push([what.to_owned(), floor.unwrap_or_default(), figure, limit.to_owned()]);
    }

    /// Seconds beside the seconds of a floor.
    pub(crate) fn ratio(&mut self, what: &str, floor: f64, figure: f64, limit: f64) {
        let text = format!("{figure:.2} s = {:.2} × floor", figure / floor);
        self.row(what, Some(format!("{floor:.2} s")), text, &format!("{limit} × floor"));
    }

    /// Prints the table, and writes it between the marks of the page.
    pub(crate) fn publish(&self) -> anyhow::Result<()> {
        let table = self.table();
        println!("{table}");
        let page = std::fs::read_to_string(PAGE).with_context(|| format!("read {PAGE}"))?;
        let (head, rest) = page.split_once(BEGIN).with_context(|| format!("{PAGE} has no line {BEGIN}"))?;
        let (_, tail) = rest.split_once(END).with_context(|| format!("{PAGE} has no line {END}"))?;
        std::fs::write(PAGE, format!("{head}{BEGIN}\n{table}\n{END}{tail}")).with_context(|| format!("write {PAGE}"))
    }

    fn table(&self) -> String {
        let mut text = format!("{}\n\n| what | floor | figure | limit |\n|---|---|---|---|\n", machine());
        for row in &self.rows {
            text.push_str(&format!("| {} |\n", row.join(" | ")));
        }
        text
    }
}

/// The machine and the day.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim()));
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let day = jiff::Zoned::now().date();
    format!("{day}, {cores} cores of {}, Linux {}", model.unwrap_or("an unknown processor"), kernel.trim())
}
