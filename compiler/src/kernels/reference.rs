//! What the loops of the reference are written with: numbers, strided operands, and the order in which elements are visited.
//!
//! Each kernel's file says what the kernel means as such loops (`Definition::reference`), generic over the number, so that the
//! same sentence serves in float32 and in float64. They rely on shapes that were checked (`Definition::fits`), accumulate in the
//! number's own type and return a dense tensor; no `unsafe`, no threads.

use std::ops::{Add, AddAssign, Div, Mul};

/// An element type. Scalar functions are computed in float64 and rounded once, so that in float32 each is as exact as can be.
pub trait Real: Copy + PartialOrd + Add<Output = Self> + AddAssign + Mul<Output = Self> + Div<Output = Self> {
    /// Rounded to this type.
    fn from_f64(number: f64) -> Self;
    /// The nearest to a whole number.
    fn from_count(count: u64) -> Self;
    /// Widened.
    fn to_f64(self) -> f64;

    /// The larger; not-a-number if either is.
    fn larger(self, other: Self) -> Self {
        // Only not-a-number differs from itself.
        if self > other || self.partial_cmp(&self).is_none() { self } else { other }
    }
}

impl Real for f32 {
    fn from_f64(number: f64) -> f32 {
        number as f32
    }
    fn from_count(count: u64) -> f32 {
        count as f32
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    fn from_f64(number: f64) -> f64 {
        number
    }
    fn from_count(count: u64) -> f64 {
        count as f64
    }
    fn to_f64(self) -> f64 {
        self
    }
}

/// A tensor inside a storage, read by index.
#[derive(Clone, Copy)]
pub struct Operand<'a, T> {
    /// The storage from the tensor's first element on.
    pub data: &'a [T],
    /// Sizes.
    pub shape: &'a [usize],
    /// Elements from one index to the next, an axis each.
    pub strides: &'a [usize],
}

impl<T: Copy> Operand<'_, T> {
    /// The element at an index.
    pub fn at(&self, index: &[usize]) -> T {
        self.data[index.iter().zip(self.strides).map(|(index, stride)| index * stride).sum::<usize>()]
    }

    /// All elements, the last axis fastest.
    pub fn values(&self) -> Vec<T> {
        offsets(self.shape, self.strides).map(|offset| self.data[offset]).collect()
    }
}

/// An operand of a `Map`, whatever its elements are.
pub enum Elements<'a, T> {
    /// Of float32.
    Reals(Operand<'a, T>),
    /// Whole numbers.
    Counts(Operand<'a, u64>),
}

impl<'a, T: Real> Elements<'a, T> {
    /// Sizes.
    pub fn shape(&self) -> &'a [usize] {
        match self {
            Elements::Reals(operand) => operand.shape,
            Elements::Counts(operand) => operand.shape,
        }
    }

    /// Elements from one index to the next, an axis each.
    pub fn strides(&self) -> &'a [usize] {
        match self {
            Elements::Reals(operand) => operand.strides,
            Elements::Counts(operand) => operand.strides,
        }
    }

    /// All of them in order.
    pub fn values(&self) -> Vec<T> {
        match self {
            Elements::Reals(operand) => operand.values(),
            Elements::Counts(operand) => operand.values().into_iter().map(T::from_count).collect(),
        }
    }

    /// Those of float32; of whole numbers, which only a `Map` reads, none.
    pub fn reals(self) -> Operand<'a, T> {
        match self {
            Elements::Reals(operand) => operand,
            Elements::Counts(Operand { shape, strides, .. }) => Operand { data: &[], shape, strides },
        }
    }
}

/// The strides of a dense tensor.
pub fn dense(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// The indices of a tensor of these sizes, the last axis fastest.
pub fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + '_ {
    let count: usize = shape.iter().product();
    (0..count).map(move |mut position| {
        let mut index = vec![0; shape.len()];
        for (index, &size) in index.iter_mut().zip(shape).rev() {
            *index = position % size;
            position /= size;
        }
        index
    })
}

/// The offsets of the elements of a strided tensor, the last axis fastest.
pub fn offsets<'a>(shape: &'a [usize], strides: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
    let count: usize = shape.iter().product();
    let mut index = vec![0; shape.len()];
    let mut next = 0;
    (0..count).map(move |_| {
        let offset = next;
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            next += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            next -= index[axis] * strides[axis];
            index[axis] = 0;
        }
        offset
    })
}

#[cfg(test)]
mod tests {
    use super::{Operand, Real, dense, indices, offsets};

    #[test]
    fn not_a_number_is_the_largest() {
        assert_eq!(1.0f32.larger(2.0), 2.0);
        assert_eq!(2.0f32.larger(1.0), 2.0);
        assert!(f64::NAN.larger(1.0).is_nan());
        assert!(1.0.larger(f64::NAN).is_nan());
    }

    #[test]
    fn visits_the_last_axis_fastest() {
        assert_eq!(indices(&[2, 2]).collect::<Vec<_>>(), [[0, 0], [0, 1], [1, 0], [1, 1]]);
        assert_eq!(offsets(&[2, 3], &[1, 10]).collect::<Vec<_>>(), [0, 10, 20, 1, 11, 21]);
        assert_eq!(offsets(&[2, 2], &[0, 1]).collect::<Vec<_>>(), [0, 1, 0, 1]);
        assert_eq!(offsets(&[], &[]).collect::<Vec<_>>(), [0]);
        assert_eq!(offsets(&[0, 4], &[4, 1]).count(), 0);
        assert_eq!(dense(&[2, 3, 4]), [12, 4, 1]);
    }

    #[test]
    fn reads_a_transposed_matrix() {
        let data = [1, 2, 3, 4, 5, 6];
        let transposed = Operand { data: &data, shape: &[3, 2], strides: &[1, 3] };
        assert_eq!(transposed.values(), [1, 4, 2, 5, 3, 6]);
        assert_eq!(transposed.at(&[2, 0]), 3);
    }
}
