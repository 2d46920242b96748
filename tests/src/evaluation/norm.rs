//! Normalisations, and the softmax, which is one by sums.

use super::array::{Array, each_place, number_of};
use super::number::Number;
use super::window::{largest_value, mean};

/// Mean and variance of some numbers, the variance divided by their number.
fn statistics(numbers: &[Number]) -> [Number; 2] {
    let centre = mean(numbers);
    let squares: Vec<Number> = numbers.iter().map(|&number| (number - centre) * (number - centre)).collect();
    [centre, mean(&squares)]
}

/// Mean and variance of every group of elements: `group` says of a place which it belongs to, below `groups`.
pub fn statistics_of(x: &Array, groups: usize, group: impl Fn(&[usize]) -> usize) -> Vec<[Number; 2]> {
    let mut members = vec![Vec::new(); groups];
    each_place(&x.shape, |place| members[group(place)].push(x.at(place)));
    members.iter().map(|numbers| statistics(numbers)).collect()
}

/// `(x − mean) / √(variance + eps)` with the statistics of each element's group.
pub fn normalised(x: &Array, statistics: &[[Number; 2]], group: impl Fn(&[usize]) -> usize, eps: f64) -> Array {
    Array::of(&x.shape, |place| {
        let [mean, variance] = statistics[group(place)];
        (x.at(place) - mean) / (variance + eps).sqrt()
    })
}

/// Times the weight and plus the bias, as far as they are there, whose element at a place `own` picks.
pub fn scaled(x: &Array, parameters: &[Array], own: impl Fn(&[usize]) -> Vec<usize>) -> Array {
    Array::of(&x.shape, |place| {
        let own = own(place);
        let weighted = parameters.first().map_or(x.at(place), |weight| x.at(place) * weight.at(&own));
        parameters.get(1).map_or(weighted, |bias| weighted + bias.at(&own))
    })
}

/// Normalised over groups of elements with the statistics of the elements themselves.
pub fn by_groups(x: &Array, groups: usize, group: impl Fn(&[usize]) -> usize, eps: f64) -> Array {
    let statistics = statistics_of(x, groups, &group);
    normalised(x, &statistics, group, eps)
}

/// `x / √(mean(x²) + eps)` over the axes after those that are kept.
pub fn by_mean_square(x: &Array, kept: usize, eps: f64) -> Array {
    let outer = &x.shape[..kept];
    let mut members = vec![Vec::new(); outer.iter().product()];
    each_place(&x.shape, |place| members[number_of(&place[..kept], outer)].push(x.at(place).square()));
    let roots: Vec<Number> = members.iter().map(|squares| (mean(squares) + eps).sqrt()).collect();
    Array::of(&x.shape, |place| x.at(place) / roots[number_of(&place[..kept], outer)])
}

/// `x / (k + alpha/size · Σ x²)^beta` over neighbouring channels, `⌊size/2⌋` of them before.
pub fn local_response(x: &Array, size: usize, alpha: f64, beta: f64, k: f64) -> Array {
    Array::of(&x.shape, |place| {
        let neighbours = (0..size).filter_map(|index| (place[1] + index).checked_sub(size / 2));
        let squares = neighbours.filter(|&channel| channel < x.shape[1]).map(|channel| {
            let mut other = place.to_vec();
            other[1] = channel;
            x.at(&other) * x.at(&other)
        });
        let mean = squares.sum::<Number>() / Number::exact(size as f64);
        x.at(place) / (mean * alpha + k).power(beta)
    })
}

/// The elements along an axis through a place.
fn line(x: &Array, place: &[usize], axis: usize) -> Vec<Number> {
    let along = |index: usize| {
        let mut place = place.to_vec();
        place[axis] = index;
        x.at(&place)
    };
    (0..x.shape[axis]).map(along).collect()
}

/// `eˣ / Σ eˣ` along an axis, or its logarithm.
pub fn softmax(x: &Array, dim: i64, logarithm: bool) -> Array {
    let axis = x.axis(dim);
    Array::of(&x.shape, |place| {
        let line = line(x, place, axis);
        let shift = largest_value(&line);
        let sum: Number = line.iter().map(|&number| (number - shift).exp()).sum();
        let own = x.at(place) - shift;
        if logarithm { own - sum.ln() } else { own.exp() / sum }
    })
}
