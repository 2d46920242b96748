//! Which values of a run are bytes: those that have a quantisation, and that kernels which take bytes make and read.
//!
//! What comes in is a graph after all other passes, and for named values which numbers their bytes stand for, as calibration
//! found it. What goes out is the same graph with values of [`ElementType::Uint8`]: a kernel with constant weights that reads
//! bytes takes its products in whole numbers. Where a kernel cannot read what another makes, a `Map` of nothing converts it,
//! once for all that need it. Outputs stay floats, and so does whatever has no quantisation.
//!
//! Parts of a concatenation get the quantisation of the whole, since they are written into it; what only selects numbers, as max
//! pooling does, keeps that of what it selects from.

use super::{Note, done, left};
use crate::element::{ElementType, Quantisation};
use crate::graph::NodeId;
use crate::kernels::{Expression, Kernel, KernelGraph, KernelNode, Port};
use crate::plan::added;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// Products of bytes whose sum has 32 bits, whatever they are: 2³¹ over 255 · 127, and the sum of the weights times a zero beside
/// it.
const MOST_PRODUCTS: usize = 1 << 15;

/// What of a network is computed of bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quantisations {
    /// Which numbers the bytes of values stand for, by the values' names.
    pub values: BTreeMap<Arc<str>, Quantisation>,
    /// The keys of the weights that are multiplied as bytes; a kernel with others stays in float32.
    pub weights: BTreeSet<Arc<str>>,
}

impl Quantisations {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() || self.weights.is_empty()
    }
}

/// The key of the weight, a parameter with output channels, of which a constant is made.
fn weight_key(graph: &KernelGraph, id: NodeId) -> Option<Arc<str>> {
    let mut rest = vec![id];
    while let Some(id) = rest.pop() {
        let node = graph.dag.get(id)?;
        if let Kernel::Parameter(parameter) = node.kernel {
            let known = graph.parameters.get(parameter.0 as usize)?;
            if known.shape.len() > 1 {
                return Some(known.path.clone());
            }
        }
        rest.extend(graph.dag.arguments(id));
    }
    None
}

/// The keys of the weights that could be multiplied as bytes.
fn weight_keys(graph: &KernelGraph) -> BTreeSet<Arc<str>> {
    let constants = graph.constants();
    let takes = |node: &KernelNode| node.kernel.is_weighted() && node.kernel.takes_bytes();
    let weighted = graph.dag.iter().filter(|(_, node)| takes(node));
    let weights = weighted.filter_map(|(id, _)| graph.dag.arguments(id).get(1).copied());
    weights.filter(|weight| constants.contains(weight)).filter_map(|weight| weight_key(graph, weight)).collect()
}

/// The name of every value of a run that one can have: an input's, else the path of the last layer that it came from. Of several
/// values of one layer only the last has it.
pub fn value_names(graph: &KernelGraph) -> HashMap<NodeId, Arc<str>> {
    let constants = graph.constants();
    let mut named: HashMap<Arc<str>, NodeId> = HashMap::new();
    for id in graph.dag.order().unwrap_or_default() {
        let Some(node) = graph.dag.get(id).filter(|node| node.compute == ElementType::Float32) else { continue };
        let name = match &node.kernel {
            Kernel::Input(number) => graph.inputs.get(*number).map(|port| port.name.clone()),
            Kernel::Parameter(_) => None,
            kernel if kernel.moves() && !matches!(kernel, Kernel::Concat(_)) => None,
            _ => node.origins.last().map(|origin| origin.split(' ').next().unwrap_or_default().into()),
        };
        if let Some(name) = name.filter(|_| !constants.contains(&id)) {
            named.insert(name, id);
        }
    }
    named.into_iter().map(|(name, id)| (id, name)).collect()
}

/// Has a run answer every value that can have a quantisation, after its own outputs: what calibration looks at. Their names, and
/// the keys of the weights that could be multiplied as bytes.
pub fn observe(graph: &mut KernelGraph) -> (Vec<Arc<str>>, BTreeSet<Arc<str>>) {
    let named = value_names(graph);
    let order = graph.dag.order().unwrap_or_default();
    let ports: Vec<Port> =
        order.into_iter().filter_map(|node| Some(Port { name: named.get(&node)?.clone(), node })).collect();
    let names = ports.iter().map(|port| port.name.clone()).collect();
    let weights = weight_keys(graph);
    ports.into_iter().for_each(|port| graph.outputs.push(port));
    (names, weights)
}

/// Makes bytes of the values that have a quantisation, where channels are held in blocks of so many.
pub fn quantise(graph: &mut KernelGraph, quantisations: &Quantisations, lanes: usize) -> Vec<Note> {
    if quantisations.is_empty() {
        return Vec::new();
    }
    let constants = graph.constants();
    let names = value_names(graph);
    let wanted = names.iter().filter_map(|(&id, name)| Some((id, *quantisations.values.get(name)?))).collect();
    let weights = &quantisations.weights;
    let mut pass = Pass { lanes, weights, constants, wanted, converted: HashMap::new(), notes: Vec::new() };
    let order = graph.dag.order().unwrap_or_default();
    pass.share_along_concatenations(graph, &order);
    for id in order {
        pass.node(graph, id);
    }
    pass.notes
}

struct Pass<'q> {
    lanes: usize,
    weights: &'q BTreeSet<Arc<str>>,
    constants: HashSet<NodeId>,
    wanted: HashMap<NodeId, Quantisation>,
    /// The conversions made so far: of which value, to which type.
    converted: HashMap<(NodeId, ElementType), NodeId>,
    notes: Vec<Note>,
}

impl Pass<'_> {
    /// Gives the parts of a concatenation its quantisation.
    fn share_along_concatenations(&mut self, graph: &KernelGraph, order: &[NodeId]) {
        for &id in order.iter().rev() {
            let Some(&quantisation) = self.wanted.get(&id) else { continue };
            if graph.dag.get(id).is_some_and(|node| node.kernel.selects()) {
                for part in graph.dag.arguments(id) {
                    let moved = graph.dag.get(part).is_some_and(|node| node.kernel.selects());
                    if moved || self.wanted.contains_key(&part) {
                        self.wanted.insert(part, quantisation);
                    }
                }
            }
        }
    }

    fn node(&mut self, graph: &mut KernelGraph, id: NodeId) {
        let Some(node) = graph.dag.get(id) else { return };
        if node.kernel.is_given() || self.constants.contains(&id) || node.compute != ElementType::Float32 {
            return;
        }
        let (node, arguments) = (node.clone(), graph.dag.arguments(id));
        let types: Vec<ElementType> = arguments.iter().filter_map(|&argument| graph.element(argument)).collect();
        if node.kernel.is_weighted() && node.kernel.takes_bytes() {
            self.weighted(graph, id, &node, &arguments);
        } else if self.may_be_bytes(graph, id, &node, &arguments, &types) {
            let own = types.first().copied().unwrap_or(ElementType::Float32);
            let element = match self.wanted.get(&id) {
                _ if node.kernel.selects() => own,
                Some(&wanted) if is_image(&node.shape) => ElementType::Uint8(wanted),
                _ => ElementType::Float32,
            };
            self.set(graph, id, element);
        } else {
            self.as_floats(graph, id, 0..arguments.len());
        }
    }

    /// A kernel with weights: of bytes, where its input has a quantisation and its weights are constant.
    fn weighted(&mut self, graph: &mut KernelGraph, id: NodeId, node: &KernelNode, arguments: &[NodeId]) {
        let (Some(&x), Some(weight)) = (arguments.first(), arguments.get(1)) else { return };
        let input = graph.element(x).and_then(ElementType::quantisation).or_else(|| self.wanted.get(&x).copied());
        let row = |shape: &[usize]| shape.len() != 2 || shape.get(1).is_some_and(|size| size.is_multiple_of(4));
        let is_row = graph.dag.get(x).is_some_and(|node| row(&node.shape));
        let (chosen, products) = (self.is_chosen(graph, *weight), products(graph, *weight));
        match input.filter(|_| chosen && is_row && products <= MOST_PRODUCTS) {
            Some(quantisation) => {
                let bytes = self.convert(graph, x, ElementType::Uint8(quantisation));
                graph.dag.set_arguments(id, &[&[bytes], arguments.get(1..).unwrap_or_default()].concat());
                let wanted = self.wanted.get(&id).filter(|_| !graph.is_output(id) && row(&node.shape));
                let element = wanted.map_or(ElementType::Float32, |&wanted| ElementType::Uint8(wanted));
                let added = self.added(graph, node, arguments).filter(|_| element != ElementType::Float32);
                for place in (node.own_arguments..arguments.len()).filter(|&place| Some(place) != added) {
                    self.as_floats(graph, id, place..place + 1);
                }
                self.set(graph, id, element);
                self.notes.push(done(
                    "quantise",
                    node.place(),
                    format!("its products are taken of bytes, {quantisation:?}"),
                ));
            }
            None => {
                self.as_floats(graph, id, 0..arguments.len());
                let why = match chosen {
                    true if products > MOST_PRODUCTS => "its sums are past 32 bits",
                    true => "its input has no quantisation",
                    false => "its weights are no bytes",
                };
                self.notes.push(left("quantise", node.place(), format!("it stays in float32: {why}")));
            }
        }
    }

    /// Whether a weight is to be multiplied as bytes.
    fn is_chosen(&self, graph: &KernelGraph, weight: NodeId) -> bool {
        self.constants.contains(&weight) && weight_key(graph, weight).is_some_and(|key| self.weights.contains(&key))
    }

    /// The place of the argument that is added to the kernel's result.
    fn added(&self, graph: &KernelGraph, node: &KernelNode, arguments: &[NodeId]) -> Option<usize> {
        let others = arguments.get(node.own_arguments..)?;
        let shapes: Vec<&[usize]> =
            others.iter().filter_map(|&other| graph.dag.get(other)).map(|other| other.shape.as_slice()).collect();
        Some(node.own_arguments + added(node.epilogue.as_ref()?, &shapes, &node.shape)? - 1)
    }

    /// Whether a kernel without weights can take its arguments as they are, some of them bytes.
    fn may_be_bytes(
        &self,
        graph: &KernelGraph,
        id: NodeId,
        node: &KernelNode,
        arguments: &[NodeId],
        types: &[ElementType],
    ) -> bool {
        let is_any = types.iter().any(|&element| element != ElementType::Float32);
        // What follows element by element is computed in floats, but for kernels with weights.
        if !is_any || graph.is_output(id) || node.epilogue.is_some() {
            return false;
        }
        let whole_blocks = |&argument: &NodeId| {
            let channels = graph.dag.get(argument).and_then(|node| node.shape.get(1));
            channels.is_some_and(|channels| channels.is_multiple_of(self.lanes))
        };
        let images =
            || arguments.iter().filter_map(|&argument| graph.dag.get(argument)).all(|node| is_image(&node.shape));
        let alike = types.iter().all(|element| Some(element) == types.first());
        match &node.kernel {
            Kernel::Concat(concat) => alike && images() && concat.axis == 1 && arguments.iter().all(whole_blocks),
            Kernel::Slice(slice) => alike && images() && (slice.axis != 1 || slice.start.is_multiple_of(self.lanes)),
            // Flattened for fully connected layers, which read the image as it lies.
            Kernel::Reshape(_) => {
                let &[_, features] = node.shape.as_slice() else { return false };
                let reads = |&(user, slot): &(NodeId, u32)| {
                    slot == 0
                        && graph
                            .dag
                            .get(user)
                            .is_some_and(|user| user.kernel.is_weighted() && user.kernel.takes_bytes())
                        && graph.dag.arguments(user).get(1).is_some_and(|&weight| {
                            self.is_chosen(graph, weight) && products(graph, weight) <= MOST_PRODUCTS
                        })
                };
                images() && features.is_multiple_of(4) && graph.dag.uses(id).iter().all(reads)
            }
            kernel if kernel.moves() => false,
            kernel => kernel.takes_bytes() && images() && is_image(&node.shape),
        }
    }

    /// Floats of some arguments that are bytes.
    fn as_floats(&mut self, graph: &mut KernelGraph, id: NodeId, which: std::ops::Range<usize>) {
        let mut arguments = graph.dag.arguments(id);
        for argument in arguments.get_mut(which).unwrap_or_default() {
            *argument = self.convert(graph, *argument, ElementType::Float32);
        }
        graph.dag.set_arguments(id, &arguments);
    }

    /// The value as another type; itself where it is of that type, and of what only counts.
    fn convert(&mut self, graph: &mut KernelGraph, id: NodeId, element: ElementType) -> NodeId {
        let Some(node) = graph.dag.get(id).filter(|node| node.element.computed() == element.computed()) else {
            return id;
        };
        if node.element == element {
            return id;
        }
        if let Some(&converted) = self.converted.get(&(id, element)) {
            return converted;
        }
        let (shape, origins) = (node.shape.clone(), node.origins.clone());
        let mut node = KernelNode::new(Kernel::Map(Expression::operand(0)), shape, element, 1, origins);
        node.compute = element.computed();
        let converted = graph.dag.add(node, &[id]);
        self.converted.insert((id, element), converted);
        converted
    }

    fn set(&self, graph: &mut KernelGraph, id: NodeId, element: ElementType) {
        if let Some(node) = graph.dag.get_mut(id) {
            node.element = element;
        }
    }
}

/// How many products are summed by a kernel of that weight.
fn products(graph: &KernelGraph, weight: NodeId) -> usize {
    graph.dag.get(weight).map_or(0, |weight| weight.shape.iter().skip(1).product())
}

fn is_image(shape: &[usize]) -> bool {
    shape.len() == 4
}
