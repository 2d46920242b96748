//! The nearest name, for "did you mean".

/// The candidate that differs least from `name`: case-insensitively equal first, then by edits (insertions, deletions, changes, swaps of neighbours),
/// at most a third of the longer name's length. Ties go to the first candidate. Where none is near, the first that begins or ends with the
/// name: `kernel` is `kernel_size`.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    by_edits(name, &candidates).or_else(|| by_part(name, &candidates))
}

fn by_part<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    const SHORTEST: usize = 3;
    let is_part = |candidate: &&&str| candidate.starts_with(name) || candidate.ends_with(name);
    candidates.iter().filter(|_| name.len() >= SHORTEST).find(is_part).copied()
}

fn by_edits<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let limit = |other: &str| (name.chars().count().max(other.chars().count()) / 3).max(1);
    candidates
        .iter()
        .map(|candidate| (distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(edits, candidate)| *edits <= limit(candidate))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| *candidate)
}

/// Optimal string alignment distance.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            if i > 0 && j > 0 && b.get(j - 1) == Some(x) && a.get(i - 1) == Some(y) {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_a_person_meant() {
        let layers = ["Conv2d", "ConvTranspose2d", "Linear", "ReLU", "ReLU6"];
        assert_eq!(nearest("conv2d", layers), Some("Conv2d"));
        assert_eq!(nearest("Covn2d", layers), Some("Conv2d"));
        assert_eq!(nearest("Relu", layers), Some("ReLU"));
        assert_eq!(nearest("Dense", layers), None);
        assert_eq!(nearest("kernel", ["out_channels", "kernel_size"]), Some("kernel_size"));
        assert_eq!(nearest("channels", ["out_channels", "kernel_size"]), Some("out_channels"));
    }
}
