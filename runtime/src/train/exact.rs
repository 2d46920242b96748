//! Floats in JSON that come back with the same bits: numbers as JSON has them, in the fewest digits that tell them apart, and
//! what JSON has no number for as `"NaN"`, `"Infinity"` and `"-Infinity"`, as in protobuf's JSON.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes a float.
pub fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match *number {
        number if number.is_finite() => serializer.serialize_f64(number),
        number if number.is_nan() => serializer.serialize_str("NaN"),
        number if number > 0.0 => serializer.serialize_str("Infinity"),
        _ => serializer.serialize_str("-Infinity"),
    }
}

/// Reads one.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match Written::deserialize(deserializer)? {
        Written::Number(number) => Ok(number),
        Written::Text(text) => text.parse().map_err(D::Error::custom),
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(f64),
    Text(String),
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct One(#[serde(with = "super")] f64);

    fn again(number: f64) -> f64 {
        let text = serde_json::to_string(&One(number)).unwrap();
        serde_json::from_str::<One>(&text).unwrap_or_else(|error| panic!("{text}: {error}")).0
    }

    #[test]
    fn shares_and_extremes_keep_their_bits() {
        let shares = (1..400u32).flat_map(|whole| (0..=whole).map(move |part| f64::from(part) / f64::from(whole)));
        let extremes = [0.1 + 0.2, -0.0, f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::INFINITY, f64::NEG_INFINITY];
        for number in shares.chain(extremes) {
            assert_eq!(again(number).to_bits(), number.to_bits(), "{number}");
        }
        assert!(again(f64::NAN).is_nan());
    }
}
