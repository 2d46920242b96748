//! Numbers for people: thousands apart, bytes in units.

/// `11,689,512`
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!((grouped(0), grouped(999), grouped(11_689_512)), ("0".into(), "999".into(), "11,689,512".into()));
        assert_eq!((bytes(999), bytes(46_758_048)), ("999 B".into(), "46.8 MB".into()));
        assert_eq!((bytes(999_960), bytes(1000)), ("1.0 MB".into(), "1.0 kB".into()));
        assert_eq!((counted(1, "layer"), counted(2, "layer")), ("1 layer".into(), "2 layers".into()));
    }
}
