//! Zeros around a tensor; a negative number cuts off instead.

use super::operand::indices;
use super::{Operand, Real};

/// The element at `index − before` where there is one, else zero.
pub fn pad<T: Real>(x: &Operand<T>, padding: &[(isize, isize)], shape: &[usize]) -> Vec<T> {
    let source = |index: &[usize]| -> Option<Vec<usize>> {
        let axes = index.iter().zip(padding).zip(x.shape);
        axes.map(|((&index, &(before, _)), &size)| index.checked_add_signed(-before).filter(|&at| at < size)).collect()
    };
    indices(shape).map(|index| source(&index).map_or(T::from_f64(0.0), |index| x.at(&index))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Operand, pad};

    #[test]
    fn adds_zeros_and_cuts_off() {
        let x = Operand { data: &[1.0f64, 2.0, 3.0, 4.0], shape: &[2, 2], strides: &[2, 1] };
        assert_eq!(pad(&x, &[(1, 0), (0, 1)], &[3, 3]), [0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 3.0, 4.0, 0.0]);
        assert_eq!(pad(&x, &[(0, 0), (-1, 1)], &[2, 2]), [2.0, 0.0, 4.0, 0.0]);
    }
}
