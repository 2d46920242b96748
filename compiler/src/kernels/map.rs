//! Element by element: scalar expressions over broadcast operands.

use super::definition::{Definition, Layouts};
use super::reference::{Elements, Operand, Real, indices, offsets};
use super::terms::Terms;
use super::{ElementPosition, Expression, Kernel, KernelBuilder, KernelNode, random};
use crate::element::ElementType;
use crate::gradient::{Backward, Handed};
use crate::graph::NodeId;
use std::ops::RangeInclusive;

/// Element by element; every argument has the result's rank, and where its size is 1 it is repeated. There may be none at all:
/// numbers, places and random numbers need no argument.
pub type Map = Expression;

impl Definition for Map {
    fn name(&self) -> &'static str {
        "map"
    }

    fn details(&self) -> String {
        format!(" {self}")
    }

    fn arity(&self) -> RangeInclusive<usize> {
        0..=usize::MAX
    }

    /// Every operand can be repeated to the shape, which may be larger than all of them; [`Expression`] says which of them there
    /// must be.
    fn fits(&self, shape: &[usize], own: &[&[usize]]) -> bool {
        own.iter().all(|operand| {
            operand.len() == shape.len() && operand.iter().zip(shape).all(|(&size, &whole)| size == 1 || size == whole)
        })
    }

    fn reference<T: Real>(&self, own: &[Operand<'_, T>], shape: &[usize]) -> Vec<T> {
        let operands: Vec<Elements<T>> = own.iter().copied().map(Elements::Reals).collect();
        map(self, &operands, shape)
    }

    fn terms(&self, index: &[usize], own: &[&[usize]], _: &[usize]) -> Option<Terms> {
        let place =
            |operand: &&[usize]| operand.iter().zip(index).map(|(&size, &at)| if size == 1 { 0 } else { at }).collect();
        Some(Terms::Computed(own.iter().map(place).collect()))
    }

    fn gradient(&self, backward: &mut Backward<'_>, handed: &Handed) {
        backward.map_gradient(handed, self);
    }

    fn in_blocks(&self, layouts: &Layouts<'_>) -> bool {
        let channels = |shape: &[usize]| shape.get(1).copied();
        let own = channels(layouts.shape);
        !self.is_placed() && layouts.arguments.iter().any(|&(shape, blocked)| blocked && channels(shape) == own)
    }
}

impl KernelBuilder<'_> {
    /// Element by element over values of one rank, broadcast where a size is 1.
    pub fn map(&mut self, arguments: &[NodeId], expression: Expression) -> NodeId {
        let mut shape: Vec<usize> = Vec::new();
        for &argument in arguments {
            let sizes = self.shape(argument);
            shape.resize(shape.len().max(sizes.len()), 1);
            for (size, other) in shape.iter_mut().zip(sizes) {
                *size = if *size == 1 { other } else { *size };
            }
        }
        self.map_to(&shape, arguments, expression)
    }

    /// Element by element over values that are repeated to the given shape.
    pub fn map_to(&mut self, shape: &[usize], arguments: &[NodeId], expression: Expression) -> NodeId {
        self.add(Kernel::Map(expression), shape.to_vec(), arguments)
    }

    /// A counter, or several, and one more.
    pub fn count(&mut self, counter: NodeId) -> NodeId {
        let kernel = Kernel::Map(Expression::operand(0) + 1.0);
        let node = KernelNode::new(kernel, self.shape(counter), ElementType::Uint64, 1, self.origins());
        self.add_node(node, &[counter])
    }
}

/// The expression at every position of the result; operands are repeated to its shape by sizes of 1 or by strides of 0.
pub fn map<T: Real>(expression: &Expression, operands: &[Elements<T>], shape: &[usize]) -> Vec<T> {
    let strides = repeated(operands, shape);
    let mut operands = visits(operands, &strides, shape);
    let count: usize = shape.iter().product();
    let mut elements = Vec::with_capacity(operands.len());
    let mut indices = expression.is_placed().then(|| indices(shape));
    let element = |number| {
        elements.clear();
        elements.extend(operands.iter_mut().filter_map(next));
        let index = indices.as_mut().and_then(Iterator::next).unwrap_or_default();
        evaluate(expression, &elements, ElementPosition { index: &index, number })
    };
    (0..count).map(element).collect()
}

/// As [`map`], in whole numbers.
pub fn count<T: Real>(expression: &Expression, operands: &[Elements<T>], shape: &[usize]) -> Vec<u64> {
    let strides = repeated(operands, shape);
    let mut operands = visits(operands, &strides, shape);
    let count: usize = shape.iter().product();
    let element = |_| {
        let elements: Vec<u64> = operands.iter_mut().filter_map(next).map(Element::whole).collect();
        expression.evaluate_whole(&elements).unwrap_or_default()
    };
    (0..count).map(element).collect()
}

/// The strides of every operand, 0 along an axis where it has one element and the result more.
fn repeated<T: Real>(operands: &[Elements<T>], shape: &[usize]) -> Vec<Vec<usize>> {
    let strides = |operand: &Elements<T>| {
        let axes = operand.shape().iter().zip(operand.strides()).zip(shape);
        axes.map(|((&own, &stride), &whole)| if own == whole { stride } else { 0 }).collect()
    };
    operands.iter().map(strides).collect()
}

/// Every operand with the places of its elements, in the result's order.
fn visits<'a, T: Real>(
    operands: &'a [Elements<'a, T>],
    strides: &'a [Vec<usize>],
    shape: &'a [usize],
) -> Vec<(&'a Elements<'a, T>, impl Iterator<Item = usize> + 'a)> {
    operands.iter().zip(strides).map(|(operand, strides)| (operand, offsets(shape, strides))).collect()
}

/// The next element of an operand.
fn next<T: Real>((operand, places): &mut (&Elements<T>, impl Iterator<Item = usize>)) -> Option<Element<T>> {
    let place = places.next()?;
    Some(match operand {
        Elements::Reals(operand) => Element::Real(operand.data[place]),
        Elements::Counts(operand) => Element::Count(operand.data[place]),
    })
}

/// An element of an operand.
#[derive(Clone, Copy)]
enum Element<T> {
    Real(T),
    Count(u64),
}

impl<T: Real> Element<T> {
    fn real(self) -> T {
        match self {
            Element::Real(real) => real,
            Element::Count(count) => T::from_count(count),
        }
    }

    fn whole(self) -> u64 {
        match self {
            Element::Real(real) => real.to_f64() as u64,
            Element::Count(count) => count,
        }
    }
}

/// The expression at one position, every operation rounded to the element type.
fn evaluate<T: Real>(expression: &Expression, elements: &[Element<T>], position: ElementPosition<'_>) -> T {
    let value = |part: &Expression| evaluate(part, elements, position).to_f64();
    let number = match expression {
        Expression::Operand(index) => return elements[*index].real(),
        Expression::Select(condition, a, b) => {
            return evaluate(if value(condition) != 0.0 { a } else { b }, elements, position);
        }
        Expression::Unary(operation, x) => operation.evaluate(value(x)),
        Expression::Binary(operation, a, b) => operation.evaluate(value(a), value(b)),
        Expression::Constant(number) => *number,
        Expression::Index(_) => expression.evaluate_at(&[], position),
        Expression::Uniform(stream, key) => {
            let whole: Vec<u64> = elements.iter().map(|element| element.whole()).collect();
            let key = [&key[0], &key[1]].map(|word| word.evaluate_whole(&whole).unwrap_or_default());
            random::uniform(position.number as u64, *stream, key)
        }
    };
    T::from_f64(number)
}

#[cfg(test)]
mod tests {
    use super::{Definition, Expression, Operand};

    #[test]
    fn operands_are_repeated_along_strides_of_zero_and_sizes_of_one() {
        let x = Operand { data: &[1.0f64, -2.0, 3.0, -4.0], shape: &[2, 2], strides: &[2, 1] };
        let relu = (Expression::operand(0) + Expression::operand(1)).maximum(0.0);
        for bias in [
            Operand { data: &[10.0, 0.0], shape: &[2, 2], strides: &[0, 1] },
            Operand { data: &[10.0, 0.0], shape: &[1, 2], strides: &[2, 1] },
        ] {
            assert_eq!(relu.reference(&[x, bias], &[2, 2]), [11.0, 0.0, 13.0, 0.0]);
        }
    }

    #[test]
    fn a_choice_is_of_elements() {
        let x = Operand { data: &[1.0f32, -2.0], shape: &[2], strides: &[1] };
        let leaky = Expression::operand(0).greater(0.0).select(Expression::operand(0), Expression::operand(0) * 0.5);
        assert_eq!(leaky.reference(&[x], &[2]), [1.0, -1.0]);
    }
}
