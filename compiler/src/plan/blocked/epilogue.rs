//! How a heavy kernel over blocks of channels ends: `rest(clamp(sum + bias + residual))`.
//!
//! What comes in is a step's epilogue and how its operands lie; what goes out says which part the kernel does in registers, and
//! what is left to compute over each finished row. A back end goes by it, and so does the planner: an element of the residual
//! is read right before the result's is written there, and never again, so the result may lie where the residual does.

use crate::kernels::{Binary, Expression};
use crate::plan::View;

/// An epilogue, divided.
#[derive(Clone, Debug, PartialEq)]
pub struct DividedEpilogue {
    /// The epilogue's operand that is one number a channel, in whole blocks; from 1, as the expression counts.
    pub bias: Option<usize>,
    /// The operand that is added and lies as the output does.
    pub residual: Option<usize>,
    /// The activation as a clamp.
    pub limits: [f32; 2],
    /// What is left: an expression over the clamped sum, as operand 0, and the epilogue's operands.
    pub rest: Option<Expression>,
}

/// No clamp.
const UNLIMITED: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];
/// The sum alone.
const SUM: Core = Core { bias: None, residual: None, limits: UNLIMITED };

/// What an operand can be to a kernel.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Bias,
    Residual,
    Other,
}

/// `clamp(sum + bias + residual)`, as found in an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Core {
    bias: Option<usize>,
    residual: Option<usize>,
    limits: [f32; 2],
}

impl DividedEpilogue {
    /// Of a step whose result is `output`, an image in blocks, a plain one, or rows of features, with the operands after the
    /// kernel's own.
    pub fn of(expression: Option<&Expression>, output: &View, others: &[View]) -> DividedEpilogue {
        let sum = Expression::operand(0);
        let kinds: Vec<Kind> = others.iter().map(|view| kind(view, output)).collect();
        let (Core { bias, residual, limits }, rest) = split(expression.unwrap_or(&sum), &kinds);
        DividedEpilogue { bias, residual, limits, rest }
    }

    /// The operand that the result may be written over, if it lies there.
    pub fn overwritten(&self) -> Option<usize> {
        self.residual.filter(|&residual| self.rest.as_ref().is_none_or(|rest| rest.count(residual) == 0))
    }
}

/// The operand of an epilogue, from 1, that is only added to a result of that shape before it is clamped: in a graph, where
/// nothing lies anywhere yet.
pub(crate) fn added(expression: &Expression, shapes: &[&[usize]], shape: &[usize]) -> Option<usize> {
    let kind = |other: &&[usize]| match other.iter().enumerate().all(|(axis, &size)| axis == 1 || size == 1) {
        _ if *other == shape => Kind::Residual,
        true => Kind::Bias,
        false => Kind::Other,
    };
    let (core, rest) = split(expression, &shapes.iter().map(kind).collect::<Vec<_>>());
    core.residual.filter(|&residual| rest.is_none_or(|rest| rest.count(residual) == 0))
}

fn kind(view: &View, output: &View) -> Kind {
    let (batch, blocks, height, width, lanes) = match *view.shape.as_slice() {
        [batch, blocks, height, width, lanes] => (batch, blocks, height, width, lanes),
        [batch, channels, height, width] => (batch, channels, height, width, 1),
        _ => return Kind::Other,
    };
    let (image, block, row, pixel, lane) = match *view.strides.as_slice() {
        [image, block, row, pixel, lane] => (image, block, row, pixel, lane),
        [image, channel, row, pixel] => (image, channel, row, pixel, 1),
        _ => return Kind::Other,
    };
    if lane != 1 {
        return Kind::Other;
    }
    let steps = |size: usize, stride: usize| size > 1 && stride > 0;
    let moves = steps(batch, image) || steps(height, row) || steps(width, pixel);
    if !moves && (block == lanes || blocks == 1) {
        return Kind::Bias;
    }
    // What is added as the result is stored lies in elements of the same size.
    let alike = view.element.size_bytes() == output.element.size_bytes();
    if alike && view.is_dense_from(1) && output.is_dense_from(1) { Kind::Residual } else { Kind::Other }
}

/// The largest core, and the expression that is left, over the core as operand 0.
fn split(expression: &Expression, kinds: &[Kind]) -> (Core, Option<Expression>) {
    let mut candidates = Vec::new();
    cores(expression, kinds, &mut candidates);
    for (candidate, core) in candidates {
        if candidate == expression {
            return (core, None);
        }
        let rest = expression.replace(&|part| (part == candidate).then(|| Expression::operand(CORE)));
        if rest.count(0) == 0 {
            let sum = |operand| Expression::operand(if operand == CORE { 0 } else { operand });
            return (core, Some(rest.substitute(&sum)));
        }
    }
    (SUM, Some(expression.clone()))
}

/// Stands for the core while it is looked whether the sum occurs elsewhere.
const CORE: usize = usize::MAX;

/// All parts that are cores, the largest first along every path.
fn cores<'a>(expression: &'a Expression, kinds: &[Kind], found: &mut Vec<(&'a Expression, Core)>) {
    if let Some(core) = core(expression, kinds) {
        found.push((expression, core));
    }
    expression.children().for_each(|child| cores(child, kinds, found));
}

fn core(expression: &Expression, kinds: &[Kind]) -> Option<Core> {
    match expression {
        Expression::Operand(0) => Some(SUM),
        Expression::Binary(Binary::Add, a, b) => {
            let (inner, operand) = match (a.as_ref(), b.as_ref()) {
                (Expression::Operand(operand), inner) if *operand > 0 => (inner, *operand),
                (inner, Expression::Operand(operand)) if *operand > 0 => (inner, *operand),
                _ => return None,
            };
            let inner = core(inner, kinds).filter(|core| core.limits == UNLIMITED)?;
            match kinds.get(operand.checked_sub(1)?)? {
                Kind::Bias if inner.bias.is_none() => Some(Core { bias: Some(operand), ..inner }),
                Kind::Residual if inner.residual.is_none() => Some(Core { residual: Some(operand), ..inner }),
                _ => None,
            }
        }
        Expression::Binary(operation @ (Binary::Maximum | Binary::Minimum), a, b) => {
            let (inner, limit) = match (a.as_ref(), b.as_ref()) {
                (inner, Expression::Constant(limit)) | (Expression::Constant(limit), inner) => (inner, *limit as f32),
                _ => return None,
            };
            let inner = core(inner, kinds)?;
            let [low, high] = inner.limits;
            match operation {
                // The kernel takes the larger first: a lower limit above the upper one is not what it would do.
                Binary::Maximum if high == f32::INFINITY => Some(Core { limits: [low.max(limit), high], ..inner }),
                Binary::Minimum if limit >= low => Some(Core { limits: [low, high.min(limit)], ..inner }),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Core, DividedEpilogue, Kind, UNLIMITED as NONE, split};
    use crate::kernels::Expression;

    fn operands() -> [Expression; 4] {
        [0, 1, 2, 3].map(Expression::operand)
    }

    #[test]
    fn sums_and_clamps_leave_no_rest() {
        let [x, bias, residual, _] = operands();
        let kinds = [Kind::Bias, Kind::Residual];
        let (core, rest) = split(&((x.clone() + bias.clone()) + residual.clone()).maximum(0.0), &kinds);
        assert_eq!((core, rest), (Core { bias: Some(1), residual: Some(2), limits: [0.0, f32::INFINITY] }, None));
        let (core, rest) = split(&(residual + (bias + x)).maximum(0.0).minimum(6.0), &kinds);
        assert_eq!((core, rest), (Core { bias: Some(1), residual: Some(2), limits: [0.0, 6.0] }, None));
    }

    #[test]
    fn a_gated_sum_is_a_program_over_the_sum() {
        let [x, bias, other, _] = operands();
        let kinds = [Kind::Bias, Kind::Other];
        let sum = x.clone() + bias;
        let (core, rest) = split(&(sum.clone() * sum.sigmoid() * other.clone()), &kinds);
        assert_eq!(core, Core { bias: Some(1), residual: None, limits: NONE });
        assert_eq!(rest, Some(x.clone() * x.sigmoid() * other));
    }

    #[test]
    fn what_needs_the_sum_twice_in_different_ways_keeps_it() {
        let [x, bias, _, _] = operands();
        let (core, rest) = split(&((x.clone() + bias.clone()) * x.clone()), &[Kind::Bias]);
        assert_eq!(core, Core { bias: None, residual: None, limits: NONE });
        assert_eq!(rest, Some((x.clone() + bias) * x));
    }

    #[test]
    fn limits_that_cross_are_left_to_a_program() {
        let [x, ..] = operands();
        let (core, rest) = split(&x.clone().maximum(3.0).minimum(1.0), &[]);
        assert_eq!(core.limits, [3.0, f32::INFINITY]);
        assert_eq!(rest, Some(x.minimum(1.0)));
    }

    #[test]
    fn a_residual_that_is_read_again_is_not_written_over() {
        let rest = |rest| DividedEpilogue { bias: None, residual: Some(1), limits: NONE, rest };
        let [x, residual, ..] = operands();
        assert_eq!(rest(None).overwritten(), Some(1));
        assert_eq!(rest(Some(x.clone().sigmoid())).overwritten(), Some(1));
        assert_eq!(rest(Some(x * residual)).overwritten(), None);
    }
}
