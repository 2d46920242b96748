//! Element by element: scalar expressions over broadcast operands.

use super::operand::{indices, offsets};
use super::{Operand, Real};
use cnnc_compiler::kernels::{Expression, Place};

/// The expression at every place of the result; operands are broadcast views of its shape.
pub fn map<T: Real>(expression: &Expression, operands: &[Operand<T>], shape: &[usize]) -> Vec<T> {
    let mut places: Vec<_> = operands.iter().map(|operand| offsets(shape, operand.strides)).collect();
    let count: usize = shape.iter().product();
    let mut elements = Vec::with_capacity(operands.len());
    let mut indices = expression.is_placed().then(|| indices(shape));
    let element = |number| {
        elements.clear();
        for (operand, places) in operands.iter().zip(&mut places) {
            elements.extend(places.next().map(|place| operand.data[place]));
        }
        let index = indices.as_mut().and_then(Iterator::next).unwrap_or_default();
        evaluate(expression, &elements, Place { index: &index, number })
    };
    (0..count).map(element).collect()
}

/// The expression at one place, every operation rounded to the element type.
fn evaluate<T: Real>(expression: &Expression, elements: &[T], place: Place<'_>) -> T {
    let value = |part: &Expression| evaluate(part, elements, place).to_f64();
    let number = match expression {
        Expression::Operand(index) => return elements[*index],
        Expression::Select(condition, a, b) => {
            return evaluate(if value(condition) != 0.0 { a } else { b }, elements, place);
        }
        Expression::Unary(operation, x) => operation.evaluate(value(x)),
        Expression::Binary(operation, a, b) => operation.evaluate(value(a), value(b)),
        Expression::Constant(number) => *number,
        Expression::Index(_) | Expression::Uniform(..) => {
            let operands: Vec<f64> = elements.iter().map(|element| element.to_f64()).collect();
            expression.evaluate_at(&operands, place)
        }
    };
    T::from_f64(number)
}

#[cfg(test)]
mod tests {
    use super::{Expression, Operand, map};

    #[test]
    fn operands_are_repeated_along_strides_of_zero() {
        let x = Operand { data: &[1.0f64, -2.0, 3.0, -4.0], shape: &[2, 2], strides: &[2, 1] };
        let bias = Operand { data: &[10.0, 0.0], shape: &[2, 2], strides: &[0, 1] };
        let relu = (Expression::operand(0) + Expression::operand(1)).maximum(0.0);
        assert_eq!(map(&relu, &[x, bias], &[2, 2]), [11.0, 0.0, 13.0, 0.0]);
    }

    #[test]
    fn a_choice_is_of_elements() {
        let x = Operand { data: &[1.0f32, -2.0], shape: &[2], strides: &[1] };
        let leaky = Expression::operand(0).greater(0.0).select(Expression::operand(0), Expression::operand(0) * 0.5);
        assert_eq!(map(&leaky, &[x], &[2]), [1.0, -1.0]);
    }
}
