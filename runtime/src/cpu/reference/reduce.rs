//! Sums and maxima over whole axes.

use super::operand::{indices, offsets};
use super::{Operand, Real};
use cnnc_compiler::kernels::Reduction;

/// Combines over the marked axes, which have size 1 in the result.
pub fn reduce<T: Real>(x: &Operand<T>, reduction: Reduction, axes: &[bool]) -> Vec<T> {
    let size_where = |marked: bool| -> Vec<usize> {
        x.shape.iter().zip(axes).map(|(&size, &gone)| if gone == marked { size } else { 1 }).collect()
    };
    let (kept, gone) = (size_where(false), size_where(true));
    let element = |index: Vec<usize>| {
        let first: usize = index.iter().zip(x.strides).map(|(index, stride)| index * stride).sum();
        let values = offsets(&gone, x.strides).map(|offset| x.data[first + offset]);
        match reduction {
            Reduction::Sum => values.fold(T::from_f64(0.0), |sum, value| sum + value),
            Reduction::Max => values.reduce(Real::larger).unwrap_or(T::from_f64(f64::NEG_INFINITY)),
        }
    };
    indices(&kept).map(element).collect()
}

#[cfg(test)]
mod tests {
    use super::{Operand, Reduction, reduce};

    #[test]
    fn combines_over_any_axes() {
        let x = Operand { data: &[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], shape: &[2, 3], strides: &[3, 1] };
        assert_eq!(reduce(&x, Reduction::Sum, &[false, true]), [6.0, 15.0]);
        assert_eq!(reduce(&x, Reduction::Sum, &[true, false]), [5.0, 7.0, 9.0]);
        assert_eq!(reduce(&x, Reduction::Max, &[true, true]), [6.0]);
        assert_eq!(reduce(&x, Reduction::Sum, &[false, false]), x.data);
    }
}
