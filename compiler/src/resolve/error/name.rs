//! Names: unknown ones, two of one name, and names that cannot be used.

use super::did_you_mean;
use super::foreign::{Ours, foreign, value_of};
use crate::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Span;

/// What is wrong with a name.
pub(in crate::resolve) enum NameError<'e> {
    /// A block or model with the name of a built-in layer.
    BuiltIn { name: &'e str, span: Span },
    /// Two things of one name; the mend is a name with the loop's variable.
    Twice { name: &'e str, what: &'static str, first: Span, second: Span, mend: Option<String> },
    /// An item of a group that is no group.
    NoGroup { name: &'e str, first: Span, second: Span },
    /// A name that is the position of an item without one.
    Position { name: &'e str, label: Span, item: Span },
    /// A preset of a model that does not exist.
    UnknownModel { name: &'e str, span: Span, near: Option<&'e str> },
    /// An item that is no layer, block or model.
    /// Where the whole call is written otherwise, its place and how.
    UnknownCallee { name: &'e str, span: Span, near: Option<&'e str>, whole: Option<(Span, String)> },
    /// A block or model of a file that is not imported where it is called.
    NotImported { name: &'e str, span: Span, declared: Span, file: &'e str },
    /// An item that is the name of a kept value.
    Kept { name: &'e str, span: Span },
    /// An item that is a value other than a layer.
    NotCallable { name: &'e str, kind: &'static str, span: Span },
    /// A name in an expression that nothing has.
    UnknownValue { name: &'e str, span: Span, near: Option<&'e str> },
    /// A type that does not exist.
    UnknownType { name: &'e str, span: Span, near: Option<&'e str> },
    /// An item that nothing is called.
    UnknownItem { name: &'e str, span: Span, near: Option<&'e str> },
    /// An item without such a child or parameter.
    NoMember { name: &'e str, path: &'e str, of: &'static str, span: Span, near: Option<&'e str> },
    /// A value that has no fields.
    NoField { name: &'e str, of: &'static str, span: Span },
    /// `.T` of something else than a matrix.
    NotAMatrix { axes: usize, span: Span },
    /// Arguments that a function does not take.
    FunctionArguments { name: &'static str, signature: String, span: Span },
    /// A name that is empty.
    Empty { span: Span },
    /// A name with a dot.
    Dot { name: &'e str, span: Span },
    /// A parameter whose key means something else in a file.
    FileMetadata { name: &'e str, span: Span },
    /// A name too long for a path.
    TooLong { span: Span, limit: usize },
}

impl NameError<'_> {
    /// What a person is told: the sentence, the places, and the mend where there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            NameError::BuiltIn { name, span } => Diagnostic::new(
                Code::E220,
                format!("`{name}` is the name of a built-in layer"),
                *span,
                "cannot be declared again",
            )
            .help("give it a name of its own"),
            NameError::Twice { name, what, first, second, mend } => twice(name, what, *first, *second, mend.as_deref()),
            NameError::Position { name, label, item } => {
                let message = format!("the name `{name}` is also the position of an item without a name");
                Diagnostic::new(Code::E208, message, *label, "named here")
                    .label(*item, format!("at position {name}"))
                    .help("give it a name that is no number")
            }
            NameError::UnknownModel { name, span, near } => {
                let message = format!("there is no model `{name}`");
                did_you_mean(Diagnostic::new(Code::E201, message, *span, "not declared in any file"), *near, *span)
            }
            NameError::UnknownCallee { name, span, whole: Some((call, ours)), .. } => {
                let message = format!("there is no layer, block or model `{name}`");
                let diagnostic = Diagnostic::new(Code::E201, message, *span, "unknown");
                diagnostic.help(format!("write `{ours}`")).guess(*call, ours.clone())
            }
            NameError::UnknownCallee { name, span, near, whole: None } => {
                let message = format!("there is no layer, block or model `{name}`");
                let diagnostic = Diagnostic::new(Code::E201, message, *span, "unknown");
                match foreign(name) {
                    Some(Ours::Name(ours)) => diagnostic.help(format!("it is called `{ours}` here")).guess(*span, ours),
                    Some(Ours::Function(ours)) => {
                        diagnostic.help(format!("`{ours}` does that here")).guess(*span, ours)
                    }
                    Some(Ours::Text(ours)) => diagnostic.help(format!("here, that is {ours}")),
                    None => did_you_mean(diagnostic, *near, *span),
                }
            }
            NameError::NotImported { name, span, declared, file } => {
                let message = format!("`{name}` is declared in a file that this one does not import");
                Diagnostic::new(Code::E201, message, *span, "not known here")
                    .label(*declared, "declared here")
                    .help(format!("an `import` of {file} makes it known; what other files import does not"))
            }
            NameError::Kept { name, span } => Diagnostic::new(
                Code::E201,
                format!("`{name}` is a kept value, not a layer"),
                *span,
                "unknown as a layer",
            )
            .help(format!("`from {name}` gives it back"))
            .safe_fix(*span, format!("from {name}")),
            NameError::NotCallable { name, kind, span } => {
                let message = format!("`{name}` is {kind}, not a layer");
                Diagnostic::new(Code::E213, message, *span, "an item of the flow must be a layer, a block or a model")
            }
            NameError::UnknownValue { name, span, .. } if *name == "_" => {
                Diagnostic::new(Code::E202, "`_` has no value", *span, "stands for any size, in `expect` alone")
            }
            NameError::UnknownValue { name: name @ ("None" | "null" | "nil"), span, .. } => {
                Diagnostic::new(Code::E202, format!("there is no `{name}`"), *span, "no value")
                    .help("leave the argument out, or say `false` where it is a switch")
            }
            NameError::UnknownValue { name, span, near } => {
                let message = format!("nothing here is called `{name}`");
                if let Some(ours) = value_of(name) {
                    let diagnostic = Diagnostic::new(Code::E202, message, *span, "unknown name");
                    return diagnostic.help(format!("write `{ours}`")).safe_fix(*span, ours);
                }
                did_you_mean(Diagnostic::new(Code::E202, message, *span, "unknown name"), *near, *span)
            }
            NameError::UnknownType { name, span, near } => {
                let diagnostic =
                    Diagnostic::new(Code::E202, format!("there is no type `{name}`"), *span, "unknown type");
                let types =
                    "types are int, float, bool, str, layer, tensor, lists such as [int] and tuples such as (int, int)";
                did_you_mean(diagnostic.note(types), *near, *span)
            }
            NameError::UnknownItem { name, span, near } => {
                let message = format!("no item before this one is called `{name}`");
                did_you_mean(Diagnostic::new(Code::E202, message, *span, "unknown item"), *near, *span)
            }
            NameError::NoMember { name, path, of, span, near } => {
                let message = format!("`{path}` has no `{name}`");
                let label = format!("{of} has no child or parameter of that name");
                did_you_mean(Diagnostic::new(Code::E202, message, *span, label), *near, *span)
            }
            NameError::NoField { name, of, span } => {
                let note = match *of {
                    "a tensor" => "a kept value has `.shape`, the sizes of its axes",
                    _ => "named items have parameters and children, and a parameter of two axes has `.T`",
                };
                Diagnostic::new(Code::E202, format!("{of} has no `.{name}`"), *span, "unknown").note(note)
            }
            NameError::NotAMatrix { axes, span } => {
                let message = format!("only a parameter of two axes can be transposed, and this one has {axes}");
                Diagnostic::new(Code::E222, message, *span, "cannot be transposed")
            }
            NameError::FunctionArguments { name, signature, span } => {
                let message = format!("`{name}` does not take these arguments");
                Diagnostic::new(Code::E206, message, *span, format!("it is {signature}"))
            }
            NameError::NoGroup { name, first, second } => {
                let message = format!("`{name}` is a layer or block, and items belong to groups alone");
                Diagnostic::new(Code::E208, message, *second, "named as a group")
                    .label(*first, "a layer or block")
                    .help("give the group a name of its own")
            }
            NameError::Empty { span } => Diagnostic::new(Code::E220, "a name cannot be empty", *span, "empty"),
            NameError::Dot { name, span } => Diagnostic::new(
                Code::E220,
                format!("the name `{name}` has a dot"),
                *span,
                "dots part the names of a path",
            )
            .help("use `_`, or nest items with `name: { }`")
            .guess(*span, format!("\"{}\"", name.replace('.', "_"))),
            NameError::FileMetadata { name, span } => Diagnostic::new(
                Code::E220,
                format!("a parameter cannot have the key `{name}`"),
                *span,
                format!("its key is `{name}`"),
            )
            .note("under this key a safetensors file says what it is, so that no tensor can be stored there")
            .help("give it another name"),
            NameError::TooLong { span, limit } => {
                Diagnostic::new(Code::E220, format!("a name has at most {limit} bytes"), *span, "too long")
            }
        }
    }
}

fn twice(name: &str, what: &str, first: Span, second: Span, mend: Option<&str>) -> Diagnostic {
    if first == second {
        let message = format!("a loop gives the name `{name}` to more than one {what}");
        let diagnostic = Diagnostic::new(Code::E208, message, second, "the same name in every turn");
        return match mend {
            Some(mend) => diagnostic.help(format!("let the name hold the loop's variable: {mend}")).guess(second, mend),
            None => diagnostic.help(format!(
                "count the turns and let the name hold the number: `for i in 0..n {{ \"{name}{{i}}\": … }}`"
            )),
        };
    }
    let message = format!("two {what}s are called `{name}`");
    let diagnostic = Diagnostic::new(Code::E208, message, second, "the second").label(first, "the first");
    match mend {
        Some(mend) => diagnostic.help(format!("within the loop, {mend} gives every turn its own")),
        None => diagnostic,
    }
}
