//! The types of safetensors as the elements that every format's reader knows, and so as numbers.

use cnnc_formats::element::{self, Element};
use safetensors::Dtype;

/// The types that are read; what safetensors holds beside them, complex numbers and parts of bytes, is not.
const ELEMENTS: [(Dtype, Element); 18] = [
    (Dtype::F64, Element::Float64),
    (Dtype::F32, Element::Float32),
    (Dtype::F16, Element::Float16),
    (Dtype::BF16, Element::BFloat16),
    (Dtype::F8_E4M3, Element::Float8E4M3fn),
    (Dtype::F8_E4M3FNUZ, Element::Float8E4M3fnuz),
    (Dtype::F8_E5M2, Element::Float8E5M2),
    (Dtype::F8_E5M2FNUZ, Element::Float8E5M2fnuz),
    (Dtype::F8_E8M0, Element::Float8E8M0fnu),
    (Dtype::I64, Element::Int64),
    (Dtype::I32, Element::Int32),
    (Dtype::I16, Element::Int16),
    (Dtype::I8, Element::Int8),
    (Dtype::U64, Element::Uint64),
    (Dtype::U32, Element::Uint32),
    (Dtype::U16, Element::Uint16),
    (Dtype::U8, Element::Uint8),
    (Dtype::BOOL, Element::Bool),
];

fn element(dtype: Dtype) -> Option<Element> {
    ELEMENTS.iter().find(|(known, _)| *known == dtype).map(|(_, element)| *element)
}

/// An element as safetensors has it.
pub fn dtype(element: Element) -> Dtype {
    ELEMENTS.iter().find(|(_, known)| *known == element).map_or(Dtype::F32, |(dtype, _)| *dtype)
}

/// Whether values of this type can be read.
pub fn is_readable(dtype: Dtype) -> bool {
    element(dtype).is_some()
}

/// Whether values of this type are numbers with fractions, which become float32.
pub fn is_float(dtype: Dtype) -> bool {
    element(dtype).is_some_and(Element::is_float)
}

/// PyTorch's name of a type: `float16`.
pub fn name(dtype: Dtype) -> String {
    element(dtype).map_or_else(|| format!("{dtype:?}"), |element| element.name().to_owned())
}

/// The values in order; none for a type that [`is_readable`] refuses.
pub fn to_f32(dtype: Dtype, bytes: &[u8]) -> Vec<f32> {
    element(dtype).map(|element| element::to_f32(element, bytes)).unwrap_or_default()
}

/// The values in order as whole numbers from 0; `None` when one is none, or for a type that [`is_readable`] refuses.
pub fn to_counts(dtype: Dtype, bytes: &[u8]) -> Option<Vec<u64>> {
    element::to_counts(element(dtype)?, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_as_wide_as_their_elements() {
        for (known, of_it) in ELEMENTS {
            assert_eq!((element(known), dtype(of_it)), (Some(of_it), known));
            assert_eq!(known.bitsize() as u64, 8 * of_it.bytes(), "{known:?}");
        }
        assert!(!is_readable(Dtype::C64));
    }
}
