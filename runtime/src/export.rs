//! A model and its weights to a file of ONNX: `net.onnx`, and `net.onnx.data` beside it where the weights are more than a
//! protobuf has room for; all of it, or nothing.
//!
//! `cnnc_formats` says the network in ONNX's operators; here tensors are made one after the other, while they are written. What
//! ONNX has no place for, the classes and how pictures become inputs, stands in the file's metadata as JSON.

use crate::failure::failure;
use crate::{Error, Model, Result, Weights, files};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::Graph;
pub use cnnc_compiler::onnx::OPERATOR_SETS;
use cnnc_compiler::shape::Shape;
pub use cnnc_formats::onnx::USUAL_SET;
use cnnc_formats::onnx::{self, About};
use serde_json::json;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How a model is exported.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The operator set, one of [`OPERATOR_SETS`].
    pub operator_set: i64,
    /// Whether kernels are written as they run, batch norms folded, and not layers.
    pub fused: bool,
    /// Whether what is there is replaced.
    pub force: bool,
    /// Bytes of weights that the file itself may have.
    pub most_within: u64,
}

impl Default for Options {
    fn default() -> Self {
        // A protobuf ends at 2 GiB, and the nodes need some of it.
        Options { operator_set: USUAL_SET, fused: false, force: false, most_within: (1 << 31) - (1 << 27) }
    }
}

/// What an export made.
#[derive(Clone, Debug)]
pub struct Export {
    /// The file.
    pub file: PathBuf,
    /// The weights beside it; `None` where they are in it.
    pub beside: Option<PathBuf>,
    /// How many nodes it has.
    pub nodes: usize,
    /// Bytes of all of it.
    pub bytes: u64,
    /// The inputs: names and sizes.
    pub inputs: Vec<(String, Shape)>,
    /// The outputs.
    pub outputs: Vec<(String, Shape)>,
}

/// Exports a model.
///
/// # Errors
/// E617 when what would be written is there already, E618 when the network cannot be said in that operator set or with its open
/// sizes, E601 when it cannot be written, and as [`Weights::get`].
pub fn export(model: &Model, weights: &Weights, output: &Path, options: &Options) -> Result<Export> {
    let formats = onnx::Options { set: options.operator_set, fused: options.fused };
    let exported = onnx::export(model.graph(), formats).map_err(|refusal| Error::new(*refusal.0, model.files()))?;
    let beside = (exported.tensor_bytes() > options.most_within).then(|| beside(output));
    for there in [Some(output), beside.as_deref()].into_iter().flatten() {
        if !options.force && fs::symlink_metadata(there).is_ok() {
            let taken = failure(Code::E617, format!("`{}` is there already", there.display()));
            return Err(taken.help("--force replaces it; -o writes elsewhere"));
        }
    }
    let location = beside.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let file = exported.file(&about(model), location.as_deref());
    if let Some(path) = &beside {
        write(path, weights, |out, weights| file.write_beside(out, weights))?;
    }
    if let Err(error) = write(output, weights, |out, weights| file.write(out, weights)) {
        if let Some(path) = beside.filter(|_| !options.force) {
            let _ = fs::remove_file(path);
        }
        return Err(error);
    }
    let (nodes, bytes) = (exported.written.nodes.len(), file.length() + file.length_beside());
    drop(file);
    Ok(Export { file: output.to_owned(), beside, nodes, bytes, inputs: exported.inputs, outputs: exported.outputs })
}

/// `net.onnx.data`
fn beside(output: &Path) -> PathBuf {
    let mut name = OsString::from(output);
    name.push(".data");
    name.into()
}

/// Writes a file whole, with the weights at hand; what is wrong with these is told as it is.
fn write(
    path: &Path,
    weights: &Weights,
    content: impl FnOnce(&mut dyn Write, &mut onnx::Weights<'_>) -> io::Result<()>,
) -> Result<()> {
    let mut unread = None;
    let mut read = |key: &str| match weights.get(key) {
        Ok(tensor) => Ok(tensor.data().to_vec()),
        Err(error) => {
            unread = Some(error);
            Err(io::ErrorKind::InvalidData.into())
        }
    };
    let written = files::write_whole(path, |out| content(out, &mut read));
    unread.map_or(written, Err)
}

/// What the file says of itself.
fn about(model: &Model) -> About {
    let graph = &model.graph().graph;
    let mut metadata = Vec::new();
    if let Some(labels) = &graph.labels {
        metadata.push(("labels".to_owned(), json!(labels.iter().collect::<Vec<_>>()).to_string()));
    }
    metadata.extend(pictures(graph));
    About { version: env!("CARGO_PKG_VERSION").into(), name: graph.name.to_string(), metadata }
}

/// How pictures become inputs, `image` of the only input and `image.NAME` of several.
fn pictures(graph: &Graph) -> impl Iterator<Item = (String, String)> {
    let several = graph.inputs.len() > 1;
    graph.inputs.iter().filter_map(move |input| {
        let image = input.image.as_ref()?;
        let text = json!({
            "resize": image.resize,
            "interpolation": image.interpolation.name(),
            "crop": image.crop,
            "scale": image.scale,
            "mean": image.mean,
            "std": image.std,
        });
        let key = if several { format!("image.{}", input.name) } else { "image".to_owned() };
        Some((key, text.to_string()))
    })
}
