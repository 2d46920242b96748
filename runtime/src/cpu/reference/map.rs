//! Element by element: scalar expressions over broadcast operands.

use super::operand::{indices, offsets};
use super::{Elements, Real};
use cnnc_compiler::kernels::{Expression, Place, random};

/// The expression at every place of the result; operands are broadcast views of its shape.
pub fn map<T: Real>(expression: &Expression, operands: &[Elements<T>], shape: &[usize]) -> Vec<T> {
    let mut operands = visits(operands, shape);
    let count: usize = shape.iter().product();
    let mut elements = Vec::with_capacity(operands.len());
    let mut indices = expression.is_placed().then(|| indices(shape));
    let element = |number| {
        elements.clear();
        elements.extend(operands.iter_mut().filter_map(next));
        let index = indices.as_mut().and_then(Iterator::next).unwrap_or_default();
        evaluate(expression, &elements, Place { index: &index, number })
    };
    (0..count).map(element).collect()
}

/// As [`map`], in whole numbers.
pub fn count<T: Real>(expression: &Expression, operands: &[Elements<T>], shape: &[usize]) -> Vec<u64> {
    let mut operands = visits(operands, shape);
    let count: usize = shape.iter().product();
    let element = |_| {
        let elements: Vec<u64> = operands.iter_mut().filter_map(next).map(Element::whole).collect();
        expression.evaluate_whole(&elements).unwrap_or_default()
    };
    (0..count).map(element).collect()
}

/// Every operand with the places of its elements, in the result's order.
fn visits<'a, T: Real>(
    operands: &'a [Elements<'a, T>],
    shape: &'a [usize],
) -> Vec<(&'a Elements<'a, T>, impl Iterator<Item = usize> + 'a)> {
    let visit = |operand: &'a Elements<'a, T>| match operand {
        Elements::Reals(one) => (operand, offsets(shape, one.strides)),
        Elements::Counts(one) => (operand, offsets(shape, one.strides)),
    };
    operands.iter().map(visit).collect()
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

/// The expression at one place, every operation rounded to the element type.
fn evaluate<T: Real>(expression: &Expression, elements: &[Element<T>], place: Place<'_>) -> T {
    let value = |part: &Expression| evaluate(part, elements, place).to_f64();
    let number = match expression {
        Expression::Operand(index) => return elements[*index].real(),
        Expression::Select(condition, a, b) => {
            return evaluate(if value(condition) != 0.0 { a } else { b }, elements, place);
        }
        Expression::Unary(operation, x) => operation.evaluate(value(x)),
        Expression::Binary(operation, a, b) => operation.evaluate(value(a), value(b)),
        Expression::Constant(number) => *number,
        Expression::Index(_) => expression.evaluate_at(&[], place),
        Expression::Uniform(stream, key) => {
            let whole: Vec<u64> = elements.iter().map(|element| element.whole()).collect();
            let key = [&key[0], &key[1]].map(|word| word.evaluate_whole(&whole).unwrap_or_default());
            random::uniform(place.number as u64, *stream, key)
        }
    };
    T::from_f64(number)
}

#[cfg(test)]
mod tests {
    use super::{Elements, Expression, map};
    use crate::cpu::reference::Operand;

    #[test]
    fn operands_are_repeated_along_strides_of_zero() {
        let x = Operand { data: &[1.0f64, -2.0, 3.0, -4.0], shape: &[2, 2], strides: &[2, 1] };
        let bias = Operand { data: &[10.0, 0.0], shape: &[2, 2], strides: &[0, 1] };
        let relu = (Expression::operand(0) + Expression::operand(1)).maximum(0.0);
        assert_eq!(map(&relu, &[x, bias].map(Elements::Reals), &[2, 2]), [11.0, 0.0, 13.0, 0.0]);
    }

    #[test]
    fn a_choice_is_of_elements() {
        let x = Operand { data: &[1.0f32, -2.0], shape: &[2], strides: &[1] };
        let leaky = Expression::operand(0).greater(0.0).select(Expression::operand(0), Expression::operand(0) * 0.5);
        assert_eq!(map(&leaky, &[Elements::Reals(x)], &[2]), [1.0, -1.0]);
    }
}
