//! Tables for people, as wide as the terminal at most.

use console::{Alignment, measure_text_width, pad_str, style, truncate_str};

use crate::client::clean;

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// What stands above it.
    pub(crate) head: &'static str,
    /// Whether its cells are never cut: what is copied out of a table has to be whole.
    pub(crate) whole: bool,
}

/// Rows of cells.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// Between two columns.
const GAP: &str = "  ";
/// No column is cut to less.
const NARROWEST: usize = 6;

impl Table {
    pub(crate) fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The table as text; without a width, as wide as it is.
    pub(crate) fn text(&self, width: Option<usize>) -> String {
        let widths = self.widths(width);
        let heads: Vec<_> = self.columns.iter().map(|column| column.head.to_owned()).collect();
        let mut text = String::new();
        for row in std::iter::once(&heads).chain(&self.rows) {
            let mut line = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let between = if at == 0 { "" } else { GAP };
                let cell = truncate_str(cell, *width, "…");
                line.push_str(between);
                line.push_str(&pad_str(&cell, *width, Alignment::Left, None));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// The widths of the columns: the widest that may be cut gives way, as long as it is too much.
    fn widths(&self, width: Option<usize>) -> Vec<usize> {
        let natural = |(at, column): (usize, &Column)| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            let widest = cells.map(|cell| measure_text_width(cell)).max().unwrap_or(0);
            widest.max(measure_text_width(column.head))
        };
        let mut widths: Vec<_> = self.columns.iter().enumerate().map(natural).collect();
        let Some(width) = width else { return widths };
        let gaps = GAP.len() * self.columns.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > width {
            let may_be_cut = widths.iter_mut().zip(&self.columns);
            let may_be_cut = may_be_cut.filter(|(width, column)| {
                !column.whole && **width > NARROWEST.max(column.head.len())
            });
            match may_be_cut.map(|(width, _)| width).max() {
                Some(widest) => *widest -= 1,
                None => break,
            }
        }
        widths
    }
}

/// The word of a state, in its colour where standard output has any.
pub(crate) fn status(word: &str) -> String {
    let styled = style(clean(word)).for_stdout();
    match word {
        "active" => styled.green(),
        "waiting" | "pending" => styled.yellow(),
        "disabled" | "suspended" => styled.magenta(),
        _ => styled.red(),
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[
            Column { head: "ID", whole: true },
            Column { head: "NAME", whole: false },
            Column { head: "PLAN", whole: false },
        ]);
        table.row(vec!["0192".into(), "a rather long name".into(), "trial/free".into()]);
        table.row(vec!["01".into(), "größer".into(), "x".into()]);
        table
    }

    #[test]
    fn a_table_is_as_wide_as_it_has_to_be() {
        let expected = "ID    NAME                PLAN\n\
                        0192  a rather long name  trial/free\n\
                        01    größer              x\n";
        assert_eq!(table().text(None), expected);
        assert_eq!(table().text(Some(80)), expected);
    }

    #[test]
    fn the_widest_column_gives_way_and_what_has_to_be_whole_does_not() {
        let expected = "ID    NAME       PLAN\n\
                        0192  a rather…  trial/fr…\n\
                        01    größer     x\n";
        assert_eq!(table().text(Some(26)), expected);
        let narrow = table().text(Some(3));
        assert!(narrow.lines().all(|line| line.starts_with("ID") || line.starts_with("01")));
    }
}
