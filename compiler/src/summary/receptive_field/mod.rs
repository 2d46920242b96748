//! The receptive field of every value: which part of the input plane one of its elements depends on.
//!
//! The plane is the last two axes of an input of three axes or more. For both of its axes every value knows what its elements
//! see, as an
//! [`Extent`], so that branches unite, or follow one another, exactly. A field reaches from the first element seen to the last;
//! padding counts, as it does in the literature (Araujo, Norris and Sim, "Computing receptive fields of convolutional neural
//! networks", 2019), so a field may be larger than the input. Where elements see different numbers it is the largest. It is given
//! as the whole where elements see all of an axis, and where it depends on sizes that are open: branches that move over the input
//! at different speeds, or whose neighbours in a `concat` along height or width are seen by a later window.

mod extent;
#[cfg(test)]
mod tests;

use crate::graph::{Node, NodeId, NodeKind, ShapedGraph};
use crate::ops::{AxisMove, LayerField, Taps};
use crate::shape::{Dim, Shape};
use extent::Extent;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

/// How much of one axis of the input plane an element sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// That many neighbouring elements, padding included.
    Elements(u64),
    /// All of it.
    Whole,
}

/// How much of the input plane an element sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceptiveField {
    /// Rows.
    pub height: Seen,
    /// Columns.
    pub width: Seen,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Elements(count) => write!(f, "{count}"),
            Seen::Whole => f.write_str("whole"),
        }
    }
}

/// The part of an input's plane that one element sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenPart {
    /// The input's number.
    pub input: usize,
    /// First and last row. Those before 0 and past the last one are padding.
    pub rows: (i64, i64),
    /// First and last column.
    pub columns: (i64, i64),
}

/// `5×5`, or `whole`
impl fmt::Display for ReceptiveField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.height, self.width) {
            (Seen::Whole, Seen::Whole) => f.write_str("whole"),
            (height, width) => write!(f, "{height}×{width}"),
        }
    }
}

/// What a value's elements see of one axis of one input's plane, and the value's axis along which they differ.
#[derive(Clone, Debug, PartialEq)]
struct AxisField {
    axis: usize,
    extent: Extent,
}

/// The views by input and axis of its plane (0 is the height); nothing for an input on which the value does not depend.
type Field = BTreeMap<(usize, usize), AxisField>;

/// The fields of all values, by node index; `None` where there is no plane. `shape` says a value's shape, with all sizes that are
/// known.
pub(super) fn receptive_fields(
    shaped: &ShapedGraph,
    order: &[NodeId],
    shape: &dyn Fn(NodeId) -> Shape,
) -> Vec<Option<ReceptiveField>> {
    let walk = walk_of(shaped, shape);
    let mut all: Vec<Option<ReceptiveField>> = Vec::new();
    each_field(&walk, shaped, order, shape, &mut |id, field, own| {
        if all.len() <= id.index() {
            all.resize(id.index() + 1, None);
        }
        if let Some(slot) = all.get_mut(id.index()) {
            *slot = walk.seen(field, own);
        }
    });
    all
}

/// What the element at `index` of a value sees of each input's plane.
pub(super) fn seen_by(
    shaped: &ShapedGraph,
    order: &[NodeId],
    shape: &dyn Fn(NodeId) -> Shape,
    (node, index): (NodeId, &[usize]),
) -> Vec<SeenPart> {
    let walk = walk_of(shaped, shape);
    let mut parts = Vec::new();
    each_field(&walk, shaped, order, shape, &mut |id, field, own| {
        if id == node {
            parts = (0..walk.planes.len()).filter_map(|input| walk.part(field, own, input, index)).collect();
        }
    });
    parts
}

fn walk_of(shaped: &ShapedGraph, shape: &dyn Fn(NodeId) -> Shape) -> Walk {
    let planes = shaped.graph.inputs.iter().map(|input| shape(input.node)).map(|shape| {
        let size = |from_end: usize| shape.rank().checked_sub(from_end).and_then(|axis| size(&shape, axis));
        [size(2), size(1)]
    });
    Walk { planes: planes.collect() }
}

/// Walks the graph, and gives `each` value's field; `order` holds arguments before their users.
fn each_field(
    walk: &Walk,
    shaped: &ShapedGraph,
    order: &[NodeId],
    shape: &dyn Fn(NodeId) -> Shape,
    each: &mut dyn FnMut(NodeId, &Field, &Shape),
) {
    // A field is kept until the last of its users is reached: of a long network few are at a time.
    let mut fields: HashMap<NodeId, (Field, usize)> = HashMap::new();
    for &id in order {
        let Some(node) = shaped.graph.dag.get(id) else { continue };
        let arguments = shaped.graph.dag.arguments(id);
        let nothing = Field::new();
        let inputs: Vec<(Shape, &Field)> = arguments
            .iter()
            .map(|&argument| (shape(argument), fields.get(&argument).map_or(&nothing, |(field, _)| field)))
            .collect();
        let own = shape(id);
        let field = walk.field(node, &inputs, &own);
        each(id, &field, &own);
        for argument in &arguments {
            if let Entry::Occupied(mut used) = fields.entry(*argument) {
                used.get_mut().1 -= 1;
                if used.get().1 == 0 {
                    used.remove();
                }
            }
        }
        let users = shaped.graph.dag.use_count(id);
        if users > 0 {
            fields.insert(id, (field, users));
        }
    }
}

/// The size of an axis, when it is a number.
fn size(shape: &Shape, axis: usize) -> Option<i128> {
    shape.get(axis).and_then(Dim::number).map(i128::from)
}

/// What stays the same while the graph is walked.
struct Walk {
    /// Height and width of every input, when they are numbers.
    planes: Vec<[Option<i128>; 2]>,
}

impl Walk {
    /// The size of an axis of an input's plane, when it is a number.
    fn input(&self, (input, plane): (usize, usize)) -> Option<i128> {
        self.planes.get(input).and_then(|planes| planes.get(plane)).copied().flatten()
    }

    /// The field of a node whose arguments have these shapes and fields.
    fn field(&self, node: &Node, inputs: &[(Shape, &Field)], output: &Shape) -> Field {
        let operator = match &node.kind {
            NodeKind::Input(number) => return input_field(*number, output.rank()),
            NodeKind::Operator(operator) => operator,
        };
        let shapes: Vec<Shape> = inputs.iter().map(|(shape, _)| shape.clone()).collect();
        let field = operator.receptive_field(&shapes, output);
        let planes: BTreeSet<_> = inputs.iter().flat_map(|(_, field)| field.keys().copied()).collect();
        let view = |plane| match field {
            LayerField::Joined(axis) if moves(axis, plane, inputs) => self.joined(axis, plane, inputs),
            _ => self.united(&field, plane, inputs, output),
        };
        planes.into_iter().filter_map(|plane| Some((plane, view(plane)?))).collect()
    }

    /// The view of what all inputs see at their own places.
    fn united(
        &self,
        field: &LayerField,
        plane: (usize, usize),
        inputs: &[(Shape, &Field)],
        output: &Shape,
    ) -> Option<AxisField> {
        let seen = inputs.iter().filter_map(|(shape, field)| Some((shape, field.get(&plane)?)));
        let input = self.input(plane);
        let views = seen.map(|(shape, view)| through(field, view, [shape, output], input));
        views.reduce(|left, right| unite(&left, &right, output, input))
    }

    /// The view of branches one after another along an axis.
    fn joined(&self, axis: usize, plane: (usize, usize), inputs: &[(Shape, &Field)]) -> Option<AxisField> {
        let along = |view: &AxisField| view.axis == axis || view.extent.stands_still();
        let followed = inputs.iter().all(|(_, field)| field.get(&plane).is_none_or(along));
        let branches =
            inputs.iter().map(|(shape, field)| (field.get(&plane).map(|view| &view.extent), size(shape, axis)));
        let extent = match followed {
            true => Extent::one_after_another(&branches.collect::<Vec<_>>(), self.input(plane)),
            false => Extent::Whole,
        };
        Some(AxisField { axis, extent })
    }

    /// The largest of a value's fields, when it has several inputs.
    fn seen(&self, field: &Field, shape: &Shape) -> Option<ReceptiveField> {
        let largest = |plane: usize| {
            let views = field.iter().filter(|((_, axis), _)| *axis == plane);
            let most = views.map(|(&plane, view)| view.extent.most(size(shape, view.axis), self.input(plane)));
            most.map(|most| most.and_then(|most| u64::try_from(most).ok()).map_or(Seen::Whole, Seen::Elements)).max()
        };
        Some(ReceptiveField { height: largest(0)?, width: largest(1)? })
    }

    /// What an element sees of an input's plane: `None` where that is nothing, or where sizes are open.
    fn part(&self, field: &Field, shape: &Shape, input: usize, index: &[usize]) -> Option<SeenPart> {
        let along = |plane: usize| {
            let view = field.get(&(input, plane))?;
            let place = i128::try_from(*index.get(view.axis)?).ok()?;
            let (first, last) = view.extent.at(place, size(shape, view.axis), self.input((input, plane)))?;
            Some((i64::try_from(first).ok()?, i64::try_from(last).ok()?))
        };
        Some(SeenPart { input, rows: along(0)?, columns: along(1)? })
    }
}

/// An input's element sees itself.
fn input_field(number: usize, rank: usize) -> Field {
    if rank < 3 {
        return Field::new();
    }
    let own = |axis| AxisField { axis, extent: Extent::own() };
    Field::from([((number, 0), own(rank - 2)), ((number, 1), own(rank - 1))])
}

/// Whether what some input sees of a plane differs along the axis.
fn moves(axis: usize, plane: (usize, usize), inputs: &[(Shape, &Field)]) -> bool {
    inputs.iter().filter_map(|(_, field)| field.get(&plane)).any(|view| view.axis == axis)
}

/// The view after an operator with an input and an output of these shapes; the axis of the input's plane has `input` elements.
fn through(field: &LayerField, view: &AxisField, [from, to]: [&Shape; 2], input: Option<i128>) -> AxisField {
    let AxisField { axis, extent } = view;
    let axis = *axis;
    let from_size = size(from, axis);
    let slid = |taps: Taps| AxisField { axis, extent: extent.through(taps, [from_size, size(to, axis)], input) };
    match field {
        LayerField::Plane(taps) => match (axis + 2).checked_sub(from.rank()).and_then(|plane| taps.get(plane)) {
            Some(&taps) => slid(taps),
            None => view.clone(),
        },
        LayerField::Line(taps) if axis + 1 == from.rank() => slid(*taps),
        LayerField::Line(_) if axis + 2 == from.rank() => AxisField { axis, extent: extent.gathered(from_size, input) },
        LayerField::Whole(axes) if axes.contains(&axis) => {
            AxisField { axis, extent: extent.gathered(from_size, input) }
        }
        LayerField::Line(_) | LayerField::Whole(_) | LayerField::Joined(_) => view.clone(),
        LayerField::Moved(axes) => {
            let axis = axes.get(axis).copied().unwrap_or(axis);
            let folded = axes.iter().filter(|&&other| other == axis).count() > 1;
            AxisField { axis, extent: if folded { extent.scattered(from_size, input) } else { extent.clone() } }
        }
        LayerField::Axes(moves) => match moves.get(axis).copied().unwrap_or(AxisMove::To(axis)) {
            AxisMove::To(axis) => AxisField { axis, extent: extent.clone() },
            AxisMove::Among(axis) => AxisField { axis, extent: extent.scattered(from_size, input) },
            AxisMove::Gathered(axis) => AxisField { axis, extent: extent.gathered(from_size, input) },
            AxisMove::Through(axis, taps) => {
                AxisField { axis, extent: extent.through(taps, [from_size, size(to, axis)], input) }
            }
        },
        LayerField::Point => {
            // A join with a value of more axes aligns the last ones.
            let axis = (axis + to.rank()).saturating_sub(from.rank());
            let to_size = size(to, axis);
            let repeated = from_size == Some(1) && to_size != Some(1);
            let taps = if repeated { Taps::FIRST } else { Taps::POINT };
            AxisField { axis, extent: extent.through(taps, [from_size, to_size], input) }
        }
    }
}

/// What two branches see together in a value of that shape.
fn unite(left: &AxisField, right: &AxisField, output: &Shape, input: Option<i128>) -> AxisField {
    let axis = if left.extent.stands_still() { right.axis } else { left.axis };
    let along_one = left.axis == right.axis || left.extent.stands_still() || right.extent.stands_still();
    let extent = match along_one {
        true => left.extent.united(&right.extent, size(output, axis), input),
        false => Extent::Whole,
    };
    AxisField { axis, extent }
}
