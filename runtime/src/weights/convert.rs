//! Tensors of a file as float32 values, or as whole numbers.

use safetensors::Dtype;

/// Whether values of this type can be read.
pub fn is_readable(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::F64 | Dtype::I64 | Dtype::I32)
}

/// The values in order; none for a type that [`is_readable`] refuses.
pub fn to_f32(dtype: Dtype, bytes: &[u8]) -> Vec<f32> {
    match dtype {
        Dtype::F32 => each(bytes, f32::from_le_bytes),
        Dtype::F16 => each(bytes, |pair| from_half(u16::from_le_bytes(pair))),
        Dtype::BF16 => each(bytes, |pair| f32::from_bits(u32::from(u16::from_le_bytes(pair)) << 16)),
        Dtype::F64 => each(bytes, |eight| f64::from_le_bytes(eight) as f32),
        Dtype::I64 => each(bytes, |eight| i64::from_le_bytes(eight) as f32),
        Dtype::I32 => each(bytes, |four| i32::from_le_bytes(four) as f32),
        _ => Vec::new(),
    }
}

/// The values in order as whole numbers from 0; `None` when one is none, or for a type that [`is_readable`] refuses.
pub fn to_counts(dtype: Dtype, bytes: &[u8]) -> Option<Vec<u64>> {
    const END: f64 = 18_446_744_073_709_551_616.0;
    let whole = |number: f64| (number.fract() == 0.0 && (0.0..END).contains(&number)).then_some(number as u64);
    match dtype {
        Dtype::I64 => each(bytes, |eight| u64::try_from(i64::from_le_bytes(eight)).ok()).into_iter().collect(),
        Dtype::F64 => each(bytes, |eight| whole(f64::from_le_bytes(eight))).into_iter().collect(),
        _ if is_readable(dtype) => to_f32(dtype, bytes).into_iter().map(|number| whole(f64::from(number))).collect(),
        _ => None,
    }
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
    }
}
