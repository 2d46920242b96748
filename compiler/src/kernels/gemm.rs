//! The product of two matrices, either of them transposed first.

use super::definition::Definition;
use super::reference::{Operand, Real};
use super::terms::Terms;
use super::{Kernel, KernelBuilder};
use crate::gradient::{Backward, Handed};
use crate::graph::NodeId;
use std::ops::RangeInclusive;

/// `a[M, K]` times `b[K, P]`, either of them transposed first (then `a` is `[K, M]`, `b` is `[P, K]`), to `[M, P]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gemm {
    /// Whether `a` is transposed.
    pub transpose_a: bool,
    /// Whether `b` is transposed.
    pub transpose_b: bool,
}

impl Definition for Gemm {
    fn name(&self) -> &'static str {
        "gemm"
    }

    fn details(&self) -> String {
        let mark = |transposed: bool, text: &'static str| if transposed { text } else { "" };
        format!("{}{}", mark(self.transpose_a, " first transposed"), mark(self.transpose_b, " second transposed"))
    }

    fn arity(&self) -> RangeInclusive<usize> {
        2..=2
    }

    /// As a fully connected layer, whose weights are packed.
    fn takes_bytes(&self) -> bool {
        !self.transpose_a && self.transpose_b
    }

    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        let [a, b] = own else { return false };
        match (turned(a, self.transpose_a), turned(b, self.transpose_b)) {
            (Some([rows, inner]), Some([same, columns])) => inner == same && shape == [rows, columns],
            _ => false,
        }
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], _: &[usize]) -> Vec<T> {
        let (a, b) = (&own[0], &own[1]);
        let swap = |axes: [usize; 2], swapped: bool| if swapped { [axes[1], axes[0]] } else { axes };
        let read = |matrix: &Operand<T>, turned| {
            let (shape, strides) = (matrix.shape, matrix.strides);
            (swap([shape[0], shape[1]], turned), swap([strides[0], strides[1]], turned))
        };
        let ([rows, inner], a_strides) = read(a, self.transpose_a);
        let ([_, columns], b_strides) = read(b, self.transpose_b);
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

    fn terms(&self, index: &[usize], own: &[&[usize]], _: &[usize]) -> Option<Terms> {
        let (&[row, column], &[a, _]) = (index, own) else { return None };
        let inner = *a.get(usize::from(!self.transpose_a))?;
        let place =
            |first: usize, second: usize, turned: bool| if turned { vec![second, first] } else { vec![first, second] };
        let product = |k: usize| [place(row, k, self.transpose_a), place(k, column, self.transpose_b)];
        Some(Terms::Products((0..inner).map(product).collect()))
    }

    fn gradient(&self, backward: &mut Backward<'_>, handed: &Handed) {
        let (&[a, b], &Gemm { transpose_a, transpose_b }) = (handed.arguments.as_slice(), self) else { return };
        let g = backward.whole(handed.gradient, &handed.shape);
        let product = |transpose_a, transpose_b| Kernel::Gemm(Gemm { transpose_a, transpose_b });
        match transpose_a {
            true => backward.hand_computed(a, product(transpose_b, true), &[b, g]),
            false => backward.hand_computed(a, product(false, !transpose_b), &[g, b]),
        }
        match transpose_b {
            true => backward.hand_computed(b, product(true, transpose_a), &[g, a]),
            false => backward.hand_computed(b, product(!transpose_a, false), &[a, g]),
        }
    }

    fn multiply_adds(&self, shape: &[usize], own: &[&[usize]]) -> usize {
        let inner = own.first().and_then(|a| a.get(usize::from(!self.transpose_a))).copied().unwrap_or(0);
        shape.iter().product::<usize>() * inner
    }

    fn takes_epilogue(&self) -> bool {
        true
    }

    fn output_channels(&self, weight: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
        Some((weight.to_vec(), vec![usize::from(!self.transpose_b)]))
    }

    fn reading_transposed(&self, argument: usize) -> Option<Gemm> {
        match argument {
            0 => Some(Gemm { transpose_a: !self.transpose_a, ..*self }),
            1 => Some(Gemm { transpose_b: !self.transpose_b, ..*self }),
            _ => None,
        }
    }
}

impl KernelBuilder<'_> {
    /// The product of two matrices, each transposed first if so marked.
    pub fn gemm(&mut self, a: NodeId, transpose_a: bool, b: NodeId, transpose_b: bool) -> NodeId {
        let side = |shape: Vec<usize>, last: bool| shape.get(usize::from(last)).copied().unwrap_or(0);
        let shape = vec![side(self.shape(a), transpose_a), side(self.shape(b), !transpose_b)];
        self.add(Kernel::Gemm(Gemm { transpose_a, transpose_b }), shape, &[a, b])
    }
}

/// A matrix's sizes as the product reads it.
fn turned(matrix: &[usize], transposed: bool) -> Option<[usize; 2]> {
    match *matrix {
        [rows, columns] => Some(if transposed { [columns, rows] } else { [rows, columns] }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Definition, Gemm, Operand};

    #[test]
    fn transposition_is_another_reading() {
        let (a, b) = ([1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 0.0, 2.0, 1.0, 0.0, 3.0]);
        let a_plain = Operand { data: &a, shape: &[2, 3], strides: &[3, 1] };
        let a_turned = Operand { data: &a, shape: &[3, 2], strides: &[1, 3] };
        let b_plain = Operand { data: &b, shape: &[3, 2], strides: &[2, 1] };
        let b_turned = Operand { data: &b, shape: &[2, 3], strides: &[1, 2] };
        let expected = [5.0, 11.0, 14.0, 23.0];
        for (a, transpose_a) in [(a_plain, false), (a_turned, true)] {
            for (b, transpose_b) in [(b_plain, false), (b_turned, true)] {
                assert_eq!(Gemm { transpose_a, transpose_b }.reference(&[a, b], &[2, 2]), expected);
            }
        }
    }
}
