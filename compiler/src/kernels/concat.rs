//! Values one after another.

use super::definition::{Definition, Layouts};
use super::reference::{Operand, Real, indices};
use super::slice::Slice;
use super::terms::Terms;
use super::{Kernel, KernelBuilder};
use crate::gradient::{Backward, Handed};
use crate::graph::NodeId;
use std::ops::RangeInclusive;

/// All arguments one after another along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Concat {
    /// The axis.
    pub axis: usize,
}

impl Definition for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn details(&self) -> String {
        format!(" axis {}", self.axis)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        1..=usize::MAX
    }

    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        let alike = |part: &&[usize]| {
            part.len() == shape.len()
                && part.iter().zip(shape).enumerate().all(|(at, (a, b))| at == self.axis || a == b)
        };
        let total = own.iter().try_fold(0usize, |sum, part| sum.checked_add(*part.get(self.axis)?));
        self.axis < shape.len() && own.iter().all(alike) && total.as_ref() == shape.get(self.axis)
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Vec<T> {
        let element = |mut index: Vec<usize>| {
            for part in own {
                if index[self.axis] < part.shape[self.axis] {
                    return part.at(&index);
                }
                index[self.axis] -= part.shape[self.axis];
            }
            T::from_f64(f64::NAN)
        };
        indices(shape).map(element).collect()
    }

    fn terms(&self, index: &[usize], own: &[&[usize]], _: &[usize]) -> Option<Terms> {
        let mut index = index.to_vec();
        for (argument, part) in own.iter().enumerate() {
            let (at, size) = (index.get_mut(self.axis)?, *part.get(self.axis)?);
            if *at < size {
                return Some(Terms::Moved(argument, index));
            }
            *at -= size;
        }
        None
    }

    fn gradient(&self, backward: &mut Backward<'_>, handed: &Handed) {
        let (g, axis) = (backward.whole(handed.gradient, &handed.shape), self.axis);
        let mut start = 0;
        for &argument in &handed.arguments {
            backward.hand_computed(argument, Kernel::Slice(Slice { axis, start }), &[g]);
            start += backward.shape(argument).get(axis).copied().unwrap_or(1);
        }
    }

    fn in_blocks(&self, layouts: &Layouts<'_>) -> bool {
        let whole = |shape: &[usize]| {
            self.axis != 1 || shape.get(1).is_some_and(|channels| channels.is_multiple_of(layouts.lanes))
        };
        let parts = &layouts.arguments;
        let before_last = parts.split_last().map_or(&[][..], |(_, before)| before);
        parts.iter().all(|&(_, blocked)| blocked) && before_last.iter().all(|&(shape, _)| whole(shape))
    }
}

impl KernelBuilder<'_> {
    /// Values one after another along an axis.
    pub fn concat(&mut self, parts: &[NodeId], axis: usize) -> NodeId {
        let mut shape = parts.first().map(|&part| self.shape(part)).unwrap_or_default();
        let total = parts.iter().filter_map(|&part| self.shape(part).get(axis).copied()).sum();
        if let Some(size) = shape.get_mut(axis) {
            *size = total;
        }
        self.add(Kernel::Concat(Concat { axis }), shape, parts)
    }
}

#[cfg(test)]
mod tests {
    use super::{Concat, Definition, Operand};

    #[test]
    fn parts_follow_each_other() {
        let a = Operand { data: &[1.0f64, 2.0], shape: &[2, 1], strides: &[1, 1] };
        let b = Operand { data: &[3.0, 4.0, 5.0, 6.0], shape: &[2, 2], strides: &[2, 1] };
        assert_eq!(Concat { axis: 1 }.reference(&[a, b], &[2, 3]), [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
    }
}
