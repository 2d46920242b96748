//! Paths of modules: from the names of parameters, which exporters keep where they can, else from the scopes of nodes, else
//! from the layers themselves, numbered.
//!
//! TorchScript's exporter names a node `/layer1/layer1.0/conv1/Conv`, dynamo's leaves a list of scopes beside it. A tensor that
//! several layers share names the first of them alone.

use crate::onnx::model::Node;
use crate::onnx::tensor::Tensor;
use crate::spec::{Network, ValueId};
use std::collections::{HashMap, HashSet};

/// Names in a path, at most.
const DEEPEST: usize = 24;

/// Characters of a name, at most.
const LONGEST: usize = 80;

/// The last parts of names that belong to a parameter and not to its layer.
const PARAMETERS: [&str; 18] = [
    "weight",
    "bias",
    "in_proj_weight",
    "in_proj_bias",
    "running_mean",
    "running_var",
    "gamma",
    "beta",
    "scale",
    "mean",
    "var",
    "kernel",
    "moving_mean",
    "moving_variance",
    "num_batches_tracked",
    "weight_bias",
    "W",
    "B",
];

/// What Caffe's networks call parameters, behind the layer's name.
const CAFFE: [&str; 9] = ["w", "b", "s", "scale", "bias", "riv", "rm", "mean", "var"];

/// The module that a node stands in, as far as the file says; of a module that is one node, that module.
pub fn scope(node: &Node) -> Vec<String> {
    let listed = node.metadata_props.iter().find(|entry| entry.key == "pkg.torch.onnx.name_scopes");
    if let Some(listed) = listed {
        let scopes: Vec<&str> =
            listed.value.trim_matches(['[', ']']).split(", ").map(|name| name.trim_matches('\'')).collect();
        let module = scopes.len().checked_sub(2).and_then(|place| scopes.get(place)).copied().unwrap_or_default();
        return parts(module, '.');
    }
    if !node.name.contains('/') {
        return Vec::new();
    }
    let mut pieces: Vec<&str> = node.name.split('/').filter(|piece| !piece.is_empty()).collect();
    pieces.pop();
    let mut path: Vec<String> = Vec::new();
    let mut before = "";
    for piece in pieces {
        // `features.0` inside of `features` is its item 0.
        let own = piece.strip_prefix(before).and_then(|rest| rest.strip_prefix('.')).filter(|_| !before.is_empty());
        path.extend(parts(own.unwrap_or(piece), '.'));
        before = piece;
    }
    path.truncate(DEEPEST);
    path
}

/// The parts of a path, as a spec may hold them.
fn parts(text: &str, separator: char) -> Vec<String> {
    let parts = text.split(separator).filter(|part| !part.is_empty()).take(DEEPEST);
    let harmless = |character: char| match character {
        '"' | '{' | '}' | '.' | ':' => '_',
        control if control.is_control() => '_',
        other => other,
    };
    parts.map(|part| part.chars().take(LONGEST).map(harmless).collect()).collect()
}

/// The path that the name of a tensor is: `layer1.0.conv1.weight`, Caffe's `conv1_w_0`, or TensorFlow's `block/conv/kernel:0`;
/// of a name that an exporter made up (`onnx::Conv_193`) none.
fn path_of(name: &str) -> Vec<String> {
    if name.contains("::") {
        return Vec::new();
    }
    if name.contains('.') || !name.contains(['/', '_']) {
        return parts(name, '.');
    }
    let name = name.split(':').next().unwrap_or(name);
    let mut path = parts(name.trim_end_matches("/ReadVariableOp"), '/');
    let whole = path.last().map(|last| last.strip_suffix("_0").unwrap_or(last).to_owned());
    let known = whole.as_ref().and_then(|whole| whole.rsplit_once('_')).filter(|(_, last)| CAFFE.contains(last));
    if let Some((layer, parameter)) = known {
        path.pop();
        path.extend([layer.to_owned(), parameter.to_owned()]);
    }
    path
}

/// Whether a name is a number behind a word.
fn has_number(name: &str, word: &str) -> bool {
    name.strip_prefix(word)
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
}

/// What is known of names.
#[derive(Default)]
pub struct Names {
    /// Names of the file's tensors by their [`Tensor::root`].
    known: HashMap<usize, Vec<String>>,
    /// Those that something is called after.
    used: HashSet<usize>,
    counts: HashMap<&'static str, usize>,
    /// Tensors that are a checkpoint's, by their [`Tensor::root`]: initialisers under a name that no exporter made up.
    keys: HashSet<usize>,
    /// The tensors that were written out as numbers.
    numbers: HashMap<ValueId, Tensor>,
}

impl Names {
    /// Learns the name of a tensor, if it has none yet.
    pub fn know(&mut self, tensor: &Tensor, name: &str) {
        self.known.entry(tensor.root()).or_insert_with(|| path_of(name));
    }

    /// Learns the name of an initialiser.
    pub fn know_initialiser(&mut self, tensor: &Tensor, name: &str) {
        self.know(tensor, name);
        let is_made_up = name.contains("::") || name.contains("lifted_tensor") || has_number(name, "val_");
        if !is_made_up {
            self.keys.insert(tensor.root());
        }
    }

    /// Whether a tensor is a checkpoint's, or is made of one that is.
    pub fn is_weight(&self, tensor: &Tensor) -> bool {
        self.keys.contains(&tensor.root())
    }

    /// The name of a tensor that nothing had it from yet.
    fn take(&mut self, tensor: &Tensor) -> Option<Vec<String>> {
        let root = tensor.root();
        let path = self.known.get(&root)?.clone();
        (!path.is_empty() && self.used.insert(root)).then_some(path)
    }

    /// Names a layer by its parameters, or by where it stands.
    pub fn layer(&mut self, network: &mut Network, value: ValueId, layer: &'static str, tensors: &[Tensor]) {
        let mut path = None;
        for tensor in tensors {
            let taken = self.take(tensor);
            path = path.or_else(|| {
                let mut taken = taken?;
                let last = taken.pop()?;
                ((PARAMETERS.contains(&last.as_str()) || CAFFE.contains(&last.as_str())) && !taken.is_empty())
                    .then_some(taken)
            });
        }
        let scope = network.scope.clone();
        let path = path.or_else(|| (!scope.is_empty()).then_some(scope)).unwrap_or_else(|| vec![self.numbered(layer)]);
        network.name(value, path);
    }

    /// As [`Names::layer`], of tensors that something was called after which is no more.
    pub fn layer_again(&mut self, network: &mut Network, value: ValueId, layer: &'static str, tensors: &[Tensor]) {
        for tensor in tensors {
            self.used.remove(&tensor.root());
        }
        self.layer(network, value, layer, tensors);
    }

    /// Names a bare tensor.
    pub fn bare(&mut self, network: &mut Network, value: ValueId, tensor: &Tensor) {
        let own = self.take(tensor).map(|path| if path.len() > DEEPEST { Vec::new() } else { path });
        let path = own.filter(|path| !path.is_empty()).unwrap_or_else(|| {
            let mut scope = network.scope.clone();
            scope.push("constant".into());
            scope
        });
        network.name(value, path);
    }

    /// Notes that a tensor was written out as numbers.
    pub fn written(&mut self, value: ValueId, tensor: &Tensor) {
        self.numbers.insert(value, tensor.clone());
    }

    /// The tensor that numbers were written out of.
    pub fn tensor_of(&self, value: ValueId) -> Option<&Tensor> {
        self.numbers.get(&value)
    }

    /// `conv1`, `conv2`, …
    fn numbered(&mut self, layer: &'static str) -> String {
        let count = self.counts.entry(layer).or_default();
        *count += 1;
        let word = layer.trim_end_matches(|last: char| last == 'd' || last.is_ascii_digit()).to_ascii_lowercase();
        format!("{}{count}", if word.is_empty() { "layer" } else { &word })
    }
}
