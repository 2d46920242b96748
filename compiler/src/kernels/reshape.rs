//! The same elements under another shape.

use super::definition::Definition;
use super::reference::{Operand, Real};
use super::terms::{Terms, index_of, number_of};
use super::{Kernel, KernelBuilder, elements};
use crate::gradient::{Backward, Handed};
use crate::graph::NodeId;
use std::ops::RangeInclusive;

/// The same elements in the same order under another shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reshape;

impl Definition for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn arity(&self) -> RangeInclusive<usize> {
        1..=1
    }

    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        matches!(own, [x] if elements(x) == elements(shape))
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], _: &[usize]) -> Vec<T> {
        own[0].values()
    }

    fn terms(&self, index: &[usize], own: &[&[usize]], shape: &[usize]) -> Option<Terms> {
        Some(Terms::Moved(0, index_of(number_of(index, shape), own.first()?)))
    }

    fn gradient(&self, backward: &mut Backward<'_>, handed: &Handed) {
        backward.hand_moved(handed, Kernel::Reshape(Reshape));
    }

    fn is_view(&self) -> bool {
        true
    }
}

impl KernelBuilder<'_> {
    /// The same elements under another shape; nothing is added when the shape is the same.
    pub fn reshape(&mut self, x: NodeId, shape: &[usize]) -> NodeId {
        if self.shape(x) == shape { x } else { self.add(Kernel::Reshape(Reshape), shape.to_vec(), &[x]) }
    }

    /// A vector `[C]` as `[1, C, 1, …]` of the given rank, to be broadcast over everything but channels.
    pub fn per_channel(&mut self, vector: NodeId, rank: usize) -> NodeId {
        let length = self.shape(vector).iter().product();
        let shape: Vec<usize> = (0..rank).map(|axis| if axis == 1 { length } else { 1 }).collect();
        self.reshape(vector, &shape)
    }

    /// A value with axes of size 1 added in front, up to the given rank, as broadcasting has it.
    pub fn with_rank(&mut self, x: NodeId, rank: usize) -> NodeId {
        let sizes = self.shape(x);
        let mut shape = vec![1; rank.saturating_sub(sizes.len())];
        shape.extend(sizes);
        self.reshape(x, &shape)
    }
}
