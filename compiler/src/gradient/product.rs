//! Gradients of the kernels that multiply and add: by data each is another of them, by weight a `ConvWeight` or a product turned
//! round.

use super::Backward;
use crate::graph::NodeId;
use crate::kernels::{Kernel, KernelNode};

impl Backward<'_> {
    /// Hands on to data and weight.
    pub(super) fn product_gradient(&mut self, node: &KernelNode, arguments: &[NodeId], gradient: NodeId) {
        let &[x, weight] = arguments else { return };
        let g = self.whole(gradient, &node.shape);
        let by_data = match node.kernel {
            Kernel::Conv { window, groups } => (Kernel::ConvData { window, groups }, [g, weight]),
            Kernel::ConvData { window, groups } => (Kernel::Conv { window, groups }, [g, weight]),
            Kernel::Gemm { transpose_a: true, transpose_b } => {
                (Kernel::Gemm { transpose_a: transpose_b, transpose_b: true }, [weight, g])
            }
            Kernel::Gemm { transpose_a: false, transpose_b } => {
                (Kernel::Gemm { transpose_a: false, transpose_b: !transpose_b }, [g, weight])
            }
            _ => return,
        };
        let by_weight = match node.kernel {
            Kernel::Conv { window, groups } => (Kernel::ConvWeight { window, groups }, [x, g]),
            Kernel::ConvData { window, groups } => (Kernel::ConvWeight { window, groups }, [g, x]),
            Kernel::Gemm { transpose_a, transpose_b: true } => {
                (Kernel::Gemm { transpose_a: true, transpose_b: transpose_a }, [g, x])
            }
            Kernel::Gemm { transpose_a, transpose_b: false } => {
                (Kernel::Gemm { transpose_a: !transpose_a, transpose_b: false }, [x, g])
            }
            _ => return,
        };
        for (argument, (kernel, operands)) in [(x, by_data), (weight, by_weight)] {
            if self.needs(argument) {
                let part = self.add(kernel, self.shape(argument), &operands);
                self.hand(Some(&argument), part);
            }
        }
    }
}
