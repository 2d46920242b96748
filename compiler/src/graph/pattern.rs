//! Patterns of paths and keys, in which `*` stands for any characters.

/// Whether a text fits a pattern, in which `*` stands for any characters.
pub fn fits_pattern(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::fits_pattern as fits;

    #[test]
    fn a_star_is_any_characters() {
        assert!(fits("*", "") && fits("*", "a.b") && fits("b*.conv*", "b2.0.conv1") && fits("*.0", "a.0.0"));
        assert!(fits("a*b*c", "abc") && fits("a*b*c", "axbbxc") && fits("a**c", "abc") && fits("é*", "éa"));
        assert!(!fits("b*.conv*", "b2.0.bn1") && !fits("*.0", "a.0.1") && !fits("a*a", "a") && !fits("a*b*c", "acb"));
    }
}
