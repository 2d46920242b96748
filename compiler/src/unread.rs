//! What layers leave unread: a network and its sizes come in, the rows and columns that nobody looks at go out.
//!
//! A window of stride 2 over 7 rows reads six of them: flooring drops the last. Told from [`LayerField`], which every layer says
//! of itself and which never claims too little, so that what is told to be unread is. Branches that read the same value read
//! it together. Followed back from the outputs to the inputs, the same says which part of a picture no answer depends on.

use crate::graph::{NodeId, NodeKind, ShapedGraph};
use crate::ops::{AxisMove, LayerField, Taps};
use crate::shape::Shape;
use std::collections::HashMap;

/// Elements along an axis of a value that are not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The value.
    pub value: NodeId,
    /// The layers that read the rest of it.
    pub readers: Vec<NodeId>,
    /// The axis.
    pub axis: usize,
    /// Its size.
    pub size: usize,
    /// The elements, ascending.
    pub elements: Vec<usize>,
}

/// What is not read in a network at its sizes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// What no layer reads of a value, though the layer reads all that it can: by value, in the order of the layers.
    pub dropped: Vec<Unread>,
    /// What no output depends on, of each input.
    pub unseen: Vec<Unread>,
}

/// The elements of a value that are read, an entry an axis; `None` is all of them.
type Read = Vec<Option<Vec<bool>>>;

/// The longest axis that is looked at; no plane comes near it.
const LONGEST: usize = 1 << 16;

/// What no layer reads at these sizes; `None` when a symbol has none, or the layers form a circle.
pub fn unread(shaped: &ShapedGraph, values: &dyn Fn(&str) -> Option<i64>) -> Option<Coverage> {
    let dag = &shaped.graph.dag;
    let order = dag.order()?;
    let mut shapes: HashMap<NodeId, Vec<usize>> = HashMap::new();
    for &id in &order {
        shapes.insert(id, shaped.shape(id).at(values)?);
    }
    let sizes = |id: NodeId| shapes.get(&id).map(Vec::as_slice).unwrap_or_default();
    // What is read if every answer of a layer is wanted, and what is read for the outputs' sake.
    let mut near: HashMap<NodeId, Read> = HashMap::new();
    let mut wanted: HashMap<NodeId, Read> = HashMap::new();
    for output in &shaped.graph.outputs {
        wanted.insert(output.node, all(sizes(output.node)));
        near.insert(output.node, all(sizes(output.node)));
    }
    for &id in order.iter().rev() {
        let Some(node) = dag.get(id) else { continue };
        let (NodeKind::Operator(operator), Some(own)) = (&node.kind, wanted.get(&id).cloned()) else { continue };
        let arguments = dag.arguments(id);
        let taken: Vec<Shape> = arguments.iter().map(|&argument| Shape::from(sizes(argument))).collect();
        let field = operator.receptive_field(&taken, &Shape::from(sizes(id)));
        let mut before = 0;
        for &argument in &arguments {
            let step = Step { field: &field, from: sizes(argument), to: sizes(id), before };
            if let LayerField::Joined(axis) = field {
                before += step.from.get(axis).copied().unwrap_or(0);
            }
            unite(&mut near, argument, step.read(&all(step.to)));
            unite(&mut wanted, argument, step.read(&own));
        }
    }
    let unread = |id: NodeId, read: &Read| {
        let unread = read.iter().enumerate().filter_map(move |(axis, read)| {
            let elements: Vec<usize> =
                read.as_ref()?.iter().enumerate().filter(|(_, read)| !**read).map(|it| it.0).collect();
            (!elements.is_empty()).then_some((axis, elements))
        });
        let readers: Vec<NodeId> = dag.uses(id).into_iter().map(|(user, _)| user).collect();
        let size = sizes(id).to_vec();
        unread
            .map(move |(axis, elements)| Unread {
                value: id,
                readers: readers.clone(),
                axis,
                size: size.get(axis).copied().unwrap_or(0),
                elements,
            })
            .collect::<Vec<_>>()
    };
    let dropped = order.iter().filter_map(|id| Some(unread(*id, near.get(id)?))).flatten().collect();
    let inputs = shaped.graph.inputs.iter().map(|input| input.node);
    let unseen = inputs.filter_map(|id| Some(unread(id, wanted.get(&id)?))).flatten().collect();
    Some(Coverage { dropped, unseen })
}

fn all(sizes: &[usize]) -> Read {
    vec![None; sizes.len()]
}

/// Adds what one more layer reads of a value.
fn unite(reads: &mut HashMap<NodeId, Read>, value: NodeId, more: Read) {
    let Some(known) = reads.get_mut(&value) else {
        reads.insert(value, more);
        return;
    };
    for (known, more) in known.iter_mut().zip(more) {
        match (known.as_mut(), more) {
            (Some(known), Some(more)) => known.iter_mut().zip(more).for_each(|(known, more)| *known |= more),
            _ => *known = None,
        }
    }
}

/// One layer, as one of its inputs sees it.
struct Step<'s> {
    field: &'s LayerField,
    from: &'s [usize],
    to: &'s [usize],
    /// In a join along an axis, how much of that axis earlier inputs take.
    before: usize,
}

impl Step<'_> {
    /// What is read of the input, where that much of the output is wanted.
    fn read(&self, wanted: &Read) -> Read {
        (0..self.from.len()).map(|axis| self.along(axis, wanted).filter(|read| read.contains(&false))).collect()
    }

    fn along(&self, axis: usize, wanted: &Read) -> Option<Vec<bool>> {
        let rank = self.from.len();
        let same = |other: usize| {
            let equal = self.from.get(axis) == self.to.get(other);
            equal.then(|| wanted.get(other).cloned().flatten()).flatten()
        };
        let through = |other: usize, taps: Taps| self.tapped(axis, other, taps, wanted);
        match self.field {
            LayerField::Plane(taps) => match (axis + 2).checked_sub(rank).and_then(|plane| taps.get(plane)) {
                Some(&taps) => through(axis, taps),
                None => None,
            },
            LayerField::Line(taps) if axis + 1 == rank => through(axis, *taps),
            LayerField::Line(_) => None,
            LayerField::Whole(axes) if axes.contains(&axis) => None,
            LayerField::Whole(_) => same(axis),
            LayerField::Joined(joined) if *joined == axis => {
                let size = self.from.get(axis).copied()?;
                wanted.get(axis)?.as_ref()?.get(self.before..self.before + size).map(<[bool]>::to_vec)
            }
            LayerField::Joined(_) => same(axis),
            LayerField::Point => same((axis + self.to.len()).checked_sub(rank)?),
            LayerField::Moved(axes) => {
                let other = *axes.get(axis)?;
                let is_alone = axes.iter().filter(|&&one| one == other).count() == 1;
                is_alone.then(|| same(other)).flatten()
            }
            LayerField::Axes(moves) => match moves.get(axis).copied().unwrap_or(AxisMove::To(axis)) {
                AxisMove::To(other) => same(other),
                AxisMove::Among(_) | AxisMove::Gathered(_) => None,
                AxisMove::Through(other, taps) => through(other, taps),
            },
        }
    }

    /// What a layer reads along an axis, of whose answers along `other` these are wanted; `None` where that is not known.
    fn tapped(&self, axis: usize, other: usize, taps: Taps, wanted: &Read) -> Option<Vec<bool>> {
        let (size, answers) = (*self.from.get(axis)?, *self.to.get(other)?);
        if size > LONGEST || answers > LONGEST {
            return None;
        }
        let mut read = vec![false; size];
        for answer in 0..answers {
            if wanted.get(other)?.as_ref().is_some_and(|wanted| wanted.get(answer) == Some(&false)) {
                continue;
            }
            let Some((first, last, apart)) = taps.at(answer as i128)? else { continue };
            let places = (0..).map(|step| first + step * apart).take_while(|&place| place <= last);
            let inside = places.skip_while(|&place| place < 0).take_while(|&place| place < size as i128);
            for place in inside {
                *read.get_mut(usize::try_from(place).ok()?)? = true;
            }
        }
        Some(read)
    }
}
