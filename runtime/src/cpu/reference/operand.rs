//! A strided operand, and the order in which the elements of a tensor are visited.

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
    use super::{Operand, dense, indices, offsets};

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
