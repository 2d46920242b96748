//! The gradient of a maximum over axes: to all of the largest elements in equal parts, as PyTorch's `amax` has it.

use super::Backward;
use crate::graph::NodeId;
use crate::kernels::Expression;

impl Backward<'_> {
    /// Hands on to the largest elements.
    pub(super) fn max_gradient(&mut self, id: NodeId, arguments: &[NodeId], axes: &[bool], gradient: NodeId) {
        let &[x] = arguments else { return };
        let [a, b, c] = [0, 1, 2].map(Expression::operand);
        let largest = self.map(b.clone().greater(a.clone()).select(0.0, 1.0), &[x, id]);
        let count = self.sum(largest, axes);
        let part = self.map(a * b / c, &[gradient, largest, count]);
        self.hand(Some(&x), part);
    }
}
