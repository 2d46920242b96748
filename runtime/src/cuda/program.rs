//! What a plan becomes for a device: CUDA C, and the launches of its entries in order.
//!
//! A [`Plan`](cnnc_compiler::plan::Plan) comes in, text and plain data go out; no device is asked, so that all of it can be read,
//! compared and executed by tests on any machine. Shapes, strides and constants are numbers in the text: an entry takes pointers
//! alone.
//!
//! What whoever launches must do: give every storage its elements (base addresses on 256 bytes), run `prepare` once, but for
//! steps whose values are there, and then `run` in order on one stream, each launch after the one before is done. The workspace
//! is shared by all launches and holds nothing between steps.

use super::library_operation::LibraryOperation;
use super::methods::ProductMethod;
pub use crate::Precision;
use crate::tuning::Tuning;
use cnnc_compiler::plan::{Storage, Target, Work};
use std::fmt::Write;

/// Bytes of a word, in which memory on the device is counted.
pub const WORD_BYTES: usize = 4;
/// Words that values begin on a multiple of: 256 bytes.
pub const ALIGNMENT: usize = 64;
/// Elements of the workspace that a library of NVIDIA's may use for itself, and their bytes: 64 MB.
pub const LIBRARY_ELEMENTS: usize = 16 << 20;
/// As [`LIBRARY_ELEMENTS`].
pub const LIBRARY_BYTES: u64 = 4 * LIBRARY_ELEMENTS as u64;

/// A plan as CUDA C.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The kernels' own text that the entries need: the same for every plan that uses the same kernels.
    pub library: String,
    /// What was written for this plan. Each needs the library alone, so they may be compiled in any grouping.
    pub entries: Vec<Entry>,
    /// What runs once, when weights are there.
    pub prepare: Vec<Launch>,
    /// What runs for every answer.
    pub run: Vec<Launch>,
    /// Elements of the workspace: the most that a step needs.
    pub workspace_elements: usize,
}

/// A function that can be launched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, which is a C identifier and unmangled.
    pub name: String,
    /// Its sizes, its epilogue and itself, as text.
    pub text: String,
}

/// Something that is put into a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// The kernel or the library's operation that runs.
    pub task: Task,
    /// Its parameters in order; of an operation the two that are read, the one that is written, and the library's part of the
    /// workspace.
    pub arguments: Vec<Argument>,
    /// The number of the plan's step in `prepare` or `run`.
    pub step: usize,
    /// What the step has to do at the least; all of it stands at the step's first launch.
    pub work: Work,
}

/// What a launch does.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// An entry runs.
    Entry {
        /// Its name.
        name: String,
        /// Blocks along x, y and z.
        grid: [u32; 3],
        /// Threads of a block along x, y and z.
        block: [u32; 3],
    },
    /// A library of NVIDIA's computes.
    Library(LibraryOperation),
}

/// A pointer into memory on the device, which is counted in words of four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// To a word of a storage.
    At {
        /// The storage.
        storage: Storage,
        /// The word.
        offset: usize,
    },
    /// To that word of the workspace.
    Workspace(usize),
}

/// What may be chosen when a plan is lowered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// In what products are taken.
    pub precision: Precision,
    /// Whether products may go to cuBLASLt and cuDNN, where measuring chose them.
    pub libraries: bool,
    /// Methods that were measured.
    pub tuning: Tuning<ProductMethod>,
}

/// What plans for a device of that much memory are made for: plain images, values on 256 bytes.
pub fn target(memory_bytes: u64) -> Target {
    Target { name: "cuda".into(), alignment_bytes: WORD_BYTES * ALIGNMENT, memory_bytes, ..Target::reference() }
}

impl Program {
    /// All of it as one text.
    pub fn source(&self) -> String {
        let mut source = self.library.clone();
        self.entries.iter().for_each(|entry| source += &entry.text);
        source
    }

    /// What was written for this plan alone, and after it the launches as comments: what people read.
    pub fn listing(&self) -> String {
        let mut text: String = self.entries.iter().map(|entry| entry.text.as_str()).collect();
        for (name, launches) in [("prepare", &self.prepare), ("run", &self.run)] {
            for launch in launches {
                let _ = writeln!(text, "// {name} {launch}");
            }
        }
        let _ = writeln!(text, "// workspace of {} bytes", 4 * self.workspace_elements);
        text
    }
}

/// `0: conv_0<<<[4, 1, 1], [256, 1, 1]>>>(input 0, parameter 0, arena + 0)`
impl std::fmt::Display for Launch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let arguments: Vec<String> = self.arguments.iter().map(Argument::to_string).collect();
        write!(f, "{}: ", self.step)?;
        match &self.task {
            Task::Entry { name, grid, block } => write!(f, "{name}<<<{grid:?}, {block:?}>>>")?,
            Task::Library(operation) => write!(f, "{operation} ")?,
        }
        write!(f, "({})", arguments.join(", "))
    }
}

/// A storage, and the word where it is not the first.
impl std::fmt::Display for Argument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let offset = match *self {
            Argument::At { storage, offset } => {
                match storage {
                    Storage::Input(index) => write!(f, "input {index}")?,
                    Storage::Parameter(index) => write!(f, "parameter {index}")?,
                    Storage::Scratch => f.write_str("scratch")?,
                    Storage::Prepared(index) => write!(f, "prepared {index}")?,
                    Storage::Arena => f.write_str("arena")?,
                    Storage::Output(index) => write!(f, "output {index}")?,
                }
                offset
            }
            Argument::Workspace(offset) => {
                f.write_str("workspace")?;
                offset
            }
        };
        if offset > 0 { write!(f, " + {offset}") } else { Ok(()) }
    }
}
