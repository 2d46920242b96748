//! Checkpoints: parameters by name and size, and no network. Where one known spec has just these keys and sizes, that is written.
//!
//! What a checkpoint does not say is never made up. Where no spec fits the error tells what the file holds, as far as names and
//! sizes tell it, and what would bring the network along; where several do, it names them.

use super::alone::alone;
use super::library::Known;
use super::{Options, Proof, Read};
use crate::failure::{Error, Result, failure};
use crate::weights::{Keyed, OpenWeights, Source, StoredFile, is_weights};
use cnnc_compiler::diagnostic::Code;
use cnnc_formats::pytorch::{Layer, Looks, layers};
use cnnc_formats::spec::same_kernels;
use std::path::Path;

/// Whether a file is one, by its first bytes.
///
/// # Errors
/// E601 when it cannot be read.
pub fn is_one(path: &Path) -> Result<bool> {
    is_weights(&StoredFile::open(path)? as &dyn Source)
}

/// The known spec of a checkpoint.
///
/// # Errors
/// E602 when none has its keys and sizes, or several have and none is chosen; E601 and E603 as files of weights are read.
pub fn read(path: &Path, options: &Options<'_>) -> Result<Read> {
    let weights = OpenWeights::open(path, &options.keys).map_err(|error| with_script_help(error, path))?;
    let networks = options.library.networks();
    let readings = weights.readings();
    let is_meant = |known: &&Known| options.model.is_none_or(|wanted| known.choice.is_called(wanted));
    let fits = |known: &Known| {
        let (reading, differing) = readings.iter().find_map(|one| Some((one, one.differing(&known.graph.graph)?)))?;
        if differing.is_empty() { Some(None) } else { options.library.adapted(known, reading, &differing).map(Some) }
    };
    let mut fitting: Vec<Known> = Vec::new();
    let mut others = Vec::new();
    for known in networks {
        let found = if is_meant(&&known) { fits(&known) } else { None };
        match found {
            Some(adapted) => fitting.push(adapted.unwrap_or(known)),
            None => others.push(known),
        }
    }
    // Several specs that are one network are one.
    let mut different: Vec<Known> = Vec::new();
    for known in fitting {
        if !different.iter().any(|other| same_kernels(&other.graph, &known.graph)) {
            different.push(known);
        }
    }
    match different.as_slice() {
        [known] => written(path, &weights, known, options),
        [] => match others.iter().find(|known| has_more(&readings, known, options)) {
            Some(known) => {
                let (weights, left_out) = weights.only(&known.graph.graph)?;
                let mut read = written(path, &weights, known, options)?;
                read.notes.push(format!("tensors that the spec has not are left out: {}", some_of(&left_out)));
                Ok(read)
            }
            None => Err(none(path, &weights, &readings, &others, options)),
        },
        several => Err(ambiguous(path, several)),
    }
}

/// Whether a checkpoint has all of a network that was asked for by its name, and more: parts that are trained alone.
fn has_more(readings: &[Keyed], known: &Known, options: &Options<'_>) -> bool {
    let is_asked = options.model.is_some_and(|wanted| known.choice.is_called(wanted));
    is_asked && readings.first().is_some_and(|found| found.has_all(&known.graph.graph))
}

/// The first of some keys, and how many more there are.
fn some_of(keys: &[String]) -> String {
    let shown: Vec<String> = keys.iter().take(3).map(|key| format!("`{key}`")).collect();
    match keys.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The spec of a network, and its weights.
fn written(path: &Path, weights: &OpenWeights, known: &Known, options: &Options<'_>) -> Result<Read> {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let about = format!("`{}` of cnnc, which has the keys and sizes of `{}`.", known.choice.name(), printable(&file));
    let (text, model) = alone(&options.library, &known.choice, &about)?;
    let loaded = weights.fit(&model.graph().graph)?;
    let mut notes = vec![format!(
        "the spec is `{}`: a checkpoint holds no network, and this one has its keys",
        known.choice.name()
    )];
    notes.extend(
        known.choice.argument.iter().map(|(name, value)| format!("`{name}` is {value}, by the sizes of the tensors")),
    );
    notes.extend(
        known
            .choice
            .channels
            .map(|channels| format!("the channels of its input are {channels}, by the sizes of the tensors")),
    );
    if model.inputs().iter().any(|input| input.image.is_some()) {
        notes.push("what a picture has to be is not in a checkpoint: it is what the known spec says".into());
    }
    if options.labels.is_none() {
        notes.push(match options.library.list_of(&known.graph).filter(|_| known.choice.argument.is_none()) {
            Some(list) => format!("names of classes are not in a checkpoint: `--labels {list}` gives the known spec's"),
            None => "names of classes are not in a checkpoint: `--labels FILE` gives them".into(),
        });
    }
    let told = loaded.notes.iter().map(|note| note.message.clone());
    notes.extend(told.map(|text| text.strip_prefix(&format!("`{}`: ", path.display())).unwrap_or(&text).to_owned()));
    let graph = model.graph().clone();
    let inputs = graph.graph.inputs.iter().map(|input| input.name.to_string()).collect();
    let outputs = graph.graph.outputs.iter().map(|output| output.name.to_string()).collect();
    let kind = if weights.is_pytorch() { "PyTorch" } else { "safetensors" };
    Ok(Read {
        text,
        graph,
        own: None,
        parameters: loaded.parameters,
        notes,
        origin: format!("{kind}, {} tensors", weights.tensors().len()),
        ports: (inputs, outputs),
        renamed: Vec::new(),
        proof: Proof::Keys,
    })
}

fn ambiguous(path: &Path, several: &[Known]) -> Error {
    let message = format!("`{}` has the keys and sizes of {} known specs", path.display(), several.len());
    let mut told = failure(Code::E602, message);
    told.notes.extend(several.iter().map(|known| format!("`{}`", known.choice.name())));
    let first = several.first().map(|known| known.choice.name()).unwrap_or_default();
    told.help(format!("the numbers do not tell which it is: `--model {first}` chooses"))
}

/// Layers that are named one by one: so many of the first, and the last ones, which tell the classes.
const SHOWN: (usize, usize) = (16, 4);

/// What a checkpoint of no known network holds, and what would bring its network along.
fn none(path: &Path, weights: &OpenWeights, readings: &[Keyed], networks: &[Known], options: &Options<'_>) -> Error {
    let file = path.display();
    if let Some(wanted) = options.model {
        return match networks.iter().find(|known| known.choice.is_called(wanted)) {
            None => failure(Code::E602, format!("no known spec is called `{wanted}`"))
                .help("a checkpoint that fits several names them; without --model all are looked at"),
            Some(known) => match weights.fit(&known.graph.graph) {
                Err(error) => error,
                Ok(_) => failure(Code::E602, format!("`{file}` does not fit `{wanted}`")),
            },
        };
    }
    let tensors = weights.tensors();
    let mut told = failure(Code::E602, format!("no known spec has the keys and sizes of `{file}`"));
    told.notes
        .push("a checkpoint holds parameters by name; in which order a network computes with them is not in it".into());
    let layers = layers(&tensors);
    told.notes.push(format!("it holds {} tensors: {}", tensors.len(), counted(&layers)));
    let looks = |layer: &Layer| match layer.path.as_str() {
        "" => layer.looks.to_string(),
        path => format!("`{path}` looks like {}", layer.looks),
    };
    let hidden = layers.len().saturating_sub(SHOWN.0 + SHOWN.1);
    let first = if hidden == 0 { layers.len() } else { SHOWN.0 };
    told.notes.extend(layers.iter().take(first).map(looks));
    if hidden > 0 {
        told.notes.push(format!("… {hidden} more …"));
        told.notes.extend(layers.iter().skip(first + hidden).map(looks));
    }
    told.notes.extend(weights.notes().iter().map(|note| note.message.clone()));
    told.notes.extend(nearest(readings, networks));
    let channels = layers.iter().find_map(|layer| match &layer.looks {
        Looks::Convolution(taken, _, kernel) if kernel.len() == 2 => Some(*taken),
        _ => None,
    });
    let names = "modules named as its keys are, and the layers without parameters between them";
    told.help.push(format!("with a spec of the network ({names}): `cnnc run net.cnn --weights {file}`"));
    told.help.push(exporting(channels.unwrap_or(3), &weights.loading()));
    told
}

/// How to make an ONNX file, in Python.
fn exporting(channels: usize, first: &str) -> String {
    format!(
        "with its code the network can be exported, in Python: `{first}`, then, with the height and width that it takes, \
         `torch.onnx.export(model.eval(), (torch.zeros(1, {channels}, 224, 224),), \"net.onnx\")`; \
         `cnnc import net.onnx` reads that"
    )
}

/// A TorchScript archive is a whole network, which PyTorch can export.
fn with_script_help(error: Error, path: &Path) -> Error {
    if !error.message.contains("TorchScript") {
        return error;
    }
    let first = format!("model = torch.jit.load(\"{}\")", path.display());
    error.help(exporting(3, &first).replace("with its code the network", "PyTorch runs it, so that it"))
}

/// How many layers there are of each kind: `20 convolutions, 1 linear layer`.
fn counted(layers: &[Layer]) -> String {
    let mut counts: Vec<([&str; 2], usize)> = Vec::new();
    for layer in layers {
        let kind = layer.looks.kind();
        match counts.iter_mut().find(|(other, _)| *other == kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((kind, 1)),
        }
    }
    let words =
        counts.iter().map(|([one, several], count)| format!("{count} {}", if *count == 1 { one } else { several }));
    words.collect::<Vec<_>>().join(", ")
}

/// The known network that has most in common with a checkpoint, where that is more than half of both.
fn nearest(readings: &[Keyed], networks: &[Known]) -> Option<String> {
    let shared =
        networks.iter().flat_map(|known| readings.iter().map(move |one| (one.shared(&known.graph.graph), known)));
    let ((shared, besides), known) = shared.max_by_key(|((shared, besides), _)| (*shared, usize::MAX - besides))?;
    let needed = known.graph.graph.parameters.len();
    let is_near = shared * 2 > needed && shared > besides;
    is_near.then(|| {
        let name = known.choice.name();
        let choose = if shared == needed { format!("; `--model {name}` leaves those out") } else { String::new() };
        format!("nearest is `{name}`: {shared} of its {needed} tensors are there in their sizes, and {besides} others{choose}")
    })
}

/// A file's name as a comment may hold it.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '_' } else { character }).collect()
}
