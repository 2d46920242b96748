//! Sums and maxima over whole axes.

use super::definition::{Definition, Layouts};
use super::reference::{Operand, Real, indices, offsets};
use super::terms::Terms;
use super::{Expression, Kernel, KernelBuilder};
use crate::gradient::{Backward, Handed};
use crate::graph::NodeId;
use std::ops::RangeInclusive;

/// Combines over the axes marked true; these have size 1 in the result.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reduce {
    /// What is made of the elements: their sum or the largest.
    pub reduction: Reduction,
    /// One mark an axis of `x`.
    pub axes: Vec<bool>,
}

/// How a reduction combines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Added up.
    Sum,
    /// The largest; not-a-number wins.
    Max,
}

impl Definition for Reduce {
    fn name(&self) -> &'static str {
        match self.reduction {
            Reduction::Sum => "reduce_sum",
            Reduction::Max => "reduce_max",
        }
    }

    fn details(&self) -> String {
        let gone: Vec<usize> = (0..).zip(&self.axes).filter_map(|(axis, &gone)| gone.then_some(axis)).collect();
        format!(" over {gone:?}")
    }

    fn arity(&self) -> RangeInclusive<usize> {
        1..=1
    }

    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        let [x] = own else { return false };
        let reduced = |((&size, &gone), &kept): ((&usize, &bool), &usize)| kept == if gone { 1 } else { size };
        [x.len(), shape.len()] == [self.axes.len(); 2] && x.iter().zip(&self.axes).zip(shape).all(reduced)
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], _: &[usize]) -> Vec<T> {
        let x = &own[0];
        let size_where = |marked: bool| -> Vec<usize> {
            x.shape.iter().zip(&self.axes).map(|(&size, &gone)| if gone == marked { size } else { 1 }).collect()
        };
        let (kept, gone) = (size_where(false), size_where(true));
        let element = |index: Vec<usize>| {
            let first: usize = index.iter().zip(x.strides).map(|(index, stride)| index * stride).sum();
            let values = offsets(&gone, x.strides).map(|offset| x.data[first + offset]);
            match self.reduction {
                Reduction::Sum => values.fold(T::from_f64(0.0), |sum, value| sum + value),
                Reduction::Max => values.reduce(Real::larger).unwrap_or(T::from_f64(f64::NEG_INFINITY)),
            }
        };
        indices(&kept).map(element).collect()
    }

    fn terms(&self, index: &[usize], own: &[&[usize]], _: &[usize]) -> Option<Terms> {
        let x = own.first()?;
        let gone: Vec<usize> = x.iter().zip(&self.axes).map(|(&size, &gone)| if gone { size } else { 1 }).collect();
        let within = indices(&gone).map(|within| within.iter().zip(index).map(|(within, at)| within + at).collect());
        Some(match self.reduction {
            Reduction::Sum => Terms::Sum(within.collect()),
            Reduction::Max => Terms::Largest(within.collect()),
        })
    }

    /// That of a maximum goes to all of the largest elements in equal parts, as PyTorch's `amax` has it.
    fn gradient(&self, backward: &mut Backward<'_>, handed: &Handed) {
        let &[x] = handed.arguments.as_slice() else { return };
        let part = match self.reduction {
            Reduction::Sum => handed.gradient,
            Reduction::Max => {
                let [a, b, c] = [0, 1, 2].map(Expression::operand);
                let largest = backward.map(b.clone().greater(a.clone()).select(0.0, 1.0), &[x, handed.id]);
                let count = backward.sum(largest, &self.axes);
                backward.map(a * b / c, &[handed.gradient, largest, count])
            }
        };
        backward.hand(x, part);
    }

    fn takes_epilogue(&self) -> bool {
        true
    }

    fn in_blocks(&self, layouts: &Layouts<'_>) -> bool {
        layouts.first() && self.axes.get(1) == Some(&false)
    }

    fn over_blocks(mut self) -> Reduce {
        self.axes.push(false);
        self
    }

    fn keeps_zeros(&self) -> bool {
        true
    }
}

impl KernelBuilder<'_> {
    /// Combines over some axes, which keep size 1.
    pub fn reduce(&mut self, x: NodeId, reduction: Reduction, over: &[usize]) -> NodeId {
        let shape = self.shape(x);
        let axes: Vec<bool> = (0..shape.len()).map(|axis| over.contains(&axis)).collect();
        let reduced = shape.iter().zip(&axes).map(|(&size, &gone)| if gone { 1 } else { size }).collect();
        self.add(Kernel::Reduce(Reduce { reduction, axes }), reduced, &[x])
    }

    /// The mean over some axes, which keep size 1.
    pub fn mean(&mut self, x: NodeId, over: &[usize]) -> NodeId {
        let shape = self.shape(x);
        let count: usize = over.iter().filter_map(|&axis| shape.get(axis)).product();
        let sum = self.reduce(x, Reduction::Sum, over);
        self.map(&[sum], Expression::operand(0) * (1.0 / count as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::{Definition, Operand, Reduce, Reduction};

    #[test]
    fn combines_over_any_axes() {
        let x = Operand { data: &[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], shape: &[2, 3], strides: &[3, 1] };
        let reduce = |reduction, axes: [bool; 2]| Reduce { reduction, axes: axes.to_vec() }.reference(&[x], &[]);
        assert_eq!(reduce(Reduction::Sum, [false, true]), [6.0, 15.0]);
        assert_eq!(reduce(Reduction::Sum, [true, false]), [5.0, 7.0, 9.0]);
        assert_eq!(reduce(Reduction::Max, [true, true]), [6.0]);
        assert_eq!(reduce(Reduction::Sum, [false, false]), x.data);
    }
}
