//! Tables of places that depend on open sizes: PyTorch's `as_strided`, which exporters write as a table and a look-up.
//!
//! A table is followed as long as its numbers are a start and a step along each axis. Where it reads a list in order, from its
//! first element to its last, the look-up is another shape for the same elements.

use crate::onnx::tensor::Tensor;
use cnnc_compiler::shape::Dim;

/// A table whose number at `[i, j, …]` is `start + i · steps[0] + j · steps[1] + …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Places {
    sizes: Vec<Dim>,
    steps: Vec<i64>,
    start: i64,
}

impl Places {
    /// `start, start + step, …`, so many numbers.
    pub fn range(count: Dim, start: i64, step: i64) -> Places {
        Places { sizes: vec![count], steps: vec![step], start }
    }

    /// A table of the file, where it is such.
    pub fn of_tensor(tensor: &Tensor) -> Option<Places> {
        let values = tensor.ints()?;
        let start = *values.first()?;
        let mut steps = Vec::new();
        let mut behind = tensor.count();
        for &size in tensor.shape() {
            behind = behind.checked_div(size)?;
            steps.push(if size > 1 { values.get(behind)?.checked_sub(start)? } else { 0 });
        }
        let found = Places { sizes: tensor.shape().iter().map(|&size| Dim::from(size)).collect(), steps, start };
        let number = |mut place: usize| {
            let mut number = start;
            for (size, step) in tensor.shape().iter().zip(&found.steps).rev() {
                number = number.checked_add(step.checked_mul((place % size) as i64)?)?;
                place /= size;
            }
            Some(number)
        };
        let is_it = values.iter().enumerate().all(|(place, value)| number(place) == Some(*value));
        is_it.then_some(found)
    }

    /// The number of its axes.
    pub fn rank(&self) -> usize {
        self.sizes.len()
    }

    /// Each number times one.
    pub fn times(&self, factor: i64) -> Option<Places> {
        let steps = self.steps.iter().map(|step| step.checked_mul(factor)).collect::<Option<Vec<i64>>>()?;
        Some(Places { sizes: self.sizes.clone(), steps, start: self.start.checked_mul(factor)? })
    }

    /// With new axes of size 1, counted from the front of the result.
    pub fn unsqueezed(&self, axes: &[usize]) -> Places {
        let (mut sizes, mut steps) = (self.sizes.iter().cloned(), self.steps.iter().copied());
        let mut made = Places { sizes: Vec::new(), steps: Vec::new(), start: self.start };
        for axis in 0..self.sizes.len() + axes.len() {
            let is_new = axes.contains(&axis);
            made.sizes.extend(if is_new { Some(Dim::Number(1)) } else { sizes.next() });
            made.steps.extend(if is_new { Some(0) } else { steps.next() });
        }
        made
    }

    /// The sum, sizes of 1 going with any.
    pub fn plus(&self, other: &Places) -> Option<Places> {
        let rank = self.sizes.len().max(other.sizes.len());
        let [a, b] = [self, other].map(|one| {
            let new: Vec<usize> = (0..rank - one.sizes.len()).collect();
            one.unsqueezed(&new)
        });
        let one = Dim::Number(1);
        let size = |(a, b): (&Dim, &Dim)| match () {
            () if a == b || *b == one => Some(a.clone()),
            () if *a == one => Some(b.clone()),
            () => None,
        };
        let sizes = a.sizes.iter().zip(&b.sizes).map(size).collect::<Option<Vec<Dim>>>()?;
        let steps = a.steps.iter().zip(&b.steps).map(|(a, b)| a.checked_add(*b)).collect::<Option<Vec<i64>>>()?;
        Some(Places { sizes, steps, start: a.start.checked_add(b.start)? })
    }

    /// The shape that a list of so many elements has when the table reads all of it in order; `None` where it does not.
    pub fn shape_of_all(&self, count: &Dim) -> Option<&[Dim]> {
        let mut behind = Dim::Number(1);
        for (size, step) in self.sizes.iter().zip(&self.steps).rev() {
            if *size != Dim::Number(1) && behind != Dim::Number(*step) {
                return None;
            }
            behind = behind.times(size).ok()?;
        }
        (self.start == 0 && behind == *count).then_some(&self.sizes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_reads_all_in_order_is_another_shape() {
        let batch = Dim::symbol("N");
        let rows = Places::range(batch.clone(), 0, 1).times(6).unwrap().unsqueezed(&[1, 2]);
        let columns = Places::of_tensor(&Tensor::of_ints(vec![1, 2, 3], vec![0, 3, 1, 4, 2, 5])).is_none();
        assert!(columns, "no one step along each axis");
        let columns = Places::of_tensor(&Tensor::of_ints(vec![1, 2, 3], (0..6).collect())).unwrap();
        let table = rows.plus(&columns).unwrap();
        let whole = batch.times_number(6).unwrap();
        assert_eq!(table.shape_of_all(&whole), Some(&[batch.clone(), Dim::Number(2), Dim::Number(3)][..]));
        assert_eq!(table.shape_of_all(&batch.times_number(7).unwrap()), None);
        let turned = Places::of_tensor(&Tensor::of_ints(vec![1, 3, 2], vec![0, 3, 1, 4, 2, 5])).unwrap();
        assert_eq!(rows.plus(&turned).unwrap().shape_of_all(&whole), None);
        let later = Places::of_tensor(&Tensor::of_ints(vec![1], vec![1])).unwrap();
        assert_eq!(table.plus(&later).unwrap().shape_of_all(&whole), None);
    }
}
