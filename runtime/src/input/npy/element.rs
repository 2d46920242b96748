//! The elements of an array: numbers of any type that float32 stands for.

use cnnc_formats::element::of_half;

/// How elements of a type are read.
pub struct Element {
    /// Bytes of one.
    pub size: usize,
    /// One as float32; `None` for one that is finite and past float32's largest.
    pub read: fn(&[u8]) -> Option<f32>,
}

/// The bytes of one number.
fn bytes<const SIZE: usize>(element: &[u8]) -> [u8; SIZE] {
    element.try_into().unwrap_or([0; SIZE])
}

/// A float64 as float32.
fn narrowed(number: f64) -> Option<f32> {
    let narrow = number as f32;
    (narrow.is_finite() || !number.is_finite()).then_some(narrow)
}

impl Element {
    /// Elements of a type in NumPy's words, `<f4`: the order of bytes, a letter, and the size in bytes.
    pub fn of(descr: &str) -> Option<Element> {
        let (order, kind) = match descr.split_at_checked(1)? {
            (order @ ("<" | ">" | "=" | "|"), kind) => (order, kind),
            _ => ("=", descr),
        };
        let is_big = if matches!(order, "=" | "|") { cfg!(target_endian = "big") } else { order == ">" };
        macro_rules! number {
            ($kind:ty, $to_float:expr) => {{
                let [little, big]: [fn(&[u8]) -> Option<f32>; 2] = [
                    |element| $to_float(<$kind>::from_le_bytes(bytes(element))),
                    |element| $to_float(<$kind>::from_be_bytes(bytes(element))),
                ];
                Element { size: size_of::<$kind>(), read: if is_big { big } else { little } }
            }};
            ($kind:ty) => {
                number!($kind, |number| Some(number as f32))
            };
        }
        Some(match kind {
            "f2" => number!(u16, |bits| Some(of_half(bits))),
            "f4" => number!(f32),
            "f8" => number!(f64, narrowed),
            // Any byte but zero is true.
            "b1" | "?" => number!(u8, |byte| Some(if byte == 0 { 0.0 } else { 1.0 })),
            "u1" => number!(u8),
            "u2" => number!(u16),
            "u4" => number!(u32),
            "u8" => number!(u64),
            "i1" => number!(i8),
            "i2" => number!(i16),
            "i4" => number!(i32),
            "i8" => number!(i64),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Element;

    #[test]
    fn elements_of_every_kind_are_read() {
        let read = |descr: &str, bytes: &[u8]| {
            let element = Element::of(descr).unwrap();
            assert_eq!(element.size, bytes.len());
            (element.read)(bytes)
        };
        assert_eq!(read("<f8", &1.5f64.to_le_bytes()), Some(1.5));
        assert_eq!(read(">f4", &1.5f32.to_be_bytes()), Some(1.5));
        assert_eq!(read("=f4", &1.5f32.to_ne_bytes()), Some(1.5));
        assert_eq!(read("<f2", &[0x00, 0x3E]), Some(1.5));
        assert_eq!(read(">f2", &[0x3E, 0x00]), Some(1.5));
        assert_eq!(read("|u1", &[255]), Some(255.0));
        assert_eq!(read("|i1", &[255]), Some(-1.0));
        assert_eq!(read("<i2", &(-3i16).to_le_bytes()), Some(-3.0));
        assert_eq!(read(">i8", &(-3i64).to_be_bytes()), Some(-3.0));
        assert_eq!(read("<u4", &u32::MAX.to_le_bytes()), Some(4294967296.0));
        assert_eq!([read("|b1", &[0]), read("?", &[2])], [Some(0.0), Some(1.0)]);
        for other in ["<U8", "<c8", "f4 ", "", "<", "<f16", "é4", "<i3"] {
            assert!(Element::of(other).is_none(), "{other}");
        }
    }

    #[test]
    fn what_float32_cannot_hold_is_no_infinity() {
        let read = Element::of("<f8").unwrap().read;
        assert_eq!(read(&1e300f64.to_le_bytes()), None);
        assert_eq!(read(&f64::INFINITY.to_le_bytes()), Some(f32::INFINITY));
        assert!(read(&f64::NAN.to_le_bytes()).is_some_and(f32::is_nan));
    }
}
