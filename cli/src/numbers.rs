//! Numbers for people: thousands apart, bytes in units, times; and cells of tables.

pub use cnnc_compiler::summary::grouped;

/// `46.8 MB`; a kB is 1000 bytes.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if number < 1000 {
        return format!("{number} B");
    }
    let mut amount = number as f64 / 1000.0;
    let mut unit = 0;
    while amount >= 999.95 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

/// `1 layer`, `2 layers`
pub fn counted(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number as u64), if number == 1 { "" } else { "s" })
}

/// `1:02:03` or `2:03`
pub fn clock(seconds: f64) -> String {
    let seconds = seconds.clamp(0.0, 3.6e6) as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// The most columns that a column of a table is made wide for; a longer cell pushes its own line apart.
const WIDEST: usize = 120;

/// How wide a column is: as its longest cell, within reason.
pub fn column_width<'c>(cells: impl IntoIterator<Item = &'c str>) -> usize {
    cells.into_iter().map(|cell| cell.chars().count()).max().unwrap_or(0).min(WIDEST)
}

/// The text with blanks behind it up to a width.
pub fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.chars().count())))
}

/// The text with blanks before it up to a width.
pub fn padded_before(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(text.chars().count())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_any_length() {
        assert_eq!((padded("é", 3), padded_before("é", 3)), ("é  ".into(), "  é".into()));
        let long = "x".repeat(70_000);
        assert_eq!(column_width(["ab", &long]), WIDEST);
        assert_eq!(padded(&long, WIDEST), long);
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!((grouped(0), grouped(999), grouped(11_689_512)), ("0".into(), "999".into(), "11,689,512".into()));
        assert_eq!((bytes(999), bytes(46_758_048)), ("999 B".into(), "46.8 MB".into()));
        assert_eq!((bytes(999_960), bytes(1000)), ("1.0 MB".into(), "1.0 kB".into()));
        assert_eq!([3.2, 123.0, 3723.9, f64::NAN].map(clock), ["0:03", "2:03", "1:02:03", "0:00"]);
        assert_eq!((counted(1, "layer"), counted(2, "layer")), ("1 layer".into(), "2 layers".into()));
    }
}
