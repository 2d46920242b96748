//! The plan: an ordered list of kernel calls over one arena, which a back end runs without knowing any layer.
//!
//! `prepare` runs once when weights are loaded (folding, and later packing), `run` once an answer. Every operand is a [`View`]: a
//! storage, what its elements are, an offset, sizes and strides, so that a slice, a concatenation's part and a reshaped value
//! cost nothing. Storages and offsets count bytes, sizes and strides count elements; every element lies at a multiple of its
//! size. Offsets were chosen by liveness. What `prepare` makes for itself alone lies in `Scratch`, which is given back after it.
//!
//! What a back end may rely on (`verify.rs` checks it):
//!
//! The stride of an axis of size 1 is that of a dense tensor, in every view. Beyond that,
//!
//! | view | lies |
//! |---|---|
//! | input | dense, in place; no step writes to it |
//! | result of a step | dense from axis 1 on; only the step from one index of axis 0 to the next is free, as in a part of a concatenation. That of a `Map` may have gaps anywhere: a part of a concatenation along another axis. In `Prepared` or `Scratch` for `prepare`, in the arena for `run` |
//! | a parameter's new value | all of the parameter, which is marked as updated: written once a run, by a `Map`, after every step that needs the old value; what reads it later reads the new one |
//! | weight of `Conv`, `ConvData`; what is packed | dense |
//! | own operand of any other kernel but `Map` | dense from axis 1 on; so both of `Gemm` are rows of any distance |
//! | operand of a `Map` or an epilogue | any strides, 0 where it is repeated; its shape is the result's. An epilogue's lanes are side by side, or one that is repeated |
//! | output of the plan | any view of any storage, to be copied out |
//!
//! All of them are of float32, and so is what steps compute in, but for a `Map`: it may read whole numbers beside float32, and
//! one that computes in whole numbers reads and writes nothing else.
//!
//! On a target with blocks of channels, a tensor of five axes is an image `[N, C / lanes, H, W, lanes]`; its lanes are one more
//! axis to a `Map`, a `Reduce` or a `Pad`, and `Window` and `Resample` move along axes 2 and 3. A `Conv` or `ConvData` with a
//! packing reads such an image (`Stem`: a plain one) and packed weights, and writes such an image. A `Gemm` with a packing reads
//! rows `[N, K]`, or an image in blocks whose features count as `[C, H, W]`, and packed weights. A `ConvWeight` reads two such
//! images, or a plain one of few channels and the gradient in blocks, and writes weights as parameters have them; a `WindowGrad`
//! moves as its `Window` does. What fills up a last block is finite, whatever it is (`spare.rs`).
//!
//! A `Map` may write over operands that are, element for element, at the same place as its result, and a kernel with a packing
//! over the one residual that its [`Ending`] names, if no other operand lies there; any other overlap of a result with an operand
//! does not occur. An element is written before it is read, and what is read later is not written over.
//!
//! The road: `order.rs` says in which order, `lower.rs` writes steps over numbered buffers, `places.rs` finds which of them are
//! parts of one, `reuse.rs` which may share memory, `memory.rs` where each lies.

mod choices;
mod draft;
mod ending;
mod finish;
mod layout;
mod lower;
mod memory;
mod method;
mod order;
mod places;
mod print;
mod reuse;
#[cfg(test)]
pub(crate) mod simulate;
mod spare;
#[cfg(test)]
mod tests;
mod verify;
mod views;

pub use choices::{Choice, choices};
pub use ending::Ending;
pub use print::print;
pub use verify::verify;

use crate::diagnostic::Diagnostic;
use crate::element::ElementType;
use crate::kernels::{ClassInput, Expression, Kernel, KernelGraph, Method, Packing, Start, fault};
use crate::passes::Note;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The steps, memory and order of a kernel graph.
///
/// # Errors
/// E401 when it needs more memory than the target has.
pub fn plan(graph: &KernelGraph, target: &Target) -> Result<Plan, Box<Diagnostic>> {
    plan_with_notes(graph, target).map(|(plan, _)| plan)
}

/// As [`plan`], with what had to be copied and why.
///
/// # Errors
/// As [`plan`].
pub fn plan_with_notes(graph: &KernelGraph, target: &Target) -> Result<(Plan, Vec<Note>), Box<Diagnostic>> {
    crate::kernels::verify(graph).map_err(|text| fault(&text))?;
    let lower::Lowered { draft, parameters, notes } = lower::lower(graph, target.blocks.as_ref());
    finish::check_values(graph, &draft, target)?;
    let plan = finish::finish(graph, draft, parameters, target);
    finish::check_memory(graph, &plan, target)?;
    verify(&plan).map_err(|text| fault(&text))?;
    Ok((plan, notes))
}

/// What the planner must know of the machine, as plain data.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its name, for prints.
    pub name: Arc<str>,
    /// Bytes that a value's offset in the arena is rounded up to: a cache line.
    pub alignment_bytes: usize,
    /// The most bytes that arena, parameters and prepared values may take together.
    pub memory_bytes: u64,
    /// How images are held in blocks of channels; `None` holds them as the graph has them.
    pub blocks: Option<Blocks>,
}

impl Target {
    /// The plain target of the reference kernels, of tests and of prints: 64-byte lines, 16 GiB, no blocks.
    pub fn reference() -> Target {
        Target { name: "reference".into(), alignment_bytes: 64, memory_bytes: 16 << 30, blocks: None }
    }

    /// The fixed target with blocks, for tests and prints.
    pub fn blocked() -> Target {
        Target { name: "blocked".into(), blocks: Some(Blocks::reference()), ..Target::reference() }
    }
}

/// A target that holds channels in blocks of its vectors, and what the choice of a method goes by.
#[derive(Clone, Debug, PartialEq)]
pub struct Blocks {
    /// Elements of a vector, channels of a block.
    pub lanes: usize,
    /// Vector multiply-adds of one thread in a second.
    pub multiply_adds_per_second: f64,
    /// Bytes that all threads together read from memory in a second.
    pub bytes_per_second: f64,
    /// Bytes of the last-level cache.
    pub last_cache_bytes: usize,
    /// Threads that choices are made for. They do not depend on how many there are when the plan runs.
    pub threads: usize,
    /// Whether Winograd's method may be chosen: it errs a little more than the definition.
    pub winograd: bool,
    /// Whether the plan runs a single time, so that packing a weight counts as much as using it.
    pub once: bool,
    /// Choices that were measured, by a convolution's key.
    pub chosen: BTreeMap<String, Method>,
}

impl Blocks {
    /// Vectors of 16 elements, and the figures of a processor of two cores with AVX-512.
    pub fn reference() -> Blocks {
        Blocks {
            lanes: 16,
            multiply_adds_per_second: 3.7e9,
            bytes_per_second: 40e9,
            last_cache_bytes: 32 << 20,
            threads: 2,
            winograd: true,
            once: false,
            chosen: BTreeMap::new(),
        }
    }
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Storage {
    /// The caller's input of that number.
    Input(usize),
    /// The parameter of that number, as the store has it.
    Parameter(usize),
    /// Values that `prepare` makes and only `prepare` reads.
    Scratch,
    /// Values that `prepare` made; they stay.
    Prepared,
    /// Values of one run.
    Arena,
}

/// A tensor inside a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The storage.
    pub storage: Storage,
    /// What its elements are.
    pub element: ElementType,
    /// Where its first element begins in the storage.
    pub offset_bytes: usize,
    /// Sizes.
    pub shape: Vec<usize>,
    /// Elements from one index to the next, an axis each; 0 repeats (broadcasting). Of an axis of size 1 it is that of a dense
    /// tensor: what the axes after it take, so that a kernel may reckon with any stride.
    pub strides: Vec<usize>,
}

impl View {
    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// How many of its elements would fit before the first: its place in a storage of nothing else.
    pub fn offset(&self) -> usize {
        self.offset_bytes / self.element.size_bytes()
    }

    /// The bytes of as many elements without gaps.
    pub fn size_bytes(&self) -> u64 {
        self.element.tensor_bytes(&self.shape)
    }

    /// Whether the elements lie without gaps, rows last.
    pub fn is_dense(&self) -> bool {
        self.is_dense_from(0)
    }

    /// Whether the axes from `first` on lie without gaps among themselves.
    pub fn is_dense_from(&self, first: usize) -> bool {
        let mut expected = 1;
        for (&size, &stride) in self.shape.iter().zip(&self.strides).skip(first).rev() {
            if stride != expected {
                return false;
            }
            expected *= size;
        }
        true
    }
}

/// One kernel call.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What to compute. `Reshape`, `Permute`, `Slice` and `Concat` do not occur: they are views, or copies. A copy is a `Map` of
    /// its one operand.
    pub kernel: Kernel,
    /// The kernel's own operands, then the epilogue's. Those of a `Map` and of an epilogue are broadcast views of the output's
    /// shape.
    pub operands: Vec<View>,
    /// How many of them are the kernel's own.
    pub own_operands: usize,
    /// What sums and expressions are computed in; an operand of another type is converted where it is read.
    pub compute: ElementType,
    /// What is then done to each element; operand 0 is the kernel's result, operand `i` is `operands[own_operands + i − 1]`.
    pub epilogue: Option<Expression>,
    /// How a `Conv`, `ConvData` or `Gemm` over blocks of channels reads its weights, which are then packed: `[elements]`. `None`
    /// where the weights lie as the graph has them.
    pub packing: Option<Packing>,
    /// Where the result goes.
    pub output: View,
    /// The layers that the step came from, `path Layer` each.
    pub origins: Vec<Arc<str>>,
}

impl Step {
    /// Whether the result may lie where that operand does, element for element.
    pub fn may_overwrite(&self, operand: usize) -> bool {
        let others = self.operands.get(self.own_operands..).unwrap_or_default();
        match (&self.kernel, self.packing) {
            (Kernel::Map(_), _) => true,
            (Kernel::Conv { .. } | Kernel::ConvData { .. }, Some(_)) => {
                let overwritten = Ending::of(self.epilogue.as_ref(), &self.output, others).overwritten();
                overwritten.is_some_and(|residual| self.own_operands + residual == operand + 1)
            }
            _ => false,
        }
    }
}

/// A value that comes in or goes out of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanPort {
    /// Its name.
    pub name: Arc<str>,
    /// Where it lies.
    pub view: View,
}

/// A parameter that the plan reads.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanParameter {
    /// Its key.
    pub path: Arc<str>,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// What its elements are.
    pub element: ElementType,
    /// How it starts.
    pub start: Start,
    /// Whether a run writes it, whole; nothing in `prepare` reads it then.
    pub updated: bool,
}

impl PlanParameter {
    /// The bytes of its values.
    pub fn size_bytes(&self) -> u64 {
        self.element.tensor_bytes(&self.shape)
    }
}

/// Everything a back end needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The inputs; their views are dense in `Storage::Input`.
    pub inputs: Vec<PlanPort>,
    /// The input of class numbers, where there is one; what is given for it is held against the classes before a run.
    pub class_input: Option<ClassInput>,
    /// The outputs: any view, to be copied out.
    pub outputs: Vec<PlanPort>,
    /// Parameters by `Storage::Parameter`.
    pub parameters: Vec<PlanParameter>,
    /// Steps that run once, when weights are there.
    pub prepare: Vec<Step>,
    /// Steps of one run.
    pub run: Vec<Step>,
    /// Bytes of `Storage::Scratch`: what `prepare` makes for itself.
    pub scratch_bytes: usize,
    /// Bytes of `Storage::Prepared`: what `prepare` makes for runs.
    pub prepared_bytes: usize,
    /// Bytes of `Storage::Arena`.
    pub arena_bytes: usize,
}

impl Plan {
    /// Bytes of the parameters that the plan reads.
    pub fn parameter_bytes(&self) -> u64 {
        self.parameters.iter().map(PlanParameter::size_bytes).fold(0, u64::saturating_add)
    }

    /// The bytes of a storage; `None` when it does not exist.
    pub fn storage_bytes(&self, storage: Storage) -> Option<u64> {
        match storage {
            Storage::Input(index) => self.inputs.get(index).map(|port| port.view.size_bytes()),
            Storage::Parameter(index) => self.parameters.get(index).map(PlanParameter::size_bytes),
            Storage::Scratch => Some(self.scratch_bytes as u64),
            Storage::Prepared => Some(self.prepared_bytes as u64),
            Storage::Arena => Some(self.arena_bytes as u64),
        }
    }
}
