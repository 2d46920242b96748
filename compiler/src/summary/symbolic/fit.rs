//! Polynomials found again from their values: of degree two at most in each of a few variables.

use super::form::Ratio;
use std::collections::BTreeMap;

/// Values of one variable at which a polynomial is asked for.
pub(super) type Points = [i64; 3];

/// Coefficients by the powers of the variables.
pub(super) type Polynomial = BTreeMap<Vec<u8>, Ratio>;

/// The polynomial of degree two in each variable that has these values: one for each choice of points, the last variable's
/// fastest. `None` where numbers pass all bounds.
pub(super) fn polynomial(points: &[Points], values: &[i128]) -> Option<Polynomial> {
    let mut table: Vec<Ratio> = values.iter().map(|value| Ratio::whole(*value)).collect();
    let mut stride = 1;
    for points in points.iter().rev() {
        for start in 0..table.len() {
            if (start / stride) % 3 == 0 {
                let at = |power: usize| table.get(start + power * stride).copied();
                let coefficients = parabola(*points, [at(0)?, at(1)?, at(2)?])?;
                for (power, coefficient) in coefficients.into_iter().enumerate() {
                    *table.get_mut(start + power * stride)? = coefficient;
                }
            }
        }
        stride *= 3;
    }
    let powers = |mut index: usize| {
        let mut powers = vec![0u8; points.len()];
        for power in powers.iter_mut().rev() {
            (*power, index) = ((index % 3) as u8, index / 3);
        }
        powers
    };
    let found = table.into_iter().enumerate().map(|(index, coefficient)| (powers(index), coefficient));
    Some(found.filter(|(_, coefficient)| *coefficient != Ratio::whole(0)).collect())
}

/// The coefficients of `c0 + c1·x + c2·x²` through three points.
fn parabola(points: Points, values: [Ratio; 3]) -> Option<[Ratio; 3]> {
    let [x0, x1, x2] = points.map(|point| Ratio::whole(i128::from(point)));
    let [y0, y1, y2] = values;
    let slope = |ya: Ratio, yb: Ratio, xa: Ratio, xb: Ratio| yb.minus(ya)?.over(xb.minus(xa)?);
    let (first, second) = (slope(y0, y1, x0, x1)?, slope(y0, y2, x0, x2)?);
    let square = second.minus(first)?.over(x2.minus(x1)?)?;
    let linear = first.minus(square.times(x0.plus(x1)?)?)?;
    let constant = y0.minus(linear.times(x0)?)?.minus(square.times(x0.times(x0)?)?)?;
    Some([constant, linear, square])
}

/// All choices of a point for each variable, the last one's fastest.
pub(super) fn grid(points: &[Points]) -> Vec<Vec<i64>> {
    points.iter().fold(vec![Vec::new()], |choices, points| {
        choices.iter().flat_map(|chosen| points.iter().map(|point| [chosen.as_slice(), &[*point]].concat())).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::{Ratio, grid, polynomial};

    #[test]
    fn a_polynomial_is_found_again() {
        let points = [[1, 2, 4], [3, 5, 6]];
        let value = |x: i128, y: i128| 7 * x * x * y - 2 * x * y * y + 9 * y + 5;
        let values: Vec<i128> = grid(&points).iter().map(|at| value(i128::from(at[0]), i128::from(at[1]))).collect();
        let found = polynomial(&points, &values).expect("a polynomial");
        let expected = [(vec![0, 0], 5), (vec![0, 1], 9), (vec![1, 2], -2), (vec![2, 1], 7)];
        let expected = expected.map(|(powers, coefficient)| (powers, Ratio::whole(coefficient)));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
    }
}
