//! ONNX files: tensors are made of the file's own bytes, or of those of files beside it, while they are written.

use super::{Read, mistaken, parameters, unsaid};
use crate::failure::{broken_file, failure, fault};
use crate::parameters::{Make, Parts, Room, TensorSource};
use crate::{Result, Tensor, files};
use bytes::Bytes;
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::element::ElementType;
use cnnc_formats::onnx::{self, ExternalData};
use cnnc_formats::spec::Form;
use std::fs;
use std::io::{Read as _, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads an ONNX file.
pub fn read(path: &Path, bytes: &Bytes, name: &str, form: Form) -> Result<Read> {
    let beside: Arc<Beside> = Arc::new(Beside { folder: path.parent().unwrap_or(Path::new("")).to_path_buf() });
    let imported = onnx::import(bytes, &*beside, name, form).map_err(|refusal| refused(path, refusal))?;
    let onnx::Imported { written, tensors, notes, origin, ports } = imported;
    let make = |tensor: &onnx::Tensor| TensorSource::made(Imported { tensor: tensor.clone(), beside: beside.clone() });
    let parameters = parameters(&written, &tensors, make)?;
    Ok(Read::of(written, parameters, notes, origin, ports))
}

/// Why an ONNX file is not imported, for people.
fn refused(path: &Path, refusal: onnx::Refusal) -> crate::Error {
    match refusal {
        onnx::Refusal::Broken(reason) => broken_file(path, reason),
        onnx::Refusal::Fault(reason) => mistaken(path, &reason),
        onnx::Refusal::Unsaid(lines) => unsaid(path, &lines),
    }
}

/// The files beside the one that is read.
struct Beside {
    folder: PathBuf,
}

impl Beside {
    /// A file in the folder, whatever links there are.
    fn path(&self, location: &str) -> std::result::Result<PathBuf, String> {
        let folder = if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder };
        let told = |error: std::io::Error| format!("`{location}` cannot be read: {error}");
        let path = fs::canonicalize(folder.join(location)).map_err(|_| format!("`{location}` is not there"))?;
        let folder = fs::canonicalize(folder).map_err(told)?;
        if path.starts_with(&folder) {
            Ok(path)
        } else {
            Err(format!("`{location}` leads out of the file's own folder"))
        }
    }

    fn open(&self, location: &str) -> std::result::Result<fs::File, String> {
        files::open(&self.path(location)?).map_err(|error| error.message.clone())
    }
}

impl ExternalData for Beside {
    fn read(&self, location: &str, offset: u64, length: u64) -> std::result::Result<Bytes, String> {
        let told = |error: std::io::Error| format!("`{location}` cannot be read: {error}");
        let mut file = self.open(location)?;
        if offset.checked_add(length).is_none_or(|end| file.metadata().is_ok_and(|there| there.len() < end)) {
            return Err(format!("`{location}` has become shorter"));
        }
        file.seek(SeekFrom::Start(offset)).map_err(told)?;
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        file.take(length).read_to_end(&mut bytes).map_err(told)?;
        Ok(bytes.into())
    }

    fn length(&self, location: &str) -> std::result::Result<u64, String> {
        let told = |error: std::io::Error| format!("`{location}` cannot be read: {error}");
        self.open(location)?.metadata().map(|there| there.len()).map_err(told)
    }
}

/// A tensor of the file, made when it is written.
struct Imported {
    tensor: onnx::Tensor,
    beside: Arc<Beside>,
}

impl Make for Imported {
    fn shape(&self) -> &[usize] {
        self.tensor.shape()
    }

    fn element(&self) -> ElementType {
        ElementType::Float32
    }

    fn make(&self, _: Room<'_>) -> Result<Tensor> {
        let values = self.tensor.floats(&*self.beside).map_err(|reason| failure(Code::E601, reason))?;
        Tensor::new(self.tensor.shape(), values)
            .ok_or_else(|| fault("a tensor has another number of values than it says"))
    }

    fn parts(self: Arc<Self>) -> Option<Arc<dyn Parts>> {
        self.tensor.comes_in_parts().then_some(self)
    }
}

impl Parts for Imported {
    fn part(&self, start: usize, into: &mut [f32]) -> Result<()> {
        self.tensor.part(&*self.beside, start, into).map_err(|reason| failure(Code::E601, reason))
    }
}
