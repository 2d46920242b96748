//! ONNX: the networks that most tools write.
//!
//! `model.rs` has the messages of the file and `scan.rs` bounds them, `tensor.rs` reads values, `read/` follows the graph from
//! inputs to outputs, and `operators/` says what each operator is in the language. What they make is a
//! [`crate::spec::Network`], which knows nothing of ONNX. `write/` goes the other way, from a checked spec to a file.

mod external;
mod model;
mod operators;
mod read;
mod scan;
mod stored;
mod tensor;
#[cfg(test)]
mod tests;
mod write;

pub use external::{ExternalData, NoExternalData};
pub use read::{Imported, MOST_NODES, Refusal, import};
pub use stored::stored_tensor;
pub use tensor::Tensor;
pub use write::{About, Exported, File, Options, USUAL_SET, Weights, export};

/// The operator sets that are read.
pub const OPERATOR_SETS: std::ops::RangeInclusive<i64> = 6..=23;

/// The versions of the format that are read.
pub const FORMAT_VERSIONS: std::ops::RangeInclusive<i64> = 3..=11;
