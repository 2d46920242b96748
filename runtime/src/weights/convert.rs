//! Tensors of a file as float32 values, or as whole numbers.

use safetensors::Dtype;

/// Whether values of this type can be read.
pub fn is_readable(dtype: Dtype) -> bool {
    is_float(dtype) || is_whole(dtype)
}

/// Whether values of this type are numbers with fractions, which become float32.
pub fn is_float(dtype: Dtype) -> bool {
    use Dtype::{BF16, F8_E4M3, F8_E4M3FNUZ, F8_E5M2, F8_E5M2FNUZ, F8_E8M0, F16, F32, F64};
    matches!(dtype, F32 | F16 | BF16 | F64 | F8_E4M3 | F8_E4M3FNUZ | F8_E5M2 | F8_E5M2FNUZ | F8_E8M0)
}

/// Whether values of this type are whole numbers.
pub fn is_whole(dtype: Dtype) -> bool {
    use Dtype::{BOOL, I8, I16, I32, I64, U8, U16, U32, U64};
    matches!(dtype, BOOL | I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64)
}

/// PyTorch's name of a type: `float16`.
pub fn name(dtype: Dtype) -> String {
    let name = match dtype {
        Dtype::F64 => "float64",
        Dtype::F32 => "float32",
        Dtype::F16 => "float16",
        Dtype::BF16 => "bfloat16",
        Dtype::F8_E4M3 => "float8_e4m3fn",
        Dtype::F8_E4M3FNUZ => "float8_e4m3fnuz",
        Dtype::F8_E5M2 => "float8_e5m2",
        Dtype::F8_E5M2FNUZ => "float8_e5m2fnuz",
        Dtype::F8_E8M0 => "float8_e8m0fnu",
        Dtype::I64 => "int64",
        Dtype::I32 => "int32",
        Dtype::I16 => "int16",
        Dtype::I8 => "int8",
        Dtype::U64 => "uint64",
        Dtype::U32 => "uint32",
        Dtype::U16 => "uint16",
        Dtype::U8 => "uint8",
        Dtype::BOOL => "bool",
        other => return format!("{other:?}"),
    };
    name.to_owned()
}

/// The values in order; none for a type that [`is_readable`] refuses.
pub fn to_f32(dtype: Dtype, bytes: &[u8]) -> Vec<f32> {
    match dtype {
        Dtype::F32 => each(bytes, f32::from_le_bytes),
        Dtype::F16 => each(bytes, |pair| from_half(u16::from_le_bytes(pair))),
        Dtype::BF16 => each(bytes, |pair| f32::from_bits(u32::from(u16::from_le_bytes(pair)) << 16)),
        Dtype::F64 => each(bytes, |eight| f64::from_le_bytes(eight) as f32),
        Dtype::F8_E4M3 => each(bytes, |[byte]| if byte & 0x7F == 0x7F { f32::NAN } else { small_float(byte, 3, 7) }),
        Dtype::F8_E4M3FNUZ => each(bytes, |[byte]| if byte == 0x80 { f32::NAN } else { small_float(byte, 3, 8) }),
        Dtype::F8_E5M2 => each(bytes, |[byte]| from_half(u16::from(byte) << 8)),
        Dtype::F8_E5M2FNUZ => each(bytes, |[byte]| if byte == 0x80 { f32::NAN } else { small_float(byte, 2, 16) }),
        Dtype::F8_E8M0 => {
            each(bytes, |[byte]| if byte == 0xFF { f32::NAN } else { power_of_two(i32::from(byte) - 127) })
        }
        Dtype::I64 => each(bytes, |eight| i64::from_le_bytes(eight) as f32),
        Dtype::I32 => each(bytes, |four| i32::from_le_bytes(four) as f32),
        Dtype::I16 => each(bytes, |two| f32::from(i16::from_le_bytes(two))),
        Dtype::I8 => each(bytes, |one| f32::from(i8::from_le_bytes(one))),
        Dtype::U64 => each(bytes, |eight| u64::from_le_bytes(eight) as f32),
        Dtype::U32 => each(bytes, |four| u32::from_le_bytes(four) as f32),
        Dtype::U16 => each(bytes, |two| f32::from(u16::from_le_bytes(two))),
        Dtype::U8 => each(bytes, |[byte]| f32::from(byte)),
        Dtype::BOOL => each(bytes, |[byte]| if byte == 0 { 0.0 } else { 1.0 }),
        _ => Vec::new(),
    }
}

/// The values in order as whole numbers from 0; `None` when one is none, or for a type that [`is_readable`] refuses.
pub fn to_counts(dtype: Dtype, bytes: &[u8]) -> Option<Vec<u64>> {
    const END: f64 = 18_446_744_073_709_551_616.0;
    let whole = |number: f64| (number.fract() == 0.0 && (0.0..END).contains(&number)).then_some(number as u64);
    match dtype {
        Dtype::I64 => each(bytes, |eight| u64::try_from(i64::from_le_bytes(eight)).ok()).into_iter().collect(),
        Dtype::I32 => each(bytes, |four| u64::try_from(i32::from_le_bytes(four)).ok()).into_iter().collect(),
        Dtype::U64 => Some(each(bytes, u64::from_le_bytes)),
        Dtype::U32 => Some(each(bytes, |four| u32::from_le_bytes(four).into())),
        Dtype::F64 => each(bytes, |eight| whole(f64::from_le_bytes(eight))).into_iter().collect(),
        _ if is_readable(dtype) => to_f32(dtype, bytes).into_iter().map(|number| whole(f64::from(number))).collect(),
        _ => None,
    }
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
pub fn from_half(bits: u16) -> f32 {
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
    use super::{from_half, to_counts, to_f32};
    use safetensors::Dtype;

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
            assert_eq!(from_half(bits), value, "{bits:#06x}");
        }
        assert!(from_half(0x7E00).is_nan());
        assert!(from_half(0x8000).is_sign_negative());
    }

    #[test]
    fn counts_are_whole_and_exact() {
        let large = (1i64 << 53) + 1;
        assert_eq!(to_counts(Dtype::I64, &large.to_le_bytes()), Some(vec![large as u64]));
        assert_eq!(to_counts(Dtype::F32, &7f32.to_le_bytes()), Some(vec![7]));
        assert_eq!(to_counts(Dtype::F64, &12f64.to_le_bytes()), Some(vec![12]));
        assert_eq!(to_counts(Dtype::I32, &9i32.to_le_bytes()), Some(vec![9]));
        assert_eq!(to_counts(Dtype::I64, &(-1i64).to_le_bytes()), None);
        assert_eq!(to_counts(Dtype::F32, &0.5f32.to_le_bytes()), None);
        assert_eq!(to_counts(Dtype::F32, &f32::NAN.to_le_bytes()), None);
    }

    #[test]
    fn every_readable_type_becomes_float32() {
        assert_eq!(to_f32(Dtype::F32, &1.5f32.to_le_bytes()), [1.5]);
        assert_eq!(to_f32(Dtype::F16, &0x3E00u16.to_le_bytes()), [1.5]);
        assert_eq!(to_f32(Dtype::BF16, &0x3FC0u16.to_le_bytes()), [1.5]);
        assert_eq!(to_f32(Dtype::F64, &1.5f64.to_le_bytes()), [1.5]);
        assert_eq!(to_f32(Dtype::I64, &(-7i64).to_le_bytes()), [-7.0]);
        assert_eq!(to_f32(Dtype::I32, &(-7i32).to_le_bytes()), [-7.0]);
        assert_eq!(to_f32(Dtype::I8, &[0xF9]), [-7.0]);
        assert_eq!(to_f32(Dtype::U16, &[0xFF, 0xFF]), [65535.0]);
        assert_eq!(to_f32(Dtype::BOOL, &[0, 1, 2]), [0.0, 1.0, 1.0]);
        // The largest, the smallest, and what is none; all 256 of each are held against PyTorch's in `pytorch_tests`.
        assert_eq!(to_f32(Dtype::F8_E4M3, &[0x7E, 0x01]), [448.0, 2.0f32.powi(-9)]);
        assert_eq!(to_f32(Dtype::F8_E5M2, &[0x7B, 0xFC]), [57344.0, f32::NEG_INFINITY]);
        assert!(to_f32(Dtype::F8_E8M0, &[0xFF])[0].is_nan());
    }
}
