//! A network as a file of ONNX: a checked spec comes in, the file's messages go out, to which the weights are added as they are
//! written (`file.rs`).
//!
//! Everything is exported as its kernels are (`kernels/`): a back end like any other, which needs to know no layer. In the plain
//! form a layer that ONNX has an operator for is that operator instead, as its own file says; in the fused form the kernels are
//! those after all passes. What of kernels depends on parameters alone is computed while the file is written (`constants.rs`).
//! Sizes stay open where the spec leaves them (`variants.rs`).

mod constants;
mod file;
mod kernels;
mod variants;

pub use constants::Weights;
pub use file::{About, File};

use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::graph::{Graph, Node, NodeId, NodeKind, ParameterUse, ShapedGraph};
use cnnc_compiler::kernels::KernelGraph;
use cnnc_compiler::onnx::{Attribute, Content, Nodes, OPERATOR_SETS, Value, Written};
use cnnc_compiler::shape::Shape;
use std::collections::HashMap;
use variants::Variants;

/// How a network is exported.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The operator set.
    pub set: i64,
    /// Whether kernels are written as they run, batch norms folded, and not layers.
    pub fused: bool,
}

/// The operator set that is written where none is asked for: the newest that programs of two years ago read.
pub const USUAL_SET: i64 = 20;

impl Default for Options {
    fn default() -> Self {
        Options { set: USUAL_SET, fused: false }
    }
}

/// Why a network is not exported.
#[derive(Debug)]
pub struct Refusal(pub Box<Diagnostic>);

impl Refusal {
    fn new(message: String) -> Refusal {
        Refusal(Box::new(Diagnostic::without_place(Code::E618, message)))
    }

    /// Of sizes that are open.
    fn open(message: String) -> Refusal {
        let told = Diagnostic::without_place(Code::E618, message);
        Refusal(Box::new(told.help("--input-shape gives the sizes, once for each input")))
    }

    fn set((operator, first): (&str, i64), set: i64) -> Refusal {
        let message = format!("operator set {set} has no `{operator}`, which came with set {first}");
        Refusal(Box::new(Diagnostic::without_place(Code::E618, message).help(format!("--opset {first} has it"))))
    }
}

impl From<Box<Diagnostic>> for Refusal {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Refusal(diagnostic)
    }
}

/// A network in ONNX's operators, without the numbers of its weights.
pub struct Exported {
    /// Nodes and tensors.
    pub written: Written,
    /// The inputs, by their names in the spec.
    pub inputs: Vec<(String, Shape)>,
    /// The outputs.
    pub outputs: Vec<(String, Shape)>,
    /// The operator set.
    pub set: i64,
    /// The kernels that weights are computed by.
    kernels: KernelGraph,
}

/// Exports a network.
///
/// # Errors
/// E618 for a set that is not written, for what a set does not have and for what cannot be said with open sizes; what
/// `write_kernels` refuses.
pub fn export(graph: &ShapedGraph, options: Options) -> Result<Exported, Refusal> {
    if !OPERATOR_SETS.contains(&options.set) {
        let (least, most) = OPERATOR_SETS.into_inner();
        return Err(Refusal::new(format!("operator set {} is not written: {least} to {most} are", options.set)));
    }
    if options.fused && !graph.sizes.symbols.is_empty() {
        // What kernels become by the passes may differ at small sizes and mean the same; what they mean is told before them.
        export(graph, Options { fused: false, ..options })?;
    }
    let variants = Variants::of(graph, options.fused)?;
    let mut writer = Writer {
        graph: &graph.graph,
        nodes: Nodes::new(options.set),
        variants,
        kernels: HashMap::new(),
        layers: HashMap::new(),
        parameters: HashMap::new(),
        fused: options.fused,
    };
    writer.inputs(graph)?;
    writer.nodes.reserve(graph.graph.outputs.iter().map(|output| &*output.name));
    if options.fused {
        for id in writer.variants.order.clone() {
            writer.kernel(id)?;
        }
    } else {
        for id in graph.graph.dag.order().unwrap_or_default() {
            writer.layer(graph, id)?;
        }
    }
    writer.finish(graph, options.set)
}

/// A network that is being written.
struct Writer<'g> {
    graph: &'g Graph,
    nodes: Nodes,
    variants: Variants,
    /// What kernels gave.
    kernels: HashMap<NodeId, Value>,
    /// What layers gave.
    layers: HashMap<NodeId, Value>,
    /// Parameters as layers take them.
    parameters: HashMap<ParameterUse, Value>,
    fused: bool,
}

impl Writer<'_> {
    fn inputs(&mut self, graph: &ShapedGraph) -> Result<(), Refusal> {
        for (place, input) in graph.graph.inputs.iter().enumerate() {
            let value = self.nodes.add_input(&input.name, &input.shape);
            self.layers.insert(input.node, value);
            if let Some(port) = self.variants.first().inputs.get(place) {
                self.kernels.insert(port.node, value);
            }
        }
        let unknown = graph.graph.inputs.iter().find(|input| !self.nodes.can_compute(&input.shape));
        match unknown {
            Some(input) => Err(Refusal::open(format!(
                "a symbol of the input `{}`, {}, is no size itself",
                input.name, input.shape
            ))),
            None => Ok(()),
        }
    }

    /// A layer: by its own operators, or by its kernels where it has none or the set has not.
    fn layer(&mut self, graph: &ShapedGraph, id: NodeId) -> Result<(), Refusal> {
        let Some(Node { kind: NodeKind::Operator(operator), path, parameters, .. }) = graph.graph.dag.get(id) else {
            return Ok(());
        };
        let path = match (operator.is_nameless(), path.is_empty()) {
            (_, true) => operator.name().to_owned(),
            (true, false) => format!("{path}.{}", operator.name()),
            (false, false) => path.to_string(),
        };
        let inputs: Vec<Value> =
            graph.graph.dag.arguments(id).iter().filter_map(|id| self.layers.get(id).copied()).collect();
        let parameters: Vec<Value> = parameters.iter().map(|&wanted| self.parameter(wanted)).collect();
        self.nodes.begin(&path, inputs, parameters, graph.shape(id));
        let own = operator.onnx(&mut self.nodes).and_then(|value| self.nodes.end(value).ok());
        let value = match own {
            Some(value) => value,
            None => self.by_kernels(graph, id, &path)?,
        };
        self.layers.insert(id, value);
        if let Some(&kernel) = self.variants.layers.values.get(&id) {
            self.kernels.insert(kernel, value);
        }
        Ok(())
    }

    /// A layer's kernels. One that gives what it takes is a node too, so that it is seen.
    fn by_kernels(&mut self, graph: &ShapedGraph, id: NodeId, path: &str) -> Result<Value, Refusal> {
        let inputs = graph.graph.dag.arguments(id);
        for input in &inputs {
            // A later layer may have gone by the same kernel.
            if let (Some(&kernel), Some(&value)) = (self.variants.layers.values.get(input), self.layers.get(input)) {
                self.kernels.insert(kernel, value);
            }
        }
        for kernel in self.variants.layers.own.get(&id).cloned().unwrap_or_default() {
            self.kernel(NodeId::new(kernel))?;
        }
        let last = self.variants.layers.values.get(&id).copied().unwrap_or(NodeId::end());
        let mut value = self.value(last)?;
        self.nodes.begin(path, Vec::new(), Vec::new(), graph.shape(id));
        if inputs.iter().any(|input| self.layers.get(input) == Some(&value)) {
            value = self.nodes.node("Identity", &[value], Vec::new());
        } else {
            self.nodes.adopt();
        }
        self.nodes.end(value).map_err(|missing| Refusal::set(missing, self.nodes.set()))
    }

    /// A parameter under its key.
    fn parameter(&mut self, wanted: ParameterUse) -> Value {
        if let Some(&known) = self.parameters.get(&wanted) {
            return known;
        }
        let ParameterUse { parameter, transposed } = wanted;
        let value = if transposed {
            let plain = self.parameter(ParameterUse { transposed: false, ..wanted });
            self.nodes.node("Transpose", &[plain], vec![("perm", Attribute::Ints(vec![1, 0]))])
        } else {
            let (key, shape) = match self.graph.parameter(parameter) {
                Some(parameter) => (parameter.path.to_string(), parameter.shape.clone()),
                None => Default::default(),
            };
            self.nodes.initialiser(&key, &shape, Content::Parameter(parameter))
        };
        self.parameters.insert(wanted, value);
        value
    }

    fn finish(mut self, graph: &ShapedGraph, set: i64) -> Result<Exported, Refusal> {
        let mut given = Vec::new();
        for (place, output) in graph.graph.outputs.iter().enumerate() {
            let kernel = self.variants.first().outputs.get(place).map(|port| port.node);
            let value = match self.layers.get(&output.node).filter(|_| !self.fused) {
                Some(&value) => value,
                None => self.value(kernel.unwrap_or(NodeId::end()))?,
            };
            given.push((output.name.to_string(), value));
        }
        let outputs = graph.graph.outputs.iter().map(|output| (output.name.to_string(), graph.shape(output.node)));
        let outputs = outputs.collect();
        let inputs = graph.graph.inputs.iter().map(|input| (input.name.to_string(), input.shape.clone())).collect();
        let written = self.nodes.finish(&given);
        let kernels = self.variants.into_first();
        Ok(Exported { written, inputs, outputs, set, kernels })
    }
}
