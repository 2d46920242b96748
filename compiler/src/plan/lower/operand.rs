//! A value as the kernel that reads it wants it: in its layout, without gaps, repeated to its result's shape. Where no view does
//! it, by a copy.

use super::super::blocked::Layout;
use super::super::draft::Located;
use super::super::operation::Operation;
use super::super::{Step, View};
use super::Lowering;
use crate::element::ElementType;
use crate::graph::NodeId;
use crate::kernels::{Expression, Kernel};
use std::sync::Arc;

/// How a view must lie for a kernel to read it.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::plan) enum Density {
    /// Without gaps from axis 1 on.
    FromAxis1,
    /// Without gaps.
    Whole,
}

impl Density {
    /// What the rules of `plan/mod.rs` ask of a kernel's own operand.
    pub fn of(kernel: &Kernel, operand: usize) -> Density {
        if kernel.reads_whole(operand) { Density::Whole } else { Density::FromAxis1 }
    }

    fn holds(self, view: &View) -> bool {
        match self {
            Density::FromAxis1 => view.is_dense_from(1),
            Density::Whole => view.is_dense(),
        }
    }
}

impl Lowering<'_> {
    /// Where a value lies as it was made.
    pub(in crate::plan) fn location(&self, id: NodeId) -> Located {
        let nowhere =
            || Located { buffer: None, view: View::dense(super::Storage::Arena, ElementType::Float32, 0, &[0]) };
        self.located.get(&id).cloned().unwrap_or_else(nowhere)
    }

    /// A value as a kernel's own operand.
    pub(in crate::plan) fn operand(
        &mut self,
        argument: NodeId,
        layout: Layout,
        density: Density,
        origins: &[Arc<str>],
    ) -> Located {
        let located = self.in_layout(argument, layout, origins);
        if density.holds(&located.view) {
            return located;
        }
        self.dense_copy(argument, layout, origins, "the kernel reads only values without gaps")
    }

    /// A value as an operand of a `Map` or an epilogue: repeated to what `user` makes.
    pub(in crate::plan) fn broadcast(&mut self, argument: NodeId, user: NodeId, origins: &[Arc<str>]) -> Located {
        let layout = self.layout(user);
        let shape = layout.shape(self.shape(user));
        let one_for_all = self.shape(argument).get(1) == Some(&1) && self.shape(user).get(1) != Some(&1);
        let located = match layout {
            Layout::Blocked { .. } if one_for_all => self.one_channel(argument),
            _ => self.in_layout(argument, layout, origins),
        };
        Located { view: located.view.broadcast(&shape), ..located }
    }

    /// The only channel of an image, as an image in blocks of which every channel is this one: sizes 1 are repeated.
    fn one_channel(&self, id: NodeId) -> Located {
        let located = self.location(id);
        let view = match self.layout(id) {
            Layout::Blocked { .. } => located.view.sliced(4, 0, 1),
            Layout::Plain => located.view.with_axis(),
        };
        Located { view, ..located }
    }

    /// A value in a layout; reordered, once, if it was made in another.
    pub(in crate::plan) fn in_layout(&mut self, id: NodeId, layout: Layout, origins: &[Arc<str>]) -> Located {
        let located = self.location(id);
        if self.layout(id) == layout {
            return located;
        }
        let shape = self.shape(id).to_vec();
        if let Some(view) = relaid(&located.view, &shape, layout) {
            return Located { view, ..located };
        }
        if let Some(copy) = self.copies.get(&(id, layout)) {
            return copy.clone();
        }
        let from = match located.view.is_dense_from(1) {
            true => located,
            false => self.dense_copy(id, self.layout(id), origins, "it is brought into another layout, and has gaps"),
        };
        let constant = self.constants.contains(&id);
        let into = self.fresh(&layout.shape(&shape), from.view.element, constant);
        let channels = shape.get(1).copied().unwrap_or(0);
        if let Some(reorder) = layout.reorder(self.layout(id), channels) {
            self.move_elements(Operation::Reorder(reorder), from, into.clone(), constant, origins);
        }
        let how = if layout == Layout::Plain { "brought out of blocks" } else { "brought into blocks" };
        if !constant {
            self.note(origins, format!("`{}` is {how} of channels", self.graph.label(id)));
        }
        self.copies.insert((id, layout), into.clone());
        into
    }

    /// A copy without gaps, in the layout asked for.
    pub(super) fn dense_copy(&mut self, id: NodeId, layout: Layout, origins: &[Arc<str>], why: &str) -> Located {
        let from = self.in_layout(id, layout, origins);
        if let Some(copy) = self.copies.get(&(id, layout)).filter(|copy| copy.view.is_dense()) {
            return copy.clone();
        }
        let constant = self.constants.contains(&id);
        let into = self.fresh(&from.view.shape, from.view.element, constant);
        self.copy(from, into.clone(), constant, origins);
        self.note(origins, format!("`{}` is copied: {why}", self.graph.label(id)));
        self.copies.insert((id, layout), into.clone());
        into
    }

    pub(super) fn copy(&mut self, from: Located, into: Located, constant: bool, origins: &[Arc<str>]) {
        self.move_elements(Operation::Map(Expression::operand(0)), from, into, constant, origins);
    }

    /// A step of one operand that computes nothing.
    pub(in crate::plan) fn move_elements(
        &mut self,
        operation: Operation,
        from: Located,
        into: Located,
        constant: bool,
        origins: &[Arc<str>],
    ) {
        let step = Step {
            operation,
            operands: vec![from.view.clone()],
            own_operands: 1,
            compute: into.view.element.computed(),
            epilogue: None,
            output: into.view.clone(),
            origins: origins.to_vec(),
        };
        self.push(step, &[from], &into, constant);
    }
}

/// The view in another layout, where no element has to move: images of one pixel have their channels side by side in both. Lanes
/// are side by side wherever an image is in blocks; the channels of a part of a larger image need not be.
fn relaid(view: &View, shape: &[usize], layout: Layout) -> Option<View> {
    let &[batch, channels, 1, 1] = shape else { return None };
    match layout {
        Layout::Plain => {
            let filled: usize = view.shape.iter().skip(1).product();
            view.reshaped(&[batch, filled])?.sliced(1, 0, channels).reshaped(shape)
        }
        Layout::Blocked { lanes } if channels.is_multiple_of(lanes) => {
            view.reshaped(&layout.shape(shape)).filter(|blocks| blocks.strides.last() == Some(&1))
        }
        Layout::Blocked { .. } => None,
    }
}
