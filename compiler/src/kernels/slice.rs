//! A range along one axis.

use super::definition::{Definition, Layouts};
use super::pad::Pad;
use super::reference::{Operand, Real};
use super::terms::Terms;
use super::{Kernel, KernelBuilder};
use crate::gradient::{Backward, Handed};
use crate::graph::NodeId;
use std::ops::RangeInclusive;

/// Elements `start..start + length` along one axis; the length is the result's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The axis.
    pub axis: usize,
    /// The first element.
    pub start: usize,
}

impl Definition for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn details(&self) -> String {
        format!(" axis {} from {}", self.axis, self.start)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        1..=1
    }

    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        let [x] = own else { return false };
        let axis_fits = |(index, (&size, &length)): (usize, (&usize, &usize))| match index == self.axis {
            true => self.start.checked_add(length).is_some_and(|end| end <= size),
            false => size == length,
        };
        self.axis < x.len() && shape.len() == x.len() && x.iter().zip(shape).enumerate().all(axis_fits)
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Vec<T> {
        let x = &own[0];
        let data = x.data.get(self.start * x.strides[self.axis]..).unwrap_or_default();
        Operand { data, shape, strides: x.strides }.values()
    }

    fn terms(&self, index: &[usize], _: &[&[usize]], _: &[usize]) -> Option<Terms> {
        let mut source = index.to_vec();
        *source.get_mut(self.axis)? += self.start;
        Some(Terms::Moved(0, source))
    }

    /// Zeros where nothing came from.
    fn gradient(&self, backward: &mut Backward<'_>, handed: &Handed) {
        let &[x] = handed.arguments.as_slice() else { return };
        let shape = backward.shape(x);
        let size = |shape: &[usize]| shape.get(self.axis).copied().unwrap_or(1);
        let (whole, end) = (size(&shape), self.start.saturating_add(size(&handed.shape)));
        let around = (self.start as isize, (whole - end.min(whole)) as isize);
        let padding = (0..shape.len()).map(|axis| if axis == self.axis { around } else { (0, 0) }).collect();
        backward.hand_moved(handed, Kernel::Pad(Pad { padding }));
    }

    fn is_view(&self) -> bool {
        true
    }

    fn in_blocks(&self, layouts: &Layouts<'_>) -> bool {
        layouts.first() && (self.axis != 1 || self.start.is_multiple_of(layouts.lanes))
    }
}

impl KernelBuilder<'_> {
    /// Elements `start..start + length` along an axis.
    pub fn slice(&mut self, x: NodeId, axis: usize, start: usize, length: usize) -> NodeId {
        let mut shape = self.shape(x);
        if let Some(size) = shape.get_mut(axis) {
            *size = length;
        }
        self.add(Kernel::Slice(Slice { axis, start }), shape, &[x])
    }
}

#[cfg(test)]
mod tests {
    use super::{Definition, Operand, Slice};

    #[test]
    fn a_column_of_a_matrix() {
        let x = Operand { data: &[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], shape: &[2, 3], strides: &[3, 1] };
        assert_eq!(Slice { axis: 1, start: 1 }.reference(&[x], &[2, 2]), [2.0, 3.0, 5.0, 6.0]);
    }
}
