//! What the elements of a value are: the type in which memory holds them.
//!
//! What a kernel computes in is said apart from it ([`KernelNode::compute`](crate::kernels::KernelNode::compute)): operands are
//! converted to that type where they are read, and results from it where they are written. All sizes in bytes come from here.

use std::fmt;

/// The type of a value's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ElementType {
    /// IEEE 754's binary32.
    Float32,
    /// Whole numbers from 0 and below 2⁶⁴: what counts, and seeds.
    Uint64,
    /// Bytes that stand for numbers at equal steps.
    Uint8(Quantisation),
}

/// Which numbers the bytes from 0 to 255 stand for: `(byte − zero) · scale`, as ONNX's `QuantizeLinear` has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Quantisation {
    /// The bits of the scale, so that types can be compared and sorted.
    scale: u32,
    /// The byte that stands for 0.
    zero: u8,
}

impl Quantisation {
    /// With a scale that is a normal number above 0; `None` of any other.
    pub fn new(scale: f32, zero: u8) -> Option<Quantisation> {
        (scale.is_normal() && scale > 0.0).then(|| Quantisation { scale: scale.to_bits(), zero })
    }

    /// The one that has every number of a range, which is made to hold 0, at the smallest steps; numbers too near to each other
    /// to be told apart are one step.
    pub fn of_range(low: f32, high: f32) -> Quantisation {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let scale = ((high / 255.0) - (low / 255.0)).clamp(f32::MIN_POSITIVE, f32::MAX);
        let zero = (-low / scale).round_ties_even().clamp(0.0, 255.0) as u8;
        Quantisation { scale: scale.to_bits(), zero }
    }

    /// The step from a byte to the next.
    pub fn scale(self) -> f32 {
        f32::from_bits(self.scale)
    }

    /// The byte that stands for 0.
    pub fn zero(self) -> u8 {
        self.zero
    }

    /// The number that a byte stands for.
    pub fn number(self, byte: u8) -> f32 {
        f32::from(i16::from(byte) - i16::from(self.zero)) * self.scale()
    }

    /// The byte for a number: that of the nearest, of two equally near the one at an even number of steps from 0; 0 or 255 of
    /// what is past them, and 0 of what is no number.
    pub fn byte(self, number: f32) -> u8 {
        ((number / self.scale()).round_ties_even() + f32::from(self.zero)) as u8
    }
}

impl fmt::Debug for Quantisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(byte - {}) * {:?}", self.zero, self.scale())
    }
}

impl ElementType {
    /// Bytes of an element. Every element lies at a multiple of them.
    pub fn size_bytes(self) -> usize {
        match self {
            ElementType::Float32 => 4,
            ElementType::Uint64 => 8,
            ElementType::Uint8(_) => 1,
        }
    }

    /// Bytes of a tensor without gaps; the largest number there is when they are past counting.
    pub fn tensor_bytes(self, shape: &[usize]) -> u64 {
        shape.iter().fold(self.size_bytes() as u64, |product, &size| product.saturating_mul(size as u64))
    }

    /// Its name: `float32`, `uint64`, `uint8`.
    pub fn name(self) -> &'static str {
        match self {
            ElementType::Float32 => "float32",
            ElementType::Uint64 => "uint64",
            ElementType::Uint8(_) => "uint8",
        }
    }

    /// Which numbers its bytes stand for, where they are bytes.
    pub fn quantisation(self) -> Option<Quantisation> {
        match self {
            ElementType::Uint8(quantisation) => Some(quantisation),
            ElementType::Float32 | ElementType::Uint64 => None,
        }
    }

    /// What sums and expressions of it are computed in: of bytes in float32.
    pub fn computed(self) -> ElementType {
        match self {
            ElementType::Uint8(_) => ElementType::Float32,
            other => other,
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
    use super::{ElementType, Quantisation};

    #[test]
    fn tensors_take_their_elements_bytes() {
        assert_eq!(Float32.tensor_bytes(&[2, 3]), 24);
        assert_eq!(Uint64.tensor_bytes(&[]), 8);
        assert_eq!(ElementType::Uint8(Quantisation::of_range(0.0, 1.0)).tensor_bytes(&[2, 3]), 6);
        assert_eq!(Float32.tensor_bytes(&[0, usize::MAX]), 0);
        assert_eq!(Float32.tensor_bytes(&[usize::MAX, usize::MAX]), u64::MAX);
    }

    #[test]
    fn bytes_stand_for_numbers_at_equal_steps() {
        let halves = Quantisation::new(0.5, 10).unwrap();
        assert_eq!([halves.number(10), halves.number(13), halves.number(0)], [0.0, 1.5, -5.0]);
        assert_eq!([1.5, 1.4, 1.75, 1.25, 0.25].map(|number| halves.byte(number)), [13, 13, 14, 12, 10]);
        assert_eq!([-1e9, 1e9, f32::NAN, f32::INFINITY].map(|number| halves.byte(number)), [0, 255, 0, 255]);
        assert!((0..=255).all(|byte| halves.byte(halves.number(byte)) == byte));
        assert!([0.0, -1.0, f32::NAN, f32::INFINITY, 1e-45].iter().all(|&scale| Quantisation::new(scale, 0).is_none()));
    }

    #[test]
    fn a_range_holds_nought_and_its_ends() {
        for (low, high) in [(0.0, 6.0), (-1.0, 3.0), (2.0, 4.0), (-8.0, -1.0), (0.0, 0.0), (-3e38, 3e38)] {
            let made = Quantisation::of_range(low, high);
            assert_eq!(made.number(made.zero()), 0.0);
            for end in [low, high] {
                assert!((made.number(made.byte(end)) - end).abs() <= 0.5001 * made.scale(), "{low} {high}");
            }
        }
    }
}
