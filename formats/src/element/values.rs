//! The bytes of elements as numbers: float32, whole numbers, counts.

use super::Element;

/// The values in order as float32.
pub fn to_f32(element: Element, bytes: &[u8]) -> Vec<f32> {
    match element {
        Element::Float32 => each(bytes, f32::from_le_bytes),
        Element::Float16 => each(bytes, |pair| of_half(u16::from_le_bytes(pair))),
        Element::BFloat16 => each(bytes, |pair| f32::from_bits(u32::from(u16::from_le_bytes(pair)) << 16)),
        Element::Float64 => each(bytes, |eight| f64::from_le_bytes(eight) as f32),
        Element::Float8E4M3fn => {
            each(bytes, |[byte]| if byte & 0x7F == 0x7F { f32::NAN } else { small_float(byte, 3, 7) })
        }
        Element::Float8E4M3fnuz => each(bytes, |[byte]| if byte == 0x80 { f32::NAN } else { small_float(byte, 3, 8) }),
        Element::Float8E5M2 => each(bytes, |[byte]| of_half(u16::from(byte) << 8)),
        Element::Float8E5M2fnuz => each(bytes, |[byte]| if byte == 0x80 { f32::NAN } else { small_float(byte, 2, 16) }),
        Element::Float8E8M0fnu => {
            each(bytes, |[byte]| if byte == 0xFF { f32::NAN } else { power_of_two(i32::from(byte) - 127) })
        }
        Element::Int64 => each(bytes, |eight| i64::from_le_bytes(eight) as f32),
        Element::Int32 => each(bytes, |four| i32::from_le_bytes(four) as f32),
        Element::Int16 => each(bytes, |two| f32::from(i16::from_le_bytes(two))),
        Element::Int8 => each(bytes, |one| f32::from(i8::from_le_bytes(one))),
        Element::Uint64 => each(bytes, |eight| u64::from_le_bytes(eight) as f32),
        Element::Uint32 => each(bytes, |four| u32::from_le_bytes(four) as f32),
        Element::Uint16 => each(bytes, |two| f32::from(u16::from_le_bytes(two))),
        Element::Uint8 => each(bytes, |[byte]| f32::from(byte)),
        Element::Bool => each(bytes, |[byte]| if byte == 0 { 0.0 } else { 1.0 }),
    }
}

/// The values in order as whole numbers; `None` when one is none, or past their range.
pub fn to_i64(element: Element, bytes: &[u8]) -> Option<Vec<i64>> {
    match element {
        Element::Int64 => Some(each(bytes, i64::from_le_bytes)),
        Element::Int32 => Some(each(bytes, |four| i32::from_le_bytes(four).into())),
        Element::Uint64 => each(bytes, |eight| i64::try_from(u64::from_le_bytes(eight)).ok()).into_iter().collect(),
        Element::Uint32 => Some(each(bytes, |four| u32::from_le_bytes(four).into())),
        _ => wide(element, bytes).map(|number| exact(number, -I64_END, I64_END).map(|whole| whole as i64)).collect(),
    }
}

/// The values in order as whole numbers from 0; `None` when one is none.
pub fn to_counts(element: Element, bytes: &[u8]) -> Option<Vec<u64>> {
    match element {
        Element::Int64 => each(bytes, |eight| u64::try_from(i64::from_le_bytes(eight)).ok()).into_iter().collect(),
        Element::Int32 => each(bytes, |four| u64::try_from(i32::from_le_bytes(four)).ok()).into_iter().collect(),
        Element::Uint64 => Some(each(bytes, u64::from_le_bytes)),
        Element::Uint32 => Some(each(bytes, |four| u32::from_le_bytes(four).into())),
        _ => wide(element, bytes).map(|number| exact(number, 0.0, 2.0 * I64_END).map(|whole| whole as u64)).collect(),
    }
}

/// One past the largest whole number of 64 bits with a sign.
const I64_END: f64 = 9_223_372_036_854_775_808.0;

/// A number that is whole and from `low` up to but without `end`.
fn exact(number: f64, low: f64, end: f64) -> Option<f64> {
    (number.fract() == 0.0 && (low..end).contains(&number)).then_some(number)
}

/// The values of an element that float64 holds exactly.
fn wide(element: Element, bytes: &[u8]) -> impl Iterator<Item = f64> {
    let values = match element {
        Element::Float64 => each(bytes, f64::from_le_bytes),
        other => to_f32(other, bytes).into_iter().map(f64::from).collect(),
    };
    values.into_iter()
}

/// A number of 8 bits: 1 sign bit, an exponent of that bias, a fraction of so many bits; without infinities.
fn small_float(byte: u8, fraction_bits: u32, bias: i32) -> f32 {
    let sign = if byte & 0x80 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from((byte & 0x7F) >> fraction_bits), byte & ((1 << fraction_bits) - 1));
    let fraction = f32::from(fraction) / f32::from(1u8 << fraction_bits);
    match exponent {
        0 => sign * fraction * power_of_two(1 - bias),
        _ => sign * (1.0 + fraction) * power_of_two(exponent - bias),
    }
}

/// Exact, also below the smallest normal number.
fn power_of_two(exponent: i32) -> f32 {
    2.0f64.powi(exponent) as f32
}

fn each<const BYTES: usize, T>(bytes: &[u8], convert: impl Fn([u8; BYTES]) -> T) -> Vec<T> {
    bytes.as_chunks::<BYTES>().0.iter().map(|&chunk| convert(chunk)).collect()
}

/// A number of half precision: 1 sign bit, 5 of the exponent, 10 of the fraction.
pub fn of_half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f32::from(bits & 0x3FF) / 1024.0);
    match exponent {
        0 => sign * fraction * 2.0f32.powi(-14),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1.0 + fraction) * 2.0f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_exact() {
        for (bits, value) in [
            (0x3C00, 1.0),
            (0xC000, -2.0),
            (0x7BFF, 65504.0),
            (0x0001, 2.0f32.powi(-24)),
            (0x0400, 2.0f32.powi(-14)),
            (0x3555, 0.333_251_95),
            (0xFC00, f32::NEG_INFINITY),
            (0x0000, 0.0),
        ] {
            assert_eq!(of_half(bits), value, "{bits:#06x}");
        }
        assert!(of_half(0x7E00).is_nan());
        assert!(of_half(0x8000).is_sign_negative());
    }

    #[test]
    fn counts_are_whole_and_exact() {
        let large = (1i64 << 53) + 1;
        assert_eq!(to_counts(Element::Int64, &large.to_le_bytes()), Some(vec![large as u64]));
        assert_eq!(to_counts(Element::Float32, &7f32.to_le_bytes()), Some(vec![7]));
        assert_eq!(to_counts(Element::Float64, &12f64.to_le_bytes()), Some(vec![12]));
        assert_eq!(to_counts(Element::Int32, &9i32.to_le_bytes()), Some(vec![9]));
        assert_eq!(to_counts(Element::Int64, &(-1i64).to_le_bytes()), None);
        assert_eq!(to_counts(Element::Float32, &0.5f32.to_le_bytes()), None);
        assert_eq!(to_counts(Element::Float32, &f32::NAN.to_le_bytes()), None);
    }

    #[test]
    fn whole_numbers_are_exact_or_none() {
        assert_eq!(to_i64(Element::Int8, &[0xF9, 3]), Some(vec![-7, 3]));
        assert_eq!(to_i64(Element::Uint64, &u64::MAX.to_le_bytes()), None);
        assert_eq!(to_i64(Element::Float64, &(-(2f64.powi(53))).to_le_bytes()), Some(vec![-(1 << 53)]));
        assert_eq!(to_i64(Element::Float64, &2f64.powi(63).to_le_bytes()), None);
        assert_eq!(to_i64(Element::Float32, &0.5f32.to_le_bytes()), None);
    }

    #[test]
    fn every_readable_type_becomes_float32() {
        assert_eq!(to_f32(Element::Float32, &1.5f32.to_le_bytes()), [1.5]);
        assert_eq!(to_f32(Element::Float16, &0x3E00u16.to_le_bytes()), [1.5]);
        assert_eq!(to_f32(Element::BFloat16, &0x3FC0u16.to_le_bytes()), [1.5]);
        assert_eq!(to_f32(Element::Float64, &1.5f64.to_le_bytes()), [1.5]);
        assert_eq!(to_f32(Element::Int64, &(-7i64).to_le_bytes()), [-7.0]);
        assert_eq!(to_f32(Element::Int32, &(-7i32).to_le_bytes()), [-7.0]);
        assert_eq!(to_f32(Element::Int8, &[0xF9]), [-7.0]);
        assert_eq!(to_f32(Element::Uint16, &[0xFF, 0xFF]), [65535.0]);
        assert_eq!(to_f32(Element::Bool, &[0, 1, 2]), [0.0, 1.0, 1.0]);
        // The largest, the smallest, and what is none; all 256 of each are held against PyTorch's in `pytorch_tests`.
        assert_eq!(to_f32(Element::Float8E4M3fn, &[0x7E, 0x01]), [448.0, 2.0f32.powi(-9)]);
        assert_eq!(to_f32(Element::Float8E5M2, &[0x7B, 0xFC]), [57344.0, f32::NEG_INFINITY]);
        assert!(to_f32(Element::Float8E8M0fnu, &[0xFF])[0].is_nan());
    }
}
