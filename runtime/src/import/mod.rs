//! A file of another program to a spec and its weights: a path comes in, `net.cnn` and `net.safetensors` beside it go out, and
//! `net.txt` where somebody names the classes; all of them or none.
//!
//! Kinds are told by first bytes. Of ONNX files and cfgs of Darknet `cnnc_formats` makes a spec and proves it; a checkpoint has
//! none, and gets the known spec whose keys and sizes it has. Where it is asked for, both sides are run before anything is
//! written. A file that is there already is left alone unless asked.

mod alone;
mod check;
mod checkpoint;
mod darknet;
mod labels;
mod library;
mod onnx;
mod pair;

pub use check::{Check, Checked};
pub use cnnc_formats::spec::Form;
pub use library::Library;

use crate::failure::{broken_file, failure, fault, file_failure};
use crate::parameters::TensorSource;
use crate::weights::save;
use crate::{Parameters, Result, WeightsOptions, files};
use bytes::Bytes;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::graph::ShapedGraph;
use cnnc_formats::failure::Failure;
use cnnc_formats::spec::Written;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What an import made.
#[non_exhaustive]
pub struct Import {
    /// The spec's path.
    pub spec: PathBuf,
    /// The weights' path; `None` where there are none.
    pub weights: Option<PathBuf>,
    /// The path of the names of classes; `None` where none were given.
    pub labels: Option<PathBuf>,
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
    /// What is certain of the spec.
    pub proof: Proof,
    /// How far the sides are apart, where they were run.
    pub checked: Option<Checked>,
}

/// What is certain of a spec that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Its kernels are those of the file's own layers.
    Kernels,
    /// Each of its tensors is in the file, under its key and in its size; what the file has besides is noted.
    Keys,
}

/// How a file is imported.
#[derive(Clone, Debug)]
pub struct Options<'o> {
    /// How the spec is written.
    pub form: Form,
    /// Whether what is there is replaced.
    pub force: bool,
    /// The file of weights beside a cfg of Darknet; other files have their own in them.
    pub weights: Option<&'o Path>,
    /// Which state of a checkpoint is meant, and what its keys become.
    pub keys: WeightsOptions,
    /// Of several specs that a checkpoint fits, the one whose path ends so: `lenet/LeNet`.
    pub model: Option<&'o str>,
    /// The specs that checkpoints are held against.
    pub library: Library<'o>,
    /// Names of the classes, which no file has: a file with a name a line, or a list of the library by its name: `imagenet`.
    pub labels: Option<&'o Path>,
    /// What is run before anything is written; nothing without it.
    pub check: Option<Check<'o>>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            form: Form::Rolled,
            force: false,
            weights: None,
            keys: WeightsOptions::default(),
            model: None,
            library: Library::default(),
            labels: None,
            check: None,
        }
    }
}

/// What a file of any kind became.
struct Read {
    text: String,
    graph: ShapedGraph,
    /// The file's own layers, where it has some.
    own: Option<ShapedGraph>,
    parameters: Parameters,
    notes: Vec<String>,
    origin: String,
    ports: (Vec<String>, Vec<String>),
    renamed: Vec<(String, String)>,
    proof: Proof,
}

impl Read {
    /// What `cnnc_formats` wrote and proved.
    fn of(
        written: Written,
        parameters: Parameters,
        notes: Vec<String>,
        origin: String,
        ports: (Vec<String>, Vec<String>),
    ) -> Read {
        let Written { text, graph, own, renamed, .. } = written;
        Read { text, graph, own: Some(own), parameters, notes, origin, ports, renamed, proof: Proof::Kernels }
    }
}

/// Imports a file as the spec `output`.
///
/// # Errors
/// E601 when a file cannot be read or written, E602 when no spec that is known has the keys and sizes of a checkpoint, or several
/// have, E603 when it is of no kind that is read or not what it says it is, E616 with all of it that has no word in the language,
/// E617 when what would be written is there already, E224 when there are not as many names as classes, or two lists of that
/// name; as [`Check`] says where the sides are run.
pub fn import(path: &Path, output: &Path, options: &Options<'_>) -> Result<Import> {
    let weights = output.with_extension("safetensors");
    let beside = options.labels.map(|_| output.with_extension("txt"));
    let read_too = options.check.iter().flat_map(|check| check.pair);
    let read_too = [Some(path), options.weights].into_iter().flatten().chain(read_too.map(PathBuf::as_path));
    let made: Vec<&Path> = [output, &weights].into_iter().chain(beside.as_deref()).collect();
    may_be_written(&made, &read_too.collect::<Vec<_>>(), options.force)?;
    let names = options.labels.map(|labels| labels::Names::read(labels, &options.library)).transpose()?;
    let name = output.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let mut read = read(path, &name, options)?;
    if let Some(names) = &names {
        (read.text, read.graph) = names.added(&read.text, &format!("{name}.txt"))?;
    }
    let checked = options.check.as_ref().map(|check| check.run(path, &read)).transpose()?;
    let Read { text, graph, own: _, parameters, notes, origin, ports, renamed, proof } = read;
    let holds = !parameters.is_empty();
    let written = || {
        if holds {
            save(&weights, &parameters, &[("made by", "cnnc import")])?;
        }
        if let (Some(names), Some(beside)) = (&names, &beside) {
            files::write_whole(beside, |writer| writer.write_all(names.text.as_bytes()))?;
        }
        files::write_whole(output, |writer| writer.write_all(text.as_bytes()))
    };
    if let Err(error) = written() {
        if !options.force {
            made.iter().for_each(|made| drop(fs::remove_file(made)));
        }
        return Err(error);
    }
    let (spec, weights) = (output.to_path_buf(), holds.then_some(weights));
    Ok(Import { spec, weights, labels: beside, graph, origin, ports, notes, renamed, proof, checked })
}

/// Whether all files, the spec first, may be written where the others are read.
fn may_be_written(made: &[&Path], read: &[&Path], force: bool) -> Result<()> {
    for (place, there) in made.iter().enumerate() {
        if made.iter().skip(place + 1).any(|other| other == there) {
            let message = format!("`{}` is the name of what lies beside it: a spec ends in .cnn", there.display());
            return Err(failure(Code::E617, message));
        }
        if let Some(read) = read.iter().find(|path| files::is_same(path, there)) {
            return Err(failure(Code::E617, format!("`{}` is a file that is read", read.display())));
        }
        if !force && fs::symlink_metadata(there).is_ok() {
            let taken = failure(Code::E617, format!("`{}` is there already", there.display()));
            return Err(taken.help("--force replaces it; -o writes elsewhere"));
        }
    }
    Ok(())
}

/// Reads a file of whatever kind it is.
fn read(path: &Path, name: &str, options: &Options<'_>) -> Result<Read> {
    let is_checkpoint = checkpoint::is_one(path)?;
    let bytes = if is_checkpoint { Bytes::new() } else { read_whole(path)? };
    let is_cfg = !is_checkpoint && cnnc_formats::darknet::is_cfg(&bytes);
    if let Some(weights) = options.weights.filter(|_| !is_cfg) {
        let message = format!("`{}` is no cfg of Darknet, and has its weights in it", path.display());
        return Err(failure(Code::E603, message).help(format!("leave --weights {} out", weights.display())));
    }
    if is_checkpoint {
        return checkpoint::read(path, options);
    }
    if options.model.is_some() || options.keys.is_asked() {
        let message =
            format!("`{}` is no checkpoint, so there are no keys and no specs to choose from", path.display());
        return Err(failure(Code::E603, message).help("leave --model, --key, --prefix and --rename out"));
    }
    if is_cfg {
        return darknet::read(path, &bytes, name, options);
    }
    tell_kind(path, &bytes)?;
    onnx::read(path, &bytes, name, options.form)
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
            Some(kind) => format!("is {kind}, and files of ONNX, cfgs of Darknet and checkpoints are imported"),
            None => {
                "is neither an ONNX file nor a checkpoint nor a cfg of Darknet, whose first section is [net]".to_owned()
            }
        },
    };
    Err(broken_file(path, reason))
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
