//! Rows of cells as a table that reads the same in a terminal and in Markdown.

/// The first row is the head, the first column is text, the others are numbers.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |row: &[String], nth: usize| row.get(nth).cloned().unwrap_or_default();
    let width = |nth| rows.iter().map(|row| cell(row, nth).chars().count()).max().unwrap_or(0).max(3);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        for (nth, width) in widths.iter().enumerate() {
            let cell = cell(row, nth);
            text += &if nth == 0 { format!("| {cell:<width$} ") } else { format!("| {cell:>width$} ") };
        }
        text += "|\n";
        if at == 0 {
            for (nth, width) in widths.iter().enumerate() {
                text += &format!("| {}{} ", "-".repeat(width - 1), if nth == 0 { "-" } else { ":" });
            }
            text += "|\n";
        }
    }
    text
}

/// A row.
pub(crate) fn line(name: &str, cells: &[String]) -> Vec<String> {
    [&[name.to_owned()], cells].concat()
}

pub(crate) fn ratio(left: u64, right: u64) -> String {
    if right == 0 { "–".to_owned() } else { format!("{:.2} ×", left as f64 / right as f64) }
}

pub(crate) fn micros(nanos: u64) -> String {
    format!("{:.0}", nanos as f64 / 1e3)
}

/// Microseconds with a tenth.
pub(crate) fn tenths(nanos: u64) -> String {
    format!("{:.1}", nanos as f64 / 1e3)
}

/// Milliseconds with a tenth.
pub(crate) fn millis(nanos: u64) -> String {
    format!("{:.1}", nanos as f64 / 1e6)
}

pub(crate) fn megabytes(kib: u64) -> String {
    format!("{:.1}", kib as f64 * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded() {
        assert_eq!([ratio(30, 20), ratio(5, 0)], ["1.50 ×", "–"]);
        assert_eq!([micros(1_500), tenths(1_540), millis(12_340_000)], ["2", "1.5", "12.3"]);
        assert_eq!(megabytes(1_000), "1.0");
    }

    #[test]
    fn columns_stand_below_one_another() {
        let rows = [vec!["lane", "µs"], vec!["direct", "1 234"], vec!["–"]];
        let rows = rows.map(|row| row.into_iter().map(str::to_owned).collect());
        let expect = "\
| lane   |    µs |
| ------ | ----: |
| direct | 1 234 |
| –      |       |
";
        assert_eq!(table(&rows), expect);
    }
}
