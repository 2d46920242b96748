//! What a heavy kernel does to a finished sum: the part that it does in registers, and a compiled expression for the rest.
//!
//! What comes in is a step's epilogue, an expression over the sum and other operands, which the planner's [`DividedEpilogue`]
//! divides; what goes out is `rest(clamp(sum + bias + residual))`. Most epilogues leave no rest. One that does (SiLU, GELU, a
//! gate) is run over every row of pixels as soon as the kernel has written it.

use super::compiled_expression::{CompiledExpression, Count, Counter};
use super::lane::{Lane, Pattern};
use super::memory::{Address, Memory, WORD_BYTES};
use super::tasks::{ThreadWorkspace, Workspace};
use crate::cpu::blocked::call::{Finish, Images};
use cnnc_compiler::kernels::Expression;
use cnnc_compiler::plan::{DividedEpilogue, View};

/// The epilogue of a heavy step.
pub struct Epilogue {
    /// One number a channel, in whole blocks.
    bias: Option<Address>,
    /// The operand that is added, from 1.
    added: Option<usize>,
    /// Laid out as the output, but for the step from image to image.
    residual: Option<(Address, usize)>,
    /// The activation as a clamp.
    limits: [f32; 2],
    rest: Option<Rest>,
}

/// What is left for a compiled expression.
struct Rest {
    compiled: CompiledExpression,
    operands: Vec<Operand>,
    /// Pixels of a row of the image, and its lanes.
    row: [usize; 2],
    /// Features of a row, for rows of features.
    features: usize,
    /// Whether some operand can only be followed row by row.
    by_rows: bool,
}

/// Where an operand of the rest lies: elements from one to the next by image, block, row, pixel and lane.
struct Operand {
    address: Address,
    strides: [usize; 5],
}

impl Epilogue {
    /// The epilogue of a step whose result is `output`, an image in blocks or rows of features, with the operands after the
    /// kernel's own.
    pub fn new(expression: Option<&Expression>, output: &View, others: &[View]) -> Epilogue {
        let DividedEpilogue { bias, residual, limits, rest } = DividedEpilogue::of(expression, output, others);
        let address = |operand: usize| Address::of(&others[operand - 1]);
        let strides = axes(output);
        let row = match *output.shape.as_slice() {
            [_, _, _, width, lanes] => [width, lanes],
            [_, _, _, width] => [width, 1],
            _ => [1, 1],
        };
        let rest = rest.map(|rest| {
            let operands: Vec<Operand> =
                others.iter().map(|view| Operand { address: Address::of(view), strides: axes(view) }).collect();
            let follows = |operand: &Operand| {
                let [_, _, row_stride, pixel, _] = operand.strides;
                row_stride == row[0] * pixel || strides[2] == 0
            };
            let by_rows = !operands.iter().all(follows);
            Rest {
                compiled: CompiledExpression::new(&rest, &[]),
                operands,
                row,
                features: output.shape.get(1).copied().unwrap_or(1),
                by_rows,
            }
        });
        Epilogue {
            bias: bias.map(address),
            added: residual,
            residual: residual.map(|operand| {
                let view = &others[operand - 1];
                (address(operand), axes(view)[0] * view.element.size_bytes() / WORD_BYTES)
            }),
            limits,
            rest,
        }
    }

    /// The bias, or null.
    ///
    /// # Safety
    /// The memory must be that of the plan.
    pub unsafe fn bias(&self, memory: &Memory) -> *const f32 {
        // SAFETY: the place is in the plan's memory, as the caller promises.
        self.bias.map_or(std::ptr::null(), |address| unsafe { memory.at(address, 0) })
    }

    /// The residual.
    ///
    /// # Safety
    /// As for `bias`.
    pub unsafe fn residual(&self, memory: &Memory) -> Option<Images> {
        // SAFETY: the caller promises the plan's memory, in which the residual has an address.
        self.residual.map(|(address, step)| Images { first: unsafe { memory.at(address, 0) }, step })
    }

    /// The operand that is added to the sum, from 1, as the expression counts.
    pub fn added(&self) -> Option<usize> {
        self.added
    }

    /// The clamp.
    pub fn limits(&self) -> [f32; 2] {
        self.limits
    }

    /// The rest over some memory.
    pub fn finish<'a>(&'a self, memory: &'a Memory, thread_workspaces: &'a [ThreadWorkspace]) -> Option<Finishing<'a>> {
        self.rest.as_ref().map(|rest| Finishing { rest, memory, thread_workspaces })
    }
}

/// A view's strides by image, block, row, pixel and lane; a plain image has blocks of one channel, rows of features are blocks of
/// one pixel.
fn axes(view: &View) -> [usize; 5] {
    match *view.strides.as_slice() {
        [image, block, row, pixel, lane] => [image, block, row, pixel, lane],
        [image, channel, row, pixel] => [image, channel, row, pixel, 1],
        [row, feature] => [row, 0, 0, 0, feature],
        _ => [0; 5],
    }
}

/// The rest of an epilogue at work.
pub struct Finishing<'a> {
    rest: &'a Rest,
    memory: &'a Memory,
    thread_workspaces: &'a [ThreadWorkspace],
}

impl Finishing<'_> {
    /// Runs the expression over `count` elements at `row`; `operand` says where each operand begins and how it goes on.
    unsafe fn run(
        &self,
        worker: usize,
        (row, count): (*mut f32, usize),
        operand: impl Fn(&Operand) -> (usize, Pattern),
        count_of: impl Fn(Counter) -> Count,
    ) {
        // SAFETY: a worker runs one task at a time, and tasks do not nest.
        let Workspace { registers, lanes, counts, .. } = unsafe { self.thread_workspaces[worker].get() };
        counts.clear();
        counts.extend(self.rest.compiled.counters().iter().map(|&counter| count_of(counter)));
        let output = Lane { pointer: row, pattern: Pattern::Stride(1) };
        lanes.clear();
        lanes.push(output);
        lanes.extend(self.rest.operands.iter().map(|of| {
            let (offset, pattern) = operand(of);
            // SAFETY: the operand was checked to have the output's shape inside its storage.
            Lane { pointer: unsafe { self.memory.at(of.address, offset) }, pattern }
        }));
        // SAFETY: all lanes are valid for the pixels of the row; the result is written over the sum, element for element.
        unsafe { self.rest.compiled.run(lanes, counts, output, count, registers) };
    }

    /// How an operand goes on along a row of pixels.
    fn pattern(&self, operand: &Operand) -> Pattern {
        let [_, _, _, pixel, lane] = operand.strides;
        let lanes = self.rest.row[1];
        match (pixel, lane) {
            _ if lanes == 1 => Pattern::Stride(pixel),
            (0, 0) => Pattern::Stride(0),
            (0, _) => Pattern::Cycle(lanes),
            (_, 0) => Pattern::Spread { times: lanes, stride: pixel },
            _ => Pattern::Stride(1),
        }
    }
}

impl Finish for Finishing<'_> {
    unsafe fn finish(&self, worker: usize, image: usize, block: usize, pixel: usize, row: *mut f32, pixels: usize) {
        let [width, lanes] = self.rest.row;
        // The planner lets no expression that asks for its place follow a kernel over blocks.
        let nowhere = |_: Counter| Count { first: 0, step: 0 };
        let mut done = 0;
        while done < pixels {
            let at = pixel + done;
            let count = if self.rest.by_rows { (width - at % width).min(pixels - done) } else { pixels - done };
            let offset = |operand: &Operand| {
                let [image_stride, block_stride, row_stride, pixel_stride, _] = operand.strides;
                let place = at / width * row_stride + at % width * pixel_stride;
                (image * image_stride + block * block_stride + place, self.pattern(operand))
            };
            // SAFETY: the caller promises the row, whose part these pixels are, to this worker alone.
            unsafe { self.run(worker, (row.wrapping_add(done * lanes), count * lanes), offset, nowhere) };
            done += count;
        }
    }

    unsafe fn finish_features(&self, worker: usize, row: usize, first: usize, values: *mut f32, features: usize) {
        let offset = |operand: &Operand| {
            let [row_stride, _, _, _, feature] = operand.strides;
            (row * row_stride + first * feature, Pattern::Stride(feature))
        };
        let count = |counter: Counter| match counter {
            Counter::Index(0) => Count { first: row, step: 0 },
            Counter::Index(_) => Count { first, step: 1 },
            Counter::Number => Count { first: row * self.rest.features + first, step: 1 },
        };
        // SAFETY: the caller promises these features to this worker alone.
        unsafe { self.run(worker, (values, features), offset, count) };
    }
}
