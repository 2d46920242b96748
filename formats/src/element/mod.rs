//! What the elements of a tensor in a file are, of whatever format, by PyTorch's names; `values` makes numbers of their bytes.

mod values;

pub use values::{of_half, to_counts, to_f32, to_i64};

/// A type of elements whose values can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// IEEE 754 in 32 bits.
    Float32,
    /// IEEE 754 in 64 bits.
    Float64,
    /// IEEE 754 in 16 bits.
    Float16,
    /// The upper half of float32.
    BFloat16,
    /// 4 bits of exponent, 3 of fraction, no infinities (OCP 8-bit floating point).
    Float8E4M3fn,
    /// As [`Element::Float8E4M3fn`], without a negative zero, which is not-a-number (Graphcore, AMD).
    Float8E4M3fnuz,
    /// 5 bits of exponent, 2 of fraction (OCP 8-bit floating point).
    Float8E5M2,
    /// As [`Element::Float8E5M2`], without infinities or a negative zero.
    Float8E5M2fnuz,
    /// A power of two (OCP microscaling).
    Float8E8M0fnu,
    /// A whole number.
    Int8,
    /// A whole number.
    Int16,
    /// A whole number.
    Int32,
    /// A whole number.
    Int64,
    /// A whole number from 0.
    Uint8,
    /// A whole number from 0.
    Uint16,
    /// A whole number from 0.
    Uint32,
    /// A whole number from 0.
    Uint64,
    /// 0 or 1, in a byte.
    Bool,
}

/// The types by PyTorch's names, and the names of the storages that held them before storages lost their types.
const NAMES: [(Element, &str, Option<&str>); 18] = [
    (Element::Float32, "float32", Some("FloatStorage")),
    (Element::Float64, "float64", Some("DoubleStorage")),
    (Element::Float16, "float16", Some("HalfStorage")),
    (Element::BFloat16, "bfloat16", Some("BFloat16Storage")),
    (Element::Float8E4M3fn, "float8_e4m3fn", None),
    (Element::Float8E4M3fnuz, "float8_e4m3fnuz", None),
    (Element::Float8E5M2, "float8_e5m2", None),
    (Element::Float8E5M2fnuz, "float8_e5m2fnuz", None),
    (Element::Float8E8M0fnu, "float8_e8m0fnu", None),
    (Element::Int8, "int8", Some("CharStorage")),
    (Element::Int16, "int16", Some("ShortStorage")),
    (Element::Int32, "int32", Some("IntStorage")),
    (Element::Int64, "int64", Some("LongStorage")),
    (Element::Uint8, "uint8", Some("ByteStorage")),
    (Element::Uint16, "uint16", None),
    (Element::Uint32, "uint32", None),
    (Element::Uint64, "uint64", None),
    (Element::Bool, "bool", Some("BoolStorage")),
];

impl Element {
    /// Bytes of one.
    pub fn bytes(self) -> u64 {
        match self {
            Element::Float64 | Element::Int64 | Element::Uint64 => 8,
            Element::Float32 | Element::Int32 | Element::Uint32 => 4,
            Element::Float16 | Element::BFloat16 | Element::Int16 | Element::Uint16 => 2,
            Element::Float8E4M3fn
            | Element::Float8E4M3fnuz
            | Element::Float8E5M2
            | Element::Float8E5M2fnuz
            | Element::Float8E8M0fnu
            | Element::Int8
            | Element::Uint8
            | Element::Bool => 1,
        }
    }

    /// Whether they are numbers with fractions.
    pub fn is_float(self) -> bool {
        match self {
            Element::Float32
            | Element::Float64
            | Element::Float16
            | Element::BFloat16
            | Element::Float8E4M3fn
            | Element::Float8E4M3fnuz
            | Element::Float8E5M2
            | Element::Float8E5M2fnuz
            | Element::Float8E8M0fnu => true,
            Element::Int8
            | Element::Int16
            | Element::Int32
            | Element::Int64
            | Element::Uint8
            | Element::Uint16
            | Element::Uint32
            | Element::Uint64
            | Element::Bool => false,
        }
    }

    /// PyTorch's name: `float32`.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(element, ..)| *element == self).map_or("", |(_, name, _)| name)
    }

    /// That of a type's name: `float32`.
    pub fn of_type(name: &str) -> Option<Element> {
        NAMES.iter().find(|(_, known, _)| *known == name).map(|(element, ..)| *element)
    }

    /// That of a typed storage's class: `FloatStorage`.
    pub fn of_storage(name: &str) -> Option<Element> {
        NAMES.iter().find(|(.., storage)| *storage == Some(name)).map(|(element, ..)| *element)
    }
}

#[cfg(test)]
mod tests {
    use super::{Element, NAMES};

    #[test]
    fn names_lead_to_types_and_back() {
        for (element, name, storage) in NAMES {
            assert_eq!((element.name(), Element::of_type(name)), (name, Some(element)));
            assert!(storage.is_none_or(|storage| Element::of_storage(storage) == Some(element)));
        }
        assert_eq!(Element::of_type("complex64"), None);
    }
}
