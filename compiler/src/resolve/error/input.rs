//! Inputs and outputs of models and blocks.

use super::counted;
use crate::diagnostic::{Code, Diagnostic};
use crate::shape::{Dim, Shape};
use cnnc_grammar::span::Span;

/// What is wrong with an `input`, or with what comes in.
pub(in crate::resolve) enum InputError<'e> {
    /// After the first item, or within braces.
    Late { span: Span, nested: bool },
    /// Two inputs without a name.
    TwoUnnamed { first: Span, second: Span },
    /// A named input of a block.
    NamedInBlock { name: &'e str, span: Span, declared: Span },
    /// A picture's way into a block.
    ImageInBlock { span: Span, declared: Span },
    /// A picture for an input that is none.
    ImageAxes { axes: usize, span: Span },
    /// A model with several inputs as a block.
    SeveralInCall { span: Span, declared: Span },
    /// `_` in an input of a network.
    Nameless { span: Span },
    /// A size below 1.
    NoSize { size: i64, span: Span },
    /// A value of another number of axes than the block's input.
    Rank { shape: &'e Shape, rank: usize, span: Span, origin: Span },
    /// A size that is not what the block's input says.
    Size { axis: &'e str, expected: Dim, size: &'e Dim, shape: &'e Shape, span: Span, origin: Span },
    /// Sizes from outside, of another number of axes.
    WantedRank { wanted: &'e [usize], span: Span },
    /// Sizes from outside that give one symbol two values.
    WantedTwice { name: &'e str, known: Dim, wanted: Dim, span: Span },
    /// A size from outside in the place of one that the spec fixes; a name by which it could be left open.
    WantedFixed { fixed: &'e Dim, wanted: &'e Dim, open: Option<&'static str>, is_strict: bool, span: Span },
    /// A picture whose channels come last: a warning, with its sizes as they are written.
    ChannelsLast { sizes: Vec<String>, span: Span },
    /// As many means or deviations as there are no channels.
    ChannelNumbers { name: &'e str, numbers: &'e [f64], channels: i64, span: Span },
    /// A mean or a deviation that belongs to another scale, of pixels from 0 to `range`: a warning.
    OtherScale { name: &'e str, numbers: &'e [f64], range: f64, span: Span },
    /// More shapes from outside than inputs.
    TooManyShapes { given: usize, inputs: usize, span: Span },
    /// A model without an input.
    NoInput { name: &'e str, span: Span },
    /// A model whose inputs go nowhere.
    NoOutput { name: &'e str, span: Span },
}

impl InputError<'_> {
    /// What a person is told: the sentence, the places, and the mend where there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        let code = Code::E223;
        match self {
            InputError::Late { span, nested: true } => Diagnostic::new(
                code,
                "an `input` stands in the outermost braces of a model or block",
                *span,
                "within other braces",
            ),
            InputError::Late { span, nested: false } => {
                Diagnostic::new(code, "an `input` stands before the first item", *span, "after an item")
                    .help("give further inputs names: `input left [N, 3, 32, 32]`")
            }
            InputError::TwoUnnamed { first, second } => {
                Diagnostic::new(code, "of several inputs each needs a name", *second, "a second input without a name")
                    .label(*first, "the first")
                    .help("write `input left [N, 3, 32, 32]`, and `from left` where it flows")
            }
            InputError::NamedInBlock { name, span, declared } => {
                Diagnostic::new(code, "the input of a block has no name", *span, "in a block")
                    .label(*declared, "declared as a block here")
                    .help(format!("a block takes further values as parameters: `{name}: tensor`"))
            }
            InputError::ImageInBlock { span, declared } => {
                Diagnostic::new(code, "only a model's input is made from a picture", *span, "in a block")
                    .label(*declared, "declared as a block here")
            }
            InputError::ImageAxes { axes, span } => {
                let message = format!(
                    "a picture becomes an input [N, C, H, W], and this one has {}",
                    counted(*axes, "axis", "axes")
                );
                Diagnostic::new(code, message, *span, "")
            }
            InputError::SeveralInCall { span, declared } => Diagnostic::new(
                code,
                "a model with several inputs cannot be called as a block",
                *span,
                "the second input",
            )
            .label(*declared, "declared here")
            .help("make it a block that takes the other values as parameters of type `tensor`"),
            InputError::Nameless { span } => Diagnostic::new(
                code,
                "a size of a network's input needs a name or a number",
                *span,
                "`_` is for `expect`",
            )
            .help("write `N`, for instance")
            .guess(*span, "N"),
            InputError::NoSize { size, span } => {
                Diagnostic::new(code, "a size is at least 1", *span, format!("is {size}"))
            }
            InputError::Rank { shape, rank, span, origin } => {
                let message = format!("the block takes {}, and gets {shape}", counted(*rank, "axis", "axes"));
                Diagnostic::new(Code::E303, message, *span, counted(*rank, "axis", "axes"))
                    .label(*origin, format!("gives {shape}"))
            }
            InputError::Size { axis, expected, size, shape, span, origin } => {
                let message = format!("{axis} must be {expected} here, and is {size}");
                Diagnostic::new(Code::E305, message, *span, format!("is {expected}"))
                    .label(*origin, format!("gives {shape}"))
            }
            InputError::WantedRank { wanted, span } => {
                let message = format!("the input has other axes than the shape {wanted:?} that is wanted");
                Diagnostic::new(code, message, *span, "the input")
            }
            InputError::WantedTwice { name, known, wanted, span } => {
                let message = format!("`{name}` is {known} by one input and {wanted} by another");
                Diagnostic::new(code, message, *span, format!("would be {wanted}"))
            }
            InputError::WantedFixed { fixed, wanted, open, is_strict, span } => {
                let message = match is_strict {
                    true => format!("the spec says {fixed} here, and the shape from outside {wanted}"),
                    false => format!("{wanted} is taken for a size that the spec fixes at {fixed}"),
                };
                let diagnostic = Diagnostic::new(code, message, *span, format!("is {fixed}"));
                let diagnostic = match open {
                    Some(name) => diagnostic.help(format!("`{name}` in its place leaves it open")).guess(*span, *name),
                    None => diagnostic,
                };
                if *is_strict { diagnostic } else { diagnostic.as_warning() }
            }
            InputError::ChannelsLast { sizes, span } => {
                let message = "the input's channels seem to come last, and every layer takes them second";
                let diagnostic = Diagnostic::new(code, message, *span, "is read as [N, C, H, W]").as_warning();
                let [batch, height, width, channels] = sizes.as_slice() else { return diagnostic };
                let first = format!("[{batch}, {channels}, {height}, {width}]");
                diagnostic.help(format!("write `{first}`")).guess(*span, first)
            }
            InputError::ChannelNumbers { name, numbers, channels, span } => {
                channel_numbers(name, numbers, *channels, *span)
            }
            InputError::OtherScale { name, numbers, range, span } => other_scale(name, numbers, *range, *span),
            InputError::TooManyShapes { given, inputs, span } => {
                let message = format!(
                    "{} wanted, and the model has {}",
                    counted(*given, "shape is", "shapes are"),
                    counted(*inputs, "input", "inputs")
                );
                Diagnostic::new(code, message, *span, "")
            }
            InputError::NoInput { name, span } => {
                Diagnostic::new(code, format!("the model `{name}` has no `input`"), *span, "takes nothing in")
                    .help("begin its body with `input [N, 3, 32, 32]`")
            }
            InputError::NoOutput { name, span } => {
                Diagnostic::new(code, format!("the model `{name}` gives nothing"), *span, "no item in it has a value")
                    .help("start from an input: `from name`")
            }
        }
    }
}

fn channel_numbers(name: &str, numbers: &[f64], channels: i64, span: Span) -> Diagnostic {
    let count = counted(numbers.len(), "number", "numbers");
    let channels = counted(usize::try_from(channels).unwrap_or(0), "channel", "channels");
    let message = format!("`{name}` has {count}, and the input has {channels}");
    let diagnostic = Diagnostic::new(Code::E223, message, span, count);
    let average = numbers.iter().sum::<f64>() / numbers.len() as f64;
    let average = (average * 1000.0).round() / 1000.0;
    match numbers {
        [single] => diagnostic.help(format!("`{name}={single}` is for every channel")).guess(span, single.to_string()),
        _ if channels.starts_with("1 ") => {
            diagnostic.help(format!("`{name}={average}` is their average")).guess(span, average.to_string())
        }
        _ => diagnostic.help("give a list with one for each channel, or one number for all"),
    }
}

fn other_scale(name: &str, numbers: &[f64], range: f64, span: Span) -> Diagnostic {
    let largest = numbers.iter().copied().fold(0.0, f64::max);
    let message = format!("this `{name}` is none of pixels from 0 to {range}");
    let diagnostic = Diagnostic::new(Code::E223, message, span, format!("goes to {largest}")).as_warning();
    let all = |factor: f64| {
        let all: Vec<String> =
            numbers.iter().map(|number| ((number * factor * 1e4).round() / 1e4).to_string()).collect();
        if let [single] = all.as_slice() { single.clone() } else { format!("[{}]", all.join(", ")) }
    };
    let factor = if largest <= 1.0 { range } else { range / 255.0 };
    let is_negative = numbers.iter().any(|number| *number < 0.0);
    match name {
        _ if is_negative || largest > 255.0 => diagnostic.note("it is taken after `scale`, before anything else"),
        _ => diagnostic
            .note("`scale` comes first: it is 1/255 unless the spec says `scale=1`")
            .help(format!("`{name}={}` would be of this scale", all(factor)))
            .guess(span, all(factor)),
    }
}
