//! Expressions as nodes, one an operation; what ONNX has an operator for is that operator.
//!
//! Equal parts are written once. Where the operands are smaller than the result, what comes out is repeated to its shape.

use super::super::{Refusal, Writer};
use super::{Varied, operator};
use cnnc_compiler::graph::NodeId;
use cnnc_compiler::kernels::{Binary, Expression, Unary};
use cnnc_compiler::onnx::{Attribute, Value, since};
use cnnc_compiler::shape::{Dim, Shape};

/// ONNX's numbers of types.
const FLOAT: i64 = 1;
const BOOL: i64 = 9;

/// How often a number is written out, such as what a padding is filled with; past that, the file says how often it is repeated.
const MOST_WRITTEN_OUT: usize = 1 << 12;

/// An operator and what it computes of operand 0; operands 1 and 2 stand for its numbers.
struct Named {
    operator: &'static str,
    means: Expression,
    /// What of the numbers becomes an attribute or an argument.
    numbers: fn([f64; 2]) -> Option<Numbers>,
}

/// The numbers of an operator: attributes, and arguments after the first.
type Numbers = (Vec<(&'static str, Attribute)>, Vec<f64>);

fn none(_: [f64; 2]) -> Option<Numbers> {
    Some((Vec::new(), Vec::new()))
}

/// The operators of ONNX that are expressions, larger ones before those that are parts of them.
fn named() -> Vec<Named> {
    let [x, a, b] = [0, 1, 2].map(Expression::operand);
    let number = Expression::Constant;
    let positive = || x.clone().greater(0.0);
    let clamped = |low: Expression, high: Expression, x: Expression| x.maximum(low).minimum(high);
    let sixth = || clamped(number(0.0), number(6.0), x.clone() + 3.0);
    let alpha: fn([f64; 2]) -> Option<Numbers> = |[a, _]| Some((vec![("alpha", Attribute::Float(a))], Vec::new()));
    let tanh: fn([f64; 2]) -> Option<Numbers> = |_| Some((vec![("approximate", Attribute::Text("tanh"))], Vec::new()));
    let cubic = x.clone() + x.clone() * x.clone() * x.clone() * 0.044715;
    let two_over_pi = std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2;
    let hard: fn([f64; 2]) -> Option<Numbers> =
        |_| Some((vec![("alpha", Attribute::Float(1.0 / 6.0)), ("beta", Attribute::Float(0.5))], Vec::new()));
    let smooth = |x: Expression| x.unary(Unary::Exp).unary(Unary::Log1P);
    let exp_m1 = |x: Expression| x.unary(Unary::ExpM1);
    let one = |operator, means, numbers| Named { operator, means, numbers };
    vec![
        one("Gelu", x.clone() * 0.5 * ((x.clone() * std::f64::consts::FRAC_1_SQRT_2).unary(Unary::Erf) + 1.0), none),
        one("Gelu", x.clone() * 0.5 * ((cubic * two_over_pi).unary(Unary::Tanh) + 1.0), tanh),
        one("HardSwish", x.clone() * sixth() / 6.0, none),
        one("HardSigmoid", sixth() / 6.0, hard),
        one("HardSigmoid", clamped(number(0.0), number(6.0), x.clone()) * (1.0 / 6.0), |_| {
            Some((vec![("alpha", Attribute::Float(1.0 / 6.0)), ("beta", Attribute::Float(0.0))], Vec::new()))
        }),
        one("Sigmoid", x.clone().sigmoid(), none),
        one("LeakyRelu", positive().select(x.clone(), x.clone() * a.clone()), alpha),
        one("Elu", positive().select(x.clone(), exp_m1(x.clone()) * a.clone()), alpha),
        one("Celu", positive().select(x.clone(), exp_m1(x.clone() / a.clone()) * a.clone()), alpha),
        one("Selu", positive().select(x.clone() * a.clone(), exp_m1(x.clone()) * b.clone()), |[scale, both]| {
            Some((vec![("alpha", Attribute::Float(both / scale)), ("gamma", Attribute::Float(scale))], Vec::new()))
        }),
        one("Softplus", (x.clone() * 1.0).greater(20.0).select(x.clone(), smooth(x.clone() * 1.0) / 1.0), none),
        one("Softplus", x.clone().greater(20.0).select(x.clone(), smooth(x.clone())), none),
        one("Clip", clamped(a.clone(), b.clone(), x.clone()), |[low, high]| Some((Vec::new(), vec![low, high]))),
        one("Relu", x.clone().maximum(0.0), none),
        one("Abs", x.clone().maximum(-x.clone()), none),
    ]
}

/// Matches a part against what an operator means.
fn unify(means: &Expression, part: &Expression, x: &mut Option<Expression>, numbers: &mut [Option<f64>; 2]) -> bool {
    match (means, part) {
        (Expression::Operand(0), part) => x.get_or_insert_with(|| part.clone()) == part,
        (Expression::Operand(place), Expression::Constant(number)) => {
            numbers.get_mut(place - 1).is_some_and(|slot| *slot.get_or_insert(*number) == *number)
        }
        (Expression::Constant(a), Expression::Constant(b)) => a == b,
        (Expression::Unary(a, _), Expression::Unary(b, _)) if a != b => false,
        (Expression::Binary(a, ..), Expression::Binary(b, ..)) if a != b => false,
        (Expression::Unary(..), Expression::Unary(..))
        | (Expression::Binary(..), Expression::Binary(..))
        | (Expression::Select(..), Expression::Select(..)) => {
            means.children().zip(part.children()).all(|(means, part)| unify(means, part, x, numbers))
        }
        _ => false,
    }
}

impl Writer<'_> {
    /// An expression over values of the result's rank.
    pub(super) fn expression(
        &mut self,
        id: NodeId,
        varied: Varied,
        operands: Vec<Value>,
        shape: &Shape,
    ) -> Result<Value, Refusal> {
        let mut numbers = Vec::new();
        for (number, (factor, dim, inverse)) in varied.numbers {
            let (size, factor) = (self.nodes.real(&dim), self.nodes.float(factor));
            let made = if inverse { [factor, size] } else { [size, factor] };
            let made = self.nodes.node(if inverse { "Div" } else { "Mul" }, &made, Vec::new());
            numbers.push((number, made));
        }
        let expression = varied.expression;
        if let (Expression::Constant(number), Some(sizes), true) = (&expression, shape.numbers(), numbers.is_empty()) {
            let count: usize = sizes.iter().product();
            if count <= MOST_WRITTEN_OUT {
                return Ok(self.nodes.floats(vec![*number as f32; count], &sizes));
            }
        }
        let covers = covers(self, &expression, &operands, shape);
        let mut room = Room { id, operands: &operands, numbers, shape, known: Vec::new(), named: named() };
        let value = self.part(&expression, &mut room)?;
        if covers {
            return Ok(value);
        }
        let sizes = self.nodes.dims(shape);
        Ok(self.nodes.node("Expand", &[value, sizes], Vec::new()))
    }

    fn part(&mut self, part: &Expression, room: &mut Room<'_>) -> Result<Value, Refusal> {
        if let Some((_, known)) = room.known.iter().find(|(other, _)| other == part) {
            return Ok(*known);
        }
        let value = self.new_part(part, room)?;
        room.known.push((part.clone(), value));
        Ok(value)
    }

    fn new_part(&mut self, part: &Expression, room: &mut Room<'_>) -> Result<Value, Refusal> {
        if let Some((operator, x, (attributes, arguments))) = self.find(part, &room.named) {
            let mut inputs = vec![self.part(&x, room)?];
            inputs.extend(arguments.into_iter().map(|number| self.nodes.float(number)));
            return Ok(self.nodes.node(operator, &inputs, attributes));
        }
        match part {
            Expression::Operand(index) => {
                room.operands.get(*index).copied().ok_or_else(|| Refusal::new("a formula lacks an operand".into()))
            }
            Expression::Constant(number) => match room.numbers.iter().find(|(open, _)| open == number) {
                Some((_, value)) => Ok(*value),
                None => Ok(self.nodes.float(*number)),
            },
            Expression::Unary(operation, x) => {
                let x = self.part(x, room)?;
                Ok(self.unary(*operation, x))
            }
            Expression::Binary(operation, a, b) => {
                let both = [self.part(a, room)?, self.part(b, room)?];
                let value = self.nodes.node(operator(*operation), &both, Vec::new());
                Ok(match operation {
                    Binary::Greater => self.nodes.node("Cast", &[value], vec![("to", Attribute::Int(FLOAT))]),
                    _ => value,
                })
            }
            Expression::Select(condition, a, b) => {
                let (a, b) = (self.part(a, room)?, self.part(b, room)?);
                let condition = match &**condition {
                    Expression::Binary(Binary::Greater, left, right) => {
                        let both = [self.part(left, room)?, self.part(right, room)?];
                        self.nodes.node("Greater", &both, Vec::new())
                    }
                    other => {
                        let other = self.part(other, room)?;
                        self.nodes.node("Cast", &[other], vec![("to", Attribute::Int(BOOL))])
                    }
                };
                Ok(self.nodes.node("Where", &[condition, a, b], Vec::new()))
            }
            Expression::Index(axis) => self.index(*axis, room),
            Expression::Uniform(..) => {
                let place = self.variants.path(room.id);
                Err(Refusal::new(format!("`{place}` draws, as in training, and networks are exported that answer")))
            }
        }
    }

    /// The operator that a part is, with its argument and numbers, where the set has it.
    fn find(&self, part: &Expression, named: &[Named]) -> Option<(&'static str, Expression, Numbers)> {
        let usable = named.iter().filter(|one| since(one.operator) <= self.nodes.set());
        usable.into_iter().find_map(|one| {
            let (mut x, mut numbers) = (None, [None; 2]);
            let fits = unify(&one.means, part, &mut x, &mut numbers);
            let numbers = (one.numbers)(numbers.map(|number| number.unwrap_or(0.0)))?;
            Some((one.operator, x.filter(|_| fits)?, numbers))
        })
    }

    fn unary(&mut self, operation: Unary, x: Value) -> Value {
        let plain = |operator| (operator, None, None);
        let (operator, before, after) = match operation {
            Unary::Negate => plain("Neg"),
            Unary::Exp => plain("Exp"),
            Unary::ExpM1 => ("Exp", None, Some(("Sub", 1.0))),
            Unary::Log => plain("Log"),
            Unary::Log1P => ("Log", Some(("Add", 1.0)), None),
            Unary::Sqrt => plain("Sqrt"),
            Unary::Tanh => plain("Tanh"),
            Unary::Erf => plain("Erf"),
            Unary::Fixed => return x,
        };
        let x = self.with_number(x, before);
        let x = self.nodes.node(operator, &[x], Vec::new());
        self.with_number(x, after)
    }

    /// A value and a number, where there is a step.
    fn with_number(&mut self, x: Value, step: Option<(&'static str, f64)>) -> Value {
        let Some((operator, number)) = step else { return x };
        let number = self.nodes.float(number);
        self.nodes.node(operator, &[x, number], Vec::new())
    }

    /// Each element's place along an axis.
    fn index(&mut self, axis: usize, room: &Room<'_>) -> Result<Value, Refusal> {
        let size = room.shape.get(axis).cloned().unwrap_or(Dim::Number(1));
        let mut sizes = vec![1; room.shape.rank()];
        if let Some(number) = size.number().and_then(|number| usize::try_from(number).ok()) {
            sizes[axis] = number;
            return Ok(self.nodes.floats((0..number).map(|place| place as f32).collect(), &sizes));
        }
        let scalar = self.nodes.ints(&[]);
        let end = self.nodes.real(&size);
        let end = self.nodes.node("Reshape", &[end, scalar], Vec::new());
        let (start, step) = (self.nodes.float(0.0), self.nodes.float(1.0));
        let places = self.nodes.node("Range", &[start, end, step], Vec::new());
        let form: Vec<i64> = (0..room.shape.rank()).map(|other| if other == axis { -1 } else { 1 }).collect();
        let form = self.nodes.ints(&form);
        Ok(self.nodes.node("Reshape", &[places, form], Vec::new()))
    }
}

/// What the parts of one expression share.
struct Room<'e> {
    id: NodeId,
    operands: &'e [Value],
    numbers: Vec<(f64, Value)>,
    shape: &'e Shape,
    known: Vec<(Expression, Value)>,
    named: Vec<Named>,
}

/// Whether the operands that occur have the result's shape between them.
fn covers(writer: &Writer<'_>, expression: &Expression, operands: &[Value], shape: &Shape) -> bool {
    let used = expression.operands();
    let shapes: Vec<Shape> =
        used.iter().filter_map(|&operand| operands.get(operand)).map(|&value| writer.nodes.shape(value)).collect();
    let placed = |axis: usize| expression.all_parts().iter().any(|part| **part == Expression::Index(axis));
    let one = |(axis, dim): (usize, &Dim)| {
        dim.number() == Some(1) || placed(axis) || shapes.iter().any(|shape| shape.get(axis) == Some(dim))
    };
    shape.iter().enumerate().all(one) && (!shapes.is_empty() || shape.rank() == 0 || expression.is_placed())
}
