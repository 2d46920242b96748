//! `image(...)`: how a picture becomes an input.

use crate::graph::{ImageTransform, Interpolation};
use crate::resolve::error::{ArgumentError, InputError};
use crate::resolve::expression::{Evaluator, Value};
use crate::resolve::report::Reporter;
use cnnc_grammar::ast::{Argument, Call};
use cnnc_grammar::span::Span;

/// The arguments in order, with what each accepts.
const ARGUMENTS: &[(&str, &str)] = &[
    ("resize", "an int of at least 1: pixels of the shorter side"),
    ("crop", "an int of at least 1, or a tuple of height and width"),
    ("scale", "a number: what a pixel of 0 to 255 is multiplied with"),
    ("mean", "a number, or a list with one for each channel"),
    ("std", "a number that is not 0, or a list with one for each channel"),
    ("interpolation", "\"bilinear\", \"bicubic\" or \"nearest\""),
];

/// Reads `image(...)`; `axes` and `channels` are the input's numbers of them, where they are known.
pub(super) fn image<'a>(
    evaluator: &mut Evaluator<'_, 'a, '_>,
    call: &'a Call,
    axes: Option<usize>,
    channels: Option<i64>,
) -> Option<ImageTransform> {
    if axes.is_some_and(|axes| axes != 4) {
        evaluator.reporter.report(InputError::ImageAxes { axes: axes.unwrap_or(0), span: call.span }.diagnostic());
    }
    let mut image = ImageTransform {
        resize: None,
        interpolation: Interpolation::default(),
        crop: None,
        scale: 1.0 / 255.0,
        mean: vec![0.0],
        std: vec![1.0],
    };
    let mut seen: Vec<(&str, Span)> = Vec::new();
    let mut of_channels: Vec<(&'static str, &'a Argument)> = Vec::new();
    for (position, argument) in call.arguments.iter().flatten().enumerate() {
        let value = evaluator.evaluate(&argument.value);
        let Some((name, accepts)) = accepted(evaluator.reporter, position, argument) else {
            if position > ARGUMENTS.len() {
                break;
            }
            continue;
        };
        if let Some((_, first)) = seen.iter().find(|(seen, _)| *seen == name) {
            let (first, second) = (*first, argument.span);
            evaluator.reporter.report(ArgumentError::Twice { name, first, second, first_argument: None }.diagnostic());
            continue;
        }
        seen.push((name, argument.span));
        let Some(value) = value else { continue };
        if image.set(name, &value).is_none() {
            let (wanted, expr) = (accepts.to_owned(), &argument.value);
            let error =
                ArgumentError::Wrong { name, wanted, value: value.shown(), expr, declared: None, is_int: false };
            evaluator.reporter.report(error.diagnostic());
        } else if matches!(name, "mean" | "std") {
            of_channels.push((name, argument));
            check_count(evaluator.reporter, name, argument, &value, channels);
        }
    }
    for (name, argument) in of_channels {
        check_scale(evaluator.reporter, name, argument, &image);
    }
    Some(image)
}

/// The argument that one is, and what it accepts.
fn accepted(reporter: &mut Reporter<'_>, position: usize, argument: &Argument) -> Option<(&'static str, &'static str)> {
    let Some(key) = &argument.key else {
        let found = ARGUMENTS.get(position).copied();
        if found.is_none() {
            let (most, span) = (ARGUMENTS.len(), argument.span);
            reporter.report(ArgumentError::TooMany { callee: "image", most, span, declared: None }.diagnostic());
        }
        return found;
    };
    let found = ARGUMENTS.iter().find(|(name, _)| *name == key.text).copied();
    if found.is_none() {
        let names = ARGUMENTS.iter().map(|(name, _)| *name);
        reporter.report(ArgumentError::unknown_parameter("image", key, names, None).diagnostic());
    }
    found
}

/// Reports a list of another length than there are channels.
fn check_count(
    reporter: &mut Reporter<'_>,
    name: &'static str,
    argument: &Argument,
    value: &Value<'_>,
    channels: Option<i64>,
) {
    let (Value::List(_) | Value::Tuple(_), Some(channels), Some(numbers)) = (value, channels, numbers(value)) else {
        return;
    };
    if i64::try_from(numbers.len()) != Ok(channels) {
        let (numbers, span) = (numbers.as_slice(), argument.value.span);
        reporter.report(InputError::ChannelNumbers { name, numbers, channels, span }.diagnostic());
    }
}

/// Warns of a mean or a deviation that no picture of that scale has.
fn check_scale(reporter: &mut Reporter<'_>, name: &'static str, argument: &Argument, image: &ImageTransform) {
    let range = 255.0 * image.scale.abs();
    let numbers = if name == "mean" { &image.mean } else { &image.std };
    let too_large = |number: &f64| *number < 0.0 || *number > range * (1.0 + 1e-9);
    let all_small = range >= 100.0 && numbers.iter().all(|number| *number > 0.0 && *number < 1.0);
    if numbers.iter().any(too_large) || all_small {
        let span = argument.value.span;
        reporter.warn(InputError::OtherScale { name, numbers, range, span }.diagnostic());
    }
}

/// Something that an image's step can be set from.
trait Steps {
    fn set(&mut self, name: &str, value: &Value<'_>) -> Option<()>;
}

impl Steps for ImageTransform {
    /// Sets one step; `None` when the value does not fit it.
    fn set(&mut self, name: &str, value: &Value<'_>) -> Option<()> {
        match name {
            "resize" => self.resize = Some(pixels(value)?),
            "crop" => self.crop = Some(window(value)?),
            "scale" => self.scale = number(value)?,
            "mean" => self.mean = numbers(value)?,
            "interpolation" => self.interpolation = interpolation(value)?,
            _ => self.std = numbers(value).filter(|all| all.iter().all(|number| *number != 0.0))?,
        }
        Some(())
    }
}

fn interpolation(value: &Value<'_>) -> Option<Interpolation> {
    let Value::Text(name) = value else { return None };
    Interpolation::NAMES.iter().find(|(known, _)| *known == &**name).map(|(_, interpolation)| *interpolation)
}

fn pixels(value: &Value<'_>) -> Option<usize> {
    match value {
        Value::Int(size @ 1..=1_000_000) => usize::try_from(*size).ok(),
        _ => None,
    }
}

fn window(value: &Value<'_>) -> Option<[usize; 2]> {
    match value {
        Value::Tuple(pair) => match pair.values() {
            [height, width] => Some([pixels(height)?, pixels(width)?]),
            _ => None,
        },
        single => pixels(single).map(|size| [size, size]),
    }
}

fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn numbers(value: &Value<'_>) -> Option<Vec<f64>> {
    match value {
        Value::List(items) | Value::Tuple(items) if !items.values().is_empty() => {
            items.values().iter().map(number).collect()
        }
        single => number(single).map(|number| vec![number]),
    }
}
