//! Plain arrays: sizes and values in order, the last axis fastest.
//!
//! What is computed of a file's own tensors is computed with these, floats and whole numbers alike. Sizes that do not go
//! together are refused before anything is made.

/// An array. Its values are as many as its sizes say.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<T> {
    /// The sizes.
    pub shape: Vec<usize>,
    /// The values.
    pub values: Vec<T>,
}

/// The shape that both become, as NumPy has it; `None` where they do not go together.
pub fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis]);
    let size = |axis| match (at(a, axis), at(b, axis)) {
        (a, b) if a == b || b == 1 => Some(a),
        (1, b) => Some(b),
        _ => None,
    };
    (0..rank).map(size).collect()
}

/// How far apart neighbours along each axis are.
fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1];
    }
    strides
}

impl<T: Copy> Array<T> {
    /// The values of places that are `steps` apart along each axis of `shape`.
    fn walked(&self, shape: Vec<usize>, steps: &[usize]) -> Array<T> {
        let count = shape.iter().product();
        let mut index = vec![0; shape.len()];
        let mut place = 0;
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            values.push(self.values[place]);
            for axis in (0..shape.len()).rev() {
                index[axis] += 1;
                place += steps[axis];
                if index[axis] < shape[axis] {
                    break;
                }
                place -= steps[axis] * shape[axis];
                index[axis] = 0;
            }
        }
        Array { shape, values }
    }

    /// Axis `i` is axis `order[i]` of this.
    pub fn permuted(&self, order: &[usize]) -> Array<T> {
        let own = strides(&self.shape);
        let steps: Vec<usize> = order.iter().map(|&axis| own[axis]).collect();
        self.walked(order.iter().map(|&axis| self.shape[axis]).collect(), &steps)
    }

    /// Repeated along new axes and those of size 1, as far as a shape asks for it; the shape is one that it broadcasts to.
    pub fn expanded(&self, shape: &[usize]) -> Array<T> {
        if self.shape == shape {
            return self.clone();
        }
        let own = strides(&self.shape);
        let new = shape.len() - self.shape.len();
        let step =
            |axis: usize| axis.checked_sub(new).filter(|&axis| self.shape[axis] != 1).map_or(0, |axis| own[axis]);
        let steps: Vec<usize> = (0..shape.len()).map(step).collect();
        self.walked(shape.to_vec(), &steps)
    }

    /// Each value by itself.
    pub fn each<U>(self, of: impl Fn(T) -> U) -> Array<U> {
        Array { shape: self.shape, values: self.values.into_iter().map(of).collect() }
    }

    /// Values of two that go together, each pair by itself.
    pub fn joined<U>(&self, other: &Array<T>, of: impl Fn(T, T) -> U) -> Option<Array<U>> {
        let shape = broadcast(&self.shape, &other.shape)?;
        let (a, b) = (self.expanded(&shape), other.expanded(&shape));
        let values = a.values.into_iter().zip(b.values).map(|(a, b)| of(a, b)).collect();
        Some(Array { shape, values })
    }

    /// One value of all along some axes, which stay with size 1.
    pub fn reduced(&self, axes: &[usize], of: impl Fn(&[T]) -> T) -> Array<T> {
        let kept = (0..self.shape.len()).filter(|axis| !axes.contains(axis));
        let order: Vec<usize> = kept.chain(axes.iter().copied()).collect();
        let along = axes.iter().map(|&axis| self.shape[axis]).product::<usize>().max(1);
        let values = self.permuted(&order).values.chunks(along).map(of).collect();
        let size = |(axis, &size): (usize, &usize)| if axes.contains(&axis) { 1 } else { size };
        Array { shape: self.shape.iter().enumerate().map(size).collect(), values }
    }

    /// The elements at some places of an axis, each of which is there.
    pub fn picked(&self, axis: usize, places: &[usize]) -> Array<T> {
        let inner: usize = self.shape[axis + 1..].iter().product();
        let outer: usize = self.shape[..axis].iter().product();
        let size = self.shape[axis];
        let mut values = Vec::with_capacity(outer * places.len() * inner);
        for before in 0..outer {
            for place in places {
                let start = (before * size + place) * inner;
                values.extend_from_slice(&self.values[start..start + inner]);
            }
        }
        let mut shape = self.shape.clone();
        shape[axis] = places.len();
        Array { shape, values }
    }

    /// The elements with some of them replaced: `indices` has a row a place of the first axes, `updates` what comes there.
    pub fn scattered(mut self, indices: &Array<i64>, updates: &Array<T>) -> Option<Array<T>> {
        let (&depth, rows) = indices.shape.split_last()?;
        let (first, behind) = (self.shape.get(..depth)?, self.shape.get(depth..)?);
        let part: usize = behind.iter().product();
        if updates.shape != [rows, behind].concat() || depth == 0 {
            return None;
        }
        let own = strides(&self.shape);
        for (row, update) in indices.values.chunks(depth).zip(updates.values.chunks(part.max(1))) {
            let mut start = 0;
            for (axis, (&place, &size)) in row.iter().zip(first).enumerate() {
                let place = usize::try_from(if place < 0 { place + size as i64 } else { place }).ok()?;
                start += own[axis] * Some(place).filter(|place| *place < size)?;
            }
            self.values.get_mut(start..start + part)?.copy_from_slice(update.get(..part)?);
        }
        Some(self)
    }

    /// Several one after the other along an axis, whose other sizes are the same.
    pub fn concatenated(all: &[Array<T>], axis: usize) -> Option<Array<T>> {
        let first = &all.first()?.shape;
        let others =
            |shape: &[usize]| shape.iter().enumerate().filter(|(at, _)| *at != axis).map(|(_, size)| *size).collect();
        let wanted: Vec<usize> = others(first);
        if axis >= first.len()
            || all.iter().any(|array| array.shape.len() != first.len() || others(&array.shape) != wanted)
        {
            return None;
        }
        let outer: usize = first[..axis].iter().product();
        let mut shape = first.clone();
        shape[axis] = all.iter().map(|array| array.shape[axis]).sum();
        let mut values = Vec::with_capacity(shape.iter().product());
        for before in 0..outer {
            for array in all {
                let part: usize = array.shape[axis..].iter().product();
                values.extend_from_slice(&array.values[before * part..(before + 1) * part]);
            }
        }
        Some(Array { shape, values })
    }
}

impl Array<f32> {
    /// The product along the last axis and a matrix's first; sums are of double precision.
    pub fn product(&self, matrix: &Array<f32>) -> Option<Array<f32>> {
        let (&along, outer) = self.shape.split_last()?;
        let &[rows, columns] = matrix.shape.as_slice() else { return None };
        if rows != along || along == 0 {
            return None;
        }
        let turned = matrix.permuted(&[1, 0]);
        let sum = |row: &[f32], column: &[f32]| {
            row.iter().zip(column).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() as f32
        };
        let values =
            self.values.chunks(along).flat_map(|row| turned.values.chunks(along).map(|column| sum(row, column)));
        Some(Array { shape: [outer, &[columns]].concat(), values: values.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(shape: &[usize]) -> Array<i64> {
        Array { shape: shape.to_vec(), values: (0..shape.iter().product::<usize>() as i64).collect() }
    }

    #[test]
    fn arrays_are_those_of_numpy() {
        let a = counted(&[2, 3]);
        assert_eq!(a.permuted(&[1, 0]).values, [0, 3, 1, 4, 2, 5]);
        assert_eq!(a.picked(1, &[2, 0, 2]).values, [2, 0, 2, 5, 3, 5]);
        assert_eq!(a.reduced(&[0], |all| all.iter().sum()), Array { shape: vec![1, 3], values: vec![3, 5, 7] });
        assert_eq!(a.reduced(&[1, 0], |all| all.iter().sum()).values, [15]);
        assert_eq!(a.reduced(&[], |all| all[0]).values, a.values);
        let column = counted(&[2, 1]);
        assert_eq!(a.joined(&column, |a, b| a * b), Some(Array { shape: vec![2, 3], values: vec![0, 0, 0, 3, 4, 5] }));
        assert_eq!(a.joined(&counted(&[2]), |a, _| a), None);
        let seven = Array { shape: Vec::new(), values: vec![7] };
        assert_eq!(seven.joined(&column, |a, b| a + b).unwrap().values, [7, 8]);
        let both = Array::concatenated(&[a.clone(), column], 1).unwrap();
        assert_eq!((both.shape, both.values), (vec![2, 4], vec![0, 1, 2, 0, 3, 4, 5, 1]));
        assert_eq!(Array::concatenated(&[a.clone(), counted(&[3, 3])], 1), None);
        let places = Array { shape: vec![2, 1], values: vec![-1, 0] };
        let rows = Array { shape: vec![2, 3], values: vec![9, 9, 9, 8, 8, 8] };
        assert_eq!(a.clone().scattered(&places, &rows).unwrap().values, [8, 8, 8, 9, 9, 9]);
        assert_eq!(a.clone().scattered(&Array { shape: vec![2, 1], values: vec![2, 0] }, &rows), None);
        let floats = a.each(|value| value as f32);
        assert_eq!(floats.product(&floats.permuted(&[1, 0])).unwrap().values, [5.0, 14.0, 14.0, 50.0]);
        assert_eq!(floats.product(&floats), None);
    }
}
