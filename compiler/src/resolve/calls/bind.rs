//! Arguments of built-in layers: positions and keys to names, values to what the layer takes.
//!
//! All mistakes of one call are reported together. `weight=` and `bias=` may also name a parameter of the layer: a list of
//! numbers or another layer's parameter then stands for its values.

use super::positional;
use crate::diagnostic::nearest;
use crate::ops::{ArgumentSpec, Arguments, BindError, Constant, LayerEntry, Op, ShapeError};
use crate::resolve::error::{
    ArgumentError, CallSite, Incoming, LayerSite, PositionalError, SiteArgument, TheirArgument, argument_of,
};
use crate::resolve::expression::{Given, Value};
use crate::resolve::report::Reporter;
use crate::shape::{Requirements, Shape};
use cnnc_grammar::span::Span;

/// A layer with its arguments bound.
pub(in crate::resolve) struct BoundLayer<'a> {
    /// The layer.
    pub op: Op,
    /// Parameters whose values are given.
    pub weights: Vec<GivenWeight<'a>>,
    /// Where it is written.
    pub site: LayerSite<'a>,
}

/// A parameter that the spec gives.
pub(in crate::resolve) struct GivenWeight<'a> {
    /// The parameter's name within the layer.
    pub name: &'static str,
    /// A constant, or another parameter.
    pub value: Value<'a>,
    /// Where the value is written.
    pub span: Span,
}

/// What has been read of a call's arguments.
struct Reading<'e, 'a, 'p> {
    reporter: &'e mut Reporter<'p>,
    entry: &'static LayerEntry,
    arguments: Arguments,
    weights: Vec<GivenWeight<'a>>,
    site: LayerSite<'a>,
    /// Whether an argument has an error, or a value that is not known.
    broken: bool,
    /// Arguments that are given and cannot be used: that they are missing is no further error.
    unusable: Vec<&'static str>,
}

/// Binds the arguments of a built-in layer; `incoming` is what it takes, where that is known.
pub(in crate::resolve) fn bind_layer<'a>(
    reporter: &mut Reporter<'_>,
    entry: &'static LayerEntry,
    given: &[Given<'a>],
    call: CallSite,
    incoming: Option<&Shape>,
) -> Option<BoundLayer<'a>> {
    if is_unpacked(reporter, entry, given, call) || is_pytorchs(reporter, entry, given, call, incoming) {
        return None;
    }
    let mut reading = Reading {
        reporter,
        entry,
        arguments: Arguments::new(),
        weights: Vec::new(),
        site: LayerSite { name: entry.signature.name, call, arguments: Vec::new() },
        broken: false,
        unusable: Vec::new(),
    };
    let mut keyword_before = false;
    for (position, argument) in given.iter().enumerate() {
        keyword_before |= argument.key.is_some();
        match reading.argument_name(given, position, keyword_before) {
            Ok(name) => reading.take_argument(name, argument),
            Err(meant) => {
                reading.broken = true;
                reading.unusable.extend(meant);
            }
        }
        if reading.broken && position > entry.signature.arguments.len() {
            break;
        }
    }
    let op = reading.make(incoming);
    let Reading { weights, site, broken, .. } = reading;
    op.filter(|_| !broken).map(|op| BoundLayer { op, weights, site })
}

/// Reports numbers that are to be one tuple: `Permute(0, 2, 3, 1)`, `ZeroPad2d(1, 1, 1, 1)`.
fn is_unpacked(reporter: &mut Reporter<'_>, entry: &'static LayerEntry, given: &[Given<'_>], site: CallSite) -> bool {
    let (callee, [argument]) = (entry.signature.name, entry.signature.arguments) else { return false };
    let number = |given: &Given<'_>| given.value.as_ref().filter(|_| given.key.is_none())?.constant();
    let numbers: Option<Vec<Constant>> = given.iter().map(number).collect();
    let (Some(numbers), [_, .., last]) = (numbers, given) else { return false };
    let arguments = Arguments::from([(argument.name, Constant::Tuple(numbers))]);
    if (entry.bind)(&arguments).is_err() {
        return false;
    }
    let mend =
        format!("({})", given.iter().map(|given| reporter.files.text(given.span)).collect::<Vec<_>>().join(", "));
    let (name, span, call) = (argument.name, last.span, parentheses(reporter, site, given));
    reporter.report(PositionalError::Unpacked { callee, name, span, call, mend: &mend }.diagnostic());
    true
}

/// Reports a list of arguments that is, or could be, PyTorch's with what comes in before the others.
fn is_pytorchs(
    reporter: &mut Reporter<'_>,
    entry: &'static LayerEntry,
    given: &[Given<'_>],
    site: CallSite,
    incoming: Option<&Shape>,
) -> bool {
    let callee = entry.signature.name;
    let call = parentheses(reporter, site, given);
    if let Some(shifted) = positional::shifted(reporter, entry, given) {
        let positional::Shifted { inferred, span, mend } = shifted;
        let written = reporter.files.text(span).to_owned();
        let incoming = Incoming { written: &written, actual: incoming.and_then(|shape| inferred.of(shape)) };
        let error = PositionalError::Shifted { callee, inferred: inferred.name, span, call, mend: &mend, incoming };
        reporter.report(error.diagnostic());
        return true;
    }
    let Some(readings) = incoming.and_then(|shape| positional::two_readings(reporter, entry, given, shape)) else {
        return false;
    };
    let positional::TwoReadings { inferred, span, theirs, ours } = &readings;
    let (inferred, span, theirs, ours) = (inferred.name, *span, theirs.as_str(), ours.as_deref());
    reporter.report(PositionalError::TwoReadings { callee, inferred, span, call, theirs, ours }.diagnostic());
    true
}

/// The place of a call's parentheses, where all its arguments stand in them.
fn parentheses(reporter: &Reporter<'_>, site: CallSite, given: &[Given<'_>]) -> Option<Span> {
    let CallSite { span, parentheses } = site;
    let inside = |given: &Given<'_>| {
        given.span.file == span.file && given.span.start >= span.start && given.span.end <= span.end
    };
    let open = reporter.files.text(span).find('(').filter(|_| parentheses && given.iter().all(inside))?;
    Some(Span { start: span.start + open as u32, ..span })
}

impl<'a> Reading<'_, 'a, '_> {
    /// The name that an argument has by its key or position; after an error, the names that may have been meant.
    fn argument_name(
        &mut self,
        given: &[Given<'a>],
        position: usize,
        keyword_before: bool,
    ) -> Result<&'static str, Vec<&'static str>> {
        let argument = given.get(position).ok_or_else(Vec::new)?;
        let (callee, known) = (self.entry.signature.name, self.entry.signature.arguments);
        let Some(key) = argument.key else {
            if keyword_before {
                self.reporter.report(ArgumentError::AfterKeyword { span: argument.span }.diagnostic());
                return Err(known.iter().map(|spec| spec.name).collect());
            }
            let name = known.get(position).map(|spec| spec.name);
            if let Some(name) = name.filter(|_| position >= positional::positions(&self.entry.signature)) {
                let (span, written) = (argument.span, self.reporter.files.text(argument.span).to_owned());
                let fits = positional::fits(self.entry, given);
                let error = PositionalError::ByName { callee, name, span, written: &written, fits };
                self.reporter.report(error.diagnostic());
                return Err(vec![name]);
            }
            if name.is_none() {
                let error = ArgumentError::TooMany { callee, most: known.len(), span: argument.span, declared: None };
                self.reporter.report(error.diagnostic());
            }
            return name.ok_or_else(Vec::new);
        };
        let names = known.iter().map(|spec| spec.name).chain(self.entry.parameters.iter().copied());
        let name = names.clone().find(|name| *name == key.text);
        if name.is_none() {
            let before = position.checked_sub(1).and_then(|before| given.get(before)).map(|before| before.span);
            let after = given.get(position + 1).map(|after| after.span);
            let error = ArgumentError::unknown(callee, key, names.clone(), argument.span, [before, after]);
            self.reporter.report(error.diagnostic());
        }
        name.ok_or_else(|| match argument_of(&key.text, names.clone()) {
            Some(TheirArgument::Called(ours)) => vec![ours],
            Some(TheirArgument::Needless(_)) => Vec::new(),
            None => nearest(&key.text, names).into_iter().collect(),
        })
    }

    /// Takes one argument in, or reports it.
    fn take_argument(&mut self, name: &'static str, argument: &Given<'a>) {
        let entry = self.entry;
        if let Some(first) = self.site.given(name) {
            // Who states input channels first gives the next argument by position and again by name.
            let by_position = first.whole == first.expr.span;
            let shifted = entry.signature.arguments.first().filter(|_| by_position).map(|spec| spec.name);
            let first = first.whole;
            let error = ArgumentError::Twice { name, first, second: argument.span, first_argument: shifted };
            self.reporter.report(error.diagnostic());
            self.broken = true;
            return;
        }
        self.site.arguments.push(SiteArgument { name, expr: argument.expr, whole: argument.span });
        let spec = entry.signature.arguments.iter().find(|spec| spec.name == name);
        let Some(value) = &argument.value else {
            self.broken = true;
            self.unusable.push(name);
            return;
        };
        let is_weight = entry.parameters.contains(&name) && (spec.is_none() || !matches!(value, Value::Bool(_)));
        if is_weight {
            self.weights.push(GivenWeight { name, value: value.clone(), span: argument.expr.span });
            return;
        }
        match value.constant() {
            Some(constant) => {
                self.arguments.insert(name, constant);
            }
            None => {
                self.broken = true;
                self.unusable.push(name);
                if let Some(spec) = spec {
                    self.refuse(spec, argument);
                }
            }
        }
    }

    fn refuse(&mut self, spec: &ArgumentSpec, argument: &Given<'a>) {
        let Some(value) = &argument.value else { return };
        let error = ArgumentError::Wrong {
            name: spec.name,
            wanted: spec.accepts.into(),
            value: value.shown(),
            expr: argument.expr,
            declared: None,
            is_int: spec.accepts.starts_with("an int"),
        };
        self.reporter.report(error.diagnostic());
    }

    /// Makes the layer. Each argument at fault is reported and then replaced, so that the next mistake is found too.
    fn make(&mut self, incoming: Option<&Shape>) -> Option<Op> {
        const PLACEHOLDER: Constant = Constant::Int(1);
        let mut replaced: Vec<&'static str> = Vec::new();
        loop {
            match (self.entry.bind)(&self.arguments) {
                Ok(op) => return Some(op),
                Err(BindError::Missing { argument, accepts }) => {
                    if !self.unusable.contains(&argument) {
                        self.broken = true;
                        let (callee, call) = (self.entry.signature.name, self.site.call.span);
                        let names = vec![argument];
                        let error = ArgumentError::Missing { callee, names, accepts, call, declared: None };
                        self.reporter.report(error.diagnostic());
                    }
                    replaced.push(argument);
                    self.arguments.insert(argument, PLACEHOLDER);
                }
                Err(BindError::Refused { argument, .. }) if replaced.contains(&argument) => return None,
                Err(BindError::Refused { argument, accepts }) => {
                    let constant = self.arguments.remove(argument)?;
                    self.broken = true;
                    self.unusable.push(argument);
                    let (name, value, site) = (argument, &constant, &self.site);
                    match constant.open_size() {
                        Some(size) => {
                            let span = site.given(name).map_or(site.call.span, |argument| argument.expr.span);
                            self.reporter.report_symbol(size, span, name);
                        }
                        None => {
                            self.reporter.report(ArgumentError::Refused { name, accepts, value, site }.diagnostic());
                        }
                    }
                }
                Err(BindError::Conflict { argument, message, mend }) => {
                    if !self.broken {
                        let mend = mend.map(|mend| self.mend_that_fits(argument, mend, incoming));
                        self.reporter
                            .report(ArgumentError::Conflict { argument, message, mend, site: &self.site }.diagnostic());
                    }
                    return None;
                }
            }
        }
    }

    /// The mend, or what it would have to become for the shape that comes in: the 24 that divides 48 output channels does not
    /// divide the 32 that come in, and 16 divides both.
    fn mend_that_fits(&self, argument: &'static str, mend: String, incoming: Option<&Shape>) -> String {
        let (Ok(number), Some(incoming)) = (mend.parse(), incoming) else { return mend };
        let mut arguments = self.arguments.clone();
        arguments.insert(argument, Constant::Int(number));
        let inferred = (self.entry.bind)(&arguments).ok().map(|op| {
            let inputs = std::slice::from_ref(incoming);
            op.infer(inputs, &mut Requirements::default()).and_then(|_| op.parameters(inputs).map(drop))
        });
        match inferred {
            Some(Err(ShapeError::NotDivisible { argument: same, mends, .. })) if same == argument => {
                mends.first().map_or(mend, usize::to_string)
            }
            _ => mend,
        }
    }
}
