//! An expression together with the values that its operands stand for: what the passes over `Map`s and epilogues compute with.
//!
//! In the formula of an epilogue, operand 0 is the node itself and stands for the kernel's own result. A value is one operand
//! however often it occurs ([`Formula::compact`]), so that "how often is this value used" is a question about the expression
//! alone.

use crate::graph::NodeId;
use crate::kernels::{Binary, Expression, Kernel, KernelGraph, Unary};
use std::collections::HashMap;
use std::sync::Arc;

/// The most operations of an expression that passes make: kernels evaluate it element by element, and walk it by recursion.
pub(super) const MAX_OPERATIONS: usize = 64;

/// What computing a part of an expression twice may cost, in the unit of [`cost`]. Writing a value to memory and reading it back
/// costs more.
pub(super) const CHEAP: usize = 16;

/// An expression and its operands' values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Formula {
    /// The expression.
    pub expression: Expression,
    /// By operand.
    pub operands: Vec<NodeId>,
}

impl Formula {
    /// What a `Map` computes.
    pub fn of_map(graph: &KernelGraph, id: NodeId) -> Option<Formula> {
        let Kernel::Map(expression) = &graph.dag.get(id)?.kernel else { return None };
        Some(Formula { expression: expression.clone(), operands: graph.dag.arguments(id) }.compact())
    }

    /// What a node's epilogue computes of the kernel's result; the result itself when there is none.
    pub fn of_epilogue(graph: &KernelGraph, id: NodeId) -> Option<Formula> {
        let node = graph.dag.get(id)?;
        let others = graph.dag.arguments(id).into_iter().skip(node.own_arguments);
        let expression = node.epilogue.clone().unwrap_or(Expression::operand(0));
        Some(Formula { expression, operands: [id].into_iter().chain(others).collect() })
    }

    /// How often a value occurs; every value is one operand.
    pub fn occurrences(&self, value: NodeId) -> usize {
        self.index_of(value).map_or(0, |index| self.expression.count(index))
    }

    /// The operand that a value is.
    pub fn index_of(&self, value: NodeId) -> Option<usize> {
        self.operands.iter().position(|&operand| operand == value)
    }

    /// The formula with `inner` written out wherever `value` stands.
    pub fn inline(&self, value: NodeId, inner: &Formula) -> Formula {
        let shift = self.operands.len();
        let moved = inner.expression.substitute(&|index| Expression::operand(index + shift));
        let at = self.index_of(value);
        let expression = self.expression.substitute(&|index| {
            if Some(index) == at { moved.clone() } else { Expression::operand(index) }
        });
        Formula { expression, operands: [self.operands.as_slice(), &inner.operands].concat() }.compact()
    }

    /// Every value as one operand, in the order of their first operands, those that do not occur left out.
    pub fn compact(self) -> Formula {
        let used = self.expression.operands();
        let mut numbers: HashMap<NodeId, usize> = HashMap::new();
        let mut operands = Vec::new();
        for &value in used.iter().filter_map(|&index| self.operands.get(index)) {
            numbers.entry(value).or_insert_with(|| {
                operands.push(value);
                operands.len() - 1
            });
        }
        let number = |index: usize| self.operands.get(index).and_then(|value| numbers.get(value)).copied();
        let expression = self.expression.substitute(&|index| Expression::operand(number(index).unwrap_or(index)));
        Formula { expression, operands }
    }

    /// Makes a node the `Map` of this formula; its shape stays.
    pub fn write_map(self, graph: &mut KernelGraph, id: NodeId) {
        let Formula { expression, operands } = self.compact();
        graph.dag.set_arguments(id, &operands);
        if let Some(node) = graph.dag.get_mut(id) {
            node.own_arguments = operands.len();
            node.kernel = Kernel::Map(expression);
        }
    }

    /// A new `Map` of this formula; the operand itself when the formula is no more than that.
    pub fn add(self, graph: &mut KernelGraph, origins: &[Arc<str>]) -> NodeId {
        let formula = self.compact();
        if let (Expression::Operand(0), [value]) = (&formula.expression, formula.operands.as_slice()) {
            return *value;
        }
        let shape = formula.shape(graph);
        graph.add(Kernel::Map(formula.expression), shape, &formula.operands, origins.to_vec())
    }

    /// The sizes to which the operands are repeated.
    pub fn shape(&self, graph: &KernelGraph) -> Vec<usize> {
        let mut common: Vec<usize> = Vec::new();
        for node in self.operands.iter().filter_map(|&operand| graph.dag.get(operand)) {
            common.resize(common.len().max(node.shape.len()), 1);
            for (size, &other) in common.iter_mut().zip(&node.shape) {
                *size = if *size == 1 { other } else { *size };
            }
        }
        common
    }

    /// Makes this formula a node's epilogue.
    pub fn write_epilogue(self, graph: &mut KernelGraph, id: NodeId) {
        let Some(own) = graph.dag.get(id).map(|node| node.own_arguments) else { return };
        let formula = self.compact();
        let others: Vec<NodeId> = formula.operands.iter().copied().filter(|&operand| operand != id).collect();
        let number = |index: usize| match formula.operands.get(index) {
            Some(&value) if value != id => others.iter().position(|&other| other == value).map_or(0, |at| at + 1),
            _ => 0,
        };
        let expression = formula.expression.substitute(&|index| Expression::operand(number(index)));
        let mut arguments: Vec<NodeId> = graph.dag.arguments(id).into_iter().take(own).collect();
        arguments.extend(&others);
        graph.dag.set_arguments(id, &arguments);
        if let Some(node) = graph.dag.get_mut(id) {
            node.epilogue = (expression != Expression::Operand(0)).then_some(expression);
        }
    }

    /// Whether `inner` may be written out where `value` stands: what is computed twice then is cheap, and the whole is not too
    /// long. Otherwise a sentence that says which.
    pub fn may_inline(&self, value: NodeId, inner: &Expression) -> Result<(), String> {
        let times = self.occurrences(value);
        let again = times.saturating_sub(1) * cost(inner);
        if again > CHEAP {
            return Err(format!("its formula is used {times} times, and computing it anew each time costs too much"));
        }
        let operations = self.expression.operations() + times * inner.operations();
        if operations > MAX_OPERATIONS {
            return Err(format!("together they would be {operations} operations, and {MAX_OPERATIONS} is the most"));
        }
        Ok(())
    }
}

/// What an expression costs an element, an addition being 1.
pub(super) fn cost(expression: &Expression) -> usize {
    expression.all_parts().into_iter().map(cost_of_operation).sum()
}

/// What its outermost operation costs.
pub(super) fn cost_of_operation(expression: &Expression) -> usize {
    match expression {
        Expression::Operand(_) | Expression::Constant(_) | Expression::Index(_) => 0,
        Expression::Unary(Unary::Fixed, _) => 0,
        Expression::Unary(Unary::Negate, _) | Expression::Select(..) => 1,
        Expression::Unary(Unary::Sqrt, _) | Expression::Binary(Binary::Divide, ..) => 4,
        Expression::Unary(..) | Expression::Binary(Binary::Power, ..) | Expression::Uniform(..) => 16,
        Expression::Binary(..) => 1,
    }
}
