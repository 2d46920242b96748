//! Takes what depends on parameters alone out of `Map`s and epilogues, into kernels of its own, which run once in `prepare`.
//!
//! First an expression is written so that its constants stand together:
//! - `(x − mean) / √(var + eps) · weight + bias` becomes `x·scale + shift`, where this costs a run less;
//! - `(x + a) + (y + b)` becomes `(x + y) + (a + b)`, and products alike;
//! - division by a constant becomes multiplication by its inverse.
//!
//! Then every largest part that is made of constants becomes a `Map` of its own. Never worse: a run has fewer operations. A part
//! is left where it is when its value would be larger than all that it is made of, since reading it could cost more than
//! computing it.

use super::affine::{Affine, largest_affine, replace_part};
use super::fold_constants::simplify;
use super::formula::{Formula, cost_of_operation};
use super::{Note, done};
use crate::element::ElementType;
use crate::graph::NodeId;
use crate::kernels::{Binary, Expression, Kernel, KernelGraph, KernelNode, elements};
use std::collections::HashSet;

/// Hoists from every node that is no constant itself.
pub fn hoist_constants(graph: &mut KernelGraph) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut constants = graph.constants();
    for id in graph.dag.order().unwrap_or_default() {
        let is_real = |node: &&KernelNode| node.compute == ElementType::Float32;
        let varying = graph.dag.get(id).filter(|_| !constants.contains(&id));
        let Some(node) = varying.filter(is_real) else { continue };
        let (place, is_map) = (node.place(), matches!(node.kernel, Kernel::Map(_)));
        if !is_map && node.epilogue.is_none() {
            continue;
        }
        let formula = if is_map { Formula::of_map(graph, id) } else { Formula::of_epilogue(graph, id) };
        let Some(formula) = formula.filter(|formula| formula.operands.iter().any(|value| constants.contains(value)))
        else {
            continue;
        };
        let before = formula.clone();
        let (hoisted, count) = hoist(graph, id, gather(formula, &constants), &mut constants);
        if hoisted == before {
            continue;
        }
        if is_map {
            hoisted.write_map(graph, id)
        } else {
            hoisted.write_epilogue(graph, id)
        }
        if count > 0 {
            let parts = if count == 1 { "part of its formula is" } else { "parts of its formula are" };
            let text = format!("{count} {parts} made of parameters alone and computed once, when weights are loaded");
            notes.push(done("hoist_constants", place, text));
        }
    }
    notes
}

/// The same formula with its constants together.
fn gather(formula: Formula, constants: &HashSet<NodeId>) -> Formula {
    let Formula { mut expression, operands } = formula;
    let constant = |index: usize| operands.get(index).is_some_and(|operand| constants.contains(operand));
    for x in (0..operands.len()).filter(|&index| !constant(index)) {
        if let Some((part, Affine { scale, shift })) = largest_affine(&expression, x, &constant, &constant) {
            let product = Expression::operand(x) * scale;
            let whole = shift.map_or(product.clone(), |shift| product + shift);
            let other = simplify(&replace_part(&expression, &part, &whole));
            if run_cost(&other, &constant) < run_cost(&expression, &constant) {
                expression = other;
            }
        }
    }
    Formula { expression: expression.rewrite(&|part| regroup(part, &constant)), operands }
}

/// One step of moving constants outwards; the parts of `expression` are already so written.
fn regroup(expression: Expression, constant: &dyn Fn(usize) -> bool) -> Expression {
    let fixed = |part: &Expression| is_constant(part, constant);
    match expression {
        Expression::Binary(Binary::Divide, a, b) if fixed(&b) && !fixed(&a) && !b.operands().is_empty() => {
            regroup(*a * (Expression::Constant(1.0) / *b), constant)
        }
        Expression::Binary(Binary::Subtract, a, b) if fixed(&b) && split(&a, Binary::Add, constant).1.is_some() => {
            regroup(*a + -*b, constant)
        }
        Expression::Binary(operation @ (Binary::Add | Binary::Multiply), a, b) => {
            let ((x, first), (y, second)) = (split(&a, operation, constant), split(&b, operation, constant));
            let both = |a: Option<Expression>, b: Option<Expression>| match (a, b) {
                (Some(a), Some(b)) => Some(a.binary(operation, b)),
                (a, b) => a.or(b),
            };
            let hoistable = [&first, &second].into_iter().flatten().any(|part| !part.operands().is_empty());
            match (both(x, y), both(first, second)) {
                (Some(varying), Some(constants)) if hoistable => varying.binary(operation, constants),
                _ => a.binary(operation, *b),
            }
        }
        other => other,
    }
}

/// A sum or product as what varies and what is constant.
fn split(
    expression: &Expression,
    operation: Binary,
    constant: &dyn Fn(usize) -> bool,
) -> (Option<Expression>, Option<Expression>) {
    if is_constant(expression, constant) {
        return (None, Some(expression.clone()));
    }
    match expression {
        Expression::Binary(inner, x, c) if *inner == operation && is_constant(c, constant) => {
            (Some(Expression::clone(x)), Some(Expression::clone(c)))
        }
        _ => (Some(expression.clone()), None),
    }
}

/// What an expression costs a run: its parts that are no constants. `None` for a constant.
fn run_cost(expression: &Expression, constant: &dyn Fn(usize) -> bool) -> Option<usize> {
    let varying: Vec<usize> = expression.children().filter_map(|child| run_cost(child, constant)).collect();
    match expression {
        Expression::Operand(index) => (!constant(*index)).then_some(0),
        _ if varying.is_empty() => None,
        _ => Some(cost_of_operation(expression) + varying.into_iter().sum::<usize>()),
    }
}

fn is_constant(expression: &Expression, constant: &dyn Fn(usize) -> bool) -> bool {
    expression.operands().into_iter().all(constant)
}

/// Makes kernels of the largest constant parts, and gives what is left and how many they were.
fn hoist(graph: &mut KernelGraph, id: NodeId, formula: Formula, constants: &mut HashSet<NodeId>) -> (Formula, usize) {
    let origins = graph.dag.get(id).map(|node| node.origins.clone()).unwrap_or_default();
    let parts = constant_parts(graph, &formula, constants);
    let Formula { expression, mut operands } = formula.clone();
    for part in &parts {
        let value = Formula { expression: part.clone(), operands: formula.operands.clone() }.add(graph, &origins);
        constants.insert(value);
        operands.push(value);
    }
    let number = |part: &Expression| parts.iter().position(|other| other == part);
    let expression = expression.replace(&|part| Some(Expression::operand(formula.operands.len() + number(part)?)));
    (Formula { expression, operands }.compact(), parts.len())
}

/// The largest parts that are constant and worth a kernel, each once.
fn constant_parts(graph: &KernelGraph, formula: &Formula, constants: &HashSet<NodeId>) -> Vec<Expression> {
    let constant = |index: usize| formula.operands.get(index).is_some_and(|operand| constants.contains(operand));
    let mut parts: Vec<Expression> = Vec::new();
    let mut rest = vec![&formula.expression];
    while let Some(part) = rest.pop() {
        let hoistable = part.operations() > 0 && !part.operands().is_empty() && !part.is_placed();
        let candidate = hoistable && is_constant(part, &constant);
        if !candidate || grows(graph, formula, part) {
            rest.extend(part.children().rev());
        } else if !parts.contains(part) {
            parts.push(part.clone());
        }
    }
    parts
}

/// Whether the value of a part would be larger than every operand of it.
fn grows(graph: &KernelGraph, formula: &Formula, part: &Expression) -> bool {
    let part = Formula { expression: part.clone(), operands: formula.operands.clone() }.compact();
    let sizes = part.operands.iter().filter_map(|&operand| graph.dag.get(operand)?.elements());
    elements(&part.shape(graph)) > sizes.max()
}

#[cfg(test)]
mod tests {
    use super::hoist_constants;
    use crate::kernels::test_graph::{TestGraph, check_pass};
    use crate::kernels::{Expression, print};
    use crate::passes::fuse_epilogue;

    #[test]
    fn a_batch_norm_becomes_one_product_and_one_sum() {
        let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
        let y = test.batch_norm(x);
        let mut graph = test.finish(y);
        let notes = check_pass(&mut graph, hoist_constants);
        insta::assert_snapshot!(print(&graph), @r"
        input input [2, 3, 4, 4]
        %0 = map(0.weight, 0.running_var) x0 / sqrt(x1 + 0.00001)  [1, 3, 1, 1]  # 0 BatchNorm2d
        %1 = map(0.weight, 0.bias, 0.running_mean, 0.running_var) ((-x2) * (x0 / sqrt(x3 + 0.00001))) + x1  [1, 3, 1, 1]  # 0 BatchNorm2d
        %2 = map(input, %0, %1) (x0 * x1) + x2  [2, 3, 4, 4]  # 0 BatchNorm2d
        output output = %2
        ");
        assert_eq!(
            notes[0].text,
            "2 parts of its formula are made of parameters alone and computed once, when weights are loaded"
        );
        assert_eq!(check_pass(&mut graph, hoist_constants), [], "once is enough");
    }

    #[test]
    fn constants_of_several_branches_are_brought_together() {
        let (mut test, x) = TestGraph::new(&[1, 2, 2, 2]);
        let other = test.input("other", &[1, 2, 2, 2]);
        let parameters = ["a", "b", "c"].map(|name| test.parameter(name, &[1, 2, 1, 1]));
        let y = test.layer("Mixed", |builder| {
            let [x0, x1, a, b, c] = [0, 1, 2, 3, 4].map(Expression::operand);
            let operands = [&[x, other][..], &parameters].concat();
            builder.map(&operands, (x0 + a.clone()) + (x1 - b.clone()) / c.clone() * (a * 2.0) - (b + c))
        });
        let mut graph = test.finish(y);
        check_pass(&mut graph, hoist_constants);
        insta::assert_snapshot!(print(&graph), @r"
        input input [1, 2, 2, 2]
        input other [1, 2, 2, 2]
        %0 = map(a, c) (1 / x1) * (x0 * 2)  [1, 2, 1, 1]  # 0 Mixed
        %1 = map(a, b, c) (x0 + (((-x1) / x2) * (x0 * 2))) + (-(x1 + x2))  [1, 2, 1, 1]  # 0 Mixed
        %2 = map(input, other, %0, %1) (x0 + (x1 * x2)) + x3  [1, 2, 2, 2]  # 0 Mixed
        output output = %2
        ");
    }

    #[test]
    fn epilogues_are_hoisted_from_too() {
        let (mut test, x) = TestGraph::new(&[1, 2, 4, 4]);
        let y = test.conv(x, 2, 3, true);
        let y = test.batch_norm(y);
        let mut graph = test.finish(y);
        check_pass(&mut graph, fuse_epilogue);
        check_pass(&mut graph, hoist_constants);
        insta::assert_snapshot!(print(&graph), @r"
        input input [1, 2, 4, 4]
        %0 = map(1.weight, 1.bias, 1.running_mean, 1.running_var, 0.bias) ((x4 + (-x2)) * (x0 / sqrt(x3 + 0.00001))) + x1  [1, 2, 1, 1]  # 0 Conv2d + 1 BatchNorm2d
        %1 = map(1.weight, 1.running_var) x0 / sqrt(x1 + 0.00001)  [1, 2, 1, 1]  # 0 Conv2d + 1 BatchNorm2d
        %2 = conv(input, 0.weight) 3x3 before 1 then (x0 * x1) + x2, x1 = %1, x2 = %0  [1, 2, 4, 4]  # 0 Conv2d + 1 BatchNorm2d
        output output = %2
        ");
    }

    #[test]
    fn a_table_is_not_made_of_its_margins() {
        let (mut test, x) = TestGraph::new(&[1, 2, 4, 4]);
        let rows = test.parameter("rows", &[1, 1, 4, 1]);
        let columns = test.parameter("columns", &[1, 1, 1, 4]);
        let y = test.layer("Position", |builder| {
            let [x0, x1, x2] = [0, 1, 2].map(Expression::operand);
            builder.map(&[x, rows, columns], x0 * (x1 + x2))
        });
        let mut graph = test.finish(y);
        assert_eq!(check_pass(&mut graph, hoist_constants), []);
    }
}
