//! Inputs: NumPy arrays, pictures, the IDX files of MNIST and its kin, and numbers that are written out.
//!
//! What comes in is a path, or a text of numbers, and what the network wants; what goes out is a tensor of that shape. The kind
//! of a file is told by its first bytes, not by its name. A size that the spec leaves open is taken from the file, so that the
//! caller can bind it.

mod folder;
mod idx;
pub(crate) mod npy;
mod numbers;
mod pictures;
mod preprocess;

pub use crate::pictures::png;
pub use folder::{Folder, pictures_of};
pub use npy::read_any as read_array;
pub use npy::save as save_npy;
pub use numbers::{written, written_array};
pub use preprocess::{Preprocess, Rgb8};

use crate::contained::decoded;
use crate::failure::{broken_file, failure, file_failure};
use crate::files::kinds::{self, PictureKind};
use crate::pictures::INPUTS;
use crate::{Error, Result, Tensor, files};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::graph::{ImageTransform, Input};
use cnnc_compiler::write_kernels::Bindings;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;

/// What an input of a network may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The input's name.
    pub name: Arc<str>,
    /// A size an axis; `None` where the spec leaves it open.
    pub shape: Vec<Option<usize>>,
    /// The same for people: `[N, 3, 224, 224]`.
    pub text: String,
    /// How a picture becomes the input, when the spec says so.
    pub image: Option<ImageTransform>,
}

impl Wanted {
    /// What the spec says of an input, with the sizes that are already bound.
    pub fn new(input: &Input, bindings: &Bindings) -> Wanted {
        let bound = |name: &str| bindings.get(name).and_then(|&size| i64::try_from(size).ok());
        let size = |dim: &cnnc_compiler::shape::Dim| dim.at(&bound).and_then(|size| usize::try_from(size).ok());
        let shape: Vec<Option<usize>> = input.shape.iter().map(size).collect();
        let sizes = shape.iter().zip(input.shape.iter());
        let words: Vec<String> =
            sizes.map(|(size, dim)| size.map_or_else(|| dim.to_string(), |size| size.to_string())).collect();
        let text = format!("[{}]", words.join(", "));
        Wanted { name: input.name.clone(), shape, text, image: input.image.clone() }
    }

    /// Whether a tensor of these sizes is what is wanted.
    pub fn accepts(&self, shape: &[usize]) -> bool {
        self.shape.len() == shape.len()
            && self.shape.iter().zip(shape).all(|(wanted, found)| wanted.is_none_or(|size| size == *found))
    }

    /// The failure to say when it is not.
    fn refuse(&self, path: &Path, found: impl std::fmt::Display) -> Error {
        let (file, name, text) = (path.display(), &self.name, &self.text);
        failure(Code::E604, format!("`{file}` holds {found}, and the input `{name}` is {text}"))
    }
}

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The values.
    pub tensor: Tensor,
    /// What the user should know of how they came about, as notes: "resized from 30×20 to 28×28".
    pub notes: Vec<Diagnostic>,
}

/// Reads an input from a file.
///
/// # Errors
/// E601 when the file cannot be read, E603 when it is not what it says it is, E604 when it does not fit the input.
pub fn read(path: &Path, wanted: &Wanted) -> Result<Loaded> {
    decoded(path, "cannot be read", || read_by_kind(path, wanted))
}

fn read_by_kind(path: &Path, wanted: &Wanted) -> Result<Loaded> {
    let mut file = files::open(path)?;
    let mut start = Vec::new();
    let cannot_read = |error| file_failure("read", path, &error);
    file.by_ref().take(kinds::START as u64).read_to_end(&mut start).map_err(cannot_read)?;
    file.rewind().map_err(cannot_read)?;
    match start.as_slice() {
        [] => Err(broken_file(path, "is empty")),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => npy::read(path, file, wanted),
        start if PictureKind::of(start).is_some() => pictures::read(path, BufReader::new(file), wanted),
        [0x1F, 0x8B, ..] | [0, 0, 0x08..=0x0E, _, ..] => idx::read(path, file, wanted),
        start if is_text(start) => numbers::read(path, file, wanted),
        [b'P', b'K', ..] => {
            let mut archive = unknown(path, &start);
            archive.help.push("an archive (.npz) holds several arrays; save one alone with numpy.save".into());
            Err(archive)
        }
        _ => Err(unknown(path, &start)),
    }
}

/// Whether a file begins as a text of numbers does.
fn is_text(start: &[u8]) -> bool {
    let text = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start).trim_ascii_start();
    let is_character = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte >= 0x80;
    text.first().is_some_and(|first| first.is_ascii_digit() || b"+-.[#".contains(first))
        && start.iter().all(is_character)
}

/// Reads an input from the bytes of a picture's file; `path` is what messages call it.
///
/// # Errors
/// E603 when it is no such picture, E604 when it does not fit the input.
pub fn read_picture(path: &Path, bytes: &[u8], wanted: &Wanted) -> Result<Loaded> {
    pictures::read(path, Cursor::new(bytes), wanted)
}

/// A file of a kind that is not read.
fn unknown(path: &Path, start: &[u8]) -> Error {
    let kind = kinds::name(start).map_or_else(String::new, |name| format!("; it begins as {name} does"));
    let mut unknown = broken_file(path, format!("is of no kind that cnnc reads as an input{kind}"));
    unknown.notes.push(format!("it reads {INPUTS}, also gzipped"));
    unknown
}

#[cfg(test)]
#[cfg(all(feature = "pictures", feature = "train"))]
mod tests;
