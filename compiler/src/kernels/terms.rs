//! What one element of a kernel's value is made of: which elements of its arguments, and what becomes of them.
//!
//! As the reference's loops, but of one element and without its numbers, so that the sum behind a number can be shown.

use super::Pooling;

/// What an element of a value is made of. Indices have a number an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Terms {
    /// The sum of products of an element of the first argument and one of the second. Padding has no term.
    Products(Vec<[Vec<usize>; 2]>),
    /// These elements of the first argument added up, each times a number.
    Weighted(Vec<(Vec<usize>, f64)>),
    /// These elements of the first argument added up.
    Sum(Vec<Vec<usize>>),
    /// The largest of these elements of the first argument.
    Largest(Vec<Vec<usize>>),
    /// What a pooling makes of these elements of the first argument; a mean divides by the number.
    Pooled(Vec<Vec<usize>>, Pooling, f64),
    /// An element of that argument as it is.
    Moved(usize, Vec<usize>),
    /// Padding, which is zero.
    Nothing,
    /// What the kernel, an expression, makes of this element of each argument.
    Computed(Vec<Vec<usize>>),
}

/// The index of an element from its number in a dense tensor.
pub fn index_of(number: usize, shape: &[usize]) -> Vec<usize> {
    let mut rest = number;
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let at = rest % size.max(1);
            rest /= size.max(1);
            at
        })
        .collect();
    index.reverse();
    index
}

/// The number of an element in a dense tensor.
pub fn number_of(index: &[usize], shape: &[usize]) -> usize {
    index.iter().zip(shape).fold(0, |number, (&at, &size)| number * size + at)
}
