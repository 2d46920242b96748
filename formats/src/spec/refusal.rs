//! What an operator refuses, in words for people who have no spec to look at yet.

use cnnc_compiler::ops::{BindError, ShapeError};

/// Why a layer cannot be made of its arguments.
pub fn of_arguments(name: &str, error: &BindError) -> String {
    match error {
        BindError::Missing { argument, .. } => format!("`{name}` needs `{argument}`"),
        BindError::Refused { argument, accepts } => format!("`{argument}` of `{name}` takes {accepts}"),
        BindError::Conflict { message, .. } => format!("of `{name}`, {message}"),
    }
}

/// Why a layer cannot take its inputs.
pub fn of_shape(name: &str, error: &ShapeError) -> String {
    match error {
        ShapeError::Rank { found, expected, .. } => format!("`{name}` takes {expected}, and gets {found}"),
        ShapeError::Unknown { axis, size } => format!("`{name}` needs its {axis} as a number, and it is {size}"),
        ShapeError::NotDivisible { what, size, divisor, .. } => {
            format!("{what} of `{name}` are {size}, no multiple of {divisor}")
        }
        ShapeError::WindowTooLarge { axis, arithmetic, .. } => {
            format!("the window of `{name}` does not fit, {axis}: {arithmetic}")
        }
        ShapeError::NoSuchAxis { axis, input, .. } => format!("`{name}` asks for axis {axis} of {input}"),
        ShapeError::Mismatch { left, right, reason, .. } => format!("{left} and {right} do not go together: {reason}"),
        ShapeError::Other { message, .. } => format!("of `{name}`, {message}"),
        ShapeError::TooLarge => format!("a size of `{name}` is past following"),
    }
}
