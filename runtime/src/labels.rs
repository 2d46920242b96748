//! Labels against the classes that a model tells apart: a label outside of them would be learnt from in silence.

use crate::Result;
use crate::failure::failure;
use cnnc_compiler::diagnostic::Code;

/// Whether every label of a batch is a class.
///
/// # Errors
/// E604 with the first that is none.
pub fn check(labels: &[usize], classes: usize) -> Result<()> {
    let Some(sample) = labels.iter().position(|&label| label >= classes) else { return Ok(()) };
    let message = format!("sample {sample} of the batch has the label {}, and {}", labels[sample], known(classes));
    Err(failure(Code::E604, message))
}

/// The classes of a model, in words.
pub fn known(classes: usize) -> String {
    match classes {
        0 => "the model tells no classes apart".into(),
        1 => "the model has the class 0 alone".into(),
        _ => format!("the model's classes are 0 to {}", classes - 1),
    }
}
