//! Layers that multiply matrices.

use super::array::Array;
use super::number::Number;
use super::window;

/// `x · weightᵀ + bias` over the last axis.
pub fn linear(x: &Array, weight: &Array, bias: Option<&Array>) -> Array {
    let (last, features) = (x.shape.len() - 1, weight.shape[0]);
    let shape = [&x.shape[..last], &[features]].concat();
    Array::of(&shape, |place| {
        let out = place[last];
        let products = (0..x.shape[last]).map(|feature| {
            let from = [&place[..last], &[feature]].concat();
            x.at(&from) * weight.at(&[out, feature])
        });
        let sum = products.sum::<Number>();
        bias.map_or(sum, |bias| sum + bias.at(&[out]))
    })
}

/// Self-attention: of every head `softmax(q · kᵀ / √d) · v`, between two linear layers.
pub fn attended(x: &Array, own: &[Array], heads: usize, bias: bool, batch_first: bool) -> Array {
    let (into, out) = if bias { (own.first().zip(own.get(1)), own.get(2).zip(own.get(3))) } else { (None, None) };
    let made = match into {
        Some((weight, bias)) => linear(x, weight, Some(bias)),
        None => linear(x, &own[0], None),
    };
    let size = x.shape[2];
    let (part, length) = (size / heads, if batch_first { x.shape[1] } else { x.shape[0] });
    let at = |image: usize, place: usize, index: usize| {
        made.at(&if batch_first { [image, place, index] } else { [place, image, index] })
    };
    let seen = Array::of(&x.shape, |place| {
        let (image, own) = if batch_first { (place[0], place[1]) } else { (place[1], place[0]) };
        let first = place[2] / part * part;
        let score = |other: usize| {
            let products = (first..first + part).map(|i| at(image, own, i) * at(image, other, size + i));
            products.sum::<Number>() / Number::exact((part as f64).sqrt())
        };
        let scores: Vec<Number> = (0..length).map(score).collect();
        let shift = window::largest_value(&scores);
        let powers: Vec<Number> = scores.iter().map(|&score| (score - shift).exp()).collect();
        let weighed = powers.iter().enumerate().map(|(other, &power)| power * at(image, other, 2 * size + place[2]));
        weighed.sum::<Number>() / powers.iter().copied().sum()
    });
    match out {
        Some((weight, bias)) => linear(&seen, weight, Some(bias)),
        None => linear(&seen, &own[1], None),
    }
}

/// Matrices multiplied from left to right, the axes before them aligned at the last and repeated.
pub fn multiplied(branches: &[Array]) -> Array {
    let two = |a: &Array, b: &Array| {
        let rank = a.shape.len().max(b.shape.len());
        let wide = |x: &Array| x.reshaped(&[&vec![1; rank - x.shape.len()], x.shape.as_slice()].concat());
        let (a, b) = (wide(a), wide(b));
        let mut shape: Vec<usize> = a.shape.iter().zip(&b.shape).map(|(&a, &b)| if a == 1 { b } else { a }).collect();
        (shape[rank - 2], shape[rank - 1]) = (a.shape[rank - 2], b.shape[rank - 1]);
        Array::of(&shape, |place| {
            let at = |x: &Array, [row, column]: [usize; 2]| {
                let sizes = place[..rank - 2].iter().zip(&x.shape);
                let mut at: Vec<usize> = sizes.map(|(&index, &size)| if size == 1 { 0 } else { index }).collect();
                at.extend([row, column]);
                x.at(&at)
            };
            (0..a.shape[rank - 1]).map(|k| at(&a, [place[rank - 2], k]) * at(&b, [k, place[rank - 1]])).sum()
        })
    };
    branches.iter().skip(1).fold(branches[0].clone(), |whole, branch| two(&whole, branch))
}
