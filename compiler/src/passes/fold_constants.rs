//! Shortens expressions by what is known of their numbers.
//!
//! Every rule leaves fewer or cheaper operations: numbers are computed, `x·1`, `x/1`, `x + 0`, `x − 0` and `xʸ` with `y = 1` are
//! `x`, `−−x` is `x`, numbers of a chain are joined (`(x·a)·b`, `(x + a) + b`, `max(max(x, a), b)`, `min` alike), division by a
//! number is multiplication by its inverse, and a choice between equals, or on a number, is decided. Nothing is assumed that
//! not-a-number or infinity would break: `x·0` stays. An operand whose value is one number everywhere is written as that number.

use super::formula::Formula;
use super::{Note, done};
use crate::graph::NodeId;
use crate::kernels::{Binary, Expression, Kernel, KernelGraph, Unary};

/// Applies the rules to every `Map` and epilogue.
pub fn fold_constants(graph: &mut KernelGraph) -> Vec<Note> {
    let mut notes = Vec::new();
    for id in graph.dag.order().unwrap_or_default() {
        write_numbers(graph, id);
        let Some(node) = graph.dag.get_mut(id) else { continue };
        let place = node.place();
        let map = match &mut node.kernel {
            Kernel::Map(expression) => Some(expression),
            _ => None,
        };
        for expression in map.into_iter().chain(&mut node.epilogue) {
            let shorter = simplify(expression);
            if shorter != *expression {
                notes.push(done("fold_constants", place.clone(), format!("`{expression}` is computed as `{shorter}`")));
                *expression = shorter;
            }
        }
    }
    notes
}

/// Writes operands of a `Map` that are one number as that number.
fn write_numbers(graph: &mut KernelGraph, id: NodeId) {
    let Some(formula) = Formula::of_map(graph, id) else { return };
    let number = |index: usize| number(graph, *formula.operands.get(index)?);
    if (0..formula.operands.len()).all(|index| number(index).is_none()) {
        return;
    }
    let expression =
        formula.expression.substitute(&|index| number(index).map_or(Expression::Operand(index), Expression::Constant));
    Formula { expression, ..formula }.write_map(graph, id);
}

/// The number that all elements of a value are, if that is known.
fn number(graph: &KernelGraph, mut value: NodeId) -> Option<f64> {
    loop {
        match &graph.dag.get(value)?.kernel {
            Kernel::Map(Expression::Constant(number)) => return Some(*number),
            kernel if kernel.is_view() => value = graph.dag.arguments(value).first().copied()?,
            _ => return None,
        }
    }
}

/// The expression, shortened from its smallest parts up.
pub(crate) fn simplify(expression: &Expression) -> Expression {
    expression.rewrite(&|part| match part {
        Expression::Unary(operation, x) => unary(operation, *x),
        Expression::Binary(operation, a, b) => binary(operation, *a, *b),
        Expression::Select(condition, a, b) => match (*condition, *a, *b) {
            (Expression::Constant(number), a, b) => {
                if number != 0.0 {
                    a
                } else {
                    b
                }
            }
            (_, a, b) if a == b => a,
            (condition, a, b) => condition.select(a, b),
        },
        Expression::Operand(_) | Expression::Constant(_) | Expression::Index(_) | Expression::Uniform(..) => part,
    })
}

fn unary(operation: Unary, x: Expression) -> Expression {
    match (operation, x) {
        (_, Expression::Constant(number)) => Expression::Constant(operation.evaluate(number)),
        (Unary::Negate, Expression::Unary(Unary::Negate, inner)) => *inner,
        (_, x) => x.unary(operation),
    }
}

fn binary(operation: Binary, a: Expression, b: Expression) -> Expression {
    use Binary::{Add, Divide, Maximum, Minimum, Multiply, Power, Subtract};
    use Expression::Constant;
    match (operation, &a, &b) {
        (_, Constant(x), Constant(y)) => Constant(operation.evaluate(*x, *y)),
        (Add, Constant(0.0), _) | (Multiply, Constant(1.0), _) => b,
        (Add | Subtract, _, Constant(0.0)) | (Multiply | Divide | Power, _, Constant(1.0)) => a,
        (Subtract, Constant(0.0), _) => unary(Unary::Negate, b),
        (Multiply, _, Constant(-1.0)) => unary(Unary::Negate, a),
        (Multiply, Constant(-1.0), _) => unary(Unary::Negate, b),
        (Divide, _, Constant(number)) if number.is_normal() && number.recip().is_normal() => {
            binary(Multiply, a, Constant(number.recip()))
        }
        (Add | Multiply | Maximum | Minimum, _, _) => chain(operation, a, b),
        (Subtract, _, Constant(number)) if is_chain(Add, &a) => chain(Add, a, Constant(-number)),
        _ => a.binary(operation, b),
    }
}

/// Whether an expression is `x ∘ number` or `number ∘ x`.
fn is_chain(operation: Binary, expression: &Expression) -> bool {
    matches!(expression, Expression::Binary(inner, x, y)
        if *inner == operation && (matches!(**x, Expression::Constant(_)) || matches!(**y, Expression::Constant(_))))
}

/// `(x ∘ number) ∘ number` as `x ∘ number`, whichever side each number stands on.
fn chain(operation: Binary, a: Expression, b: Expression) -> Expression {
    let (number, other) = match (&a, &b) {
        (Expression::Constant(number), _) => (*number, &b),
        (_, Expression::Constant(number)) => (*number, &a),
        _ => return a.binary(operation, b),
    };
    let Expression::Binary(inner, x, y) = other else { return a.binary(operation, b) };
    let joined = match (&**x, &**y) {
        (Expression::Constant(first), rest) | (rest, Expression::Constant(first)) if *inner == operation => {
            Some((rest.clone(), operation.evaluate(*first, number)))
        }
        _ => None,
    };
    match joined {
        Some((rest, number)) => binary(operation, rest, Expression::Constant(number)),
        None => a.binary(operation, b),
    }
}

#[cfg(test)]
mod tests {
    use super::{fold_constants, simplify};
    use crate::kernels::test_graph::{TestGraph, check_pass};
    use crate::kernels::{Expression, print};

    fn shorter(expression: Expression) -> String {
        let short = simplify(&expression);
        for x in [-3.5, -0.5, 0.0, 0.25, 2.0] {
            let (before, after) = (expression.evaluate(&[x, 1.5]), short.evaluate(&[x, 1.5]));
            let same = before == after || before.is_nan() && after.is_nan() || (before - after).abs() <= 1e-12;
            assert!(same, "{expression} at {x}");
        }
        short.to_string()
    }

    #[test]
    fn numbers_are_computed_and_chains_joined() {
        let (x, y, number) = (Expression::operand(0), Expression::operand(1), Expression::Constant);
        assert_eq!(shorter((x.clone() * 1.0 + 0.0) / 1.0 - 0.0), "x0");
        assert_eq!(shorter(number(2.0) * (x.clone() * 4.0)), "x0 * 8");
        assert_eq!(shorter((x.clone() + 3.0) - 1.0), "x0 + 2");
        assert_eq!(shorter(x.clone().maximum(0.0).maximum(1.0).minimum(6.0).minimum(4.0)), "min(max(x0, 1), 4)");
        assert_eq!(shorter(x.clone() / 4.0 / y.clone()), "(x0 * 0.25) / x1");
        assert_eq!(shorter(-(-x.clone()) * -1.0), "-x0");
        assert_eq!(shorter(number(0.0) - x.clone()), "-x0");
        assert_eq!(shorter(number(1.0).greater(0.0).select(x.clone(), y.clone())), "x0");
        assert_eq!(shorter(y.greater(0.0).select(x.clone(), x.clone() * 1.0)), "x0");
        assert_eq!(shorter(number(4.0).sqrt() * x.clone().power(1.0)), "2 * x0");
    }

    #[test]
    fn what_could_be_no_number_stays() {
        assert_eq!(shorter(Expression::operand(0) * 0.0), "x0 * 0");
        assert_eq!(shorter(Expression::operand(0) / 0.0), "x0 / 0");
    }

    #[test]
    fn maps_of_a_graph_are_shortened() {
        let (mut test, x) = TestGraph::new(&[4]);
        let y = test.layer("Scale", |builder| builder.map(&[x], Expression::operand(0) * 2.0 * 3.0));
        let mut graph = test.finish(y);
        let notes = check_pass(&mut graph, fold_constants);
        insta::assert_snapshot!(print(&graph), @r"
        input input [4]
        %0 = map(input) x0 * 6  [4]  # 0 Scale
        output output = %0
        ");
        assert_eq!(notes[0].text, "`(x0 * 2) * 3` is computed as `x0 * 6`");
    }
}
