//! The product of two matrices, either of them transposed first.

use super::{Operand, Real};

/// `[M, K]` times `[K, P]`, dense.
pub fn gemm<T: Real>(a: &Operand<T>, transpose_a: bool, b: &Operand<T>, transpose_b: bool) -> Vec<T> {
    let swap = |axes: [usize; 2], swapped: bool| if swapped { [axes[1], axes[0]] } else { axes };
    let ([rows, inner], a_strides) =
        (swap([a.shape[0], a.shape[1]], transpose_a), swap([a.strides[0], a.strides[1]], transpose_a));
    let ([_, columns], b_strides) =
        (swap([b.shape[0], b.shape[1]], transpose_b), swap([b.strides[0], b.strides[1]], transpose_b));
    let mut output = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        for column in 0..columns {
            let mut sum = T::from_f64(0.0);
            for k in 0..inner {
                let left = a.data[row * a_strides[0] + k * a_strides[1]];
                sum += left * b.data[k * b_strides[0] + column * b_strides[1]];
            }
            output.push(sum);
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use super::{Operand, gemm};

    #[test]
    fn transposition_is_another_reading() {
        let (a, b) = ([1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 0.0, 2.0, 1.0, 0.0, 3.0]);
        let a_plain = Operand { data: &a, shape: &[2, 3], strides: &[3, 1] };
        let a_turned = Operand { data: &a, shape: &[3, 2], strides: &[1, 3] };
        let b_plain = Operand { data: &b, shape: &[3, 2], strides: &[2, 1] };
        let b_turned = Operand { data: &b, shape: &[2, 3], strides: &[1, 2] };
        let expected = [5.0, 11.0, 14.0, 23.0];
        for (a, turn_a) in [(&a_plain, false), (&a_turned, true)] {
            for (b, turn_b) in [(&b_plain, false), (&b_turned, true)] {
                assert_eq!(gemm(a, turn_a, b, turn_b), expected);
            }
        }
    }
}
