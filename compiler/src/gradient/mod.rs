//! Reverse mode: from a graph and one number in it to the same graph with that number's gradients.
//!
//! Walks the nodes from the last to the first. Each hands the gradient of its value on to its arguments, written in the same
//! vocabulary (each kernel's file says how); what an argument is handed by several users is added up, so that
//! tied parameters need nothing of their own. Nodes that no wanted value reaches are not visited.
//!
//! A gradient may have size 1 along an axis where its value has more: it is then the same number all along. So the gradient of a
//! sum costs nothing, and it is written out only for kernels that read it whole.
//!
//! Works on graphs before the passes: no node has an epilogue yet.

mod derivative;
mod map;
#[cfg(test)]
mod tests;

use crate::diagnostic::Diagnostic;
use crate::element::ElementType;
use crate::graph::NodeId;
use crate::kernels::{Binary, Expression, Kernel, KernelGraph, KernelNode, Reduce, Reduction, Unary, fault};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The most gradients that one `Map` adds up.
const MAX_TERMS: usize = 32;

/// Adds the gradients of `loss`, a single number, by the wanted values: one node each, of the value's shape, or `None` where the
/// loss does not depend on the value.
///
/// # Errors
/// E499 when the graph has a cycle or is fused already.
pub fn gradient(
    graph: &mut KernelGraph,
    loss: NodeId,
    wanted: &[NodeId],
) -> Result<Vec<Option<NodeId>>, Box<Diagnostic>> {
    let order = graph.dag.order().ok_or_else(|| fault("the kernels form a circle"))?;
    if order.iter().any(|&id| graph.dag.get(id).is_some_and(|node| node.epilogue.is_some())) {
        return Err(fault("gradients are asked of a graph that is fused already"));
    }
    let mut backward =
        Backward { needed: reached(graph, &order, wanted), graph, parts: HashMap::new(), origins: vec![] };
    backward.begin(loss);
    for id in order.into_iter().rev() {
        backward.visit(id);
    }
    let gradients = wanted.iter().map(|&id| backward.finished(id)).collect();
    forget_fixed(graph);
    Ok(gradients)
}

/// The nodes that depend on a wanted one.
fn reached(graph: &KernelGraph, order: &[NodeId], wanted: &[NodeId]) -> HashSet<NodeId> {
    let mut reached: HashSet<NodeId> = wanted.iter().copied().collect();
    for &id in order {
        if graph.dag.arguments(id).iter().any(|argument| reached.contains(argument)) {
            reached.insert(id);
        }
    }
    reached
}

/// Takes away the marks that only gradients heed.
fn forget_fixed(graph: &mut KernelGraph) {
    for id in graph.dag.iter().map(|(id, _)| id).collect::<Vec<_>>() {
        if let Some(KernelNode { kernel: Kernel::Map(expression), .. }) = graph.dag.get_mut(id) {
            *expression = expression.rewrite(&|part| match part {
                Expression::Unary(Unary::Fixed, x) => *x,
                other => other,
            });
        }
    }
}

/// A node, and the gradient of its value that is to be handed on.
pub struct Handed {
    /// The node.
    pub id: NodeId,
    /// Its arguments.
    pub arguments: Vec<NodeId>,
    /// The sizes of its value.
    pub shape: Vec<usize>,
    /// The gradient.
    pub gradient: NodeId,
}

/// The walk, which kernels are asked to hand gradients on to.
pub struct Backward<'a> {
    graph: &'a mut KernelGraph,
    /// The nodes whose gradient leads to a wanted one.
    needed: HashSet<NodeId>,
    /// What each value was handed so far.
    parts: HashMap<NodeId, Vec<NodeId>>,
    /// Where the nodes that are being added come from.
    origins: Vec<Arc<str>>,
}

impl Backward<'_> {
    /// The loss's own gradient is 1.
    fn begin(&mut self, loss: NodeId) {
        self.origins = self.graph.dag.get(loss).map(|node| node.origins.clone()).unwrap_or_default();
        let one = self.add(Kernel::Map(Expression::Constant(1.0)), self.shape(loss), &[]);
        self.parts.insert(loss, vec![one]);
    }

    /// Hands a node's gradient on to its arguments.
    fn visit(&mut self, id: NodeId) {
        let Some(node) = self.graph.dag.get(id).filter(|_| self.needed.contains(&id)).cloned() else { return };
        self.origins = node.origins.iter().map(|origin| format!("gradient of {origin}").into()).collect();
        let Some(gradient) = self.total(id) else { return };
        let arguments = self.graph.dag.arguments(id);
        node.kernel.gradient(self, &Handed { id, arguments, shape: node.shape, gradient });
        self.parts.insert(id, vec![gradient]);
    }

    /// Whether a value's gradient is asked for.
    fn needs(&self, value: NodeId) -> bool {
        self.needed.contains(&value)
    }

    /// Hands a gradient to an argument, if it needs one.
    pub(crate) fn hand(&mut self, argument: NodeId, part: NodeId) {
        if self.needs(argument) {
            self.parts.entry(argument).or_default().push(part);
        }
    }

    /// Hands an argument, if it needs one, the gradient that a kernel computes.
    pub(crate) fn hand_computed(&mut self, argument: NodeId, kernel: Kernel, operands: &[NodeId]) {
        if self.needs(argument) {
            let part = self.add(kernel, self.shape(argument), operands);
            self.hand(argument, part);
        }
    }

    /// Hands the only argument of a movement the gradient, moved back.
    pub(crate) fn hand_moved(&mut self, handed: &Handed, back: Kernel) {
        let &[x] = handed.arguments.as_slice() else { return };
        let g = self.whole(handed.gradient, &handed.shape);
        self.hand_computed(x, back, &[g]);
    }

    /// The sum of what a value was handed.
    fn total(&mut self, id: NodeId) -> Option<NodeId> {
        let mut parts = self.parts.remove(&id)?;
        while parts.len() > 1 {
            let first: Vec<NodeId> = parts.drain(..parts.len().min(MAX_TERMS)).collect();
            let terms = (1..first.len()).map(Expression::operand);
            let sum = terms.fold(Expression::operand(0), |sum, term| sum + term);
            parts.insert(0, self.map(sum, &first));
        }
        parts.pop()
    }

    /// A wanted value's gradient, written out.
    fn finished(&mut self, id: NodeId) -> Option<NodeId> {
        let gradient = self.total(id)?;
        self.parts.insert(id, vec![gradient]);
        self.origins = self.graph.dag.get(gradient).map(|node| node.origins.clone()).unwrap_or_default();
        Some(self.whole(gradient, &self.shape(id)))
    }

    /// The gradient written out to all of its value's shape, for a kernel that reads it so.
    pub(crate) fn whole(&mut self, gradient: NodeId, shape: &[usize]) -> NodeId {
        if self.shape(gradient) == shape {
            return gradient;
        }
        self.add(Kernel::Map(Expression::operand(0)), shape.to_vec(), &[gradient])
    }

    pub(crate) fn shape(&self, id: NodeId) -> Vec<usize> {
        self.graph.dag.get(id).map(|node| node.shape.clone()).unwrap_or_default()
    }

    fn add(&mut self, kernel: Kernel, shape: Vec<usize>, arguments: &[NodeId]) -> NodeId {
        self.graph.add(kernel, shape, arguments, self.origins.clone())
    }

    /// A `Map` whose size along each axis is the largest of its operands'; the operand itself when nothing is computed.
    pub(crate) fn map(&mut self, expression: Expression, operands: &[NodeId]) -> NodeId {
        let rank = operands.first().map_or(0, |&first| self.shape(first).len());
        self.map_within(&vec![1; rank], expression, operands)
    }

    /// As [`Backward::map`], of an expression about places in a tensor of the given shape: if it asks for them it has that shape.
    fn map_within(&mut self, whole: &[usize], expression: Expression, operands: &[NodeId]) -> NodeId {
        let used = expression.operands();
        let kept: Vec<NodeId> = used.iter().filter_map(|&index| operands.get(index).copied()).collect();
        let number = |index: usize| used.iter().position(|&other| other == index).unwrap_or(0);
        let expression = expression.substitute(&|index| Expression::operand(number(index)));
        if let (Expression::Operand(0), Some(&value)) = (&expression, kept.first())
            && self.graph.element(value) == Some(ElementType::Float32)
        {
            return value;
        }
        let mut shape = if expression.is_placed() { whole.to_vec() } else { vec![1; whole.len()] };
        for &operand in &kept {
            for (size, other) in shape.iter_mut().zip(self.shape(operand)) {
                *size = (*size).max(other);
            }
        }
        self.add(Kernel::Map(expression), shape, &kept)
    }

    /// Added up over some axes, which keep size 1.
    pub(crate) fn sum(&mut self, value: NodeId, over: &[bool]) -> NodeId {
        let sizes = self.shape(value);
        let shape = sizes.iter().zip(over).map(|(&size, &gone)| if gone { 1 } else { size }).collect();
        if shape == sizes {
            return value;
        }
        self.add(Kernel::Reduce(Reduce { reduction: Reduction::Sum, axes: over.to_vec() }), shape, &[value])
    }
}

/// `a·b`, without what a factor of 0, 1 or −1 makes needless. A choice takes the factor into both branches, so that what is not
/// chosen counts for nothing, infinite as it may be.
fn product(a: Expression, b: Expression) -> Expression {
    match b {
        Expression::Constant(0.0) => Expression::Constant(0.0),
        Expression::Constant(1.0) => a,
        Expression::Unary(Unary::Negate, b) => -product(a, *b),
        Expression::Select(condition, then, otherwise) => {
            condition.select(product(a.clone(), *then), product(a, *otherwise))
        }
        b if a == Expression::Constant(1.0) => b,
        b => a.binary(Binary::Multiply, b),
    }
}
