//! Small tensors: nested lists of numbers, as they are written, made, computed with and turned.
//!
//! `arange(9, 3, 3)` counts and lays the numbers out, `ones(6, 8)` and `zeros(6, 8)` repeat one, `stack(K, K + 1)` lays tensors
//! one behind the other. `K + 1`, `1 - K`, `2.0 * K`, `K / 4` and `-K` compute with each number; two lists subtract, multiply and
//! divide element by element. `+` of two lists of plain numbers joins them and such a list times an int repeats it, as in
//! Python; of nested ones either could be meant otherwise, and is an error. `K.T` turns a matrix.

use super::arithmetic::{Fault, OVERFLOW, Result, TOO_LONG, binary, unary};
use super::value::{Items, MAX_LEAVES, Value};
use cnnc_grammar::ast::{BinaryOperator, UnaryOperator};

/// `operator` with each number of a list: with one number, or with the number of another list at the same place.
pub(super) fn elementwise<'a>(operator: BinaryOperator, left: &Value<'a>, right: &Value<'a>) -> Result<Value<'a>> {
    match (left, right) {
        (Value::List(a), Value::List(b)) if a.values().len() == b.values().len() => {
            listed(a.values().iter().zip(b.values()).map(|(a, b)| elementwise(operator, a, b)))
        }
        (Value::List(_), Value::List(_)) => Err(Fault::Type("lists of equal lengths")),
        (Value::List(items), number) => listed(items.values().iter().map(|value| elementwise(operator, value, number))),
        (number, Value::List(items)) => listed(items.values().iter().map(|value| elementwise(operator, number, value))),
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => binary(operator, left, right),
        _ => Err(Fault::Type("lists of numbers, or a list of numbers and a number")),
    }
}

/// `-K`
pub(super) fn negated<'a>(items: &Items<'a>) -> Result<Value<'a>> {
    listed(items.values().iter().map(|value| match value {
        Value::List(inner) => negated(inner),
        value => unary(UnaryOperator::Negate, value),
    }))
}

/// `K.T`: the rows of a matrix as its columns. `None` for what is no matrix.
pub(super) fn transposed<'a>(rows: &Items<'a>) -> Option<Result<Value<'a>>> {
    let rows: Vec<&Items<'a>> = rows.values().iter().map(row).collect::<Option<_>>()?;
    let width = rows.first()?.values().len();
    let is_matrix =
        |row: &&Items<'a>| row.values().len() == width && row.values().iter().all(|value| value.depth() == 0);
    if width == 0 || !rows.iter().all(is_matrix) {
        return None;
    }
    let column = |index: usize| listed(rows.iter().filter_map(|row| row.values().get(index)).cloned().map(Ok));
    Some(listed((0..width).map(column)))
}

fn row<'v, 'a>(value: &'v Value<'a>) -> Option<&'v Items<'a>> {
    match value {
        Value::List(items) => Some(items),
        _ => None,
    }
}

fn listed<'a>(values: impl Iterator<Item = Result<Value<'a>>>) -> Result<Value<'a>> {
    Items::new(values.collect::<Result<_>>()?).map(Value::List).ok_or(TOO_LONG)
}

/// `arange(count, sizes…)`: 0, 1, 2, …, as many as the sizes hold.
pub(super) fn arange<'a>(given: &[Option<Value<'a>>]) -> Result<Value<'a>> {
    let (count, sizes) = sizes(given)?.split_first().map(|(count, sizes)| (*count, sizes.to_vec())).unwrap_or_default();
    let sizes = if sizes.is_empty() { vec![count] } else { sizes };
    if elements(&sizes)? != count {
        return Err(Fault::Type("sizes that hold as many numbers as are counted, `arange(9, 3, 3)`"));
    }
    laid_out(&sizes, &mut (0..).map(Value::Int))
}

/// `ones(sizes…)`
pub(super) fn ones<'a>(given: &[Option<Value<'a>>]) -> Result<Value<'a>> {
    repeated(given, 1)
}

/// `zeros(sizes…)`
pub(super) fn zeros<'a>(given: &[Option<Value<'a>>]) -> Result<Value<'a>> {
    repeated(given, 0)
}

fn repeated<'a>(given: &[Option<Value<'a>>], number: i64) -> Result<Value<'a>> {
    let sizes = sizes(given)?;
    elements(&sizes)?;
    laid_out(&sizes, &mut std::iter::repeat(Value::Int(number)))
}

/// `stack(values…)`, or of one list or tuple of them, as PyTorch takes it: one behind the other along a new first axis.
pub(super) fn stack<'a>(given: &[Option<Value<'a>>]) -> Result<Value<'a>> {
    const TENSORS: Fault = Fault::Type("tensors of one shape");
    let values: Vec<Value<'a>> = match given {
        [Some(Value::Tuple(items) | Value::List(items))] => items.values().to_vec(),
        given => given.iter().cloned().collect::<Option<_>>().ok_or(TENSORS)?,
    };
    let shapes: Vec<Vec<usize>> = values.iter().map(shape).collect::<Option<_>>().ok_or(TENSORS)?;
    if shapes.windows(2).any(|pair| pair.first() != pair.last()) {
        return Err(TENSORS);
    }
    listed(values.into_iter().map(Ok))
}

/// The sizes of a nested list of numbers, none for a number; `None` where rows have different lengths, or hold something else.
pub(in crate::resolve) fn shape(value: &Value<'_>) -> Option<Vec<usize>> {
    match value {
        Value::Int(_) | Value::Float(_) => Some(Vec::new()),
        Value::List(items) => {
            let mut inner = items.values().iter().map(shape);
            let first = inner.next().unwrap_or(Some(Vec::new()))?;
            let same = inner.all(|shape| shape.as_ref() == Some(&first));
            same.then(|| std::iter::once(items.values().len()).chain(first).collect())
        }
        _ => None,
    }
}

/// Sizes one by one, or as one tuple or list.
fn sizes(given: &[Option<Value<'_>>]) -> Result<Vec<usize>> {
    const SIZES: Fault = Fault::Type("sizes of at least 1");
    let size = |value: &Value<'_>| match value {
        Value::Int(size @ 1..) => usize::try_from(*size).map_err(|_| OVERFLOW),
        Value::Size(size) => Err(Fault::Symbol(size.clone())),
        _ => Err(SIZES),
    };
    match given {
        [Some(Value::Tuple(items) | Value::List(items))] => items.values().iter().map(size).collect(),
        given => given.iter().map(|value| size(value.as_ref().ok_or(SIZES)?)).collect(),
    }
}

/// How many numbers sizes hold; an error for more than a list may.
fn elements(sizes: &[usize]) -> Result<usize> {
    let elements = sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    elements.filter(|elements| *elements <= MAX_LEAVES).ok_or(TOO_LONG)
}

fn laid_out<'a>(sizes: &[usize], numbers: &mut dyn Iterator<Item = Value<'a>>) -> Result<Value<'a>> {
    match sizes.split_first() {
        None => numbers.next().ok_or(TOO_LONG),
        Some((size, inner)) => listed((0..*size).map(|_| laid_out(inner, numbers))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(numbers: &[i64]) -> Vec<Option<Value<'static>>> {
        numbers.iter().map(|number| Some(Value::Int(*number))).collect()
    }

    fn written(value: Result<Value<'_>>) -> String {
        value.map(|value| value.written()).unwrap_or_else(|fault| format!("{fault:?}"))
    }

    #[test]
    fn made_by_their_sizes() {
        assert_eq!(written(arange(&ints(&[6, 2, 3]))), "[[0, 1, 2], [3, 4, 5]]");
        assert_eq!(written(arange(&ints(&[3]))), "[0, 1, 2]");
        assert_eq!(written(ones(&ints(&[1, 2]))), "[[1, 1]]");
        assert_eq!(written(zeros(&ints(&[2]))), "[0, 0]");
        assert!(matches!(arange(&ints(&[9, 3, 4])), Err(Fault::Type(_))));
        assert!(matches!(ones(&ints(&[0])), Err(Fault::Type(_))));
        assert!(ones(&ints(&[1_000_000, 1_000_000, 1_000_000, i64::MAX])).is_err());
        assert!(matches!(zeros(&[Some(Value::Float(2.0))]), Err(Fault::Type(_))));
    }

    #[test]
    fn computed_with_number_by_number() {
        let kernel = arange(&ints(&[4, 2, 2])).unwrap();
        let by = |operator, left: &Value<'static>, right: &Value<'static>| written(binary(operator, left, right));
        assert_eq!(by(BinaryOperator::Add, &kernel, &Value::Int(1)), "[[1, 2], [3, 4]]");
        assert_eq!(by(BinaryOperator::Subtract, &Value::Float(0.5), &kernel), "[[0.5, -0.5], [-1.5, -2.5]]");
        assert_eq!(by(BinaryOperator::Divide, &kernel, &Value::Int(2)), "[[0.0, 0.5], [1.0, 1.5]]");
        assert_eq!(by(BinaryOperator::Subtract, &kernel, &kernel), "[[0, 0], [0, 0]]");
        assert_eq!(by(BinaryOperator::Multiply, &kernel, &kernel), "[[0, 1], [4, 9]]");
        // Joined and repeated, or added and multiplied?
        assert!(matches!(binary(BinaryOperator::Add, &kernel, &kernel), Err(Fault::Type(_))));
        assert!(matches!(binary(BinaryOperator::Multiply, &kernel, &Value::Int(2)), Err(Fault::Type(_))));
        assert_eq!(by(BinaryOperator::Multiply, &Value::Float(0.5), &kernel), "[[0.0, 0.5], [1.0, 1.5]]");
        // As in Python.
        let widths = arange(&ints(&[2])).unwrap();
        assert_eq!(by(BinaryOperator::Add, &widths, &widths), "[0, 1, 0, 1]");
        assert_eq!(by(BinaryOperator::Multiply, &widths, &Value::Int(2)), "[0, 1, 0, 1]");
        assert_eq!(by(BinaryOperator::Multiply, &widths, &Value::Float(0.5)), "[0.0, 0.5]");
        assert_eq!(written(unary(UnaryOperator::Negate, &kernel)), "[[0, -1], [-2, -3]]");
        assert!(binary(BinaryOperator::Add, &kernel, &Value::Bool(true)).is_err());
        let ragged = arange(&ints(&[3])).unwrap();
        assert!(matches!(binary(BinaryOperator::Subtract, &kernel, &ragged), Err(Fault::Type(_))));
    }

    #[test]
    fn turned_and_stacked() {
        let Ok(Value::List(matrix)) = arange(&ints(&[6, 2, 3])) else { panic!("a list") };
        assert_eq!(written(transposed(&matrix).unwrap()), "[[0, 3], [1, 4], [2, 5]]");
        let Ok(Value::List(row)) = arange(&ints(&[3])) else { panic!("a list") };
        assert!(transposed(&row).is_none());
        let pair = [Some(Value::List(row.clone())), Some(Value::List(row.clone()))];
        assert_eq!(written(stack(&pair)), "[[0, 1, 2], [0, 1, 2]]");
        assert_eq!(
            written(stack(&[Some(Value::Tuple(Items::new(vec![Value::List(row.clone())]).unwrap()))])),
            "[[0, 1, 2]]"
        );
        assert!(stack(&[Some(Value::List(row)), Some(Value::List(matrix))]).is_err());
        assert_eq!(shape(&Value::Int(3)), Some(vec![]));
    }
}
