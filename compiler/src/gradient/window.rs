//! Gradients of poolings and enlargements: kernels of their own, which know where each element was read.

use super::Backward;
use crate::graph::NodeId;
use crate::kernels::{Kernel, KernelNode, PoolAxis, Pooling, Resampling};

impl Backward<'_> {
    /// Hands on through windows.
    pub(super) fn window_gradient(
        &mut self,
        node: &KernelNode,
        arguments: &[NodeId],
        axes: [PoolAxis; 2],
        pooling: Pooling,
        gradient: NodeId,
    ) {
        let &[x] = arguments else { return };
        let g = self.whole(gradient, &node.shape);
        let operands = if matches!(pooling, Pooling::Mean(_)) { vec![g] } else { vec![x, g] };
        let part = self.add(Kernel::WindowGrad { axes, pooling }, self.shape(x), &operands);
        self.hand(Some(&x), part);
    }

    /// Hands on to the elements that were read.
    pub(super) fn resample_gradient(
        &mut self,
        node: &KernelNode,
        arguments: &[NodeId],
        resampling: Resampling,
        gradient: NodeId,
    ) {
        let &[x] = arguments else { return };
        let g = self.whole(gradient, &node.shape);
        let part = self.add(Kernel::ResampleGrad(resampling), self.shape(x), &[g]);
        self.hand(Some(&x), part);
    }
}
