//! Steps that only training has, over channels in blocks: gradients by weight, and of pooling.

use super::blocks::{in_lanes, reaches};
use super::memory::Address;
use super::{Context, StepCall};
use crate::cpu::blocked::call::{Images, ImagesMut};
use crate::cpu::blocked::conv_weight::ConvWeight;
use crate::cpu::blocked::direct::InputLayout;
use crate::cpu::blocked::pool_grad::PoolGrad;
use crate::cpu::blocked::shape::{ConvolutionShape, Window};
use crate::cpu::blocked::vector::InstructionSet;
use crate::cpu::blocked::window::PoolShape;
use crate::failure::Result;
use cnnc_compiler::plan::{Operation, Step, View};

/// A gradient over images in blocks.
pub struct GradientCall {
    kernel: Gradient,
    /// What the kernel reads: the image, where it needs that, then the gradient of the result.
    operands: Vec<(Address, usize)>,
    output: (Address, usize),
}

enum Gradient {
    /// By weight.
    Weight(Box<ConvWeight>),
    /// Of pooling.
    Pool(Box<PoolGrad>),
}

impl GradientCall {
    /// The step, if it is one of these and its values lie in blocks.
    ///
    /// # Errors
    /// E501 when the images are in blocks of other lanes, E401 when a window reaches too far.
    pub fn new(set: InstructionSet, step: &Step) -> Result<Option<GradientCall>> {
        let own = step.operands.get(..step.own_operands).unwrap_or_default();
        let Some(gradient) = own.last().filter(|view| view.shape.len() == 5) else { return Ok(None) };
        if !matches!(step.operation, Operation::ConvWeight(_) | Operation::PoolGrad(_)) {
            return Ok(None);
        }
        for view in own.iter().chain([&step.output]).filter(|view| view.shape.len() == 5) {
            in_lanes(set, view.shape[4])?;
        }
        let kernel = match &step.operation {
            Operation::ConvWeight(conv) => {
                let (x, weight) = (&own[0], &step.output);
                let shape = ConvolutionShape {
                    batch: x.shape[0],
                    in_channels: weight.shape[1] * conv.0.groups,
                    out_channels: weight.shape[0],
                    groups: conv.0.groups,
                    window: Window { input: size(x), output: size(gradient), axes: conv.0.window },
                };
                reaches(&shape.window, &step.origins)?;
                let layout = if x.shape.len() == 5 { InputLayout::Blocked } else { InputLayout::Plain };
                Gradient::Weight(Box::new(ConvWeight::new(set, shape, layout)))
            }
            Operation::PoolGrad(pool) => {
                let output = &step.output;
                let channels = output.shape[1] * set.lanes();
                let (input, windows) = (size(output), size(gradient));
                let shape = PoolShape { batch: output.shape[0], channels, input, output: windows, axes: pool.axes };
                Gradient::Pool(Box::new(PoolGrad::new(set, shape, pool.pooling)))
            }
            _ => return Ok(None),
        };
        let images = |view: &View| (Address::of(view), view.strides[0]);
        let operands = own.iter().map(images).collect();
        Ok(Some(GradientCall { kernel, operands, output: images(&step.output) }))
    }
}

/// Height and width of an image, in blocks or plain.
fn size(view: &View) -> [usize; 2] {
    [view.shape[2], view.shape[3]]
}

impl StepCall for GradientCall {
    fn workspace_length(&self, threads: usize) -> usize {
        match &self.kernel {
            Gradient::Weight(kernel) => kernel.workspace_length(threads),
            Gradient::Pool(_) => 0,
        }
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let Context { memory, pool, .. } = *context;
        // SAFETY: the plan was checked: operands and output are whole, of the sizes that the kernels were told, and do not
        // overlap; the workspace has what `workspace_length` says.
        unsafe {
            let images = |&(address, step): &(Address, usize)| Images { first: memory.at(address, 0), step };
            let output = ImagesMut { first: memory.at(self.output.0, 0), step: self.output.1 };
            match (&self.kernel, self.operands.as_slice()) {
                (Gradient::Weight(kernel), [x, gradient]) => {
                    kernel.run(pool, images(x), images(gradient), output, memory.workspace);
                }
                (Gradient::Pool(kernel), [others @ .., gradient]) => {
                    kernel.run(pool, others.first().map(images), images(gradient), output);
                }
                _ => {}
            }
        }
    }
}
