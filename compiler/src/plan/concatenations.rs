//! Concatenation without a copy: which values are written straight into the place that they will have in a concatenation.
//!
//! Found before any step is written, from the last node to the first, so that a concatenation of concatenations (DenseNet: each
//! layer adds its features to those before) becomes one buffer that grows. A part goes straight into its place if
//! - it is computed by a kernel or is a concatenation itself; inputs and parameters lie where they lie, and a view of something
//!   else has that one's place (reshaped parts are looked through);
//! - it is a constant exactly if the concatenation is, and held in the same layout;
//! - it has no place in another concatenation, or twice in the same;
//! - its place is dense from axis 1 on, as kernels write (`plan/mod.rs`).
//!
//! Any other part is copied when the concatenation is due.

use super::blocked::Layout;
use super::{Storage, View};
use crate::graph::NodeId;
use crate::kernels::{Concat, Kernel, KernelGraph, KernelNode};
use std::collections::{HashMap, HashSet};

/// A value's place in a concatenation's buffer, counted from the buffer's start.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The outermost concatenation, whose buffer it is.
    pub owner: NodeId,
    /// Where in it.
    pub view: View,
}

/// The places of all values that have one, concatenations included; `order` has arguments before users.
pub(super) fn find_parts(
    graph: &KernelGraph,
    order: &[NodeId],
    constants: &HashSet<NodeId>,
    layout: &dyn Fn(NodeId) -> Layout,
) -> HashMap<NodeId, Part> {
    let mut places: HashMap<NodeId, Part> = HashMap::new();
    for &id in order.iter().rev() {
        let Some(KernelNode { kernel: Kernel::Concat(Concat { axis }), shape, element, .. }) = graph.dag.get(id) else {
            continue;
        };
        let held = layout(id);
        let dense = || Part { owner: id, view: View::dense(Storage::Arena, *element, 0, &held.shape(shape)) };
        let whole = places.entry(id).or_insert_with(dense);
        let (owner, view) = (whole.owner, whole.view.clone());
        for (part, place) in parts(graph, id, *axis, held, &view) {
            let Some((part, place)) = look_through(graph, part, place) else { continue };
            let alike = constants.contains(&part) == constants.contains(&id) && layout(part) == held;
            if alike && place.is_dense_from(1) && writes_anywhere(graph, part) {
                places.entry(part).or_insert(Part { owner, view: place });
            }
        }
    }
    places
}

/// The arguments of a concatenation, each with its place inside `view`, which lies as `layout` says.
pub(super) fn parts(
    graph: &KernelGraph,
    concat: NodeId,
    axis: usize,
    layout: Layout,
    view: &View,
) -> Vec<(NodeId, View)> {
    let mut start = 0;
    let mut parts = Vec::new();
    for part in graph.dag.arguments(concat) {
        let length = graph.dag.get(part).and_then(|node| node.shape.get(axis)).copied().unwrap_or(0);
        let length = layout.along(axis, length);
        parts.push((part, view.sliced(axis, start, length)));
        start += length;
    }
    parts
}

/// Through reshapes to the value that is computed, with the place that it must have.
fn look_through(graph: &KernelGraph, mut part: NodeId, mut place: View) -> Option<(NodeId, View)> {
    while let Some(KernelNode { kernel: Kernel::Reshape(_), .. }) = graph.dag.get(part) {
        part = graph.dag.arguments(part).first().copied()?;
        place = place.reshaped(&graph.dag.get(part)?.shape)?;
    }
    Some((part, place))
}

/// Whether the value is one that a step, or several, write where they are told to.
fn writes_anywhere(graph: &KernelGraph, id: NodeId) -> bool {
    graph.dag.get(id).is_some_and(|node| !node.kernel.is_given() && !node.kernel.is_view())
}
