//! The plan: an ordered list of kernel calls over one arena, which a back end runs without knowing any layer.
//!
//! `prepare` runs once when weights are loaded (folding, and later packing), `run` once an answer. Every operand is a [`View`]: a
//! storage, what its elements are, an offset, sizes and strides, so that a slice, a concatenation's part and a reshaped value
//! cost nothing. Storages and offsets count bytes, sizes and strides count elements; every element lies at a multiple of its
//! size. Offsets were chosen by liveness. What `prepare` makes for itself alone lies in `Scratch`, which is given back after it.
//! Each value that it makes for runs has a storage of its own, so that plans for other sizes can share it (`preparation.rs`).
//! An output that is all of a value is written to the caller's memory, where the target allows it.
//!
//! What a back end may rely on (`verify.rs` checks it):
//!
//! The stride of an axis of size 1 is that of a dense tensor, in every view. Beyond that,
//!
//! | view | lies |
//! |---|---|
//! | input | dense, in place; no step writes to it |
//! | result of a step | dense from axis 1 on; only the step from one index of axis 0 to the next is free, as in a part of a concatenation. That of a `Map` may have gaps anywhere: a part of a concatenation along another axis. In `Prepared` or `Scratch` for `prepare`, in the arena or an output for `run` |
//! | a parameter's new value | all of the parameter, which is marked as updated: written once a run, by a `Map`, after every step that needs the old value; what reads it later reads the new one |
//! | weight of a convolution; packed weights, and what is packed | dense |
//! | own operand of any other kernel but `Map` | dense from axis 1 on; so the matrices of a product are rows of any distance |
//! | operand of a `Map` or an epilogue | any strides, 0 where it is repeated; its shape is the result's. An epilogue's lanes are side by side, or one that is repeated |
//! | output of the plan | all of its own storage `Output`, dense: steps wrote it there. Or any view of any storage, to be copied out |
//!
//! All of them are of float32, and so is what steps compute in, but for a `Map`: it may read whole numbers beside float32, and
//! one that computes in whole numbers reads and writes nothing else.
//!
//! On a target with blocks of channels, a tensor of five axes is an image `[N, C / lanes, H, W, lanes]`; its lanes are one more
//! axis to a `Map`, a `Reduce` or a `Pad`, and `Pool` and `Resample` move along axes 2 and 3. A `PackedConv` reads such an image
//! (by `Stem` and `Rows`: a plain one) and packed weights, and writes such an image (by `Rows`: a plain one). A `PackedLinear`
//! reads rows `[N, K]`, or an image in blocks whose features count as `[C, H, W]`, and packed weights. A `ConvWeight` reads two
//! such images, or a plain one of few channels and the gradient in blocks, and writes weights as parameters have them; a
//! `PoolGrad` moves as its `Pool` does. What fills up a last block is finite, whatever it is (`blocked/spare.rs`).
//!
//! A `Map` may write over operands that are, element for element, at the same place as its result, and a `PackedConv`
//! over the one residual that its [`DividedEpilogue`] names, if no other operand lies there; any other overlap of a result with
//! an operand does not occur. An element is written before it is read, and what is read later is not written over.
//!
//! The road: `order.rs` says in which order, `lower/` writes steps over numbered buffers (`blocked/` those of blocks),
//! `concatenations.rs` finds which of them are parts of one, `reuse.rs` which may share memory, `memory.rs` where each lies.

mod blocked;
mod concatenations;
mod draft;
mod finish;
mod lower;
mod memory;
mod operation;
mod order;
mod preparation;
mod print;
mod reuse;
#[cfg(test)]
pub(crate) mod simulate;
#[cfg(test)]
mod tests;
mod verify;
mod views;
mod work;

pub(crate) use blocked::added;
pub use blocked::{
    Blocks, Choice, DividedEpilogue, Method, PackedConv, PackedLinear, PackedOrder, Packing, Reorder, Scheme,
    SizedConvolution, choices, merged_groups,
};
pub use operation::Operation;
pub use preparation::{Preparation, PreparedKey};
pub use print::print;
pub use verify::{extent, verify};
pub use work::{Work, work};

use crate::diagnostic::Diagnostic;
use crate::element::ElementType;
use crate::kernels::{ClassInput, Expression, KernelGraph, Start, fault};
use crate::passes::{Note, quantise};
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
    let (mut made, mut quantised) = (Vec::new(), None);
    if let Some(blocks) = target.blocks.as_ref().filter(|blocks| !blocks.quantisations.is_empty()) {
        let graph = quantised.insert(graph.clone());
        made = quantise(graph, &blocks.quantisations, blocks.lanes);
        crate::kernels::verify(graph).map_err(|text| fault(&text))?;
    }
    let graph = quantised.as_ref().unwrap_or(graph);
    let lower::Lowered { mut draft, parameters, notes } = lower::lower(graph, target.blocks.as_ref());
    made.extend(notes);
    let notes = made;
    if target.writes_outputs {
        draft.write_outputs();
    }
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
    /// Whether steps write outputs where the caller wants them. Else they lie among the values of a run, and are copied.
    pub writes_outputs: bool,
}

impl Target {
    /// The plain target of the reference kernels, of tests and of prints: 64-byte lines, 16 GiB, no blocks, outputs copied.
    pub fn reference() -> Target {
        Target {
            name: "reference".into(),
            alignment_bytes: 64,
            memory_bytes: 16 << 30,
            blocks: None,
            writes_outputs: false,
        }
    }

    /// The fixed target with blocks, for tests and prints.
    pub fn blocked() -> Target {
        Target { name: "blocked".into(), blocks: Some(Blocks::reference()), ..Target::reference() }
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
    /// The value of that number that `prepare` made for runs: one, or several that are parts of a concatenation. It stays.
    Prepared(usize),
    /// Values of one run.
    Arena,
    /// The caller's memory for the output of that number, which is dense there. Targets that do not write it have none.
    Output(usize),
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
    /// What to do. A copy is a `Map` of its one operand.
    pub operation: Operation,
    /// The operation's own operands, then the epilogue's. Those of a `Map` and of an epilogue are broadcast views of the output's
    /// shape.
    pub operands: Vec<View>,
    /// How many of them are the operation's own.
    pub own_operands: usize,
    /// What sums and expressions are computed in; an operand of another type is converted where it is read.
    pub compute: ElementType,
    /// What is then done to each element; operand 0 is the operation's result, operand `i` is `operands[own_operands + i − 1]`.
    pub epilogue: Option<Expression>,
    /// Where the result goes.
    pub output: View,
    /// The layers that the step came from, `path Layer` each.
    pub origins: Vec<Arc<str>>,
}

impl Step {
    /// Whether the result may lie where that operand does, element for element.
    pub fn may_overwrite(&self, operand: usize) -> bool {
        let others = self.operands.get(self.own_operands..).unwrap_or_default();
        match &self.operation {
            Operation::Map(_) => true,
            Operation::PackedConv(_) => {
                let overwritten = DividedEpilogue::of(self.epilogue.as_ref(), &self.output, others).overwritten();
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
    /// Whether a run writes it, whole.
    pub updated: bool,
    /// Whether its value may be another in the next run: a run writes it, or something else does between runs. Nothing in
    /// `prepare` reads it then.
    pub changes: bool,
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
    /// Bytes of every `Storage::Prepared`: of each value that `prepare` makes for runs.
    pub prepared: Vec<usize>,
    /// Bytes of `Storage::Arena`.
    pub arena_bytes: usize,
}

impl Plan {
    /// Bytes of the parameters that the plan reads.
    pub fn parameter_bytes(&self) -> u64 {
        self.parameters.iter().map(PlanParameter::size_bytes).fold(0, u64::saturating_add)
    }

    /// Bytes of all that `prepare` makes for runs.
    pub fn prepared_bytes(&self) -> u64 {
        self.prepared.iter().fold(0, |bytes, &value| bytes.saturating_add(value as u64))
    }

    /// The bytes of a storage; `None` when it does not exist.
    pub fn storage_bytes(&self, storage: Storage) -> Option<u64> {
        match storage {
            Storage::Input(index) => self.inputs.get(index).map(|port| port.view.size_bytes()),
            Storage::Parameter(index) => self.parameters.get(index).map(PlanParameter::size_bytes),
            Storage::Scratch => Some(self.scratch_bytes as u64),
            Storage::Prepared(index) => self.prepared.get(index).map(|&bytes| bytes as u64),
            Storage::Arena => Some(self.arena_bytes as u64),
            Storage::Output(index) => self.outputs.get(index).map(|port| port.view.size_bytes()),
        }
    }
}
