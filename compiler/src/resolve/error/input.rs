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
