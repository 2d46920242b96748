//! What can be done to a value without touching an element: other sizes, a part, other axes, repetition.
//!
//! Every view made here is canonical: of an axis of size 1, along which nobody moves, the stride is that of a dense tensor, what
//! the axes after it take. So equal places are equal views, and a kernel may multiply any stride by anything, such as a plane's
//! number by the distance from row to row.

use super::{Storage, View};
use crate::element::ElementType;

impl View {
    /// A dense tensor, rows last.
    pub fn dense(storage: Storage, element: ElementType, offset_bytes: usize, shape: &[usize]) -> View {
        let strides = vec![0; shape.len()];
        View { storage, element, offset_bytes, shape: shape.to_vec(), strides }.along(|_| None)
    }

    /// With the strides that are given, an axis each, and dense where none is or the axis has size 1.
    fn along(mut self, stride: impl Fn(usize) -> Option<usize>) -> View {
        let mut dense = 1;
        for (axis, (own, &size)) in self.strides.iter_mut().zip(&self.shape).enumerate().rev() {
            *own = stride(axis).filter(|_| size != 1).unwrap_or(dense);
            dense = own.saturating_mul(size);
        }
        self
    }

    /// The same elements, with the strides of axes of size 1 as they must be.
    pub fn canonical(self) -> View {
        let strides = self.strides.clone();
        self.along(|axis| strides.get(axis).copied())
    }

    /// Whether each axis of size 1 has the stride of a dense tensor, which is what the axes after it take.
    pub fn is_canonical(&self) -> bool {
        let after = self.strides.iter().zip(&self.shape).skip(1).map(|(stride, size)| stride.saturating_mul(*size));
        let mut axes = self.strides.iter().zip(&self.shape).zip(after.chain([1]));
        self.strides.len() == self.shape.len() && axes.all(|((&stride, &size), dense)| size != 1 || stride == dense)
    }

    /// The elements along an axis from `start`, `length` of them.
    pub fn sliced(&self, axis: usize, start: usize, length: usize) -> View {
        let mut view = self.clone();
        view.offset_bytes += start * self.strides.get(axis).copied().unwrap_or(0) * self.element.size_bytes();
        if let Some(size) = view.shape.get_mut(axis) {
            *size = length;
        }
        view.canonical()
    }

    /// Axis `i` of the result is axis `axes[i]`.
    pub fn permuted(&self, axes: &[usize]) -> View {
        let pick = |from: &[usize]| axes.iter().filter_map(|&axis| from.get(axis).copied()).collect();
        View { shape: pick(&self.shape), strides: pick(&self.strides), ..self.clone() }.canonical()
    }

    /// With one more axis, of size 1, after the others.
    pub fn with_axis(&self) -> View {
        let mut view = self.clone();
        view.shape.push(1);
        view.strides.push(1);
        view.canonical()
    }

    /// Repeated to `shape`, which has the same rank: where the size is 1, every index is the same element.
    pub fn broadcast(&self, shape: &[usize]) -> View {
        let strides = self.shape.iter().zip(&self.strides).map(|(&size, &stride)| if size == 1 { 0 } else { stride });
        View { shape: shape.to_vec(), strides: strides.collect(), ..self.clone() }.canonical()
    }

    /// The same elements in the same order under another shape; `None` when no strides say that.
    ///
    /// Axes whose elements follow each other evenly are first joined to blocks; the new axes must then divide the blocks.
    pub fn reshaped(&self, shape: &[usize]) -> Option<View> {
        if self.elements() != shape.iter().product() {
            return None;
        }
        if self.is_dense() {
            return Some(View::dense(self.storage, self.element, self.offset_bytes, shape));
        }
        let mut blocks = self.blocks();
        let mut strides = vec![0; shape.len()];
        let (mut room, mut step) = blocks.pop()?;
        for (&size, stride) in shape.iter().zip(&mut strides).rev() {
            if size == 1 {
                continue;
            }
            if room == 1 {
                (room, step) = blocks.pop()?;
            }
            *stride = step;
            step *= size;
            room = room.checked_div(size).filter(|rest| rest * size == room)?;
        }
        Some(View { shape: shape.to_vec(), strides, ..self.clone() }.canonical())
    }

    /// Sizes and strides with neighbours joined where one continues the other, axes of size 1 left out.
    fn blocks(&self) -> Vec<(usize, usize)> {
        let mut blocks: Vec<(usize, usize)> = Vec::new();
        for (&size, &stride) in self.shape.iter().zip(&self.strides).filter(|&(&size, _)| size != 1) {
            match blocks.last_mut() {
                Some((joined, inner)) if *inner == size * stride => (*joined, *inner) = (*joined * size, stride),
                _ => blocks.push((size, stride)),
            }
        }
        blocks
    }

    /// From its first element to one past its last, in elements.
    pub fn extent(&self) -> usize {
        if self.shape.contains(&0) {
            return 0;
        }
        self.shape.iter().zip(&self.strides).map(|(&size, &stride)| (size - 1) * stride).sum::<usize>() + 1
    }

    /// One past the last byte of its last element.
    pub fn end_bytes(&self) -> usize {
        self.offset_bytes + self.extent() * self.element.size_bytes()
    }

    /// Whether another view begins before this one ends, and ends after it begins: they may have an element in common.
    pub fn meets(&self, other: &View) -> bool {
        let is_before = |one: &View, other: &View| one.end_bytes() <= other.offset_bytes;
        self.storage == other.storage && !is_before(self, other) && !is_before(other, self)
    }
}

#[cfg(test)]
mod tests {
    use crate::element::ElementType;
    use crate::plan::{Storage, View};

    /// A dense view that begins with that element of the arena.
    fn dense(first: usize, shape: &[usize]) -> View {
        View::dense(Storage::Arena, ElementType::Float32, 4 * first, shape)
    }

    fn view(shape: &[usize], strides: &[usize]) -> View {
        let (element, offset_bytes) = (ElementType::Float32, 20);
        View { storage: Storage::Arena, element, offset_bytes, shape: shape.to_vec(), strides: strides.to_vec() }
    }

    /// The elements in the order of their indices.
    fn places(view: &View) -> Vec<usize> {
        let axes = view.shape.iter().zip(&view.strides);
        axes.fold(vec![view.offset()], |all, (&size, &stride)| {
            all.iter().flat_map(|&at| (0..size).map(move |index| at + index * stride)).collect()
        })
    }

    #[test]
    fn a_reshaped_view_holds_the_same_elements_in_the_same_order() {
        let part_of_a_concatenation = view(&[2, 3, 2, 2], &[100, 4, 2, 1]);
        for shape in [&[2, 12][..], &[2, 3, 4], &[1, 2, 12, 1], &[2, 3, 1, 2, 2], &[2, 6, 2]] {
            let reshaped = part_of_a_concatenation.reshaped(shape).unwrap();
            assert_eq!(reshaped.shape, shape);
            assert_eq!(places(&reshaped), places(&part_of_a_concatenation), "{shape:?}");
        }
    }

    #[test]
    fn what_would_have_to_move_is_no_view() {
        assert_eq!(view(&[2, 3, 2, 2], &[100, 4, 2, 1]).reshaped(&[24]), None);
        assert_eq!(view(&[2, 3, 2, 2], &[100, 4, 2, 1]).reshaped(&[3, 8]), None);
        assert_eq!(view(&[2, 3], &[1, 2]).reshaped(&[6]), None);
        assert_eq!(view(&[2, 3], &[1, 2]).reshaped(&[5]), None);
    }

    #[test]
    fn parts_axes_and_repetition() {
        let whole = dense(0, &[2, 3, 4]);
        assert_eq!(places(&whole.sliced(1, 1, 2).sliced(2, 3, 1)), [7, 11, 19, 23]);
        assert_eq!(places(&view(&[2, 3], &[3, 1]).permuted(&[1, 0])), [5, 8, 6, 9, 7, 10]);
        assert_eq!(places(&view(&[1, 2], &[7, 1]).broadcast(&[2, 2])), [5, 6, 5, 6]);
        assert_eq!(whole.sliced(1, 1, 2).extent(), 20);
    }

    #[test]
    fn an_axis_of_size_1_has_the_stride_of_a_dense_tensor() {
        let image = dense(5, &[2, 4, 3, 3]);
        assert_eq!(image.sliced(1, 1, 1).strides, [36, 9, 3, 1]);
        assert_eq!(image.sliced(0, 1, 1).sliced(2, 0, 1).strides, [36, 9, 3, 1]);
        assert_eq!(image.sliced(3, 2, 1).strides, [36, 9, 3, 1]);
        let pixels = dense(5, &[2, 5]).sliced(1, 1, 4);
        assert_eq!(pixels.reshaped(&[2, 4, 1, 1]).unwrap().strides, [5, 1, 1, 1]);
        assert_eq!(pixels.reshaped(&[2, 1, 4]).unwrap().strides, [5, 4, 1]);
        assert_eq!(pixels.with_axis().strides, [5, 1, 1]);
        assert_eq!(dense(0, &[4, 1]).permuted(&[1, 0]).strides, [4, 1]);
        assert_eq!(dense(0, &[1, 4, 1, 1]).broadcast(&[2, 4, 1, 3]).strides, [0, 1, 0, 0]);
        for made in [image.sliced(1, 1, 1), pixels.reshaped(&[1, 2, 4, 1]).unwrap(), pixels.with_axis()] {
            assert!(made.is_canonical(), "{made:?}");
        }
    }

    #[test]
    fn other_strides_of_an_axis_of_size_1_are_seen() {
        assert!(view(&[2, 4, 1, 1], &[4, 1, 1, 1]).is_canonical());
        assert!(!view(&[2, 4, 1, 1], &[4, 1, 1000, 1]).is_canonical());
        assert!(!view(&[2, 4, 1, 1], &[4, 1, 0, 0]).is_canonical());
        assert!(!view(&[1, 3], &[9, 1]).is_canonical());
        assert!(!view(&[2, 3], &[3]).is_canonical());
        assert!(view(&[], &[]).is_canonical());
    }
}
