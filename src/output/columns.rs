//! Rows of text under each other: each column as wide as its widest cell, as kubectl's tab writer has it.

/// The least width of a column and the room between two, as kubectl prints.
const LEAST: usize = 6;
const PADDING: usize = 3;

/// Columns that only grow, so that rows which come later (a watch) stay under those above.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    widths: Vec<usize>,
}

impl Columns {
    /// Lays out rows, one a line. The last column is not padded.
    pub(crate) fn lay_out(&mut self, rows: &[Vec<String>]) -> String {
        for row in rows {
            self.widths.resize(self.widths.len().max(row.len()), LEAST);
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count() + PADDING);
            }
        }
        let mut out = String::new();
        for row in rows {
            for (index, (cell, width)) in row.iter().zip(&self.widths).enumerate() {
                out.push_str(cell);
                if index + 1 < row.len() {
                    out.extend(std::iter::repeat_n(' ', width - cell.chars().count()));
                }
            }
            out.push('\n');
        }
        out
    }
}

/// Lays out rows that come all at once.
pub(crate) fn lay_out(rows: &[Vec<String>]) -> String {
    Columns::default().lay_out(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: &[&str]) -> Vec<Vec<String>> {
        lines.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_three() {
        let text = lay_out(&rows(&["NAME READY AGE", "nginx-id-01 1/1 3s", "b 0/1 100s"]));
        assert_eq!(text, "NAME          READY   AGE\nnginx-id-01   1/1     3s\nb             0/1     100s\n");
    }

    #[test]
    fn narrow_columns_have_the_least_width() {
        assert_eq!(lay_out(&rows(&["A B C", "1 2 3"])), "A     B     C\n1     2     3\n");
    }

    #[test]
    fn later_rows_keep_the_columns() {
        let mut columns = Columns::default();
        columns.lay_out(&rows(&["NAME READY", "a-long-name 1/1"]));
        assert_eq!(columns.lay_out(&rows(&["b 0/1"])), "b             0/1\n");
    }
}
