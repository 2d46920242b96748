//! Scores of classes to the likeliest of them.

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

/// All classes of a row of scores with their probabilities, the likeliest first. Scores that are probabilities already are taken
/// as they are, others by their softmax.
pub fn likeliest<'l>(row: &[f32], labels: &'l [String]) -> Vec<Likely<'l>> {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = if is_distribution(row) {
        row.iter().map(|&value| f64::from(value)).collect()
    } else {
        row.iter().map(|&value| f64::from(value - largest).exp()).collect()
    };
    let sum: f64 = weights.iter().sum();
    let likely =
        |(class, weight)| Likely { class, label: labels.get(class).map(String::as_str), probability: weight / sum };
    let mut classes: Vec<Likely<'l>> = weights.into_iter().enumerate().map(likely).collect();
    classes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    classes
}

/// Whether the numbers are probabilities already: none negative, and one together.
pub fn is_distribution(row: &[f32]) -> bool {
    row.iter().all(|&value| value >= 0.0) && (row.iter().sum::<f32>() - 1.0).abs() < 1e-3
}
