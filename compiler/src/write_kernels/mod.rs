//! Shaped graph to kernel graph: every layer writes itself in the kernel vocabulary.
//!
//! Symbols get their numbers here (`bind.rs`), so that from here on every size is a number. A parameter is one node however many
//! layers read it, so that a tied layer stays one. What layers wrote is checked against the shapes that inference found.
//!
//! A layer writes itself otherwise in training where it means something else there: batch norm takes the batch's statistics, and
//! dropout draws. The graph then has two inputs more, `seed` and `step`.

mod bind;

use crate::diagnostic::{Code, Diagnostic, Label};
use crate::element::ElementType;
use crate::graph::{Graph, Node, NodeId, NodeKind, ParameterId, ParameterUse, ShapedGraph, TraceId};
use crate::kernels::random::fnv1a;
use crate::kernels::{
    Kernel, KernelBuilder, KernelGraph, KernelParameter, LayerContext, MAX_ELEMENTS, Port, Randomness, Start, elements,
    fault, verify,
};
use crate::ops::Op;
use crate::training::names;
use bind::BoundSizes;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// Sizes given to symbols.
pub type Bindings = BTreeMap<String, usize>;

/// Writes all layers, with every symbol bound to a number.
///
/// # Errors
/// E402 when a symbol has no size, E308 when the sizes are not valid for this network, E401 when a tensor is past counting, E499
/// when a layer wrote what it should not.
pub fn write_kernels(graph: &ShapedGraph, bindings: &Bindings) -> Result<KernelGraph, Box<Diagnostic>> {
    write(graph, bindings, Mode::Inference).map(|(kernels, _)| kernels)
}

/// As [`write_kernels`], with which layer wrote what.
///
/// # Errors
/// As [`write_kernels`].
pub fn write_layers(graph: &ShapedGraph, bindings: &Bindings) -> Result<(KernelGraph, Layers), Box<Diagnostic>> {
    write(graph, bindings, Mode::Inference)
}

/// Which layer wrote what, by the layer's node.
#[derive(Debug, Default)]
pub struct Layers {
    /// The kernel that holds each layer's value, or input's.
    pub values: HashMap<NodeId, NodeId>,
    /// The kernels that it wrote, which may be none.
    pub own: HashMap<NodeId, Range<usize>>,
}

/// As [`write_kernels`], for a training step: the network's forward half, with the updates of running statistics.
///
/// # Errors
/// As [`write_kernels`]; E403 when a layer cannot be trained at these sizes.
pub fn write_training_kernels(graph: &ShapedGraph, bindings: &Bindings) -> Result<KernelGraph, Box<Diagnostic>> {
    write(graph, bindings, Mode::Training).map(|(kernels, _)| kernels)
}

/// What the network is written for.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Inference,
    Training,
}

fn write(graph: &ShapedGraph, bindings: &Bindings, mode: Mode) -> Result<(KernelGraph, Layers), Box<Diagnostic>> {
    let sizes = BoundSizes::new(graph, bindings)?;
    let mut writer = Writer {
        source: graph,
        sizes,
        kernels: KernelGraph::default(),
        layers: Layers::default(),
        parameters: HashMap::new(),
        key: None,
        streams: HashMap::new(),
    };
    writer.declare_parameters()?;
    writer.write_inputs()?;
    if mode == Mode::Training {
        let key = [names::SEED, names::STEP];
        writer.key = Some(key.map(|name| writer.kernels.add_input(name, ElementType::Uint64, &[])));
    }
    for id in graph.graph.dag.order().ok_or_else(|| fault("the layers form a circle"))? {
        writer.write_node(id)?;
    }
    writer.write_outputs()?;
    verify(&writer.kernels).map_err(|text| fault(&text))?;
    Ok((writer.kernels, writer.layers))
}

/// Whether a layer has a buffer that no training changes, so that in one it answers as at inference.
fn has_frozen_buffers(graph: &Graph, node: &Node) -> bool {
    let used = node.parameters.iter().filter_map(|used| graph.parameter(used.parameter));
    used.into_iter().any(|parameter| !parameter.trainable && parameter.learning.frozen)
}

struct Writer<'a> {
    source: &'a ShapedGraph,
    sizes: BoundSizes<'a>,
    kernels: KernelGraph,
    layers: Layers,
    /// Parameters as the layers take them; a transposed one is a node of its own.
    parameters: HashMap<(ParameterId, bool), NodeId>,
    /// In training, the inputs that random numbers are drawn with.
    key: Option<[NodeId; 2]>,
    /// How many layers of each path have drawn so far: a layer that is used twice draws twice.
    streams: HashMap<Arc<str>, usize>,
}

impl Writer<'_> {
    fn declare_parameters(&mut self) -> Result<(), Box<Diagnostic>> {
        for parameter in &self.source.graph.parameters {
            let what = || format!("the parameter `{}`", parameter.path);
            countable(&parameter.shape, what)
                .map_err(|error| Box::new(error.label(parameter.span, "declared here")))?;
            let (path, shape) = (parameter.path.clone(), parameter.shape.clone());
            let (element, start) = (parameter.element(), Start::Stored);
            self.kernels.parameters.push(KernelParameter { path, shape, element, start });
        }
        Ok(())
    }

    fn write_inputs(&mut self) -> Result<(), Box<Diagnostic>> {
        for input in &self.source.graph.inputs {
            let shape = self
                .sizes
                .shape(&input.shape)
                .and_then(|shape| countable(&shape, || format!("the input `{}`", input.name)).map(|()| shape));
            let shape = shape.map_err(|error| Box::new(error.label(input.span, "this input")))?;
            let node = self.kernels.add_input(&input.name, ElementType::Float32, &shape);
            self.layers.values.insert(input.node, node);
        }
        Ok(())
    }

    fn write_node(&mut self, id: NodeId) -> Result<(), Box<Diagnostic>> {
        let source = self.source;
        let Some(node) = source.graph.dag.get(id) else { return Ok(()) };
        let NodeKind::Operator(operator) = &node.kind else { return Ok(()) };
        let value = self.write_layer(id, node, operator).map_err(|mut error| {
            if error.labels.is_empty() {
                *error = error.clone().label(node.span, "this layer");
            }
            error.trace.extend(trace(&source.graph, node));
            error
        })?;
        self.layers.values.insert(id, value);
        Ok(())
    }

    fn write_layer(&mut self, id: NodeId, node: &Node, operator: &Op) -> Result<NodeId, Box<Diagnostic>> {
        let source = self.source;
        let origin: Arc<str> = origin(node, operator).into();
        let output = self.sizes.shape(&self.source.shape(id))?;
        countable(&output, || format!("the result of `{origin}`"))?;
        let arguments = self.source.graph.dag.arguments(id);
        let inputs = arguments
            .iter()
            .map(|argument| self.layers.values.get(argument).copied().unwrap_or(NodeId::end()))
            .collect();
        let parameters = node.parameters.iter().map(|&parameter| self.parameter(parameter)).collect();
        let before = self.kernels.dag.len();
        let context = LayerContext { origin: origin.clone(), inputs, parameters, output: output.clone() };
        let key = self.key.filter(|_| !has_frozen_buffers(&source.graph, node));
        let randomness = key.map(|key| Randomness { key, stream: self.stream(&node.path) });
        let builder = KernelBuilder::new(&mut self.kernels, context);
        let mut builder = match randomness {
            Some(randomness) => builder.in_training(randomness),
            None => builder,
        };
        let value = operator.lower(&mut builder);
        if let Some(why) = builder.refusal() {
            return Err(Box::new(Diagnostic::without_place(
                Code::E403,
                format!("`{origin}` cannot be trained: {why}"),
            )));
        }
        // Nothing is removed while layers are written, so the new nodes are the last ones.
        let own = before..self.kernels.dag.len();
        self.layers.own.insert(id, own.clone());
        for kernel in own.filter_map(|index| self.kernels.dag.get(NodeId::new(index))) {
            countable(&kernel.shape, || format!("a value inside `{origin}`"))?;
        }
        match self.kernels.dag.get(value) {
            Some(written) if written.shape == output => Ok(value),
            Some(written) => {
                Err(fault(&format!("`{origin}` wrote a value of shape {:?}, not {output:?}", written.shape)))
            }
            None => Err(fault(&format!("`{origin}` wrote no value"))),
        }
    }

    /// The stream of a layer's random numbers: of its path, and of which use of it this is.
    fn stream(&mut self, path: &Arc<str>) -> u64 {
        let uses = self.streams.entry(path.clone()).or_default();
        *uses += 1;
        if *uses == 1 { fnv1a(path) } else { fnv1a(&format!("{path}#{uses}")) }
    }

    /// The node of a parameter, made at its first use.
    fn parameter(&mut self, wanted: ParameterUse) -> NodeId {
        let key = (wanted.parameter, wanted.transposed);
        if let Some(&node) = self.parameters.get(&key) {
            return node;
        }
        let node = if wanted.transposed {
            let plain = self.parameter(ParameterUse { transposed: false, ..wanted });
            let context = LayerContext {
                origin: format!("{}.T", self.kernels.label(plain)).into(),
                inputs: vec![plain],
                parameters: Vec::new(),
                output: Vec::new(),
            };
            KernelBuilder::new(&mut self.kernels, context).permute(plain, &[1, 0])
        } else {
            let shape = self.shape_of(wanted.parameter);
            self.kernels.add(Kernel::Parameter(wanted.parameter), shape, &[], Vec::new())
        };
        self.parameters.insert(key, node);
        node
    }

    fn shape_of(&self, parameter: ParameterId) -> Vec<usize> {
        self.kernels.parameters.get(parameter.0 as usize).map(|entry| entry.shape.clone()).unwrap_or_default()
    }

    fn write_outputs(&mut self) -> Result<(), Box<Diagnostic>> {
        for output in &self.source.graph.outputs {
            let value = self.layers.values.get(&output.node);
            let &node = value.ok_or_else(|| fault(&format!("the output `{}` was never written", output.name)))?;
            self.kernels.outputs.push(Port { name: output.name.clone(), node });
        }
        Ok(())
    }
}

/// `features.0 Conv2d`; the operator alone when it stands at the top without a name.
fn origin(node: &Node, operator: &Op) -> String {
    if node.path.is_empty() { operator.name().to_string() } else { format!("{} {}", node.path, operator.name()) }
}

/// The calls and loops that led to a layer, innermost first.
fn trace(graph: &Graph, node: &Node) -> Vec<Label> {
    let step = |id: &TraceId| graph.traces.get(id.0 as usize);
    let ids = std::iter::successors(node.trace, |id| step(id).and_then(|trace| trace.parent));
    ids.take(graph.traces.len())
        .filter_map(|id| step(&id).map(|trace| Label { span: trace.span, text: trace.kind.to_string() }))
        .collect()
}

/// E401 for a tensor that no machine could hold, so that later stages can count without care.
fn countable(shape: &[usize], what: impl FnOnce() -> String) -> Result<(), Box<Diagnostic>> {
    if elements(shape).is_some_and(|count| count <= MAX_ELEMENTS) {
        return Ok(());
    }
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let message = format!("{} has more elements than any memory holds", what());
    Err(Box::new(Diagnostic::without_place(Code::E401, message).note(format!("its shape is [{}]", sizes.join(", ")))))
}
