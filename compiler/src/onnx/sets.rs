//! ONNX's operator sets: those that are written, and which of them brought an operator in the form in which it is written.

use std::ops::RangeInclusive;

/// The operator sets that can be written.
pub const OPERATOR_SETS: RangeInclusive<i64> = 13..=22;

/// The set that an operator needs: later than the first that is written for a few alone.
pub fn since(operator: &str) -> i64 {
    match operator {
        "HardSwish" => 14,
        "LayerNormalization" => 17,
        "Mish" => 18,
        "Gelu" => 20,
        // In sets 18 to 20 a group had one scale, not a channel.
        "GroupNormalization" => 21,
        _ => *OPERATOR_SETS.start(),
    }
}

/// The version of the file format that came with an operator set.
pub fn format_version(set: i64) -> i64 {
    match set {
        ..=14 => 7,
        15..=18 => 8,
        19..=20 => 9,
        _ => 10,
    }
}
