//! A tensor on the host: sizes and values, rows last.

use crate::view::Destination;
use cnnc_compiler::element::ElementType;
use std::fmt;

/// A dense tensor, the last axis fastest: of float32 values, or of whole numbers, which count.
#[derive(Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    values: Values,
}

#[derive(Clone, PartialEq)]
enum Values {
    Float32(Vec<f32>),
    Uint64(Vec<u64>),
}

impl Tensor {
    /// A tensor of these values; `None` when their number is not the product of the sizes.
    pub fn new(shape: &[usize], data: Vec<f32>) -> Option<Tensor> {
        let fits = elements(shape)? == data.len();
        fits.then(|| Tensor { shape: shape.to_vec(), values: Values::Float32(data) })
    }

    /// A tensor of these whole numbers; `None` when their number is not the product of the sizes.
    pub fn of_counts(shape: &[usize], counts: Vec<u64>) -> Option<Tensor> {
        let fits = elements(shape)? == counts.len();
        fits.then(|| Tensor { shape: shape.to_vec(), values: Values::Uint64(counts) })
    }

    /// A single whole number: a counter, a seed.
    pub fn count(number: u64) -> Tensor {
        Tensor { shape: Vec::new(), values: Values::Uint64(vec![number]) }
    }

    /// Every element the same.
    ///
    /// # Panics
    /// When there are more elements than can be counted.
    pub fn filled(shape: &[usize], value: f32) -> Tensor {
        let count = elements(shape).expect("elements that can be counted");
        Tensor { shape: shape.to_vec(), values: Values::Float32(vec![value; count]) }
    }

    /// Noughts.
    ///
    /// # Panics
    /// As [`Tensor::filled`].
    pub fn zeros(shape: &[usize], element: ElementType) -> Tensor {
        let count = elements(shape).expect("elements that can be counted");
        let values = match element {
            ElementType::Float32 | ElementType::Uint8(_) => Values::Float32(vec![0.0; count]),
            ElementType::Uint64 => Values::Uint64(vec![0; count]),
        };
        Tensor { shape: shape.to_vec(), values }
    }

    /// The sizes, outermost first; `[]` is a single number.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What its elements are.
    pub fn element(&self) -> ElementType {
        match self.values {
            Values::Float32(_) => ElementType::Float32,
            Values::Uint64(_) => ElementType::Uint64,
        }
    }

    /// The float32 values in order.
    ///
    /// # Panics
    /// When it holds whole numbers, which are no float32: ask for its [`Tensor::counts`].
    pub fn data(&self) -> &[f32] {
        match &self.values {
            Values::Float32(data) => data,
            Values::Uint64(_) => panic!("{NO_FLOATS}"),
        }
    }

    /// The float32 values in order, to be changed.
    ///
    /// # Panics
    /// As [`Tensor::data`].
    pub fn data_mut(&mut self) -> &mut [f32] {
        match &mut self.values {
            Values::Float32(data) => data,
            Values::Uint64(_) => panic!("{NO_FLOATS}"),
        }
    }

    /// The float32 values alone; none of whole numbers.
    pub fn into_data(self) -> Vec<f32> {
        match self.values {
            Values::Float32(data) => data,
            Values::Uint64(_) => Vec::new(),
        }
    }

    /// The whole numbers in order; `None` when it holds float32.
    pub fn counts(&self) -> Option<&[u64]> {
        match &self.values {
            Values::Float32(_) => None,
            Values::Uint64(counts) => Some(counts),
        }
    }

    /// Its values, to be written.
    pub(crate) fn destination(&mut self) -> Destination<'_> {
        match &mut self.values {
            Values::Float32(data) => Destination::Float32(data),
            Values::Uint64(counts) => Destination::Uint64(counts),
        }
    }

    /// The same numbers as elements of another type; `None` when one has no place there.
    pub fn converted(&self, element: ElementType) -> Option<Tensor> {
        const END: f32 = 18_446_744_073_709_551_616.0;
        match (&self.values, element) {
            (Values::Float32(data), ElementType::Uint64) => {
                let whole =
                    |number: &f32| (number.fract() == 0.0 && (0.0..END).contains(number)).then_some(*number as u64);
                Tensor::of_counts(&self.shape, data.iter().map(whole).collect::<Option<_>>()?)
            }
            (Values::Uint64(counts), ElementType::Float32) => {
                let real = |count: &u64| Some(*count as f32).filter(|real| *real < END && *real as u64 == *count);
                Tensor::new(&self.shape, counts.iter().map(real).collect::<Option<_>>()?)
            }
            _ => Some(self.clone()),
        }
    }

    /// Where its values begin, whatever they are, to be written to.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut f32 {
        match &mut self.values {
            Values::Float32(data) => data.as_mut_ptr(),
            Values::Uint64(counts) => counts.as_mut_ptr().cast(),
        }
    }

    /// Its values in order, each as the nearest float64.
    pub fn numbers(&self) -> Box<dyn Iterator<Item = f64> + '_> {
        match &self.values {
            Values::Float32(data) => Box::new(data.iter().map(|&value| f64::from(value))),
            Values::Uint64(counts) => Box::new(counts.iter().map(|&count| count as f64)),
        }
    }

    /// Its values as text, in order.
    pub fn texts(&self) -> Box<dyn Iterator<Item = String> + '_> {
        match &self.values {
            Values::Float32(data) => Box::new(data.iter().map(f32::to_string)),
            Values::Uint64(counts) => Box::new(counts.iter().map(u64::to_string)),
        }
    }
}

/// What is said to who asks whole numbers for their floats.
const NO_FLOATS: &str = "a tensor of whole numbers has no float32 values";

/// The number of elements, if it can be counted.
fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size))
}

/// Sizes, and values while there are few: `[2, 2] 1 2 3 4`.
impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shape)?;
        let mut texts = self.texts();
        for value in texts.by_ref().take(16) {
            write!(f, " {value}")?;
        }
        f.write_str(if texts.next().is_some() { " …" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::Tensor;
    use cnnc_compiler::element::ElementType;

    #[test]
    fn a_tensor_holds_as_many_values_as_its_sizes_say() {
        assert!(Tensor::new(&[2, 2], vec![0.0; 4]).is_some());
        assert!(Tensor::new(&[2, 2], vec![0.0; 5]).is_none());
        assert!(Tensor::new(&[usize::MAX, 2], Vec::new()).is_none());
        assert_eq!(Tensor::new(&[], vec![3.0]).map(Tensor::into_data), Some(vec![3.0]));
    }

    #[test]
    fn whole_numbers_are_exact_and_no_floats() {
        let counts = Tensor::of_counts(&[2], vec![(1 << 53) + 1, u64::MAX]).unwrap();
        assert_eq!(counts.element(), ElementType::Uint64);
        assert_eq!(counts.counts(), Some([9_007_199_254_740_993, u64::MAX].as_slice()));
        assert_eq!(format!("{counts:?}"), "[2] 9007199254740993 18446744073709551615");
        assert_eq!(Tensor::count(7), Tensor::of_counts(&[], vec![7]).unwrap());
        assert_ne!(Tensor::count(7), Tensor::filled(&[], 7.0));
        let floats = Tensor::new(&[2], vec![3.0, 16_777_216.0]).unwrap();
        let same = floats.converted(ElementType::Uint64).unwrap();
        assert_eq!(
            (same.counts(), same.converted(ElementType::Float32)),
            (Some([3, 1 << 24].as_slice()), Some(floats))
        );
        assert_eq!(Tensor::count((1 << 24) + 1).converted(ElementType::Float32), None);
        assert!([0.5, -1.0, f32::NAN].iter().all(|&x| Tensor::filled(&[], x).converted(ElementType::Uint64).is_none()));
        assert!(Tensor::of_counts(&[2], vec![1]).is_none() && Tensor::filled(&[], 1.0).counts().is_none());
    }
}
