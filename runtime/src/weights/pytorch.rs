//! Files of PyTorch as files of weights: `cnnc_formats` reads what they hold, and its failures become errors.

use super::contents::Contents;
use super::source::{Foreign, Source, of_foreign};
use super::stored::StoredTensor;
use crate::failure::{Error, Result, broken_file, failure, note};
use cnnc_compiler::diagnostic::Code;
use cnnc_formats::failure::{Failure, FailureKind};
use cnnc_formats::pytorch::{self, Element, Form};
use safetensors::Dtype;
use std::path::Path;

/// What a file of that form holds; of several states in it, `key` says which.
///
/// # Errors
/// E601 when it cannot be read, E602 when it has no state, or several and none is chosen, E603 when it is damaged or refused.
pub fn contents(source: &dyn Source, form: Form, key: Option<&str>) -> Result<Contents> {
    let path = source.path();
    let found = pytorch::open(&Foreign(source), form, key).map_err(|failure| error(path, failure))?;
    let stored = |tensor: pytorch::StoredTensor| StoredTensor {
        dtype: dtype(tensor.element),
        shape: tensor.shape,
        start: tensor.start,
        strides: tensor.strides,
    };
    let mut notes = Vec::new();
    let module = found.module.map(|class| format!("a whole `{class}` was saved, of which the state is read"));
    let under = found.under.join(".");
    let place = (key.is_none() && !under.is_empty()).then(|| format!("the state is what lies under `{under}`"));
    if let Some(what) = [place, module].into_iter().flatten().reduce(|place, module| format!("{place}; {module}")) {
        notes.push(note(Code::E602, format!("`{}`: {what}", path.display())));
    }
    Ok(Contents {
        entries: found.tensors.into_iter().map(|(key, tensor)| (key, stored(tensor))).collect(),
        left_out: found.left_out,
        beside: found.beside,
        notes,
        is_pytorch: true,
        ..Contents::default()
    })
}

/// The error that a failure to read a file is.
pub fn error(path: &Path, failed: Failure) -> Error {
    let mut error = match failed.kind {
        FailureKind::Unreadable(error) => of_foreign(path, error),
        FailureKind::Broken => broken_file(path, failed.reason),
        FailureKind::Absent => failure(Code::E602, format!("`{}` {}", path.display(), failed.reason)),
    };
    error.notes.extend(failed.notes);
    error.help.extend(failed.help);
    error
}

/// The type by its name in safetensors.
fn dtype(element: Element) -> Dtype {
    match element {
        Element::Float32 => Dtype::F32,
        Element::Float64 => Dtype::F64,
        Element::Float16 => Dtype::F16,
        Element::BFloat16 => Dtype::BF16,
        Element::Float8E4M3fn => Dtype::F8_E4M3,
        Element::Float8E4M3fnuz => Dtype::F8_E4M3FNUZ,
        Element::Float8E5M2 => Dtype::F8_E5M2,
        Element::Float8E5M2fnuz => Dtype::F8_E5M2FNUZ,
        Element::Float8E8M0fnu => Dtype::F8_E8M0,
        Element::Int8 => Dtype::I8,
        Element::Int16 => Dtype::I16,
        Element::Int32 => Dtype::I32,
        Element::Int64 => Dtype::I64,
        Element::Uint8 => Dtype::U8,
        Element::Uint16 => Dtype::U16,
        Element::Uint32 => Dtype::U32,
        Element::Uint64 => Dtype::U64,
        Element::Bool => Dtype::BOOL,
    }
}
