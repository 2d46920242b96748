//! The structure of a spec: joins, groups, presets, recursion, the flow.

use super::{did_you_mean, listed};
use crate::diagnostic::{Code, Diagnostic};
use crate::shape::Shape;
use cnnc_grammar::span::{FileId, Span};

/// What is wrong with the structure.
pub(in crate::resolve) enum StructureError<'e> {
    /// Presets that stand on each other.
    PresetCircle { name: &'e str, span: Span },
    /// Presets that stand on each other in too long a chain.
    PresetChain { span: Span, limit: usize },
    /// A preset of a block.
    PresetOfBlock { name: &'e str, span: Span, declared: Span },
    /// A bare `{ }` outside a join.
    BareGroup { span: Span },
    /// A join without branches.
    EmptyJoin { word: &'static str, span: Span },
    /// Numbers outside a join.
    LoneConstant { span: Span, is_list: bool },
    /// Blocks or models that call each other in a circle, the first one called again at the end.
    Recursion { circle: &'e [&'e str], span: Span, declared: Span },
    /// An item or statement before there is a current value.
    NoCurrent { what: &'e str, span: Span, inputs: &'e [&'e str] },
    /// A statement about the current value between the branches of a join.
    BetweenBranches { word: &'static str, span: Span },
    /// A `Linear` over planes, which begins at `before`: a warning.
    LinearOverImage { shape: &'e Shape, span: Span, origin: Span, before: Span },
    /// Arguments for a tied layer.
    TiedArguments { name: &'e str, span: Span },
    /// Arguments for items in braces.
    ItemsArguments { name: &'e str, span: Span },
    /// Braces behind what takes no items: a layer, or a block that is declared there.
    TakesNoItems { name: &'e str, span: Span, items: Span, declared: Option<Span> },
    /// No model at all, or none of that name.
    NoModel { wanted: Option<&'e str>, near: Option<&'e str>, models: &'e [&'e str] },
    /// Settings that are no list of `name=value`.
    Settings { file: FileId, size: usize },
    /// Initialisers that are no list of `targets: scheme`.
    Initialisers { file: FileId, size: usize },
}

impl StructureError<'_> {
    /// What a person is told: the sentence, the places, and the mend where there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            StructureError::PresetCircle { name, span } => {
                let message = format!("the preset `{name}` leads back to itself");
                Diagnostic::new(Code::E216, message, *span, "made from a model that is made from it")
            }
            StructureError::PresetChain { span, limit } => {
                let message = format!("more than {limit} presets stand on each other");
                Diagnostic::new(Code::E217, message, *span, "too long a chain")
            }
            StructureError::PresetOfBlock { name, span, declared } => Diagnostic::new(
                Code::E220,
                format!("`{name}` is a block, and a preset is made from a model"),
                *span,
                "a block",
            )
            .label(*declared, "declared as a block here"),
            StructureError::BareGroup { span } => {
                let start = Span { end: span.start, ..*span };
                let brace = Span { end: span.start.saturating_add(1), ..*span };
                Diagnostic::new(
                    Code::E209,
                    "bare braces stand for a branch, and this is no join",
                    brace,
                    "outside a join",
                )
                .help("write `Sequential { }`, or name the group: `name: { }`")
                .guess(start, "Sequential ")
            }
            StructureError::LoneConstant { span, is_list } => {
                let message = "numbers are a branch of a join, and this is no join";
                let diagnostic = Diagnostic::new(Code::E209, message, *span, "outside a join");
                match is_list {
                    true => diagnostic
                        .help("`expect` before it checks that the current value has this shape")
                        .guess(Span { end: span.start, ..*span }, "expect "),
                    false => diagnostic.help("`sum { Identity; 3.0 }` adds a number, `product { }` multiplies"),
                }
            }
            StructureError::EmptyJoin { word, span } => {
                Diagnostic::new(Code::E210, format!("this `{word}` has no branch"), *span, "nothing to join")
                    .help("`{ }` or `Identity` is the branch that changes nothing")
            }
            StructureError::Recursion { circle, span, declared } => {
                let name = circle.first().copied().unwrap_or_default();
                let message = match circle {
                    [_] => format!("`{name}` calls itself"),
                    circle => {
                        format!("`{name}` calls itself, by way of {}", listed(circle.get(1..).unwrap_or_default()))
                    }
                };
                Diagnostic::new(Code::E216, message, *span, "called within itself")
                    .label(*declared, "declared here")
                    .help("write a stack of equal parts with `repeat` or `for`")
            }
            StructureError::NoCurrent { what, span, inputs } => no_current(what, *span, inputs),
            StructureError::BetweenBranches { word, span } => {
                let message =
                    format!("`{word}` stands between the branches of a join, where no value is the current one");
                Diagnostic::new(Code::E212, message, *span, "no current value")
                    .help(format!("put it into the braces of a branch: `{{ …; {word} … }}`"))
            }
            StructureError::TiedArguments { name, span } => {
                let message = format!("`{name}` is tied: it is one layer and takes no further arguments");
                Diagnostic::new(Code::E206, message, *span, "arguments of a tied layer")
            }
            StructureError::ItemsArguments { name, span } => {
                let message = format!("`{name}` stands for items in braces, which take no arguments");
                Diagnostic::new(Code::E207, message, *span, "arguments of items in braces")
                    .help("what takes arguments is a block")
            }
            StructureError::TakesNoItems { name, span, items, declared } => {
                let brace = Span { end: items.start.saturating_add(1), ..*items };
                let message = format!("`{name}` takes no items in braces");
                let diagnostic = Diagnostic::new(Code::E207, message, brace, "no parameter of it is a layer");
                match declared {
                    Some(declared) => diagnostic
                        .label(*declared, "declared here")
                        .help("give it one, `body: layer`, which then stands for the items wherever it is placed"),
                    None => diagnostic
                        .help("items that follow it stand behind it")
                        .guess(Span { start: span.end, end: items.start, ..*span }, "; name: "),
                }
            }
            StructureError::LinearOverImage { shape, span, origin, before } => {
                let message = format!("`Linear` connects the last axis of {shape} alone, a row of pixels");
                Diagnostic::new(Code::E303, message, *span, "over an image")
                    .label(*origin, format!("gives {shape}"))
                    .help("`Flatten` before it connects the whole image")
                    .guess(*before, "Flatten; ")
                    .as_warning()
            }
            StructureError::NoModel { wanted, near, models } => no_model(*wanted, *near, models),
            StructureError::Settings { file, size } => {
                let span = Span { file: *file, start: 0, end: u32::try_from(*size).unwrap_or(0) };
                Diagnostic::new(
                    Code::E213,
                    "settings are names with values, `name=value`",
                    span,
                    "cannot be read as settings",
                )
            }
            StructureError::Initialisers { file, size } => {
                let span = Span { file: *file, start: 0, end: u32::try_from(*size).unwrap_or(0) };
                let message = "initialisers are targets with a scheme each, `Conv2d: ones`";
                Diagnostic::new(Code::E213, message, span, "cannot be read as initialisers")
            }
        }
    }
}

fn no_current(what: &str, span: Span, inputs: &[&str]) -> Diagnostic {
    let message = format!("there is no current value for `{what}`").replace("`a branch`", "a branch");
    let diagnostic = Diagnostic::new(Code::E212, message, span, "needs a value");
    match inputs {
        [] => diagnostic.help("begin with `input [N, C, H, W]`"),
        names => {
            let starts: Vec<String> = names.iter().map(|name| format!("`from {name}`")).collect();
            diagnostic.help(format!("inputs with names do not flow by themselves: start with {}", starts.join(" or ")))
        }
    }
}

fn no_model(wanted: Option<&str>, near: Option<&str>, models: &[&str]) -> Diagnostic {
    let diagnostic = match wanted {
        Some(wanted) => Diagnostic::without_place(Code::E219, format!("there is no model `{wanted}`")),
        None => Diagnostic::without_place(Code::E219, "the file has blocks alone and no model"),
    };
    let diagnostic = match models {
        [] => diagnostic,
        models => diagnostic.note(format!("the file has {}", listed(models))),
    };
    let mended = did_you_mean(diagnostic, near, Span::default());
    Diagnostic { fixes: Vec::new(), ..mended }
}
