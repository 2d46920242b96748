//! Steps over channels in blocks: from a step to a kernel of `cpu/blocked`, and the packing of its weights.

use super::epilogue::Epilogue;
use super::memory::{Address, Memory, WORD_BYTES};
use super::{Context, StepCall};
use crate::cpu::blocked::buffer::Shared;
use crate::cpu::blocked::call::{self, Images, ImagesMut};
use crate::cpu::blocked::direct::{Direct, InputLayout};
use crate::cpu::blocked::integer::conversion::{self, Conversion};
use crate::cpu::blocked::integer::ending::{Endings, Scales};
use crate::cpu::blocked::integer::windowed::WindowedBytes;
use crate::cpu::blocked::layout;
use crate::cpu::blocked::linear::{FeatureOrder, Linear, LinearShape};
use crate::cpu::blocked::pad::Pad;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::reduce::Reduce;
use crate::cpu::blocked::resample::{Resample, ResampleShape};
use crate::cpu::blocked::rows::Rows;
use crate::cpu::blocked::shape::{ConvolutionShape, Window};
use crate::cpu::blocked::vector::InstructionSet;
use crate::cpu::blocked::window::{PoolShape, Windowed};
use crate::cpu::blocked::winograd::Winograd;
use crate::failure::{Result, failure, fault};
use crate::parameters::Parts;
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::element::Quantisation;
use cnnc_compiler::plan::{Method, Operation, PackedLinear, Packing, Reorder, Step, View};
use std::sync::{Arc, Mutex, PoisonError};

/// A kernel over channels in blocks; the first five read packed weights.
pub enum Blocked {
    /// Every product of the definition.
    Direct(Direct),
    /// Fewer products.
    Winograd(Winograd),
    /// Few output channels, all plain.
    Rows(Rows),
    /// Every channel by itself.
    Depthwise(Windowed),
    /// Fully connected.
    Linear(Linear),
    /// Pooling.
    Pool(Windowed),
    /// Over whole images.
    Reduce(Reduce),
    /// Enlarged or made smaller.
    Resample(Resample),
    /// Every channel of bytes by itself.
    WindowedBytes(WindowedBytes),
}

impl Blocked {
    /// The kernel that reads weights packed so; it says what they are packed to, too.
    ///
    /// # Errors
    /// E501 when the weights are packed for blocks of other lanes, E401 when a window reaches too far, E499 when the kernel reads
    /// another number of packed weights.
    pub fn new(set: InstructionSet, packing: &Packing, origins: &[Arc<str>]) -> Result<Blocked> {
        in_lanes(set, packing.lanes())?;
        let kernel = match packing {
            Packing::Linear(linear) => Blocked::Linear(Linear::new(set, linear_shape(linear))),
            Packing::Conv(conv) => {
                let shape = ConvolutionShape::of(&conv.convolution);
                reaches(&shape.window, origins)?;
                convolution(set, shape, conv.method, conv.convolution.transposed)
            }
        };
        match Some(kernel.packed_length()) == packing.elements() {
            true => Ok(kernel),
            false => Err(fault(format!("{} floats of packed weights for {packing:?}", kernel.packed_length()))),
        }
    }

    /// The kernel of a step without packed weights, if there is one for it.
    ///
    /// # Errors
    /// E501 when the images are in blocks of other lanes.
    pub fn of_images(set: InstructionSet, step: &Step) -> Result<Option<Blocked>> {
        let (Some(x), &[batch, blocks, _, _, lanes]) = (step.operands.first(), step.output.shape.as_slice()) else {
            return Ok(None);
        };
        let pooled = matches!(&step.operation, Operation::Reduce(_)) && lanes == set.lanes();
        let moved = matches!(&step.operation, Operation::Pool(_) | Operation::Resample(_));
        if x.shape.len() != 5 || !(pooled || moved) {
            return Ok(None);
        }
        in_lanes(set, lanes)?;
        let (channels, input, output) = (blocks * lanes, image_size(x), image_size(&step.output));
        Ok(match &step.operation {
            Operation::Pool(pool) if x.element.quantisation().is_some() => {
                let shape = PoolShape { batch, channels, input, output, axes: pool.axes };
                WindowedBytes::pooling(set, shape, pool.pooling).map(Blocked::WindowedBytes)
            }
            Operation::Pool(pool) => {
                let shape = PoolShape { batch, channels, input, output, axes: pool.axes };
                Some(Blocked::Pool(Windowed::pooling(set, shape, pool.pooling)))
            }
            Operation::Resample(resample) => {
                let shape = ResampleShape { batch, channels, input, output };
                Some(Blocked::Resample(Resample::new(set, shape, &resample.0)))
            }
            Operation::Reduce(reduce) => match *reduce.axes.as_slice() {
                [whole, false, true, true, false] => {
                    let (sizes, pixels) = ([x.shape[0], channels], input[0] * input[1]);
                    let kernel = Reduce::new(set, sizes, pixels, reduce.reduction, 1.0);
                    Some(Blocked::Reduce(if whole { kernel.over_batch() } else { kernel }))
                }
                _ => None,
            },
            _ => None,
        })
    }

    fn packed_length(&self) -> usize {
        match self {
            Blocked::Pool(_) | Blocked::Reduce(_) | Blocked::Resample(_) => 0,
            Blocked::Direct(kernel) => kernel.packed_length(),
            Blocked::Winograd(kernel) => kernel.packed_length(),
            Blocked::Rows(kernel) => kernel.packed_length(),
            Blocked::Depthwise(kernel) => kernel.packed_length(),
            Blocked::Linear(kernel) => kernel.packed_length(),
            Blocked::WindowedBytes(kernel) => kernel.packed_length(),
        }
    }

    /// Packs weights as parameters have them, to the elements of the packing that it is for, in that one's order.
    pub fn pack(&self, pool: &Pool, weights: &[f32], into: &mut [f32]) {
        match self {
            Blocked::Pool(_) | Blocked::Reduce(_) | Blocked::Resample(_) => {}
            Blocked::Direct(kernel) => kernel.pack(pool, weights, into),
            Blocked::Winograd(kernel) => kernel.pack(pool, weights, into),
            Blocked::Rows(kernel) => kernel.pack(weights, into),
            Blocked::Depthwise(kernel) => kernel.pack(pool, weights, into),
            Blocked::Linear(kernel) => kernel.pack(pool, weights, into),
            Blocked::WindowedBytes(kernel) => kernel.pack(pool, weights, into),
        }
    }

    fn workspace_length(&self, threads: usize) -> usize {
        match self {
            Blocked::Direct(kernel) => threads * kernel.workspace_length(),
            Blocked::Winograd(kernel) => threads * kernel.workspace_length(),
            Blocked::Rows(kernel) => threads * kernel.workspace_length(),
            Blocked::Linear(kernel) => threads * kernel.workspace_length(),
            Blocked::Reduce(kernel) => kernel.workspace_length(),
            Blocked::WindowedBytes(kernel) => threads * kernel.workspace_length(),
            Blocked::Depthwise(_) | Blocked::Pool(_) | Blocked::Resample(_) => 0,
        }
    }
}

/// Whether blocks of so many channels are those of the instructions: a plan is made for one instruction set and run by it.
///
/// # Errors
/// E501 when they are not.
pub fn in_lanes(set: InstructionSet, lanes: usize) -> Result<()> {
    if lanes == set.lanes() {
        return Ok(());
    }
    let (name, own) = (set.name(), set.lanes());
    let message = format!("the plan has channels in blocks of {lanes}, and {name} computes in blocks of {own}");
    let mut refused = failure(Code::E501, message);
    refused.help.push("compile the plan for the target of the options that it runs with".into());
    Err(refused)
}

/// Whether the rows that a window reaches over can be copied side by side.
///
/// # Errors
/// E401 when there are too many.
pub fn reaches(window: &Window, origins: &[Arc<str>]) -> Result<()> {
    let extent = |axis: usize| {
        // Of a convolution and of one that is transposed, the smaller image has a pixel a window.
        let windows = window.input[axis].min(window.output[axis]);
        window.extent(axis).saturating_add(windows.saturating_mul(window.axes[axis].stride))
    };
    let is_near = |axis: usize| extent(axis) <= window.input[axis].max(window.output[axis]) + MOST_BEYOND;
    if is_near(0) && is_near(1) {
        return Ok(());
    }
    let [rows, columns] = [extent(0), extent(1)];
    let origin = origins.first().map_or("a convolution", |origin| origin);
    let message = format!("`{origin}` reaches over {rows} rows and {columns} columns, padding included");
    let mut refused = failure(Code::E401, message);
    refused
        .notes
        .push(format!("the CPU's kernels copy what windows reach over, at most {MOST_BEYOND} beyond an image"));
    Err(refused)
}

/// The most rows, and columns, that a convolution's windows reach beyond an image.
const MOST_BEYOND: usize = 1 << 16;

fn convolution(set: InstructionSet, shape: ConvolutionShape, method: Method, transposed: bool) -> Blocked {
    match method {
        Method::Direct if transposed => Blocked::Direct(Direct::transposed(set, shape)),
        Method::Direct => Blocked::Direct(Direct::new(set, shape, InputLayout::Blocked)),
        Method::Stem => Blocked::Direct(Direct::new(set, shape, InputLayout::Plain)),
        Method::Rows => Blocked::Rows(Rows::new(set, shape)),
        Method::Winograd(tile) if transposed => Blocked::Winograd(Winograd::transposed(set, shape, tile)),
        Method::Winograd(tile) => Blocked::Winograd(Winograd::new(set, shape, tile)),
        Method::Int8 => Blocked::Direct(Direct::of_bytes(set, shape, false)),
        Method::Int8Stem => Blocked::Direct(Direct::of_bytes(set, shape, true)),
        Method::Int8Depthwise => {
            Blocked::WindowedBytes(WindowedBytes::depthwise(set, [shape.batch, shape.in_channels], &shape.window))
        }
        Method::Depthwise => {
            Blocked::Depthwise(Windowed::depthwise(set, [shape.batch, shape.in_channels], &shape.window))
        }
    }
}

fn linear_shape(linear: &PackedLinear) -> LinearShape {
    let PackedLinear { rows, in_channels, pixels, out_features, of_bytes, .. } = *linear;
    let order = match pixels {
        1 => FeatureOrder::Plain,
        pixels => FeatureOrder::Blocked { pixels },
    };
    LinearShape { rows, in_features: in_channels * pixels, out_features, order, of_bytes }
}

/// Height and width of an image, in blocks or plain.
fn image_size(view: &View) -> [usize; 2] {
    [view.shape[2], view.shape[3]]
}

/// A step by such a kernel.
pub struct BlockedCall {
    kernel: Arc<Blocked>,
    input: (Address, usize),
    weights: Option<Address>,
    output: (Address, usize),
    epilogue: Epilogue,
    bytes: Option<Endings>,
}

impl BlockedCall {
    /// The step, by the kernel that was made of it.
    pub fn new(set: InstructionSet, kernel: Arc<Blocked>, step: &Step) -> BlockedCall {
        let (own, others) = step.operands.split_at(step.own_operands);
        let images = |view: &View| (Address::of(view), words_of(view, view.strides[0]));
        let epilogue = Epilogue::new(step.epilogue.as_ref(), &step.output, others);
        let scales = |input| Scales {
            input,
            output: step.output.element.quantisation(),
            residual: epilogue.added().and_then(|operand| others[operand - 1].element.quantisation()),
        };
        let bytes = own[0].element.quantisation().map(|input| Endings::new(set, scales(input)));
        BlockedCall {
            kernel,
            input: images(&own[0]),
            weights: own.get(1).map(Address::of),
            output: images(&step.output),
            epilogue,
            bytes,
        }
    }
}

/// So many elements of a view's type in floats, or words.
fn words_of(view: &View, elements: usize) -> usize {
    elements * view.element.size_bytes() / WORD_BYTES
}

impl StepCall for BlockedCall {
    fn make_tables(&self) {
        if let Blocked::Linear(kernel) = &*self.kernel {
            kernel.make_tables();
        }
    }

    fn workspace_length(&self, threads: usize) -> usize {
        self.kernel.workspace_length(threads)
    }

    unsafe fn run(&self, context: &Context<'_>) {
        let Context { memory, pool, thread_workspaces } = *context;
        let finishing = self.epilogue.finish(memory, thread_workspaces);
        // SAFETY: the plan was checked: input, weights, bias, residual and output are whole, and only a residual at the output's
        // own place overlaps it; the workspace has what `workspace_length` says for every thread.
        unsafe {
            let call = call::KernelCall {
                input: Images { first: memory.at(self.input.0, 0), step: self.input.1 },
                weights: self.weights.map_or(std::ptr::null(), |address| memory.at(address, 0).cast_const()),
                bias: self.epilogue.bias(memory),
                output: ImagesMut { first: memory.at(self.output.0, 0), step: self.output.1 },
                residual: self.epilogue.residual(memory),
                limits: self.epilogue.limits(),
                finish: finishing.as_ref().map(|finishing| finishing as &dyn call::Finish),
                bytes: self.bytes.as_ref(),
                workspace: memory.workspace,
            };
            match &*self.kernel {
                Blocked::Direct(kernel) => kernel.run(pool, &call),
                Blocked::Winograd(kernel) => kernel.run(pool, &call),
                Blocked::Rows(kernel) => kernel.run(pool, &call),
                Blocked::Depthwise(kernel) => kernel.run(pool, &call),
                Blocked::Linear(kernel) => kernel.run(pool, &call),
                Blocked::Pool(kernel) => kernel.run(pool, &call),
                Blocked::Reduce(kernel) => kernel.run(pool, &call),
                Blocked::Resample(kernel) => kernel.run(pool, &call),
                Blocked::WindowedBytes(kernel) => kernel.run(pool, &call),
            }
        }
    }
}

/// A step that packs weights for a heavy kernel.
pub struct PackCall {
    kernel: Arc<Blocked>,
    from: (Address, usize),
    into: Address,
    in_pieces: bool,
}

impl PackCall {
    /// The step, for the kernel that reads what it makes; in pieces when its parameter is made as it is packed.
    pub fn new(kernel: Arc<Blocked>, step: &Step, in_pieces: bool) -> PackCall {
        let from = (Address::of(&step.operands[0]), step.operands[0].elements());
        PackCall { kernel, from, into: Address::of(&step.output), in_pieces }
    }

    /// The packed weights.
    ///
    /// # Safety
    /// The memory must be that of the plan.
    unsafe fn into(&self, memory: &Memory) -> *mut [f32] {
        // SAFETY: the caller promises the plan's memory, which was checked: the packed weights have the kernel's length.
        std::ptr::slice_from_raw_parts_mut(unsafe { memory.at(self.into, 0) }, self.kernel.packed_length())
    }
}

impl StepCall for PackCall {
    fn workspace_length(&self, threads: usize) -> usize {
        match &*self.kernel {
            Blocked::Linear(kernel) if self.in_pieces => threads * kernel.piece_length(),
            _ => 0,
        }
    }

    unsafe fn run(&self, context: &Context<'_>) {
        // SAFETY: the plan was checked: the weights are dense, and the packed ones lie elsewhere.
        let (weights, into) = unsafe {
            let weights = std::slice::from_raw_parts(context.memory.at(self.from.0, 0), self.from.1);
            (weights, &mut *self.into(context.memory))
        };
        self.kernel.pack(context.pool, weights, into);
    }

    unsafe fn run_in_pieces(&self, context: &Context<'_>, weights: &dyn Parts) -> Result<()> {
        let Blocked::Linear(kernel) = &*self.kernel else {
            return Err(fault("only fully connected layers are packed in pieces"));
        };
        let (length, failed) = (kernel.piece_length(), Mutex::new(Ok(())));
        // SAFETY: the caller promises the plan's memory, and a workspace as long as `workspace_length` says.
        let (into, workspace) = unsafe {
            let pieces = std::slice::from_raw_parts_mut(context.memory.workspace, context.pool.threads() * length);
            (&mut *self.into(context.memory), Shared::new(pieces))
        };
        kernel.pack_pieces(context.pool, into, |piece, worker| {
            // SAFETY: every worker has a part of its own, and one piece at a time.
            let values = unsafe { std::slice::from_raw_parts_mut(workspace.at(worker * length), length) };
            let values = &mut values[..length.min(self.from.1 - piece * length)];
            if let Err(failure) = weights.part(self.from.0.offset + piece * length, values) {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Err(failure);
            }
            values
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A step that brings images into blocks, out of them, or pads them there.
pub struct MoveCall {
    motion: Motion,
    input: (Address, usize),
    output: (Address, usize),
}

enum Motion {
    /// Lanes; images, channels and pixels.
    Block(usize, [usize; 3]),
    Unblock(usize, [usize; 3]),
    Pad(Pad),
    /// Floats as bytes, or bytes as floats, where they lie alike.
    Convert(Conversion),
    /// Plain floats as bytes in blocks of so many channels.
    BlockBytes(InstructionSet, usize, [usize; 3], Quantisation),
}

impl MoveCall {
    /// The step, if it is one of these.
    pub fn new(set: InstructionSet, step: &Step) -> Option<MoveCall> {
        let (x, output) = (step.operands.first()?, &step.output);
        let motion = match &step.operation {
            Operation::Map(_) => {
                let (rows, length) = (output.shape.first().copied()?, output.shape.iter().skip(1).product());
                let (into, from) = (output.element.quantisation(), x.element.quantisation());
                let whole = x.is_dense_from(1) && output.is_dense_from(1);
                match (into, from) {
                    (Some(of), None) if whole => Motion::Convert(Conversion::new(set, [rows, length], of, true)),
                    (None, Some(of)) if whole => Motion::Convert(Conversion::new(set, [rows, length], of, false)),
                    _ => return None,
                }
            }
            Operation::Reorder(Reorder { channels, lanes, into_blocks: true }) if output.element != x.element => {
                let sizes = [output.shape[0], *channels, output.shape[2] * output.shape[3]];
                Motion::BlockBytes(set, *lanes, sizes, output.element.quantisation()?)
            }
            Operation::Reorder(Reorder { channels, lanes, into_blocks }) => {
                let sizes = [output.shape[0], *channels, output.shape[2] * output.shape[3]];
                if *into_blocks { Motion::Block(*lanes, sizes) } else { Motion::Unblock(*lanes, sizes) }
            }
            Operation::Pad(pad) => match pad.padding.as_slice() {
                &[(0, 0), (0, 0), (above, _), (left, _), (0, 0)] => {
                    let (lanes, images) = (x.shape[4], [x.shape[0], x.shape[1] * x.shape[4]]);
                    Motion::Pad(Pad::new(lanes, images, image_size(x), image_size(output), [above, left]))
                }
                _ => return None,
            },
            _ => return None,
        };
        let images = |view: &View| (Address::of(view), words_of(view, view.strides[0]));
        Some(MoveCall { motion, input: images(x), output: images(output) })
    }
}

impl StepCall for MoveCall {
    unsafe fn run(&self, context: &Context<'_>) {
        let Context { memory, pool, .. } = *context;
        // SAFETY: the plan was checked: both are images of these sizes, dense from axis 1 on, and do not overlap.
        unsafe {
            let input = Images { first: memory.at(self.input.0, 0), step: self.input.1 };
            let output = ImagesMut { first: memory.at(self.output.0, 0), step: self.output.1 };
            match &self.motion {
                Motion::Block(lanes, sizes) => layout::block(pool, *lanes, *sizes, input, output),
                Motion::Unblock(lanes, sizes) => layout::unblock(pool, *lanes, *sizes, input, output),
                Motion::Pad(pad) => pad.run(pool, input, output),
                Motion::Convert(conversion) => conversion.run(pool, input, output),
                Motion::BlockBytes(set, lanes, sizes, of) => {
                    conversion::into_blocks(*set, pool, *lanes, *sizes, *of, input, output);
                }
            }
        }
    }
}
