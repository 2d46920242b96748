//! Axes in another order.

use super::definition::Definition;
use super::reference::{Operand, Real};
use super::terms::Terms;
use super::{Kernel, KernelBuilder};
use crate::gradient::{Backward, Handed};
use crate::graph::NodeId;
use std::ops::RangeInclusive;

/// Axis `i` of the result is axis `axes[i]` of `x`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Permute {
    /// A permutation.
    pub axes: Vec<usize>,
}

impl Definition for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn details(&self) -> String {
        format!(" {:?}", self.axes)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        1..=1
    }

    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        let [x] = own else { return false };
        let mut sorted = self.axes.clone();
        sorted.sort_unstable();
        let every = sorted.iter().copied().eq(0..x.len());
        every && shape.len() == x.len() && self.axes.iter().zip(shape).all(|(&axis, size)| x.get(axis) == Some(size))
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Vec<T> {
        let x = &own[0];
        let strides: Vec<usize> = self.axes.iter().map(|&axis| x.strides[axis]).collect();
        Operand { data: x.data, shape, strides: &strides }.values()
    }

    fn terms(&self, index: &[usize], _: &[&[usize]], _: &[usize]) -> Option<Terms> {
        let mut source = vec![0; index.len()];
        for (&axis, &at) in self.axes.iter().zip(index) {
            *source.get_mut(axis)? = at;
        }
        Some(Terms::Moved(0, source))
    }

    fn gradient(&self, backward: &mut Backward<'_>, handed: &Handed) {
        let back = (0..self.axes.len()).filter_map(|axis| self.axes.iter().position(|&from| from == axis));
        backward.hand_moved(handed, Kernel::Permute(Permute { axes: back.collect() }));
    }

    fn is_view(&self) -> bool {
        true
    }
}

impl KernelBuilder<'_> {
    /// Axis `i` of the result is axis `axes[i]` of `x`.
    pub fn permute(&mut self, x: NodeId, axes: &[usize]) -> NodeId {
        let sizes = self.shape(x);
        let shape = axes.iter().filter_map(|&axis| sizes.get(axis).copied()).collect();
        self.add(Kernel::Permute(Permute { axes: axes.to_vec() }), shape, &[x])
    }
}

#[cfg(test)]
mod tests {
    use super::{Definition, Operand, Permute};

    #[test]
    fn the_last_axis_comes_first() {
        let x = Operand { data: &[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], shape: &[1, 2, 3], strides: &[6, 3, 1] };
        let y = Permute { axes: vec![2, 0, 1] }.reference(&[x], &[3, 1, 2]);
        assert_eq!(y, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }
}
