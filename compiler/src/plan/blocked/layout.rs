//! Which values hold their channels in blocks, and what shape they then have.
//!
//! On a target with vectors of `lanes` elements an image `[N, C, H, W]` is held as `[N, C / lanes, H, W, lanes]`, the last block
//! filled up, so that a vector is a pixel's neighbouring channels. Convolutions make blocks, and what lies between them keeps
//! them: values change their layout only where the net begins, where it ends, and at kernels that mix channels in another way.
//!
//! The lanes that fill up the last block hold finite numbers, whatever they are: kernels meet them with weights of zero. What may
//! not be finite there (`spare.rs`) stays as the graph has it. A convolution has no such choice: it writes blocks, of zeros where
//! there is no channel, and an epilogue that would make more than finite numbers of them becomes a `Map` after it.

use super::spare::Spare;
use super::{Method, Reorder, SizedConvolution};
use crate::graph::NodeId;
use crate::kernels::{Expression, Kernel, KernelGraph, KernelNode, Layouts};
use crate::plan::order::Order;
use std::collections::{HashMap, HashSet};

/// How a tensor lies, apart from strides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::plan) enum Layout {
    /// As the graph has it.
    Plain,
    /// `[N, C, H, W]` as `[N, C / lanes, H, W, lanes]`.
    Blocked {
        /// Channels of a block.
        lanes: usize,
    },
}

impl Layout {
    /// The shape in memory of a value of the graph.
    pub fn shape(self, shape: &[usize]) -> Vec<usize> {
        match (self, shape) {
            (Layout::Blocked { lanes }, &[batch, channels, height, width]) => {
                vec![batch, channels.div_ceil(lanes), height, width, lanes]
            }
            _ => shape.to_vec(),
        }
    }

    /// An index, or a size, along an axis of the graph's value, in what it is in memory.
    pub fn along(self, axis: usize, index: usize) -> usize {
        match self {
            Layout::Blocked { lanes } if axis == 1 => index.div_ceil(lanes),
            _ => index,
        }
    }

    /// What brings an image of so many channels from another layout into this one.
    pub fn reorder(self, from: Layout, channels: usize) -> Option<Reorder> {
        match (from, self) {
            (Layout::Plain, Layout::Blocked { lanes }) => Some(Reorder { channels, lanes, into_blocks: true }),
            (Layout::Blocked { lanes }, Layout::Plain) => Some(Reorder { channels, lanes, into_blocks: false }),
            _ => None,
        }
    }
}

/// The values that are held in blocks of `lanes`; none when vectors have one lane. A parameter's new value, written where the
/// old one lies, is plain as that is.
///
/// # Errors
/// The convolutions whose epilogue may leave no finite number in the spare lanes; it has to come [`apart`].
pub(in crate::plan) fn blocked(
    graph: &KernelGraph,
    Order { order, in_place }: &Order,
    constants: &HashSet<NodeId>,
    lanes: usize,
) -> Result<HashSet<NodeId>, Vec<NodeId>> {
    let mut blocked = HashSet::new();
    let mut spares = HashMap::new();
    let mut unfinished = Vec::new();
    for &id in order.iter().filter(|id| lanes > 1 && !in_place.contains_key(id)) {
        let Some(node) = graph.dag.get(id).filter(|node| node.shape.len() == 4) else { continue };
        let convolves = convolution(graph, id, node).is_some();
        // Bytes are images in blocks: whoever made them bytes saw to it. What fills a block up is a byte, and so finite.
        if node.element.quantisation().is_some() {
            blocked.insert(id);
            continue;
        }
        // What is made once stays plain, as parameters are; but there is only one way to convolve.
        if (constants.contains(&id) && !convolves) || !holds_blocks(graph, &blocked, id, node, lanes) {
            continue;
        }
        match spare(graph, &blocked, &spares, id, node, lanes) {
            Some(spare) => {
                spares.insert(id, spare);
                blocked.insert(id);
            }
            None if convolves => unfinished.push(id),
            None => {}
        }
    }
    if unfinished.is_empty() { Ok(blocked) } else { Err(unfinished) }
}

/// Whether a value of bytes lies in the narrowest blocks: a plain image of few channels, made bytes for convolutions alone.
pub(in crate::plan) fn narrow(graph: &KernelGraph, id: NodeId, lanes: usize) -> bool {
    let few = |node: &&KernelNode| {
        let channels = node.shape.get(1).copied().unwrap_or(0);
        lanes > Method::WORD && channels <= Method::WORD && node.element.quantisation().is_some()
    };
    let Some(node) = graph.dag.get(id).filter(few) else { return false };
    let converts = node.kernel == Kernel::Map(Expression::operand(0)) && node.shape.len() == 4;
    let convolves = |&(user, slot): &(NodeId, u32)| {
        let full = |conv: SizedConvolution| !conv.transposed && conv.groups == 1;
        slot == 0 && graph.dag.get(user).and_then(|node| convolution(graph, user, node)).is_some_and(full)
    };
    converts && graph.dag.uses(id).iter().all(convolves)
}

/// Makes the epilogues of nodes `Map`s of their own, which take the nodes' places.
pub(in crate::plan) fn apart(graph: &mut KernelGraph, nodes: &[NodeId]) {
    for &id in nodes {
        let arguments = graph.dag.arguments(id);
        let Some(node) = graph.dag.get_mut(id) else { continue };
        let Some(epilogue) = node.epilogue.take() else { continue };
        let bare = node.clone();
        let Some((own, others)) = arguments.split_at_checked(bare.own_arguments) else { continue };
        node.kernel = Kernel::Map(epilogue);
        node.own_arguments = 1 + others.len();
        let bare = graph.dag.add(bare, own);
        graph.dag.set_arguments(id, &[&[bare], others].concat());
    }
}

/// What the spare lanes of a value in blocks hold; `None` when that may be no finite number. Where no lane is spare it does not
/// matter.
fn spare(
    graph: &KernelGraph,
    blocked: &HashSet<NodeId>,
    spares: &HashMap<NodeId, Spare>,
    id: NodeId,
    node: &KernelNode,
    lanes: usize,
) -> Option<Spare> {
    let channels = |shape: &[usize]| shape.get(1).copied().unwrap_or(1);
    if channels(&node.shape).is_multiple_of(lanes) {
        return Some(Spare::Known(0.0));
    }
    let of_operand = |argument: &NodeId| {
        let shape = graph.dag.get(*argument).map_or(&[][..], |argument| &argument.shape);
        match channels(shape) == 1 && channels(&node.shape) != 1 {
            true => Spare::Shared,
            // What is brought into blocks is filled up with zeros.
            false if !blocked.contains(argument) => Spare::Known(0.0),
            false => spares.get(argument).copied().unwrap_or(Spare::Finite),
        }
    };
    let operands: Vec<Spare> = graph.dag.arguments(id).iter().map(of_operand).collect();
    let (own, others) = operands.split_at_checked(node.own_arguments)?;
    let first = own.first().copied().unwrap_or(Spare::Finite);
    let is_zero = first == Spare::Known(0.0);
    let made = match &node.kernel {
        Kernel::Map(expression) => Spare::of(expression, own)?,
        // Their packed weights are zero for channels that there are not.
        _ if convolution(graph, id, node).is_some() => Spare::Known(0.0),
        kernel if kernel.keeps_zeros() && is_zero => Spare::Known(0.0),
        _ => Spare::Finite,
    };
    let Some(epilogue) = &node.epilogue else { return Some(made) };
    let operands: Vec<Spare> = std::iter::once(made).chain(others.iter().copied()).collect();
    Spare::of(epilogue, &operands)
}

fn holds_blocks(graph: &KernelGraph, blocked: &HashSet<NodeId>, id: NodeId, node: &KernelNode, lanes: usize) -> bool {
    // Where an element lies in a tensor is a question about the tensor as the graph has it.
    if node.epilogue.as_ref().is_some_and(Expression::is_placed) {
        return false;
    }
    let shape = |id: NodeId| graph.dag.get(id).map_or(&[][..], |node| &node.shape);
    let arguments = graph.dag.arguments(id);
    let arguments = arguments.iter().map(|&argument| (shape(argument), blocked.contains(&argument))).collect();
    let layouts = Layouts { lanes, shape: &node.shape, arguments };
    let stays_plain = |convolution: SizedConvolution| convolution.stays_plain(layouts.first(), lanes);
    node.kernel.in_blocks(&layouts) && !convolution(graph, id, node).is_some_and(stays_plain)
}

/// The convolution that a node is, if it is one.
fn convolution(graph: &KernelGraph, id: NodeId, node: &KernelNode) -> Option<SizedConvolution> {
    if !matches!(node.kernel, Kernel::Conv(_) | Kernel::ConvData(_)) {
        return None;
    }
    let input = graph.dag.arguments(id).first().copied()?;
    SizedConvolution::of(&node.kernel, &graph.dag.get(input)?.shape, &node.shape)
}
