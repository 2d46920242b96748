//! Tensors that lie in somebody else's memory: what runs take and, where the caller wants it so, what they write to.
//!
//! A view borrows sizes and values, so that a program's own buffers become inputs without a copy. Whatever is a list of tensors
//! or views is a [`TensorList`]: arrays, slices and vectors of either.

use crate::Tensor;
use cnnc_compiler::element::ElementType;
use std::fmt;

/// A dense tensor that is borrowed, the last axis fastest.
#[derive(Clone, Copy, PartialEq)]
pub struct TensorView<'t> {
    shape: &'t [usize],
    values: Values<'t>,
}

#[derive(Clone, Copy, PartialEq)]
enum Values<'t> {
    Float32(&'t [f32]),
    Uint64(&'t [u64]),
}

impl<'t> TensorView<'t> {
    /// These values in these sizes; `None` when their number is not the product of the sizes.
    pub fn new(shape: &'t [usize], data: &'t [f32]) -> Option<TensorView<'t>> {
        (elements(shape)? == data.len()).then_some(TensorView { shape, values: Values::Float32(data) })
    }

    /// These whole numbers in these sizes; `None` when their number is not the product of the sizes.
    pub fn of_counts(shape: &'t [usize], counts: &'t [u64]) -> Option<TensorView<'t>> {
        (elements(shape)? == counts.len()).then_some(TensorView { shape, values: Values::Uint64(counts) })
    }

    /// The sizes, outermost first; `[]` is a single number.
    pub fn shape(&self) -> &'t [usize] {
        self.shape
    }

    /// What its elements are.
    pub fn element(&self) -> ElementType {
        match self.values {
            Values::Float32(_) => ElementType::Float32,
            Values::Uint64(_) => ElementType::Uint64,
        }
    }

    /// The float32 values in order; `None` when it holds whole numbers.
    pub fn data(&self) -> Option<&'t [f32]> {
        match self.values {
            Values::Float32(data) => Some(data),
            Values::Uint64(_) => None,
        }
    }

    /// The whole numbers in order; `None` when it holds float32.
    pub fn counts(&self) -> Option<&'t [u64]> {
        match self.values {
            Values::Float32(_) => None,
            Values::Uint64(counts) => Some(counts),
        }
    }

    /// A tensor of its own with the same values.
    pub fn to_tensor(&self) -> Tensor {
        let tensor = match self.values {
            Values::Float32(data) => Tensor::new(self.shape, data.to_vec()),
            Values::Uint64(counts) => Tensor::of_counts(self.shape, counts.to_vec()),
        };
        tensor.unwrap_or_else(|| Tensor::zeros(self.shape, self.element()))
    }

    /// Where its values begin, whatever they are.
    pub(crate) fn as_ptr(&self) -> *const f32 {
        match self.values {
            Values::Float32(data) => data.as_ptr(),
            Values::Uint64(counts) => counts.as_ptr().cast(),
        }
    }
}

impl fmt::Debug for TensorView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}", self.shape, self.element())
    }
}

/// Memory that an answer of float32 is written to.
pub struct TensorViewMut<'t> {
    pub(crate) shape: &'t [usize],
    pub(crate) data: &'t mut [f32],
}

impl<'t> TensorViewMut<'t> {
    /// This memory as a tensor of these sizes, the last axis fastest; `None` when it is not as long as their product.
    pub fn new(shape: &'t [usize], data: &'t mut [f32]) -> Option<TensorViewMut<'t>> {
        (elements(shape)? == data.len()).then_some(TensorViewMut { shape, data })
    }

    /// The sizes.
    pub fn shape(&self) -> &'t [usize] {
        self.shape
    }
}

/// Where the values of an answer go.
pub(crate) enum Destination<'d> {
    Float32(&'d mut [f32]),
    Uint64(&'d mut [u64]),
}

impl Destination<'_> {
    /// Its first word.
    pub(crate) fn first(self) -> *mut f32 {
        match self {
            Destination::Float32(data) => data.as_mut_ptr(),
            Destination::Uint64(counts) => counts.as_mut_ptr().cast(),
        }
    }
}

/// Where the answers of a run go, by their number.
pub(crate) trait Destinations {
    fn destination(&mut self, number: usize) -> Destination<'_>;
}

impl Destinations for Vec<Tensor> {
    fn destination(&mut self, number: usize) -> Destination<'_> {
        self[number].destination()
    }
}

impl Destinations for &mut [TensorViewMut<'_>] {
    fn destination(&mut self, number: usize) -> Destination<'_> {
        Destination::Float32(self[number].data)
    }
}

/// What can be looked at as a tensor.
pub trait AsTensorView {
    /// Its sizes and values.
    fn view(&self) -> TensorView<'_>;
}

impl AsTensorView for Tensor {
    fn view(&self) -> TensorView<'_> {
        let values = match self.counts() {
            Some(counts) => Values::Uint64(counts),
            None => Values::Float32(self.data()),
        };
        TensorView { shape: self.shape(), values }
    }
}

impl AsTensorView for TensorView<'_> {
    fn view(&self) -> TensorView<'_> {
        *self
    }
}

impl<V: AsTensorView + ?Sized> AsTensorView for &V {
    fn view(&self) -> TensorView<'_> {
        (**self).view()
    }
}

/// Some tensors in order.
pub trait TensorList {
    /// How many.
    fn count(&self) -> usize;

    /// The one of that number, counted from 0.
    ///
    /// # Panics
    /// When there are not as many.
    fn tensor(&self, number: usize) -> TensorView<'_>;
}

impl<V: AsTensorView> TensorList for [V] {
    fn count(&self) -> usize {
        self.len()
    }

    fn tensor(&self, number: usize) -> TensorView<'_> {
        self[number].view()
    }
}

impl<V: AsTensorView, const N: usize> TensorList for [V; N] {
    fn count(&self) -> usize {
        N
    }

    fn tensor(&self, number: usize) -> TensorView<'_> {
        self[number].view()
    }
}

impl<V: AsTensorView> TensorList for Vec<V> {
    fn count(&self) -> usize {
        self.len()
    }

    fn tensor(&self, number: usize) -> TensorView<'_> {
        self[number].view()
    }
}

impl<L: TensorList + ?Sized> TensorList for &L {
    fn count(&self) -> usize {
        (**self).count()
    }

    fn tensor(&self, number: usize) -> TensorView<'_> {
        (**self).tensor(number)
    }
}

/// All tensors of a list, in order.
pub(crate) fn views(list: &dyn TensorList) -> impl ExactSizeIterator<Item = TensorView<'_>> {
    (0..list.count()).map(|number| list.tensor(number))
}

/// The number of elements, if it can be counted.
fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size))
}

#[cfg(test)]
mod tests {
    use super::{AsTensorView, TensorList, TensorView, TensorViewMut};
    use crate::Tensor;
    use cnnc_compiler::element::ElementType;

    #[test]
    fn a_view_has_as_many_values_as_its_sizes_say() {
        let mut data = [1.0, 2.0, 3.0, 4.0];
        assert!(TensorView::new(&[2, 3], &data).is_none() && TensorView::new(&[usize::MAX, 2], &[]).is_none());
        let view = TensorView::new(&[2, 2], &data).unwrap();
        assert_eq!((view.shape(), view.data(), view.counts()), ([2, 2].as_slice(), Some(data.as_slice()), None));
        assert_eq!(view.to_tensor(), Tensor::new(&[2, 2], data.to_vec()).unwrap());
        assert!(TensorViewMut::new(&[3], &mut data).is_none() && TensorViewMut::new(&[4], &mut data).is_some());
        let counts = Tensor::count(7);
        assert_eq!((counts.view().element(), counts.view().to_tensor()), (ElementType::Uint64, counts.clone()));
    }

    #[test]
    fn lists_of_tensors_and_of_views_are_the_same() {
        let tensors = vec![Tensor::filled(&[2], 1.0), Tensor::filled(&[3], 2.0)];
        let views = [tensors[0].view(), tensors[1].view()];
        let lists: [&dyn TensorList; 4] = [&tensors, &tensors.as_slice(), &views, &[&tensors[0], &tensors[1]]];
        for list in lists {
            assert_eq!((list.count(), list.tensor(1)), (2, views[1]));
        }
    }
}
