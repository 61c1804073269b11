//! The table of results, printed and put into docs/performance.md. Shared by the benches.

use std::path::{Path, PathBuf};

use anyhow::Context;

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
        eprintln!("  {what}: {figure}");
        self.rows.push([what.to_owned(), floor.unwrap_or_default(), figure, limit.to_owned()]);
    }

    /// Prints the table, and writes it into docs/performance.md between the marks of this `make` target.
    pub(crate) fn publish(&self, target: &str) -> anyhow::Result<()> {
        let table = self.table();
        println!("{table}");
        let path = page()?;
        let page = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let begin = format!("<!-- figures: written by `make {target}` -->\n");
        let no_mark = |mark: &str| format!("{} has no line {mark}", path.display());
        let (head, rest) = page.split_once(&begin).with_context(|| no_mark(&begin))?;
        let (_, tail) = rest.split_once(END).with_context(|| no_mark(END))?;
        let page = format!("{head}{begin}\n{table}\n{END}{tail}");
        std::fs::write(&path, page).with_context(|| format!("write {}", path.display()))
    }

    fn table(&self) -> String {
        let mut text = format!("{}\n\n| what | floor | figure | limit |\n|---|---|---|---|\n", machine());
        for row in &self.rows {
            text.push_str(&format!("| {} |\n", row.join(" | ")));
        }
        text
    }
}

/// docs/performance.md of the workspace that holds the package.
fn page() -> anyhow::Result<PathBuf> {
    let mut pages = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|root| root.join("docs/performance.md"));
    pages.find(|page| page.exists()).context("find docs/performance.md")
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
