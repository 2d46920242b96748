//! A file of another program to a spec and its weights: a path comes in, `net.cnn` and `net.safetensors` beside it go out, or
//! neither.
//!
//! `cnnc_formats` reads the file and proves what it writes; here files are opened, kinds are told by first bytes, and tensors are
//! made of the file's own bytes one after the other, while they are written. A file that is there already is left alone unless
//! asked.

use crate::failure::{broken_file, failure, fault, file_failure};
use crate::parameters::{Make, Parts, Room, TensorSource};
use crate::weights::save;
use crate::{Parameters, Result, Tensor, files};
use bytes::Bytes;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_formats::darknet;
use cnnc_formats::failure::Failure;
use cnnc_formats::onnx::{self, ExternalData};
pub use cnnc_formats::spec::Form;
use cnnc_formats::spec::Written;
use std::fs;
use std::io::{Read as _, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What an import made.
pub struct Import {
    /// The spec's path.
    pub spec: PathBuf,
    /// The weights' path; `None` where there are none.
    pub weights: Option<PathBuf>,
    /// The network of the spec.
    pub graph: ShapedGraph,
    /// The program that wrote the file, and in what.
    pub origin: String,
    /// Names of the inputs and of the outputs in the file.
    pub ports: (Vec<String>, Vec<String>),
    /// What was done to the file on the way, a clause each.
    pub notes: Vec<String>,
    /// Modules that could not keep their names: what was wanted, and what it is called.
    pub renamed: Vec<(String, String)>,
}

/// How a file is imported.
#[derive(Clone, Copy, Debug)]
pub struct Options<'o> {
    /// How the spec is written.
    pub form: Form,
    /// Whether what is there is replaced.
    pub force: bool,
    /// The file of weights beside a cfg of Darknet; other files have their own in them.
    pub weights: Option<&'o Path>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { form: Form::Rolled, force: false, weights: None }
    }
}

/// What a file of any kind became.
struct Read {
    written: Written,
    parameters: Parameters,
    notes: Vec<String>,
    origin: String,
    ports: (Vec<String>, Vec<String>),
}

/// Imports a file as the spec `output`.
///
/// # Errors
/// E601 when a file cannot be read or written, E603 when it is of no kind that is read or not what it says it is, E616 with all
/// of it that has no word in the language, E617 when what would be written is there already.
pub fn import(path: &Path, output: &Path, options: &Options<'_>) -> Result<Import> {
    let weights = output.with_extension("safetensors");
    if weights == output {
        let message = format!("`{}` is the name of the weights: a spec ends in .cnn", output.display());
        return Err(failure(Code::E617, message));
    }
    for there in [output, &weights] {
        if let Some(read) = [Some(path), options.weights].into_iter().flatten().find(|path| files::is_same(path, there))
        {
            return Err(failure(Code::E617, format!("`{}` is a file that is read", read.display())));
        }
        if !options.force && fs::symlink_metadata(there).is_ok() {
            let taken = failure(Code::E617, format!("`{}` is there already", there.display()));
            return Err(taken.help("--force replaces it; -o writes elsewhere"));
        }
    }
    let name = output.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let Read { written, parameters, notes, origin, ports } = read(path, &name, options)?;
    let holds = !parameters.is_empty();
    if holds {
        save(&weights, &parameters, &[("made by", "cnnc import")])?;
    }
    let text = written.text.as_bytes();
    if let Err(error) = files::write_whole(output, |writer| writer.write_all(text)) {
        if holds && !options.force {
            let _ = fs::remove_file(&weights);
        }
        return Err(error);
    }
    let (spec, weights) = (output.to_path_buf(), holds.then_some(weights));
    Ok(Import { spec, weights, graph: written.graph, origin, ports, notes, renamed: written.renamed })
}

/// Reads a file of whatever kind it is.
fn read(path: &Path, name: &str, options: &Options<'_>) -> Result<Read> {
    let bytes = read_whole(path)?;
    if darknet::is_cfg(&bytes) {
        return read_cfg(path, &bytes, name, options);
    }
    if let Some(weights) = options.weights {
        let message = format!("`{}` is no cfg of Darknet, and has its weights in it", path.display());
        return Err(failure(Code::E603, message).help(format!("leave --weights {} out", weights.display())));
    }
    tell_kind(path, &bytes)?;
    let beside: Arc<Beside> = Arc::new(Beside { folder: path.parent().unwrap_or(Path::new("")).to_path_buf() });
    let imported = onnx::import(&bytes, &*beside, name, options.form).map_err(|refusal| refused_onnx(path, refusal))?;
    let onnx::Imported { written, tensors, notes, origin, ports } = imported;
    let make = |tensor: &onnx::Tensor| TensorSource::made(Imported { tensor: tensor.clone(), beside: beside.clone() });
    let parameters = parameters(&written, &tensors, make)?;
    Ok(Read { written, parameters, notes, origin, ports })
}

/// Reads a cfg of Darknet, and its weights where they are given.
fn read_cfg(path: &Path, bytes: &[u8], name: &str, options: &Options<'_>) -> Result<Read> {
    let file = options.weights.map(read_whole).transpose()?;
    let imported = darknet::import(bytes, file.as_ref(), name, options.form);
    let imported = imported.map_err(|refusal| match refusal {
        darknet::Refusal::Cfg(failure) => broken(path, failure),
        darknet::Refusal::Weights(failure) => broken(options.weights.unwrap_or(path), failure),
        darknet::Refusal::Unsaid(lines) => unsaid(path, &lines),
        darknet::Refusal::Fault(reason) => mistaken(path, &reason),
    })?;
    let darknet::Imported { written, tensors, mut notes, origin, ports } = imported;
    let parameters = match tensors {
        Some(tensors) => parameters(&written, &tensors, |tensor| TensorSource::made(tensor.clone()))?,
        None => Parameters::default(),
    };
    let beside = path.with_extension("weights");
    if options.weights.is_none() && beside.is_file() {
        notes.push(format!("`{0}` lies beside it and was not read: --weights {0}", beside.display()));
    }
    Ok(Read { written, parameters, notes, origin, ports })
}

/// The tensors of a spec by their keys.
fn parameters<T>(written: &Written, tensors: &[T], make: impl Fn(&T) -> TensorSource) -> Result<Parameters> {
    let mut parameters = Parameters::default();
    for (key, number) in &written.tensors {
        let Some(tensor) = tensors.get(*number) else { return Err(fault(format!("`{key}` has no tensor"))) };
        parameters.put(key.as_str().into(), make(tensor));
    }
    Ok(parameters)
}

/// A file's bytes, which are held against its length before they are read.
fn read_whole(path: &Path) -> Result<Bytes> {
    let mut file = files::open(path)?;
    let unreadable = |error| file_failure("read", path, &error);
    let length = file.metadata().map_err(unreadable)?.len();
    if length > crate::available_memory_bytes() {
        let message = format!("`{}` has {length} bytes, more than there is memory", path.display());
        return Err(failure(Code::E401, message));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.by_ref().take(length).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes.into())
}

/// Refuses what is plainly something else. A protobuf has no mark of its own; ONNX begins with the number of its format.
fn tell_kind(path: &Path, bytes: &[u8]) -> Result<()> {
    if bytes.first() == Some(&8) {
        return Ok(());
    }
    let reason = match bytes {
        [] => "is empty".to_owned(),
        [b'<', ..] => "is a page of the web and no file of a network: the download went wrong".to_owned(),
        _ => match files::kinds::name(bytes) {
            Some(kind) => format!("is {kind}, and files of ONNX and cfgs of Darknet are imported"),
            None => "is neither an ONNX file nor a cfg of Darknet, whose first section is [net]".to_owned(),
        },
    };
    Err(broken_file(path, reason))
}

/// Why an ONNX file is not imported, for people.
fn refused_onnx(path: &Path, refusal: onnx::Refusal) -> crate::Error {
    match refusal {
        onnx::Refusal::Broken(reason) => broken_file(path, reason),
        onnx::Refusal::Fault(reason) => mistaken(path, &reason),
        onnx::Refusal::Unsaid(lines) => unsaid(path, &lines),
    }
}

fn mistaken(path: &Path, reason: &str) -> crate::Error {
    fault(format!("what was written of `{}` is not what it is: {reason}", path.display()))
}

fn broken(path: &Path, failure: Failure) -> crate::Error {
    let told = Diagnostic::without_place(Code::E603, format!("`{}` {}", path.display(), failure.reason));
    let told = failure.notes.into_iter().fold(told, Diagnostic::note);
    failure.help.into_iter().fold(told, Diagnostic::help).into()
}

/// What has no word, a line each.
fn unsaid(path: &Path, lines: &[String]) -> crate::Error {
    let what = if lines.len() == 1 { "something" } else { "things" };
    let message = format!("`{}` holds {what} that a spec cannot say; nothing was written", path.display());
    let told = Diagnostic::without_place(Code::E616, message);
    let told = lines.iter().take(MOST_TOLD).fold(told, |told, line| told.note(line.clone()));
    match lines.len().checked_sub(MOST_TOLD) {
        Some(others @ 1..) => told.note(format!("and {others} more")).into(),
        _ => told.into(),
    }
}

/// Nodes that are named one by one.
const MOST_TOLD: usize = 200;

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

impl Make for darknet::Tensor {
    fn shape(&self) -> &[usize] {
        darknet::Tensor::shape(self)
    }

    fn element(&self) -> ElementType {
        ElementType::Float32
    }

    fn make(&self, _: Room<'_>) -> Result<Tensor> {
        Tensor::new(darknet::Tensor::shape(self), self.floats())
            .ok_or_else(|| fault("a tensor has another number of values than it says"))
    }

    fn parts(self: Arc<Self>) -> Option<Arc<dyn Parts>> {
        None
    }
}
