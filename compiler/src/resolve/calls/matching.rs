//! Calls of blocks and models: arguments to parameters.
//!
//! A parameter's value is what the call gives, else what presets say, else its default. Presets and defaults see the
//! declarations and the parameters before them, and nothing of the place of the call.

use super::Declarations;
use crate::resolve::error::ArgumentError;
use crate::resolve::expression::{Callable, Evaluator, Given, Misfit, Names, Scope, Value, fit, written};
use crate::resolve::report::Reporter;
use cnnc_grammar::ast::{Call, ExprKind, Parameter, TypeKind};
use cnnc_grammar::span::Span;
use std::rc::Rc;

/// An entry a parameter: `None` where nothing was given, `Some(None)` where the value is not known.
pub(in crate::resolve) type Matched<'a> = Vec<Option<Option<Value<'a>>>>;

/// Matches arguments with parameters and checks their types; `None` after an error.
pub(in crate::resolve) fn match_arguments<'a>(
    caller: &mut Evaluator<'_, 'a, '_>,
    callable: &Callable<'a>,
    given: &[Given<'a>],
    span: Span,
) -> Option<Matched<'a>> {
    let values = match_given(caller, callable, given)?;
    check_missing(caller.reporter, callable, &values, span).then_some(values)
}

/// As [`match_arguments`], for a preset, which may leave parameters open.
pub(in crate::resolve) fn match_given<'a>(
    caller: &mut Evaluator<'_, 'a, '_>,
    callable: &Callable<'a>,
    given: &[Given<'a>],
) -> Option<Matched<'a>> {
    let declaration = callable.declaration;
    let span = given.first().map_or(declaration.header, |argument| argument.span);
    let steps = (given.len() as u64).saturating_mul(declaration.parameters.len() as u64) / 8;
    if !caller.reporter.spend(steps, span) {
        return None;
    }
    let mut values: Matched<'a> = vec![None; declaration.parameters.len()];
    let mut spans: Vec<Option<Span>> = vec![None; declaration.parameters.len()];
    let mut fits = true;
    let mut keyword_before = false;
    for (position, argument) in given.iter().enumerate() {
        keyword_before |= argument.key.is_some();
        let Some(slot) = slot(caller.reporter, callable, position, argument, keyword_before) else {
            fits = false;
            if position > declaration.parameters.len() {
                break;
            }
            continue;
        };
        let (Some(parameter), Some(value), Some(place)) =
            (declaration.parameters.get(slot), values.get_mut(slot), spans.get_mut(slot))
        else {
            continue;
        };
        if let Some(first) = place.replace(argument.span) {
            let name = &parameter.name.text;
            let error = ArgumentError::Twice { name, first, second: argument.span, first_argument: None };
            caller.reporter.report(error.diagnostic());
            fits = false;
            continue;
        }
        let fitted = fit_parameter(caller, callable, parameter, argument);
        fits &= fitted.is_ok();
        *value = Some(fitted.unwrap_or(None));
    }
    fits.then_some(values)
}

/// The parameter that an argument is for.
fn slot(
    reporter: &mut Reporter<'_>,
    callable: &Callable<'_>,
    position: usize,
    argument: &Given<'_>,
    keyword_before: bool,
) -> Option<usize> {
    let parameters = &callable.declaration.parameters;
    let (callee, declared) = (callable.name.text.as_str(), Some(callable.declaration.header));
    let error = match argument.key {
        Some(key) => match parameters.iter().enumerate().find(|(_, parameter)| parameter.name.text == key.text) {
            Some((slot, parameter)) => {
                reporter.note_use(&key.text, key.span, parameter.name.span);
                return Some(slot);
            }
            None => {
                let names = parameters.iter().map(|parameter| parameter.name.text.as_str());
                ArgumentError::unknown_parameter(callee, key, names, declared)
            }
        },
        None if keyword_before => ArgumentError::AfterKeyword { span: argument.span },
        None if position < parameters.len() => return Some(position),
        None => ArgumentError::TooMany { callee, most: parameters.len(), span: argument.span, declared },
    };
    reporter.report(error.diagnostic());
    None
}

/// The argument as its parameter's type wants it; `Ok(None)` where it is not known.
fn fit_parameter<'a>(
    caller: &mut Evaluator<'_, 'a, '_>,
    callable: &Callable<'a>,
    parameter: &Parameter,
    argument: &Given<'a>,
) -> Result<Option<Value<'a>>, ()> {
    let names = caller.names;
    let is_tensor = matches!(&parameter.ty.kind, TypeKind::Named(name) if name == "tensor");
    if is_tensor
        && let ExprKind::Name(name) = &argument.expr.kind
        && let Some(flow) = names.kept(caller.reporter, name, argument.expr.span)
    {
        return Ok(Some(Value::Tensor(flow)));
    }
    let Some(value) = argument.value.clone() else { return Ok(None) };
    if is_tensor && let Value::Text(name) = &value {
        let span = argument.expr.span;
        // Between the quotes, so that another name can be offered.
        let inside = u32::from(matches!(argument.expr.kind, ExprKind::String(_)));
        let span = Span { start: span.start + inside, end: span.end.saturating_sub(inside), ..span };
        if let Some(flow) = names.must_be_kept(caller, name, span) {
            return Ok(Some(Value::Tensor(flow)));
        }
    }
    value.spend(caller.reporter, argument.span);
    match fit(value.clone(), &parameter.ty.kind) {
        Ok(value) => return Ok(Some(value)),
        Err(Misfit::Symbol(size)) => caller.reporter.report_symbol(&size, argument.expr.span, &parameter.name.text),
        Err(Misfit::Wrong) => {
            let header = callable.declaration.header;
            let inside = header.file == argument.span.file && (header.start..header.end).contains(&argument.span.start);
            let wanted = written(&parameter.ty.kind);
            let error = ArgumentError::Wrong {
                name: &parameter.name.text,
                is_int: wanted == "int",
                wanted,
                value: value.shown(),
                expr: argument.expr,
                declared: (!inside).then_some((callable.name.text.as_str(), header)),
            };
            caller.reporter.report(error.diagnostic());
        }
    }
    Err(())
}

/// Reports parameters that have no value from anywhere.
fn check_missing(reporter: &mut Reporter<'_>, callable: &Callable<'_>, values: &Matched<'_>, span: Span) -> bool {
    let is_missing = |(place, _): &(usize, &Parameter)| values.get(*place).is_some_and(Option::is_none);
    let missing = callable.unset().into_iter().filter(is_missing);
    let missing: Vec<&str> = missing.map(|(_, parameter)| parameter.name.text.as_str()).collect();
    if missing.is_empty() {
        return true;
    }
    let (callee, declared) = (callable.name.text.as_str(), Some(callable.declaration.header));
    reporter.report(ArgumentError::Missing { callee, names: missing, accepts: "", call: span, declared }.diagnostic());
    false
}

/// Binds the parameters of a call: what is given, else what presets say, else the defaults.
pub(in crate::resolve) fn bind_parameters<'a>(
    reporter: &mut Reporter<'_>,
    declarations: &Declarations<'a>,
    scope: &mut Scope<'a>,
    callable: &Callable<'a>,
    given: &[Option<Option<Value<'a>>>],
) {
    let mut from_presets = preset_values(reporter, declarations, callable);
    for (slot, parameter) in callable.declaration.parameters.iter().enumerate() {
        let value = match given.get(slot).cloned().flatten() {
            Some(value) => value,
            None => match from_presets.get_mut(slot).and_then(Option::take) {
                Some(value) => value,
                None => default_value(reporter, declarations, scope, callable, parameter),
            },
        };
        scope.bind(&parameter.name, value);
    }
}

/// The values that a called body sees first, as far as they can be known without expanding anything.
pub(super) fn scope_of_call<'a>(
    caller: &mut Evaluator<'_, 'a, '_>,
    declarations: &Declarations<'a>,
    callable: &Rc<Callable<'a>>,
    call: &'a Call,
) -> Option<Scope<'a>> {
    let given = caller.given(call);
    let matched = match_given(caller, callable, &given)?;
    let mut scope = Scope::default();
    bind_parameters(caller.reporter, declarations, &mut scope, callable, &matched);
    Some(scope)
}

/// What presets say of each parameter, the one called first before those below it.
pub(in crate::resolve) fn preset_values<'a>(
    reporter: &mut Reporter<'_>,
    declarations: &Declarations<'a>,
    callable: &Callable<'a>,
) -> Matched<'a> {
    let mut values = vec![None; callable.declaration.parameters.len()];
    let (scope, names): (_, &dyn Names<'a>) = (&Scope::default(), declarations);
    for preset in &callable.presets {
        let mut evaluator = Evaluator { reporter, scope, names };
        let given = evaluator.given(&preset.base);
        let base = Callable { name: &preset.base.callee, declaration: callable.declaration, presets: Vec::new() };
        let Some(matched) = match_given(&mut evaluator, &base, &given) else { continue };
        for (value, from_preset) in values.iter_mut().zip(matched) {
            if value.is_none() {
                *value = from_preset;
            }
        }
    }
    values
}

/// The default of a parameter, as its type wants it.
pub(in crate::resolve) fn default_value<'a>(
    reporter: &mut Reporter<'_>,
    declarations: &Declarations<'a>,
    scope: &Scope<'a>,
    callable: &Callable<'a>,
    parameter: &'a Parameter,
) -> Option<Value<'a>> {
    let expr = parameter.default.as_ref()?;
    let mut evaluator = Evaluator { reporter, scope, names: declarations };
    let value = evaluator.evaluate(expr);
    let argument = Given { key: None, value, expr, span: expr.span };
    fit_parameter(&mut evaluator, callable, parameter, &argument).unwrap_or(None)
}
