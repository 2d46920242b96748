//! The kernels: a `.cu` file a family, which is read as it stands, and beside it how a step of the plan becomes launches of it.
//!
//! The text of all families is the library that every program begins with. It is templates over sizes and epilogues; what is
//! written for a step is these two and the entry that names them.

pub mod conv;
pub mod gemm;
pub mod map;
pub mod pad;
pub mod pool;
pub mod product;
pub mod reduce;
pub mod resample;

use super::library_operation::LibraryOperation;
use super::program::Argument;
use super::source::{EpilogueText, argument};
use cnnc_compiler::plan::{Step, View};

/// The families' text, each after those it uses.
const LIBRARY: [&str; 20] = [
    include_str!("prelude.cu"),
    include_str!("philox.cu"),
    include_str!("joined.cu"),
    include_str!("map.cu"),
    include_str!("combine.cu"),
    include_str!("copy.cu"),
    include_str!("stages.cu"),
    include_str!("product.cu"),
    include_str!("tensor.cu"),
    include_str!("conv.cu"),
    include_str!("conv_data.cu"),
    include_str!("conv_weight.cu"),
    include_str!("gemm.cu"),
    include_str!("depthwise.cu"),
    include_str!("pool.cu"),
    include_str!("pool_grad.cu"),
    include_str!("reduce.cu"),
    include_str!("resample.cu"),
    include_str!("resample_grad.cu"),
    include_str!("pad.cu"),
];

/// All families as one text.
pub fn library() -> String {
    LIBRARY.join("\n")
}

/// A launch that is not written down yet.
pub struct LaunchRequest {
    /// What it does.
    pub what: What,
    /// Its parameters.
    pub arguments: Vec<Argument>,
    /// Elements of the workspace that it uses.
    pub workspace: usize,
}

/// What a launch does.
pub enum What {
    /// An entry runs, that is not named yet.
    Entry {
        /// The family, which names it.
        family: &'static str,
        /// The entry and its structs; `@` stands for its name.
        text: String,
        /// Blocks along x, y and z.
        grid: [usize; 3],
        /// Threads of a block.
        threads: usize,
    },
    /// A library computes.
    Library(LibraryOperation),
}

/// An entry in the making: its parameters are pointers by name.
pub struct EntryDraft {
    structs: String,
    parameters: Vec<String>,
    arguments: Vec<Argument>,
}

impl EntryDraft {
    /// With these structs before it.
    pub fn new(structs: String) -> EntryDraft {
        EntryDraft { structs, parameters: Vec::new(), arguments: Vec::new() }
    }

    /// A pointer that is read.
    pub fn read(mut self, name: &str, from: Argument) -> EntryDraft {
        self.parameters.push(format!("const float* __restrict__ {name}"));
        self.arguments.push(from);
        self
    }

    /// A step's own operands, by these names.
    pub fn operands(self, names: &[&str], step: &Step) -> EntryDraft {
        names.iter().zip(&step.operands).fold(self, |entry, (name, view)| entry.read(name, argument(view)))
    }

    /// What an epilogue reads.
    pub fn epilogue(self, epilogue: &EpilogueText) -> EntryDraft {
        epilogue.pointers.iter().fold(self, |entry, pointer| entry.read(&pointer.name, pointer.from))
    }

    /// The pointer that is written.
    pub fn write(mut self, name: &str, to: Argument) -> EntryDraft {
        self.parameters.push(format!("float* {name}"));
        self.arguments.push(to);
        self
    }

    /// The launch, whose entry does `body`.
    pub fn launch(self, family: &'static str, body: &str, grid: [usize; 3], threads: usize) -> LaunchRequest {
        let EntryDraft { structs, parameters, arguments } = self;
        let text = format!("{structs}ENTRY({threads}) @({}) {{\n    {body};\n}}\n\n", parameters.join(", "));
        LaunchRequest { what: What::Entry { family, text, grid, threads }, arguments, workspace: 0 }
    }
}

/// A kernel of one launch in which a thread computes an element of the result: `body` is given the sink's C.
pub fn elementwise(
    family: &'static str,
    structs: String,
    names: &[&str],
    step: &Step,
    index: &str,
    body: impl Fn(&str) -> String,
) -> LaunchRequest {
    const THREADS: usize = 256;
    let epilogue = EpilogueText::of(step, index);
    let grid = [step.output.elements().div_ceil(THREADS), 1, 1];
    let entry = EntryDraft::new(structs + &epilogue.text).operands(names, step).epilogue(&epilogue);
    let entry = entry.write("out", argument(&step.output));
    entry.launch(family, &body(&finished(&epilogue)), grid, THREADS)
}

/// The sink of a result that is done.
pub fn finished(epilogue: &EpilogueText) -> String {
    format!("Finished<@_epilogue>{{{}, out}}", epilogue.made())
}

/// The leading axes of an image, those before its last two, as where plane `i` starts; and how many elements are from row to row.
pub fn planes(view: &View) -> (Vec<usize>, Vec<usize>, usize) {
    let rank = view.shape.len();
    let leading = rank.saturating_sub(2);
    let row = match (rank, view.shape.as_slice()) {
        // Rows of a matrix may lie at a distance.
        (2, [rows, _]) if *rows > 1 => view.strides.first().copied().unwrap_or(0),
        (_, shape) => shape.last().copied().unwrap_or(1),
    };
    (view.shape.iter().take(leading).copied().collect(), view.strides.iter().take(leading).copied().collect(), row)
}
