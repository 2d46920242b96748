//! The nearest name, for "did you mean".

/// The longest name that is compared, in bytes.
const LONGEST: usize = 200;
/// The most names that one is compared with.
const MOST: usize = 100_000;
/// The most pairs of letters that are compared for one name.
const MOST_PAIRS: usize = 20_000_000;

/// The candidate that differs least from `name`: case-insensitively equal first, then by edits (insertions, deletions, changes,
/// swaps of neighbours), at most a third of the longer name's length. Ties go to the first candidate. Where none is near, the
/// first that begins or ends with the name: `kernel` is `kernel_size`. Names longer than any that a person mistypes are not
/// looked at, and of very many not all.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let candidates: Vec<&str> =
        candidates.into_iter().filter(|candidate| candidate.len() <= LONGEST).take(MOST).collect();
    by_edits(name, &candidates).or_else(|| by_part(name, &candidates))
}

fn by_part<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    const SHORTEST: usize = 3;
    let is_part = |candidate: &&&str| candidate.starts_with(name) || candidate.ends_with(name);
    candidates.iter().filter(|_| name.len() >= SHORTEST).find(is_part).copied()
}

fn by_edits<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let wanted = letters(name);
    let mut best: Option<(usize, &str)> = None;
    let mut pairs = 0;
    for &candidate in candidates {
        let length = candidate.chars().count();
        let allowed = (wanted.len().max(length) / 3).max(1);
        let most = match best {
            None => allowed,
            Some((0, _)) => break,
            Some((edits, _)) => allowed.min(edits - 1),
        };
        // Each missing letter is an edit, so most candidates need no closer look.
        if wanted.len().abs_diff(length) > most {
            continue;
        }
        pairs += wanted.len() * length;
        if pairs > MOST_PAIRS {
            break;
        }
        let edits = distance(&wanted, &letters(candidate));
        if edits <= most {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The letters without regard to case.
fn letters(name: &str) -> Vec<char> {
    name.chars().flat_map(char::to_lowercase).collect()
}

/// Optimal string alignment distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
    let mut before_last: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut row: Vec<usize> = Vec::with_capacity(b.len() + 1);
    for (i, x) in a.iter().enumerate() {
        row.clear();
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let mut best = (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && b.get(j - 1) == Some(x) && a.get(i - 1) == Some(y);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        std::mem::swap(&mut before_last, &mut last);
        std::mem::swap(&mut last, &mut row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn long_names_and_many_of_them_take_no_time() {
        let long = "a".repeat(100_000);
        assert_eq!(nearest(&long, [&*format!("{long}b")]), None);
        let many: Vec<String> = (0..1_000_000).map(|number| format!("{}{number}", "n".repeat(150))).collect();
        let start = std::time::Instant::now();
        nearest(&"m".repeat(155), many.iter().map(String::as_str));
        assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
    }

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
