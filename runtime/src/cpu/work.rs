//! What a step has to do at the least: its arithmetic, and the bytes that must be read and written once.
//!
//! The floor that a profile holds measured times against. Winograd's method needs fewer multiply-adds than the definition, so
//! both are counted: those of the definition for rates that can be compared, those of the method for the floor.

use cnnc_compiler::kernels::{Kernel, Method, Packing};
use cnnc_compiler::plan::{Step, View};

/// The least work of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Multiply-adds of the definition, padding counted as if it were multiplied; 0 for what is not a product.
    pub multiply_adds: u64,
    /// Multiply-adds of the step's method. Winograd's: the products at its frequencies, and the transform of every tile of the
    /// input and the output once.
    pub arithmetic: u64,
    /// Bytes of operands and result, each once, repeated ones as often as they lie in memory.
    pub bytes: u64,
}

/// The work of a step.
pub fn work(step: &Step) -> Work {
    let bytes = step.operands.iter().chain([&step.output]).map(bytes).sum();
    let multiply_adds = multiply_adds(step).unwrap_or(0) as u64;
    let arithmetic = match step.packing {
        Some(Packing { method: Method::Winograd(outputs), in_channels, out_channels, .. }) => {
            winograd(&step.output, outputs, [in_channels, out_channels]) as u64
        }
        _ => multiply_adds,
    };
    Work { multiply_adds, arithmetic, bytes }
}

/// Multiply-adds of F(m×m, 3×3): m + 2 points, in pairs of a point and its negative, 0 and infinity. A transform along one axis
/// takes two a pair and two a pair of pairs.
fn winograd(output: &View, outputs: usize, [ins, outs]: [usize; 2]) -> usize {
    let (points, pairs) = (outputs + 2, outputs / 2);
    let tiles = output.shape[0] * output.shape[2].div_ceil(outputs) * output.shape[3].div_ceil(outputs);
    let axis = 2 * pairs * (1 + pairs);
    tiles * (points * points * ins * outs + axis * (2 * points * ins + (points + outputs) * outs))
}

/// Bytes of a view's own elements: an axis that repeats counts once.
fn bytes(view: &View) -> u64 {
    let own = view.shape.iter().zip(&view.strides).filter(|&(_, &stride)| stride > 0).map(|(&size, _)| size as u64);
    view.element.size_bytes() as u64 * own.product::<u64>()
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
        Kernel::ConvWeight { .. } => {
            let gradient = step.operands.get(1)?;
            Some(x.shape[0] * gradient.shape[2] * gradient.shape[3] * output.shape.iter().product::<usize>())
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
        assert_eq!(work(&plan.run[0]), Work { multiply_adds: 64 * 6 * 2 * 9, arithmetic: 64 * 6 * 2 * 9, bytes });
    }

    #[test]
    fn winograd_s_smaller_count() {
        // 2 × 2 tiles; 36 products of 4 channels to 6, 12 for an axis of a transform: 12 of the input, 10 of the output.
        let image = dense(Storage::Arena, 0, &[1, 1, 8, 8, 16]);
        assert_eq!(super::winograd(&image, 4, [4, 6]), 4 * (36 * 4 * 6 + 12 * (12 * 4 + 10 * 6)));
        assert_eq!(super::winograd(&image, 2, [1, 1]), 16 * (16 + 4 * (8 + 6)));
    }

    #[test]
    fn what_is_repeated_counts_once() {
        let mut bias = dense(Storage::Input(0), 0, &[2, 3]);
        bias.strides = vec![0, 1];
        let sum = Kernel::Map(cnnc_compiler::kernels::Expression::operand(0));
        let plan = TestPlan::new(&[&[3]]).step(sum, &[bias], &[2, 3]).finish();
        assert_eq!(work(&plan.run[0]), Work { multiply_adds: 0, arithmetic: 0, bytes: 4 * (3 + 6) });
    }
}
