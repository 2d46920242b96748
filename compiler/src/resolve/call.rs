//! Calls of blocks and models: arguments to parameters, and the body written out.

use super::declarations::Callable;
use super::error::ArgumentError;
use super::item::Item;
use super::state::{Expander, Frame};
use super::types::{Misfit, fit, written};
use super::value::{Flow, Given, Recipe, Value};
use crate::graph::{ModuleId, ModuleKind, Way};
use cnnc_grammar::ast::{Argument, Declaration, ExprKind, Parameter};
use cnnc_grammar::span::Span;
use std::collections::HashSet;
use std::rc::Rc;

/// An entry a parameter: `None` where nothing was given, `Some(None)` where the value is not known.
pub(super) type Matched<'a> = Vec<Option<Option<Value<'a>>>>;

impl<'a> Expander<'a, '_> {
    /// Writes out a call as an item.
    pub fn call_item(
        &mut self,
        frame: &Frame<'a>,
        callable: &Rc<Callable<'a>>,
        recipe: &Recipe<'a>,
        item: &Item<'a>,
    ) -> Flow {
        let kind = ModuleKind::Call(self.shared_name(&callable.name.text));
        let module = self.enter_module(frame, item.label, item.span, kind);
        self.with_sharing(recipe.tied, module, |expander| {
            expander.call(frame, callable, &recipe.arguments, item, module, recipe.site.span)
        })
    }

    fn call(
        &mut self,
        caller: &Frame<'a>,
        callable: &Rc<Callable<'a>>,
        given: &[Given<'a>],
        item: &Item<'a>,
        module: ModuleId,
        span: Span,
    ) -> Flow {
        let declaration = callable.declaration;
        let Some(matched) = self.match_arguments(Some(caller), callable, given, span) else { return Flow::Unknown };
        if !self.expanding {
            return Flow::Unknown;
        }
        if self.world.declarations.is_circular(declaration) {
            self.unreadable();
            return Flow::Unknown;
        }
        if !self.may_go_deeper(span) || !self.may_expand(declaration, span) {
            return Flow::Unknown;
        }
        let name = self.shared_name(&callable.name.text);
        self.step_into(span, Way::Call(name));
        let mut frame = Frame::new(declaration, module, false);
        self.fill(&mut frame, callable, &matched);
        let value = self.expand_declaration(&mut frame, declaration, item.flow);
        self.step_out();
        self.finish_module(module, value);
        value
    }

    /// The body of a declaration, whose parameters are bound.
    pub fn expand_declaration(&mut self, frame: &mut Frame<'a>, declaration: &'a Declaration, flow: Flow) -> Flow {
        self.budget.depth += 1;
        let value = self.sequence(frame, &declaration.body, flow, true);
        self.budget.depth -= 1;
        value
    }

    /// Matches arguments with parameters and checks their types; `None` after an error.
    pub fn match_arguments(
        &mut self,
        caller: Option<&Frame<'a>>,
        callable: &Callable<'a>,
        given: &[Given<'a>],
        span: Span,
    ) -> Option<Matched<'a>> {
        let values = self.match_given(caller, callable, given);
        let complete = match &values {
            Some(values) => self.check_missing(callable, values, span),
            None => false,
        };
        values.filter(|_| complete)
    }

    /// As [`Expander::match_arguments`], for a preset, which may leave parameters open.
    pub fn match_given(
        &mut self,
        caller: Option<&Frame<'a>>,
        callable: &Callable<'a>,
        given: &[Given<'a>],
    ) -> Option<Matched<'a>> {
        let declaration = callable.declaration;
        let span = given.first().map_or(declaration.header, |argument| argument.span);
        if !self.spend((given.len() as u64).saturating_mul(declaration.parameters.len() as u64) / 8, span) {
            return None;
        }
        let mut values: Matched<'a> = vec![None; declaration.parameters.len()];
        let mut spans: Vec<Option<Span>> = vec![None; declaration.parameters.len()];
        let mut fits = true;
        let mut keyword_before = false;
        for (position, argument) in given.iter().enumerate() {
            keyword_before |= argument.key.is_some();
            let Some(slot) = self.slot(callable, position, argument, keyword_before) else {
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
                self.report(error.diagnostic());
                fits = false;
                continue;
            }
            let fitted = self.fit_parameter(caller, callable, parameter, argument);
            fits &= fitted.is_ok();
            *value = Some(fitted.unwrap_or(None));
        }
        fits.then_some(values)
    }

    /// The parameter that an argument is for.
    fn slot(
        &mut self,
        callable: &Callable<'a>,
        position: usize,
        argument: &Given<'a>,
        keyword_before: bool,
    ) -> Option<usize> {
        let parameters = &callable.declaration.parameters;
        let (callee, declared) = (callable.name.text.as_str(), Some(callable.declaration.header));
        let error = match argument.key {
            Some(key) => match parameters.iter().position(|parameter| parameter.name.text == key.text) {
                Some(slot) => return Some(slot),
                None => {
                    let names = parameters.iter().map(|parameter| parameter.name.text.as_str());
                    ArgumentError::unknown_parameter(callee, key, names, declared)
                }
            },
            None if keyword_before => ArgumentError::AfterKeyword { span: argument.span },
            None if position < parameters.len() => return Some(position),
            None => ArgumentError::TooMany { callee, most: parameters.len(), span: argument.span, declared },
        };
        self.report(error.diagnostic());
        None
    }

    /// The argument as its parameter's type wants it; `Ok(None)` where it is not known.
    fn fit_parameter(
        &mut self,
        caller: Option<&Frame<'a>>,
        callable: &Callable<'a>,
        parameter: &'a Parameter,
        argument: &Given<'a>,
    ) -> Result<Option<Value<'a>>, ()> {
        if let (Some(caller), ExprKind::Name(name)) = (caller, &argument.expr.kind)
            && written(&parameter.ty.kind) == "tensor"
            && let Some(flow) = self.kept_value(caller, name)
        {
            return Ok(Some(Value::Tensor(flow)));
        }
        let Some(value) = argument.value.clone() else { return Ok(None) };
        if let (Some(caller), Value::Text(name)) = (caller, &value)
            && written(&parameter.ty.kind) == "tensor"
        {
            let span = argument.expr.span;
            // Between the quotes, so that another name can be offered.
            let inside = matches!(argument.expr.kind, ExprKind::String(_)).then_some(1).unwrap_or(0);
            let span = Span { start: span.start + inside, end: span.end.saturating_sub(inside), ..span };
            return Ok(Some(Value::Tensor(self.kept_here(caller, name, span))));
        }
        self.spend_value(&value, argument.span);
        match fit(value.clone(), &parameter.ty.kind) {
            Ok(value) => Ok(Some(value)),
            Err(Misfit::Symbol(size)) => {
                self.report_symbol(&size, argument.expr.span, &parameter.name.text);
                Err(())
            }
            Err(Misfit::Wrong) => {
                let header = callable.declaration.header;
                let inside =
                    header.file == argument.span.file && (header.start..header.end).contains(&argument.span.start);
                let declared = (!inside).then_some((callable.name.text.as_str(), header));
                let error = ArgumentError::Wrong {
                    name: &parameter.name.text,
                    wanted: written(&parameter.ty.kind),
                    value: &value,
                    expr: argument.expr,
                    declared,
                    is_int: written(&parameter.ty.kind) == "int",
                };
                self.report(error.diagnostic());
                Err(())
            }
        }
    }

    /// Reports parameters that have no value from anywhere.
    fn check_missing(&mut self, callable: &Callable<'a>, values: &Matched<'a>, span: Span) -> bool {
        let is_missing = |(place, _): &(usize, &Parameter)| values.get(*place).is_some_and(Option::is_none);
        let missing = callable.unset().into_iter().filter(is_missing);
        let missing: Vec<&str> = missing.map(|(_, parameter)| parameter.name.text.as_str()).collect();
        if missing.is_empty() {
            return true;
        }
        let (callee, declared) = (callable.name.text.as_str(), Some(callable.declaration.header));
        self.report(ArgumentError::Missing { callee, names: missing, accepts: "", call: span, declared }.diagnostic());
        false
    }

    /// Binds the parameters of a call, and keeps those that are tensors.
    pub fn fill(&mut self, frame: &mut Frame<'a>, callable: &Callable<'a>, given: &[Option<Option<Value<'a>>>]) {
        self.bind_parameters(frame, callable, given);
        for parameter in &callable.declaration.parameters {
            if let Some(Some(Value::Tensor(flow))) = frame.scope.get(&parameter.name.text) {
                self.keep_parameter(frame, &parameter.name, *flow);
            }
        }
    }

    /// Binds the parameters of a call: what is given, else what presets say, else the defaults.
    pub fn bind_parameters(
        &mut self,
        frame: &mut Frame<'a>,
        callable: &Callable<'a>,
        given: &[Option<Option<Value<'a>>>],
    ) {
        let mut from_presets = self.preset_values(callable);
        for (slot, parameter) in callable.declaration.parameters.iter().enumerate() {
            let value = match given.get(slot).cloned().flatten() {
                Some(value) => value,
                None => match from_presets.get_mut(slot).and_then(Option::take) {
                    Some(value) => value,
                    None => self.default_value(frame, callable, parameter),
                },
            };
            frame.scope.bind(&parameter.name.text, value);
        }
    }

    /// The frame of a call as far as it can be known without expanding anything; nothing is reported or kept.
    pub fn quiet_frame(
        &mut self,
        caller: &Frame<'a>,
        callable: &Rc<Callable<'a>>,
        call: &'a cnnc_grammar::ast::Call,
    ) -> Option<Frame<'a>> {
        let before = std::mem::replace(&mut self.quiet, true);
        let given = self.given(caller, call);
        let matched = self.match_given(Some(caller), callable, &given);
        let frame = matched.map(|matched| {
            let mut frame = Frame::new(callable.declaration, ModuleId(0), false);
            frame.open.clear();
            self.bind_parameters(&mut frame, callable, &matched);
            frame
        });
        self.quiet = before;
        frame
    }

    /// What presets say of each parameter, the one called first before those below it.
    pub fn preset_values(&mut self, callable: &Callable<'a>) -> Matched<'a> {
        let mut values = vec![None; callable.declaration.parameters.len()];
        for preset in &callable.presets {
            let given = self.preset_arguments(callable.declaration, preset.base.arguments.as_deref());
            let base = Callable { name: &preset.base.callee, declaration: callable.declaration, presets: Vec::new() };
            let Some(matched) = self.match_given(None, &base, &given) else { continue };
            for (value, from_preset) in values.iter_mut().zip(matched) {
                if value.is_none() {
                    *value = from_preset;
                }
            }
        }
        values
    }

    /// The arguments of a preset, which sees no values.
    fn preset_arguments(&mut self, declaration: &'a Declaration, arguments: Option<&'a [Argument]>) -> Vec<Given<'a>> {
        let mut frame = Frame::new(declaration, ModuleId(0), false);
        frame.open.clear();
        let given = |argument: &'a Argument| Given {
            key: argument.key.as_ref(),
            value: self.evaluate(&frame, &argument.value),
            expr: &argument.value,
            span: argument.span,
        };
        arguments.unwrap_or_default().iter().map(given).collect()
    }

    /// The default of a parameter, as its type wants it.
    pub fn default_value(
        &mut self,
        frame: &Frame<'a>,
        callable: &Callable<'a>,
        parameter: &'a Parameter,
    ) -> Option<Value<'a>> {
        let expr = parameter.default.as_ref()?;
        let value = self.evaluate(frame, expr);
        let argument = Given { key: None, value, expr, span: expr.span };
        self.fit_parameter(None, callable, parameter, &argument).unwrap_or(None)
    }
}

impl<'a> Callable<'a> {
    /// The parameters that have no value when a call gives none, by their place.
    pub fn unset(&self) -> Vec<(usize, &'a Parameter)> {
        let parameters = &self.declaration.parameters;
        let arguments = self.presets.iter().map(|preset| preset.base.arguments.as_deref().unwrap_or_default());
        let name = |(position, argument): (usize, &'a Argument)| match &argument.key {
            Some(key) => Some(key.text.as_str()),
            None => parameters.get(position).map(|parameter| parameter.name.text.as_str()),
        };
        let set: HashSet<&str> =
            arguments.flat_map(|arguments| arguments.iter().enumerate().filter_map(name)).collect();
        let is_open =
            |parameter: &Parameter| parameter.default.is_none() && !set.contains(parameter.name.text.as_str());
        parameters.iter().enumerate().filter(|(_, parameter)| is_open(parameter)).collect()
    }
}
