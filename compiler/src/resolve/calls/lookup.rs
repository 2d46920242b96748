//! What a name calls: a layer that is a value, a block or model of the files, a built-in layer.

use super::Declarations;
use super::bind::bind_layer;
use super::matching::match_given;
use crate::ops;
use crate::resolve::error::{CallSite, NameError, StructureError, ValueError};
use crate::resolve::expression::{Callee, Evaluator, Given, Names, Recipe, Value};
use crate::resolve::report::Reporter;
use cnnc_grammar::ast::{Call, Expr, Parameter, TypeKind};
use cnnc_grammar::span::Span;
use std::rc::Rc;

/// Python's `range(a, b)` as it is written here.
fn range_of(reporter: &Reporter<'_>, call: &Call) -> Option<String> {
    let arguments: Vec<&str> =
        call.arguments.iter().flatten().map(|argument| reporter.files.text(argument.span)).collect();
    match (call.callee.text.as_str(), arguments.as_slice()) {
        ("range", [end]) => Some(format!("0..{end}")),
        ("range", [begin, end]) => Some(format!("{begin}..{end}")),
        _ => None,
    }
}

/// What names mean at the top of a file.
impl<'a> Names<'a> for Declarations<'a> {
    fn value(&self, evaluator: &mut Evaluator<'_, 'a, '_>, name: &'a str, span: Span) -> Option<Value<'a>> {
        let value = self.layer_value(evaluator.reporter, name, span);
        if value.is_none() {
            self.report_no_value(evaluator, name, span);
        }
        value
    }

    fn layer(&self, evaluator: &mut Evaluator<'_, 'a, '_>, call: &'a Call) -> Option<Rc<Recipe<'a>>> {
        self.checked_recipe(evaluator, call)
    }
}

impl<'a> Declarations<'a> {
    /// A block, model or layer as a value without arguments.
    pub fn layer_value(&self, reporter: &mut Reporter<'_>, name: &str, span: Span) -> Option<Value<'a>> {
        let callee = self.callee_at(reporter, name, span)?;
        let site = CallSite { span, parentheses: false };
        Some(Value::Layer(Rc::new(Recipe::new(callee, Vec::new(), site, None))))
    }

    /// Says that nothing has a name, unless what could not be read may have had it.
    pub fn report_no_value(&self, evaluator: &mut Evaluator<'_, 'a, '_>, name: &str, span: Span) {
        let Evaluator { reporter, scope, .. } = evaluator;
        if scope.incomplete || self.loaded().incomplete {
            return reporter.unreadable();
        }
        let near = reporter.near(name, || {
            let mut names = scope.names();
            names.extend(self.callable_names(span));
            names
        });
        reporter.report(NameError::UnknownValue { name, span, near: near.as_deref() }.diagnostic());
    }

    /// What a name calls in the file where it is written. What another file declares is an error there, unless it is imported.
    fn callee_at(&self, reporter: &mut Reporter<'_>, name: &str, span: Span) -> Option<Callee<'a>> {
        let callee = self.callee(name)?;
        let Callee::Declared(callable) = &callee else { return Some(callee) };
        let declared = callable.name.span;
        reporter.note_use(name, span, declared);
        if !self.loaded().knows(span.file, declared.file) {
            let file = reporter.files.get(declared.file).map_or("", |file| file.name.as_str());
            reporter.report(NameError::NotImported { name, span, declared, file }.diagnostic());
            return Some(Callee::Unreadable);
        }
        Some(callee)
    }

    /// What a name calls: a block or model, then a built-in layer. Values come before both and are looked up by the caller.
    pub fn callee(&self, name: &str) -> Option<Callee<'a>> {
        match self.get(name) {
            Some(Some(callable)) => Some(Callee::Declared(callable.clone())),
            Some(None) => Some(Callee::Unreadable),
            None => ops::layer(name).map(Callee::Layer),
        }
    }

    /// The names of the blocks, models and layers that are known at a place.
    fn callable_names(&self, place: Span) -> impl Iterator<Item = &'a str> {
        let layers = ops::LAYERS.iter().map(|entry| entry.signature.name);
        let known = move |name: &&str| match self.get(name) {
            Some(Some(callable)) => self.loaded().knows(place.file, callable.name.span.file),
            _ => true,
        };
        self.names().iter().copied().filter(known).chain(layers)
    }

    /// A layer, block, model or layer value with its arguments.
    pub fn recipe(&self, evaluator: &mut Evaluator<'_, 'a, '_>, call: &'a Call) -> Option<Rc<Recipe<'a>>> {
        let name = call.callee.text.as_str();
        let site = CallSite { span: call.span, parentheses: call.arguments.is_some() };
        let arguments = evaluator.given(call);
        match evaluator.binding(name, call.callee.span) {
            Some(None) => None,
            Some(Some(Value::Layer(base))) if arguments.is_empty() => Some(base.clone()),
            Some(Some(Value::Layer(base))) => {
                if base.tied.is_some() {
                    let error = StructureError::TiedArguments { name, span: call.span };
                    evaluator.reporter.report(error.diagnostic());
                    return None;
                }
                let overridden =
                    |key: &str| arguments.iter().any(|given| given.key.is_some_and(|name| name.text == key));
                let kept = base.arguments.iter().filter(|given| !given.key.is_some_and(|key| overridden(&key.text)));
                let mut all: Vec<_> = kept.cloned().collect();
                all.sort_by_key(|given| given.key.is_some());
                let positional = all.iter().filter(|given| given.key.is_none()).count();
                let (more, keyed): (Vec<_>, Vec<_>) = arguments.into_iter().partition(|given| given.key.is_none());
                all.splice(positional..positional, more);
                all.extend(keyed);
                if matches!(base.callee, Callee::Items(_)) {
                    let error = StructureError::ItemsArguments { name, span: call.span };
                    evaluator.reporter.report(error.diagnostic());
                    return None;
                }
                Some(Rc::new(Recipe::new(base.callee.clone(), all, site, None)))
            }
            Some(Some(other)) => {
                let error = NameError::NotCallable { name, kind: other.kind(), span: call.callee.span };
                evaluator.reporter.report(error.diagnostic());
                None
            }
            None => match self.callee_at(evaluator.reporter, name, call.callee.span) {
                Some(callee) => Some(Rc::new(Recipe::new(callee, arguments, site, None))),
                None => {
                    self.report_no_callee(evaluator, call);
                    None
                }
            },
        }
    }

    /// A block or block value with its arguments, and with the items in the braces behind it: they are the value of its last
    /// parameter that is a layer. A built-in layer that takes a second value has it from them when it is written out.
    pub fn filled_recipe(
        &self,
        evaluator: &mut Evaluator<'_, 'a, '_>,
        call: &'a Call,
        items: &'a Expr,
    ) -> Option<Rc<Recipe<'a>>> {
        let base = self.recipe(evaluator, call)?;
        let (name, span) = (call.callee.text.as_str(), call.span);
        let refusal = |declared| StructureError::TakesNoItems { name, span, items: items.span, declared };
        let error = match &base.callee {
            Callee::Unreadable => return None,
            Callee::Layer(entry) if entry.second.is_some() => return Some(base),
            Callee::Layer(_) | Callee::Items(_) => refusal(None),
            Callee::Declared(_) if base.tied.is_some() => StructureError::TiedArguments { name, span: items.span },
            Callee::Declared(callable) => {
                let declaration = callable.declaration;
                let is_layer =
                    |parameter: &&Parameter| matches!(&parameter.ty.kind, TypeKind::Named(ty) if ty == "layer");
                match declaration.parameters.iter().rfind(is_layer) {
                    Some(parameter) => {
                        let value = evaluator.evaluate(items);
                        let given = Given { key: Some(&parameter.name), value, expr: items, span: items.span };
                        let arguments = base.arguments.iter().cloned().chain([given]).collect();
                        return Some(Rc::new(Recipe::new(base.callee.clone(), arguments, base.site, None)));
                    }
                    None => refusal(Some(declaration.header)),
                }
            }
        };
        evaluator.reporter.report(error.diagnostic());
        None
    }

    fn report_no_callee(&self, evaluator: &mut Evaluator<'_, 'a, '_>, call: &Call) {
        let Evaluator { reporter, scope, names } = evaluator;
        if scope.incomplete || self.loaded().incomplete {
            return reporter.unreadable();
        }
        let name = call.callee.text.as_str();
        let span = call.callee.span;
        if names.kept(reporter, name, span).is_some() {
            return reporter.report(NameError::Kept { name, span }.diagnostic());
        }
        let near = reporter.near(name, || {
            let mut names = scope.names();
            names.retain(|name| matches!(scope.get(name), Some(Some(Value::Layer(_)))));
            names.extend(self.callable_names(span));
            names
        });
        let whole = range_of(reporter, call).map(|ours| (call.span, ours));
        reporter.report(NameError::UnknownCallee { name, span, near: near.as_deref(), whole }.diagnostic());
    }

    /// A layer that is a value, checked where it is written and not only where it is used.
    pub fn checked_recipe(&self, evaluator: &mut Evaluator<'_, 'a, '_>, call: &'a Call) -> Option<Rc<Recipe<'a>>> {
        let recipe = self.recipe(evaluator, call)?;
        if recipe.is_too_large() {
            let why = "layers are nested deeper in each other's arguments, or hold more of them, than they may";
            evaluator.reporter.report(ValueError::NoResult { why, span: call.span, note: None }.diagnostic());
            return None;
        }
        self.check_recipe(evaluator, &recipe);
        Some(recipe)
    }

    /// Checks the arguments of a recipe.
    pub fn check_recipe(&self, evaluator: &mut Evaluator<'_, 'a, '_>, recipe: &Recipe<'a>) {
        match &recipe.callee {
            Callee::Layer(entry) => {
                bind_layer(evaluator.reporter, entry, &recipe.arguments, recipe.site, None);
            }
            Callee::Declared(callable) => {
                match_given(evaluator, callable, &recipe.arguments);
            }
            Callee::Items(_) | Callee::Unreadable => {}
        }
    }
}
