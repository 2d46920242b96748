//! What the elements of a value are: the type in which memory holds them.
//!
//! What a kernel computes in is said apart from it ([`KernelNode::compute`](crate::kernels::KernelNode::compute)): operands are
//! converted to that type where they are read. All sizes in bytes come from here.

use std::fmt;

/// The type of a value's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ElementType {
    /// IEEE 754's binary32.
    Float32,
    /// Whole numbers from 0 and below 2⁶⁴: what counts, and seeds.
    Uint64,
}

impl ElementType {
    /// Bytes of an element. Every element lies at a multiple of them.
    pub fn size_bytes(self) -> usize {
        match self {
            ElementType::Float32 => 4,
            ElementType::Uint64 => 8,
        }
    }

    /// Bytes of a tensor without gaps; the largest number there is when they are past counting.
    pub fn tensor_bytes(self, shape: &[usize]) -> u64 {
        shape.iter().fold(self.size_bytes() as u64, |product, &size| product.saturating_mul(size as u64))
    }

    /// Its name: `float32`, `uint64`.
    pub fn name(self) -> &'static str {
        match self {
            ElementType::Float32 => "float32",
            ElementType::Uint64 => "uint64",
        }
    }
}

/// Its name.
impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::ElementType::{Float32, Uint64};

    #[test]
    fn tensors_take_their_elements_bytes() {
        assert_eq!(Float32.tensor_bytes(&[2, 3]), 24);
        assert_eq!(Uint64.tensor_bytes(&[]), 8);
        assert_eq!(Float32.tensor_bytes(&[0, usize::MAX]), 0);
        assert_eq!(Float32.tensor_bytes(&[usize::MAX, usize::MAX]), u64::MAX);
    }
}
