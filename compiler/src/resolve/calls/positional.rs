//! Arguments by position, where they could be PyTorch's own list.
//!
//! PyTorch's layers begin with what is inferred here: channels or features that come in. Such a list is never read as something
//! else in silence. Where it cannot be ours it is an error that says how it is written here ([`Shifted`]); where it could be
//! both, since its first number is just what comes in, the error offers both readings by name ([`TwoReadings`]).

use crate::ops::{Arguments, Constant, Inferred, LayerEntry, Op, ParameterDeclaration, Signature, inferred};
use crate::resolve::expression::{Given, Value, tensor_shape};
use crate::resolve::report::Reporter;
use crate::shape::{Requirements, Shape};
use cnnc_grammar::span::Span;

/// How many arguments may be given by position: those before the first that is given by name alone, since PyTorch has others
/// where it would stand.
pub(super) fn positions(signature: &Signature) -> usize {
    let by_name = signature.arguments.iter().position(|spec| matches!(spec.name, "eps" | "momentum" | "dropout"));
    by_name.unwrap_or(signature.arguments.len())
}

/// A list with PyTorch's argument in it, which is not ours.
pub(super) struct Shifted {
    /// The argument that is inferred.
    pub inferred: Inferred,
    /// Where it is written.
    pub span: Span,
    /// What stands between the parentheses without it; empty where nothing does.
    pub mend: String,
}

/// The list of a call, when it can be PyTorch's alone.
pub(super) fn shifted(reporter: &Reporter<'_>, entry: &LayerEntry, given: &[Given<'_>]) -> Option<Shifted> {
    let inferred = inferred(entry.signature.name)?;
    let first = positional(given).nth(inferred.position)?;
    is_count(first).then_some(())?;
    let theirs = without(given, inferred.position);
    let ours_fits = positional(given).count() <= positions(&entry.signature) && bound(entry, given).is_some();
    let fits = !ours_fits && bound(entry, &theirs).is_some();
    fits.then(|| Shifted { inferred, span: first.span, mend: by_name(reporter, entry, &theirs, inferred.position) })
}

/// A list that fits both ways.
pub(super) struct TwoReadings {
    /// The argument that PyTorch's list begins with.
    pub inferred: Inferred,
    /// Where all positional arguments stand.
    pub span: Span,
    /// What it is in PyTorch, as arguments of ours.
    pub theirs: String,
    /// What it would be here, where that shape is possible.
    pub ours: Option<String>,
}

/// The two readings of a list of numbers whose first is just what comes in.
pub(super) fn two_readings(
    reporter: &Reporter<'_>,
    entry: &LayerEntry,
    given: &[Given<'_>],
    input: &Shape,
) -> Option<TwoReadings> {
    let inferred = inferred(entry.signature.name).filter(|inferred| inferred.position == 0)?;
    let (first, last) = (positional(given).next()?, positional(given).last()?);
    let is_incoming = matches!(first.value, Some(Value::Int(number)) if inferred.of(input) == Some(number));
    let theirs = without(given, 0);
    if !is_incoming || positional(given).count() < 3 || !positional(given).all(is_count) {
        return None;
    }
    let possible = |arguments: &[Given<'_>]| {
        let op = bound(entry, arguments)?;
        op.infer(std::slice::from_ref(input), &mut Requirements::default()).ok()?;
        hold_given(&op.parameters(std::slice::from_ref(input)).ok()?, arguments).then_some(())
    };
    possible(&theirs)?;
    let ours = possible(given).map(|_| by_name(reporter, entry, given, 0));
    let span = Span { end: last.span.end, ..first.span };
    Some(TwoReadings { inferred, span, theirs: by_name(reporter, entry, &theirs, 0), ours })
}

/// Whether parameters that are given as numbers are of the sizes that the layer's have; those of 1 in front count for nothing.
fn hold_given(declared: &[ParameterDeclaration], given: &[Given<'_>]) -> bool {
    let without_leading = |shape: &[usize]| shape.iter().copied().skip_while(|size| *size == 1).collect::<Vec<usize>>();
    given.iter().all(|argument| {
        let of_name = argument.key.and_then(|key| declared.iter().find(|declared| declared.name == key.text));
        let shape = argument.value.as_ref().and_then(tensor_shape);
        let both = of_name.zip(shape);
        both.is_none_or(|(declared, shape)| without_leading(&declared.shape) == without_leading(&shape))
    })
}

fn positional<'g, 'a>(given: &'g [Given<'a>]) -> impl Iterator<Item = &'g Given<'a>> {
    given.iter().take_while(|given| given.key.is_none())
}

fn is_count(given: &Given<'_>) -> bool {
    matches!(given.value, Some(Value::Int(1..)))
}

fn without<'a>(given: &[Given<'a>], position: usize) -> Vec<Given<'a>> {
    let others = given.iter().enumerate().filter(|(at, _)| *at != position);
    others.map(|(_, given)| given.clone()).collect()
}

/// Whether arguments fit by PyTorch's positions, those included that are given by name alone.
pub(super) fn fits(entry: &LayerEntry, given: &[Given<'_>]) -> bool {
    bound(entry, given).is_some()
}

/// The layer with these arguments, all of them by PyTorch's positions; `None` where they do not fit. Parameters that are given
/// say nothing of it.
fn bound(entry: &LayerEntry, given: &[Given<'_>]) -> Option<Op> {
    let mut arguments = Arguments::new();
    let is_parameter = |argument: &Given<'_>| {
        let is_named = argument.key.is_some_and(|key| entry.parameters.contains(&key.text.as_str()));
        is_named && !matches!(argument.value, Some(Value::Bool(_)))
    };
    for (position, argument) in given.iter().enumerate().filter(|(_, argument)| !is_parameter(argument)) {
        let name = name_of(entry, position, argument)?;
        let before = arguments.insert(name, argument.value.as_ref()?.constant()?);
        if before.is_some() {
            return None;
        }
    }
    let is_number = |name: &str| matches!(arguments.get(name), Some(Constant::Int(_) | Constant::Float(_)));
    if is_number("bias") {
        return None;
    }
    (entry.bind)(&arguments).ok()
}

fn name_of(entry: &LayerEntry, position: usize, argument: &Given<'_>) -> Option<&'static str> {
    match argument.key {
        Some(key) => entry.signature.arguments.iter().find(|spec| spec.name == key.text),
        None => entry.signature.arguments.get(position),
    }
    .map(|spec| spec.name)
}

/// The arguments as text: the first `kept` positional ones as they are, or one where that may be, the others by name.
fn by_name(reporter: &Reporter<'_>, entry: &LayerEntry, given: &[Given<'_>], kept: usize) -> String {
    let kept = kept.max(1).min(positions(&entry.signature));
    let written = given.iter().enumerate().map(|(position, argument)| {
        let text = reporter.files.text(argument.span);
        match name_of(entry, position, argument) {
            Some(name) if argument.key.is_none() && position >= kept => format!("{name}={text}"),
            _ => text.to_owned(),
        }
    });
    written.collect::<Vec<String>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops;

    #[test]
    fn what_is_inferred_has_pytorchs_place() {
        let of = |layer| inferred(layer).map(|inferred| (inferred.name, inferred.position));
        assert_eq!(of("ConvTranspose2d"), Some(("in_channels", 0)));
        assert_eq!(of("GroupNorm"), Some(("num_channels", 1)));
        assert_eq!(of("LayerNorm"), None);
        assert_eq!(of("MaxPool2d"), None);
    }

    #[test]
    fn what_pytorch_has_elsewhere_has_no_place() {
        let of = |layer| ops::layer(layer).map(|entry| positions(&entry.signature));
        assert_eq!([of("BatchNorm2d"), of("GroupNorm"), of("Linear")], [Some(0), Some(1), Some(2)]);
        assert_eq!([of("MultiheadAttention"), of("RMSNorm"), of("Dropout")], [Some(1), Some(1), Some(1)]);
    }
}
