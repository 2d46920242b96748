//! Gradients of what only moves data: the movement back, with zeros where nothing came from.

use super::Backward;
use crate::graph::NodeId;
use crate::kernels::{Kernel, KernelNode};

impl Backward<'_> {
    /// Moves back what one argument gave.
    pub(super) fn movement_gradient(&mut self, node: &KernelNode, arguments: &[NodeId], gradient: NodeId) {
        let &[x] = arguments else { return };
        let shape = self.shape(x);
        let kernel = match &node.kernel {
            Kernel::Reshape => Kernel::Reshape,
            Kernel::Permute { axes } => {
                let back = (0..axes.len()).filter_map(|axis| axes.iter().position(|&from| from == axis));
                Kernel::Permute { axes: back.collect() }
            }
            Kernel::Pad { padding } => {
                Kernel::Pad { padding: padding.iter().map(|&(before, after)| (-before, -after)).collect() }
            }
            Kernel::Slice { axis, start } => {
                let (whole, length) = (size(&shape, *axis), size(&node.shape, *axis));
                let around = (*start as isize, (whole - start.saturating_add(length).min(whole)) as isize);
                let pad = |at| if at == *axis { around } else { (0, 0) };
                Kernel::Pad { padding: (0..shape.len()).map(pad).collect() }
            }
            _ => return,
        };
        let g = self.whole(gradient, &node.shape);
        let part = self.add(kernel, shape, &[g]);
        self.hand(Some(&x), part);
    }

    /// Cuts the gradient of a concatenation into its parts.
    pub(super) fn concat_gradient(&mut self, node: &KernelNode, arguments: &[NodeId], axis: usize, gradient: NodeId) {
        let g = self.whole(gradient, &node.shape);
        let mut start = 0;
        for &argument in arguments {
            let shape = self.shape(argument);
            let length = size(&shape, axis);
            if self.needs(argument) {
                let part = self.add(Kernel::Slice { axis, start }, shape, &[g]);
                self.hand(Some(&argument), part);
            }
            start += length;
        }
    }
}

fn size(shape: &[usize], axis: usize) -> usize {
    shape.get(axis).copied().unwrap_or(1)
}
