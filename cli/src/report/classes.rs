//! What an evaluation says of single classes: how well each is told from the others, and which are taken for which most often.

use crate::numbers::grouped;
use cnnc_runtime::train::Evaluation;
use serde::Serialize;
use std::cmp::Reverse;

/// What one class comes to.
#[derive(Debug, PartialEq, Serialize)]
pub struct Class<'n> {
    /// What it is called.
    pub name: &'n str,
    /// How many pictures there are of it.
    pub pictures: u64,
    /// Of the pictures that are taken for it, the share that is it; `None` when there are none.
    pub precision: Option<f64>,
    /// Of its pictures, the share that is taken for it; `None` when there are none.
    pub recall: Option<f64>,
    /// The harmonic mean of both, 2·right / (its pictures + those taken for it); `None` when there are neither.
    pub f1: Option<f64>,
}

/// Every class by its number.
pub fn classes<'n>(evaluation: &Evaluation, names: &'n [String]) -> Vec<Class<'n>> {
    let mut sums = vec![[0u64; 3]; evaluation.classes];
    for ([label, answer], count) in evaluation.pairs() {
        let mut add = |class: usize, place: usize| sums.get_mut(class).map(|sums| sums[place] += count);
        add(label, 0);
        add(answer, 1);
        if label == answer {
            add(label, 2);
        }
    }
    let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let class = |(name, &[pictures, taken, right]): (&'n String, &[u64; 3])| {
        let (precision, recall, f1) = (share(right, taken), share(right, pictures), share(2 * right, pictures + taken));
        Class { name, pictures, precision, recall, f1 }
    };
    names.iter().zip(&sums).map(class).collect()
}

/// The pairs of classes of which one is most often taken for the other, in words: `shirt taken for coat: 112 of 1,000 (11.2 %)`.
pub fn most_confused(evaluation: &Evaluation, classes: &[Class<'_>], most: usize) -> Vec<String> {
    let mut pairs: Vec<([usize; 2], u64)> =
        evaluation.pairs().filter(|([label, answer], count)| label != answer && *count > 0).collect();
    pairs.sort_by_key(|&(pair, count)| (Reverse(count), pair));
    let words = |([label, answer], count): ([usize; 2], u64)| {
        let (of, taken) = (classes.get(label)?, classes.get(answer)?);
        let share = 100.0 * count as f64 / of.pictures.max(1) as f64;
        let (name, other) = (of.name, taken.name);
        Some(format!("{name} taken for {other}: {} of {} ({share:.1}\u{a0}%)", grouped(count), grouped(of.pictures)))
    };
    pairs.into_iter().take(most).filter_map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cnnc_compiler::training::Loss;

    #[test]
    fn shares_and_words_of_a_matrix_by_hand() {
        // Of three cats one is taken for a dog, of two dogs both for cats; there is no bird, and nothing is taken for one.
        let mut evaluation = Evaluation::new(3);
        let row = |class: usize| (0..3).map(move |other| f32::from(u8::from(other == class)));
        let scores: Vec<f32> = [0, 0, 1, 0, 0].into_iter().flat_map(row).collect();
        evaluation.add(&scores, &[0, 0, 0, 1, 1], &Loss::cross_entropy(0.0)).expect("classes");
        let names = ["cat", "dog", "bird"].map(str::to_owned);
        let found = classes(&evaluation, &names);
        let shares: Vec<_> =
            found.iter().map(|class| (class.pictures, class.precision, class.recall, class.f1)).collect();
        let (cats, dogs) = ((3, Some(0.5), Some(2.0 / 3.0), Some(4.0 / 7.0)), (2, Some(0.0), Some(0.0), Some(0.0)));
        assert_eq!(shares, [cats, dogs, (0, None, None, None)]);
        let words = ["dog taken for cat: 2 of 2 (100.0\u{a0}%)", "cat taken for dog: 1 of 3 (33.3\u{a0}%)"];
        assert_eq!(most_confused(&evaluation, &found, 9), words);
        assert_eq!(most_confused(&evaluation, &found, 1), words[..1]);
    }
}
