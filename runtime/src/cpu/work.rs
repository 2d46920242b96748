//! What a step has to do at the least: multiply-adds of its definition, and bytes that must be read and written once.
//!
//! The floor that a profile holds measured times against. A method that needs fewer products than the definition (Winograd's) can
//! pass the floor of arithmetic, which is what it is for.

use cnnc_compiler::kernels::{Kernel, Method};
use cnnc_compiler::plan::{Step, View};

/// The least work of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Multiply-adds of the definition, padding counted as if it were multiplied; 0 for what is not a product.
    pub multiply_adds: u64,
    /// Bytes of operands and result, each once, repeated ones as often as they lie in memory.
    pub bytes: u64,
}

/// The work of a step.
pub fn work(step: &Step) -> Work {
    let bytes = step.operands.iter().chain([&step.output]).map(bytes).sum();
    Work { multiply_adds: multiply_adds(step).unwrap_or(0) as u64, bytes }
}

/// Bytes of a view's own elements: an axis that repeats counts once.
fn bytes(view: &View) -> u64 {
    let own = view.shape.iter().zip(&view.strides).filter(|&(_, &stride)| stride > 0).map(|(&size, _)| size as u64);
    4 * own.product::<u64>()
}

fn multiply_adds(step: &Step) -> Option<usize> {
    let channels = |view: &View, packed: usize| if view.shape.len() == 5 { packed } else { view.shape[1] };
    let (x, output) = (step.operands.first()?, &step.output);
    match &step.kernel {
        Kernel::Conv { window, groups } => {
            let area: usize = window.iter().map(|axis| axis.kernel).product();
            let ins = step.packing.map_or(x.shape[1], |packing| packing.in_channels);
            let outs = channels(output, step.packing.map_or(0, |packing| packing.out_channels));
            Some(output.shape[0] * output.shape[2] * output.shape[3] * outs * (ins / groups) * area)
        }
        Kernel::ConvData { window, groups } => {
            let area: usize = window.iter().map(|axis| axis.kernel).product();
            let ins = channels(x, step.packing.map_or(0, |packing| packing.in_channels));
            let outs = channels(output, step.packing.map_or(0, |packing| packing.out_channels));
            Some(x.shape[0] * x.shape[2] * x.shape[3] * ins * (outs / groups) * area)
        }
        Kernel::Gemm { transpose_a, .. } => {
            let depth = match step.packing {
                Some(packing) if packing.method == Method::Linear => packing.in_channels * packing.area,
                _ => x.shape[usize::from(!transpose_a)],
            };
            Some(output.shape[0] * output.shape[1] * depth)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Work, work};
    use crate::cpu::test_plan::{TestPlan, dense};
    use cnnc_compiler::kernels::{AxisWindow, Kernel};
    use cnnc_compiler::plan::Storage;

    #[test]
    fn a_convolution_s_products_and_bytes() {
        let window = [AxisWindow { kernel: 3, stride: 1, dilation: 1, before: 1 }; 2];
        let (x, w) = (dense(Storage::Input(0), 0, &[1, 4, 8, 8]), dense(Storage::Parameter(0), 0, &[6, 2, 3, 3]));
        let plan = TestPlan::new(&[&[1, 4, 8, 8]])
            .parameter("w", &[6, 2, 3, 3])
            .step(Kernel::Conv { window, groups: 2 }, &[x, w], &[1, 6, 8, 8])
            .finish();
        let bytes = 4 * (256 + 108 + 384);
        assert_eq!(work(&plan.run[0]), Work { multiply_adds: 64 * 6 * 2 * 9, bytes });
    }

    #[test]
    fn what_is_repeated_counts_once() {
        let mut bias = dense(Storage::Input(0), 0, &[2, 3]);
        bias.strides = vec![0, 1];
        let sum = Kernel::Map(cnnc_compiler::kernels::Expression::operand(0));
        let plan = TestPlan::new(&[&[3]]).step(sum, &[bias], &[2, 3]).finish();
        assert_eq!(work(&plan.run[0]), Work { multiply_adds: 0, bytes: 4 * (3 + 6) });
    }
}
