//! Scores of classes to the likeliest of them.

/// What the scores of classes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scores {
    /// One class is right: its chance is the softmax, unless the scores are chances already.
    #[default]
    OfOne,
    /// Each class is there or not: its chance is the sigmoid of its own score.
    OfEach,
    /// Each class is there or not, and the model gives its chance.
    ChancesOfEach,
}

impl Scores {
    /// Whether several classes may be there, or none.
    pub fn are_of_each(self) -> bool {
        self != Scores::OfOne
    }

    /// The chances of a row's classes.
    pub fn chances(self, row: &[f32]) -> Vec<f64> {
        let numbers = row.iter().map(|&score| f64::from(score));
        match self {
            Scores::OfOne if is_distribution(row) => {
                let sum: f64 = numbers.clone().sum();
                numbers.map(|chance| chance / sum).collect()
            }
            Scores::OfOne => {
                let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let powers: Vec<f64> = row.iter().map(|&score| f64::from(score - largest).exp()).collect();
                let sum: f64 = powers.iter().sum();
                powers.into_iter().map(|power| power / sum).collect()
            }
            Scores::OfEach => numbers.map(|score| 1.0 / (1.0 + (-score).exp())).collect(),
            Scores::ChancesOfEach => numbers.collect(),
        }
    }
}

/// A class and how likely it is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Likely<'l> {
    /// Its number.
    pub class: usize,
    /// Its name, where there are names.
    pub label: Option<&'l str>,
    /// From 0 to 1.
    pub probability: f64,
}

impl Likely<'_> {
    /// Whether it is likelier that the class is there than that it is not: what is said to be there, where several may be.
    pub fn is_there(&self) -> bool {
        self.probability > 0.5
    }
}

/// All classes of a row of scores with their probabilities, the likeliest first.
pub fn likeliest<'l>(row: &[f32], labels: &'l [String], scores: Scores) -> Vec<Likely<'l>> {
    let likely = |(class, probability)| Likely { class, label: labels.get(class).map(String::as_str), probability };
    let mut classes: Vec<Likely<'l>> = scores.chances(row).into_iter().enumerate().map(likely).collect();
    classes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    classes
}

/// Whether the numbers are probabilities already: none negative, and one together.
pub fn is_distribution(row: &[f32]) -> bool {
    row.iter().all(|&value| value >= 0.0) && (row.iter().sum::<f32>() - 1.0).abs() < 1e-3
}

#[cfg(test)]
mod tests {
    use super::{Scores, likeliest};

    #[test]
    fn scores_are_of_one_class_or_of_each() {
        let row = [0.0, 3f32.ln(), -30.0];
        let of = |scores| likeliest(&row, &[], scores).iter().map(|likely| likely.probability).collect::<Vec<f64>>();
        let close = |found: Vec<f64>, expected: [f64; 3]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        };
        close(of(Scores::OfOne), [0.75, 0.25, 0.0]);
        close(of(Scores::OfEach), [0.75, 0.5, 0.0]);
        close(Scores::ChancesOfEach.chances(&[0.5, 0.25, 0.75]), [0.5, 0.25, 0.75]);
        close(Scores::OfOne.chances(&[0.5, 0.25, 0.25]), [0.5, 0.25, 0.25]);
        let there: Vec<bool> = likeliest(&row, &[], Scores::OfEach).iter().map(|likely| likely.is_there()).collect();
        assert_eq!(there, [true, false, false], "at even chances a class is not there");
    }
}
