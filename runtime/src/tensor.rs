//! A tensor on the host: sizes and float32 values, rows last.

use std::fmt;

/// A dense tensor of float32 values, the last axis fastest.
#[derive(Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Vec<f32>,
}

impl Tensor {
    /// A tensor of these values; `None` when their number is not the product of the sizes.
    pub fn new(shape: &[usize], data: Vec<f32>) -> Option<Tensor> {
        let elements = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size))?;
        (elements == data.len()).then(|| Tensor { shape: shape.to_vec(), data })
    }

    /// Every element the same.
    ///
    /// # Panics
    /// When there are more elements than can be counted.
    pub fn filled(shape: &[usize], value: f32) -> Tensor {
        let elements = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        Tensor { shape: shape.to_vec(), data: vec![value; elements.expect("elements that can be counted")] }
    }

    /// The sizes, outermost first; `[]` is a single number.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values in order.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// The values in order, to be changed.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The values alone.
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }
}

/// Sizes, and values while there are few: `[2, 2] 1 2 3 4`.
impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shape)?;
        for value in self.data().iter().take(16) {
            write!(f, " {value}")?;
        }
        f.write_str(if self.data().len() > 16 { " …" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::Tensor;

    #[test]
    fn a_tensor_holds_as_many_values_as_its_sizes_say() {
        assert!(Tensor::new(&[2, 2], vec![0.0; 4]).is_some());
        assert!(Tensor::new(&[2, 2], vec![0.0; 5]).is_none());
        assert!(Tensor::new(&[usize::MAX, 2], Vec::new()).is_none());
        assert_eq!(Tensor::new(&[], vec![3.0]).map(Tensor::into_data), Some(vec![3.0]));
    }
}
