//! Files of PyTorch as files of weights: `cnnc_formats` reads what they hold, and its failures become errors.

use super::contents::Contents;
use super::convert;
use super::source::{Foreign, Source, of_foreign};
use super::stored::StoredTensor;
use crate::failure::{Error, Result, broken_file, failure, note};
use cnnc_compiler::diagnostic::Code;
use cnnc_formats::failure::{Failure, FailureKind};
use cnnc_formats::pytorch::{self, Form};
use std::path::Path;

/// What a file of that form holds; of several states in it, `key` says which.
///
/// # Errors
/// E601 when it cannot be read, E602 when it has no state, or several and none is chosen, E603 when it is damaged or refused.
pub fn contents(source: &dyn Source, form: Form, key: Option<&str>) -> Result<Contents> {
    let path = source.path();
    let found = pytorch::open(&Foreign(source), form, key).map_err(|failure| error(path, failure))?;
    let stored = |tensor: pytorch::StoredTensor| StoredTensor {
        dtype: convert::dtype(tensor.element),
        shape: tensor.shape,
        start: tensor.start,
        strides: tensor.strides,
    };
    let mut notes = Vec::new();
    let module = found.module.as_ref().map(|class| format!("a whole `{class}` was saved, of which the state is read"));
    let under = found.under.join(".");
    let place = (key.is_none() && !under.is_empty()).then(|| format!("the state is what lies under `{under}`"));
    if let Some(what) = [place, module].into_iter().flatten().reduce(|place, module| format!("{place}; {module}")) {
        notes.push(note(Code::E602, format!("`{}`: {what}", path.display())));
    }
    Ok(Contents {
        entries: found.tensors.into_iter().map(|(key, tensor)| (key, stored(tensor))).collect(),
        left_out: found.left_out,
        under: found.under,
        module: found.module,
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
