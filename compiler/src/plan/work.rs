//! What a step has to do at the least: its arithmetic, and the bytes that must be read and written once.
//!
//! The floor that a profile holds measured times against. Winograd's method needs fewer multiply-adds than the definition, so
//! both are counted: those of the definition for rates that can be compared, those of the method for the floor.

use super::operation::Operation;
use super::{Step, View};

/// The least work of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Multiply-adds of the definition, padding counted as if it were multiplied; 0 for what is not a product.
    pub multiply_adds: u64,
    /// Multiply-adds of the step's method. Winograd's: the products at its points, and the transform of every tile of the input
    /// and the output once.
    pub arithmetic: u64,
    /// Bytes of operands and result, each once, repeated ones as often as they lie in memory.
    pub bytes: u64,
}

/// The work of a step.
pub fn work(step: &Step) -> Work {
    let own: Vec<&[usize]> = step.operands.iter().take(step.own_operands).map(|view| view.shape.as_slice()).collect();
    let multiply_adds = step.operation.multiply_adds(&step.output.shape, &own) as u64;
    let arithmetic = match &step.operation {
        Operation::PackedConv(packed) => packed.arithmetic() as u64,
        _ => multiply_adds,
    };
    Work { multiply_adds, arithmetic, bytes: step.operands.iter().chain([&step.output]).map(bytes).sum() }
}

/// Bytes of a view's own elements: an axis that repeats counts once.
fn bytes(view: &View) -> u64 {
    let own = view.shape.iter().zip(&view.strides).filter(|&(_, &stride)| stride > 0).map(|(&size, _)| size as u64);
    view.element.size_bytes() as u64 * own.product::<u64>()
}

#[cfg(test)]
mod tests {
    use super::{Work, work};
    use crate::kernels::test_graph::TestGraph;
    use crate::plan::{Target, plan};

    #[test]
    fn a_convolution_s_products_and_bytes_and_a_bias_once() {
        let (mut test, x) = TestGraph::new(&[2, 4, 8, 8]);
        let y = test.conv(x, 6, 3, true);
        let plan = plan(&test.finish(y), &Target::reference()).unwrap();
        let [product, bias] = [&plan.run[0], &plan.run[1]].map(work);
        let multiply_adds = 2 * 64 * 6 * 4 * 9;
        assert_eq!(product, Work { multiply_adds, arithmetic: multiply_adds, bytes: 4 * (512 + 216 + 768) });
        assert_eq!(bias, Work { multiply_adds: 0, arithmetic: 0, bytes: 4 * (768 + 6 + 768) });
    }
}
