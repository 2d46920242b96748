//! Arguments of layers, blocks, models and schemes.

use super::{LayerSite, ShownValue, TheirArgument, argument_of, counted, did_you_mean, listed};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::ops::Constant;
use cnnc_grammar::ast::{BinaryOperator, Expr, ExprKind, Name};
use cnnc_grammar::span::Span;

/// Arguments of PyTorch's eager layers that this language infers.
const INFERRED: &[&str] =
    &["in_channels", "in_features", "num_features", "num_channels", "normalized_shape", "input_size"];

/// What is wrong with the arguments of a call.
pub(in crate::resolve) enum ArgumentError<'e, 'a> {
    /// A key that the callee does not have.
    Unknown(Unknown<'e>),
    /// More arguments than there are parameters.
    TooMany { callee: &'e str, most: usize, span: Span, declared: Option<Span> },
    /// An argument that is given twice; the callee's first argument, for those who state input channels.
    Twice { name: &'e str, first: Span, second: Span, first_argument: Option<&'static str> },
    /// An argument without a key after one with a key.
    AfterKeyword { span: Span },
    /// Arguments that must be given.
    Missing { callee: &'e str, names: Vec<&'e str>, accepts: &'static str, call: Span, declared: Option<Span> },
    /// Parameters of the model itself that have no value.
    Unset { name: &'e str, names: Vec<&'e str>, span: Span },
    /// The same, where the model is checked by itself alone: a note.
    NamesAlone { name: &'e str, names: Vec<&'e str>, span: Span },
    /// A value of the wrong type or out of range.
    Wrong {
        name: &'e str,
        wanted: String,
        value: ShownValue,
        expr: &'a Expr,
        declared: Option<(&'e str, Span)>,
        is_int: bool,
    },
    /// A value that a layer refuses.
    Refused { name: &'static str, accepts: &'static str, value: &'e Constant, site: &'e LayerSite<'a> },
    /// Arguments that do not go together.
    Conflict { argument: &'static str, message: String, mend: Option<String>, site: &'e LayerSite<'a> },
}

/// An unknown key.
pub(in crate::resolve) struct Unknown<'e> {
    callee: &'e str,
    key: &'e Name,
    near: Option<String>,
    declared: Option<Span>,
    /// What to remove when the argument is one that is inferred, or means nothing here.
    removal: Option<Span>,
    /// What to do instead of an argument that means nothing here.
    instead: Option<&'static str>,
}

impl<'e, 'a> ArgumentError<'e, 'a> {
    /// A key that a built-in layer does not have; `neighbours` are the arguments before and after it.
    pub fn unknown(
        callee: &'e str,
        key: &'e Name,
        names: impl Iterator<Item = &'static str> + Clone,
        argument: Span,
        neighbours: [Option<Span>; 2],
    ) -> Self {
        let theirs = argument_of(&key.text, names.clone());
        let instead = match theirs {
            Some(TheirArgument::Needless(instead)) => Some(instead),
            Some(TheirArgument::Called(_)) | None => None,
        };
        let is_needless = instead.is_some_and(|instead| instead.starts_with("leave it out"));
        let removal = (is_needless || INFERRED.contains(&key.text.as_str())).then_some(match neighbours {
            [_, Some(after)] => Span { end: after.start, ..argument },
            [Some(before), None] => Span { start: before.end, ..argument },
            [None, None] => argument,
        });
        let near = match theirs {
            Some(TheirArgument::Called(ours)) => Some(ours.to_owned()),
            Some(TheirArgument::Needless(_)) => None,
            None => nearest(&key.text, names).map(str::to_owned),
        };
        ArgumentError::Unknown(Unknown { callee, key, near, declared: None, removal, instead })
    }

    /// A key that a block, model or scheme does not have.
    pub fn unknown_parameter(
        callee: &'e str,
        key: &'e Name,
        names: impl Iterator<Item = &'e str>,
        declared: Option<Span>,
    ) -> Self {
        let near = nearest(&key.text, names).map(str::to_owned);
        ArgumentError::Unknown(Unknown { callee, key, near, declared, removal: None, instead: None })
    }

    /// What a person is told: the sentence, the places, and the mend where there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            ArgumentError::Unknown(unknown) => unknown.diagnostic(),
            ArgumentError::TooMany { callee, most, span, declared } => {
                let message = format!("`{callee}` takes {}", at_most(*most));
                with_declaration(Diagnostic::new(Code::E207, message, *span, "one too many"), callee, *declared)
            }
            ArgumentError::Twice { name, first, second, first_argument } => {
                let diagnostic =
                    Diagnostic::new(Code::E207, format!("`{name}` is given twice"), *second, "the second time")
                        .label(*first, "the first time");
                match first_argument {
                    Some(argument) if argument != name => diagnostic
                        .help(format!("input channels are inferred, so that the first argument is `{argument}`")),
                    _ => diagnostic,
                }
            }
            ArgumentError::AfterKeyword { span } => {
                let message = "an argument without a name cannot follow one with a name";
                Diagnostic::new(Code::E206, message, *span, "which argument is it?")
                    .help("give it a name too, or put it first")
            }
            ArgumentError::Missing { callee, names, accepts, call, declared } => {
                let diagnostic =
                    Diagnostic::new(Code::E204, format!("`{callee}` needs {}", listed(names)), *call, "not given here");
                let diagnostic = match (names.as_slice(), *accepts) {
                    (_, "") => diagnostic,
                    ([name], accepts) => diagnostic.help(format!("add `{name}=…`: {accepts}")),
                    _ => diagnostic,
                };
                with_declaration(diagnostic, callee, *declared)
            }
            ArgumentError::Unset { name, names, span } => {
                let first = names.first().copied().unwrap_or_default();
                Diagnostic::new(Code::E204, format!("`{name}` needs {}", listed(names)), *span, "has no default").help(
                    format!("set it, give it a default, or declare a preset: `model My{name} = {name}({first}=…)`"),
                )
            }
            ArgumentError::NamesAlone { name, names, span } => {
                let values = if let [_] = names.as_slice() { "has no value" } else { "have no values" };
                let message =
                    format!("of `{name}` names and types alone were checked, no shapes: {} {values}", listed(names));
                Diagnostic::new(Code::E204, message, *span, "").as_note()
            }
            ArgumentError::Wrong { name, wanted, value, expr, declared, is_int } => {
                let message = format!("`{name}` must be {}", with_article(wanted));
                let label = format!("is {}", value.with_type());
                let diagnostic = Diagnostic::new(Code::E205, message, expr.span, label);
                let diagnostic = match value.float().filter(|_| *is_int) {
                    Some(number) => float_mend(diagnostic, number, expr),
                    None => diagnostic,
                };
                match declared {
                    Some((callee, header)) => with_declaration(diagnostic, callee, Some(*header)),
                    None => diagnostic,
                }
            }
            ArgumentError::Refused { name, accepts, value, site } => refused(name, accepts, value, site),
            ArgumentError::Conflict { argument, message, mend, site } => {
                let diagnostic = Diagnostic::new(Code::E206, message.clone(), site.argument(argument), "");
                match mend {
                    Some(value) => {
                        let (span, replacement) = site.change(argument, value);
                        diagnostic.help(format!("{argument}={value} would do")).guess(span, replacement)
                    }
                    None => diagnostic,
                }
            }
        }
    }
}

impl Unknown<'_> {
    fn diagnostic(&self) -> Diagnostic {
        let Unknown { callee, key, near, declared, removal, instead } = self;
        let message = format!("`{callee}` has no argument `{}`", key.text);
        let diagnostic = Diagnostic::new(Code::E203, message, key.span, "unknown argument");
        let diagnostic = match (removal, instead) {
            (Some(span), instead) => {
                diagnostic.help(instead.unwrap_or("leave it out: what comes in is inferred")).guess(*span, "")
            }
            (None, Some(instead)) => diagnostic.help(*instead),
            (None, None) => did_you_mean(diagnostic, near.as_deref(), key.span),
        };
        with_declaration(diagnostic, callee, *declared)
    }
}

fn at_most(most: usize) -> String {
    match most {
        0 => "no arguments".into(),
        most => format!("at most {}", counted(most, "argument", "arguments")),
    }
}

fn with_declaration(diagnostic: Diagnostic, callee: &str, declared: Option<Span>) -> Diagnostic {
    match declared {
        Some(span) => diagnostic.label(span, format!("`{callee}` is declared here")),
        None => diagnostic,
    }
}

fn with_article(wanted: &str) -> String {
    match wanted {
        "int" => "an int".into(),
        "float" | "bool" | "str" | "layer" | "tensor" => format!("a {wanted}"),
        other => other.into(),
    }
}

/// How a float can become the int that is wanted.
fn float_mend(diagnostic: Diagnostic, number: f64, expr: &Expr) -> Diagnostic {
    match &expr.kind {
        ExprKind::Float(_) if number.fract() == 0.0 && number.abs() < 1e15 => {
            let whole = format!("{number:.0}");
            diagnostic.help(format!("write {whole}")).safe_fix(expr.span, whole)
        }
        ExprKind::Float(_) => diagnostic,
        _ => match division(expr) {
            Some(slash) => diagnostic.help("`/` gives a float, `//` an int").guess(slash, " // "),
            None => diagnostic.help("`//` divides without a rest; `round`, `floor` and `ceil` make an int of a float"),
        },
    }
}

/// As [`float_mend`], for the first float of a tuple of ints.
fn float_in_tuple(diagnostic: Diagnostic, parts: &[Constant], exprs: &[Expr]) -> Diagnostic {
    let float = parts.iter().zip(exprs).find_map(|(part, expr)| match part {
        Constant::Float(number) => Some((*number, expr)),
        _ => None,
    });
    match float {
        Some((number, expr)) => float_mend(diagnostic, number, expr),
        None => diagnostic,
    }
}

/// From the left to the right side of the `/` that made a value a float: the last that was computed, as far as operators go.
fn division(expr: &Expr) -> Option<Span> {
    match &expr.kind {
        ExprKind::Binary(BinaryOperator::Divide, left, right) => {
            Some(Span { start: left.span.end, end: right.span.start, ..expr.span })
        }
        ExprKind::Binary(_, left, right) => division(left).or_else(|| division(right)),
        ExprKind::Unary(_, operand) => division(operand),
        _ => None,
    }
}

/// The most parts of a tuple that is shown.
const SHOWN_PARTS: usize = 4;

/// "the float 0.5", "the tuple (2, 0.5)", "a list of 3".
fn shown(value: &Constant) -> String {
    let plain = |value: &Constant| match value {
        Constant::Int(number) => Some(number.to_string()),
        Constant::Float(number) => Some(format!("{number:?}")),
        Constant::Bool(truth) => Some(truth.to_string()),
        Constant::Text(text) => Some(format!("\"{text}\"")),
        Constant::Size(size) => Some(size.to_string()),
        Constant::Tuple(_) | Constant::List(_) => None,
    };
    match value {
        Constant::Float(number) => format!("the float {number:?}"),
        Constant::Text(text) => format!("the text \"{text}\""),
        Constant::List(parts) => format!("a list of {}", parts.len()),
        Constant::Tuple(parts) => match parts.iter().map(plain).collect::<Option<Vec<String>>>() {
            Some(parts) if (2..=SHOWN_PARTS).contains(&parts.len()) => format!("the tuple ({})", parts.join(", ")),
            _ => format!("a tuple of {}", parts.len()),
        },
        simple => plain(simple).unwrap_or_default(),
    }
}

fn refused(name: &str, accepts: &str, value: &Constant, site: &LayerSite<'_>) -> Diagnostic {
    let given = site.given(name);
    let span = given.map_or(site.call.span, |argument| argument.expr.span);
    let diagnostic =
        Diagnostic::new(Code::E205, format!("`{name}` must be {accepts}"), span, format!("is {}", shown(value)));
    match (value, given) {
        (Constant::Float(number), Some(argument)) if accepts.starts_with("an int") => {
            float_mend(diagnostic, *number, argument.expr)
        }
        (Constant::Text(word), Some(argument)) if accepts.contains(&format!("\"{}\"", word.to_lowercase())) => {
            let word = format!("\"{}\"", word.to_lowercase());
            diagnostic.help(format!("write {word}")).safe_fix(argument.expr.span, word)
        }
        (Constant::Int(..0), _) if name == "padding" => diagnostic
            .help("what is cut off is cut by an item of its own: `ZeroPad2d(-1)` takes one pixel off each side"),
        (Constant::Tuple(parts), Some(argument)) => match &argument.expr.kind {
            ExprKind::Tuple(exprs) => float_in_tuple(diagnostic, parts, exprs),
            _ => diagnostic,
        },
        _ => diagnostic,
    }
}
