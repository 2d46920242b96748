//! What a layer refuses: the operator's facts with the places in the spec.

use super::LayerSite;
use crate::diagnostic::{Code, Diagnostic};
use crate::ops::ShapeError;
use crate::shape::{Dim, Shape};
use cnnc_grammar::span::Span;

/// A refused layer.
pub(in crate::resolve) struct ShapeReport<'e> {
    /// Why.
    pub error: &'e ShapeError,
    /// The layer's call, where its arguments are written.
    pub site: &'e LayerSite<'e>,
    /// The item that the layer is.
    pub item: Span,
    /// Where each input comes from, and its shape.
    pub inputs: Vec<(Span, Shape)>,
}

impl ShapeReport<'_> {
    /// What a person is told: the sentence, the places, and the mend where there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        let name = self.site.name;
        match self.error {
            ShapeError::Rank { found, expected, help, instead } => {
                let message = format!("`{name}` takes {expected}, and gets {found}");
                let label = help.map_or_else(|| format!("needs {expected}"), str::to_owned);
                let diagnostic = self.with_origin(Diagnostic::new(Code::E303, message, self.item, label));
                self.rank_mend(diagnostic, found, *instead)
            }
            ShapeError::Unknown { axis, size } => {
                let message = format!("`{name}` needs its {axis} as a number, and `{size}` is left open");
                self.with_origin(Diagnostic::new(Code::E307, message, self.item, format!("{axis} is {size}"))).help(
                    match name {
                        "Linear" => {
                            "give the input numbers, or pool to a fixed size before: `AdaptiveAvgPool2d(1); Flatten`"
                        }
                        _ => "give the input a number for it",
                    },
                )
            }
            ShapeError::NotDivisible { what, size, divisor, argument, mends } => {
                self.not_divisible((what, size), (argument, *divisor), mends)
            }
            ShapeError::WindowTooLarge { arithmetic, needs, least_padding, same_padding, axis } => {
                let message = "the kernel is larger than its padded input";
                let diagnostic = Diagnostic::new(Code::E302, message, self.item, format!("needs at least {needs}"));
                let diagnostic = self.with_origin(diagnostic).note(format!("{axis}: {arithmetic}"));
                self.padding_mend(diagnostic, least_padding.as_deref(), same_padding.as_deref())
            }
            ShapeError::NoSuchAxis { argument, axis, input } => {
                let message = format!("there is no axis {axis} in {input}");
                let diagnostic =
                    Diagnostic::new(Code::E306, message, self.site.argument(argument), format!("{argument} is {axis}"));
                self.with_origin(diagnostic)
                    .help(format!("axes go from 0 to {}, or from −1 backwards", input.rank().saturating_sub(1)))
            }
            ShapeError::Mismatch { left, right, branches, axis, reason } => {
                self.mismatch((left, right), *branches, *axis, reason)
            }
            ShapeError::Other { code, message, argument, note, mend } => {
                let span = argument.map_or(self.item, |argument| self.site.argument(argument));
                let diagnostic = self.with_origin(Diagnostic::new(*code, message.clone(), span, ""));
                let diagnostic = match note {
                    Some(note) => diagnostic.note(note.clone()),
                    None => diagnostic,
                };
                match mend {
                    Some((argument, value)) => {
                        let (span, replacement) = self.site.change(argument, value);
                        diagnostic.help(format!("{argument}={value} would do")).guess(span, replacement)
                    }
                    None => diagnostic,
                }
            }
            ShapeError::TooLarge => {
                if self.inputs.iter().flat_map(|(_, shape)| shape.iter()).all(Dim::is_plain) {
                    let message = format!("a size of `{name}` does not fit 64 bits");
                    return self.with_origin(Diagnostic::new(Code::E309, message, self.item, "too large"));
                }
                let message = format!("a size of `{name}` is too long an expression of the symbols, or past 64 bits");
                Diagnostic::new(Code::E309, message, self.item, "cannot be followed further")
                    .help("write the sizes of the input as numbers, or give them with --input-shape")
            }
        }
    }

    /// With the place that the input comes from.
    fn with_origin(&self, diagnostic: Diagnostic) -> Diagnostic {
        match self.inputs.first() {
            Some((span, shape)) if *span != self.item => diagnostic.label(*span, format!("gives {shape}")),
            Some((_, shape)) => diagnostic.note(format!("its input is {shape}")),
            None => diagnostic,
        }
    }

    /// Another layer in its place.
    fn rank_mend(&self, diagnostic: Diagnostic, found: &Shape, instead: Option<&'static str>) -> Diagnostic {
        let Some(instead) = instead else { return diagnostic };
        let call = self.site.call.span;
        let name = Span { end: call.start.saturating_add(self.site.name.len() as u32), ..call };
        diagnostic.help(format!("`{instead}` does the same for {found}")).guess(name, instead)
    }

    fn padding_mend(&self, diagnostic: Diagnostic, least: Option<&str>, same: Option<&str>) -> Diagnostic {
        let Some(least) = least else { return diagnostic };
        let (span, replacement) = self.site.change("padding", least);
        let sizes = self.inputs.first().and_then(|(_, shape)| shape.get(2..)).unwrap_or_default();
        let sizes: Vec<String> = sizes.iter().map(Dim::to_string).collect();
        let keeps = match same.filter(|same| *same != least) {
            Some(same) => format!("; padding={same} keeps {}", sizes.join("×")),
            None => String::new(),
        };
        diagnostic.help(format!("padding={least} is the least that fits{keeps}")).guess(span, replacement)
    }

    fn not_divisible(
        &self,
        (what, size): (&str, &Dim),
        (argument, divisor): (&str, usize),
        mends: &[usize],
    ) -> Diagnostic {
        let message = format!("{what} must be a multiple of {divisor}, and there are {size}");
        let span = self.site.argument(argument);
        let diagnostic =
            self.with_origin(Diagnostic::new(Code::E301, message, span, format!("asks for a multiple of {divisor}")));
        let diagnostic = match size.number().zip(i64::try_from(divisor).ok()).filter(|(_, divisor)| *divisor > 0) {
            Some((size, divisor)) => {
                diagnostic.note(format!("{size} = {}·{divisor} + {}", size / divisor, size % divisor))
            }
            None => diagnostic,
        };
        let Some(nearest) = mends.first() else { return diagnostic };
        let all: Vec<String> = mends.iter().take(2).map(|value| format!("{argument}={value}")).collect();
        let (span, replacement) = self.site.change(argument, &nearest.to_string());
        diagnostic.help(format!("{} would do", all.join(" or "))).guess(span, replacement)
    }

    fn mismatch(&self, (left, right): (&Shape, &Shape), branches: [usize; 2], axis: usize, reason: &str) -> Diagnostic {
        let [earlier, later] = branches.map(|branch| self.inputs.get(branch).map_or(self.item, |(span, _)| *span));
        let rank = left.rank().max(right.rank());
        let name = crate::infer::axis_name(axis, rank);
        let size = |shape: &Shape| {
            let at = axis.checked_sub(rank - shape.rank());
            at.and_then(|at| shape.get(at)).map_or("none".to_owned(), Dim::to_string)
        };
        let message = match left.rank() == right.rank() {
            true => {
                format!("the branches of `{}` differ in {name}: {} and {}", self.site.name, size(left), size(right))
            }
            false => format!("the branches of `{}` differ in their axes: {left} and {right}", self.site.name),
        };
        let diagnostic = Diagnostic::new(Code::E304, message, later, format!("gives {right}"));
        let diagnostic = diagnostic.label(earlier, format!("gives {left}"));
        let diagnostic = diagnostic.label(self.item, "joined here").note(reason.to_owned());
        if left.rank() != right.rank() {
            return match (left.rank().max(right.rank()), left.rank().min(right.rank())) {
                (4, 2) => diagnostic.help(
                    "a branch of [N, C, 1, 1] is repeated over the plane: `Conv2d` with kernel_size=1 in place of `Flatten; Linear`",
                ),
                _ => diagnostic.help("bring the branches to the same axes; only a size of 1 is repeated"),
            };
        }
        let sizes = [left, right].map(|shape| shape.get(axis).and_then(Dim::number));
        if let ([Some(left), Some(right)], 1 | 2, 4) = (sizes, rank.saturating_sub(axis), rank) {
            return diagnostic.help(meeting(left, right));
        }
        let open = [left, right].map(|shape| shape.get(axis).map(Dim::to_string).filter(|_| sizes.contains(&None)));
        if let [Some(left), Some(right)] = open {
            return diagnostic.help(match sizes {
                [None, None] => format!("where they are one size, one name says so in both inputs: `{left}`"),
                _ => format!("{left} and {right} are equal by chance alone; only a size of 1 is repeated"),
            });
        }
        match (self.site.name, rank.saturating_sub(axis)) {
            ("sum", 3) if rank == 4 => {
                diagnostic.help("`Conv2d` with kernel_size=1 on one branch gives it the channels of the other")
            }
            ("sum", 1 | 2) if rank == 4 => {
                diagnostic.help("give the branches the same strides, and padding that keeps the size elsewhere")
            }
            _ => diagnostic,
        }
    }
}

/// What makes branches of these sizes meet: a stride, padding, or a crop.
fn meeting(left: i64, right: i64) -> String {
    let (small, large) = (left.min(right).max(1), left.max(right));
    let difference = large - small;
    let nearest = (large + small / 2) / small;
    if nearest > 1 && (large + nearest - 1) / nearest == small {
        return format!(
            "stride={nearest} on the branch of {large} makes {small} of it, with padding that keeps the size"
        );
    }
    match difference % 2 {
        0 => format!("padding={} more in the branch of {small} makes {large} of it", difference / 2),
        _ => format!(
            "`ZeroPad2d` with {difference} more on one side makes {large} of {small}, and a negative side cuts {large} to {small}"
        ),
    }
}
