//! Items of the flow: layers, calls, groups, and what a name before them stands for.

use super::error::{NameError, StructureError};
use super::expand::Cursor;
use super::state::{Expander, Frame};
use super::value::{CallSite, Callee, Flow, Recipe, Value};
use crate::graph::{ModuleId, ModuleKind};
use crate::ops;
use cnnc_grammar::ast::{Body, Call, FlowItem, FlowKind, Label};
use cnnc_grammar::span::Span;
use std::rc::Rc;

/// An item that is being written out.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    /// `name:` before it.
    pub label: Option<&'a Label>,
    /// The item without its label.
    pub span: Span,
    /// What it takes.
    pub flow: Flow,
}

impl<'a> Expander<'a, '_> {
    /// Writes out an item and gives its value.
    pub fn item(&mut self, frame: &mut Frame<'a>, cursor: &Cursor, item: &'a FlowItem, statement: Span) -> Flow {
        frame.begun = true;
        let span = match &item.kind {
            FlowKind::Use(call) => call.span,
            FlowKind::Join { call, .. } => call.span,
            FlowKind::Sequential(_) | FlowKind::Group(_) => statement,
        };
        let site = Item { label: item.label.as_ref(), span, flow: cursor.value };
        match &item.kind {
            FlowKind::Use(call) => self.use_item(frame, call, &site),
            FlowKind::Join { kind, call, body } => self.join(frame, *kind, call, body, &site),
            FlowKind::Sequential(body) => self.group(frame, body, &site),
            FlowKind::Group(body) if cursor.branches.is_some() => self.sequence(frame, body, site.flow, false),
            FlowKind::Group(body) => {
                self.report(StructureError::BareGroup { span: body.span }.diagnostic());
                self.sequence(frame, body, site.flow, false);
                Flow::Unknown
            }
        }
    }

    fn use_item(&mut self, frame: &mut Frame<'a>, call: &'a Call, item: &Item<'a>) -> Flow {
        match self.recipe(frame, call) {
            Some(recipe) => match &recipe.callee {
                Callee::Layer(entry) => self.layer_item(frame, entry, &recipe, item),
                Callee::Declared(callable) => self.call_item(frame, callable, &recipe, item),
                Callee::Unreadable => self.unknown_item(frame, item),
            },
            None => self.unknown_item(frame, item),
        }
    }

    /// An item of which nothing is known still has a name and a position.
    fn unknown_item(&mut self, frame: &Frame<'a>, item: &Item<'a>) -> Flow {
        self.unreadable();
        self.enter_module(frame, item.label, item.span, ModuleKind::Sequential);
        Flow::Unknown
    }

    /// `Sequential { }`
    fn group(&mut self, frame: &mut Frame<'a>, body: &'a Body, item: &Item<'a>) -> Flow {
        let module = self.enter_module(frame, item.label, item.span, ModuleKind::Sequential);
        frame.open.push(module);
        let value = self.sequence(frame, body, item.flow, false);
        frame.open.pop();
        self.finish_module(module, value);
        value
    }

    /// Notes the last value of a module.
    pub fn finish_module(&mut self, module: ModuleId, value: Flow) {
        if let (Flow::Node(node), Some(module)) = (value, self.graph.modules.get_mut(module.0 as usize)) {
            module.output = Some(node);
        }
    }

    /// What a name calls in the file where it is written. What another file declares is an error there, unless it is imported.
    pub fn callee_at(&mut self, name: &str, span: Span) -> Option<Callee<'a>> {
        let callee = self.callee(name)?;
        if let Callee::Declared(callable) = &callee
            && !self.world.program.knows(span.file, callable.name.span.file)
        {
            let declared = callable.name.span;
            let file = self.world.files.get(declared.file).map_or("", |file| file.name.as_str());
            self.report(NameError::NotImported { name, span, declared, file }.diagnostic());
            return Some(Callee::Unreadable);
        }
        Some(callee)
    }

    /// What a name calls: a block or model, then a built-in layer. Values come before both and are looked up by the caller.
    pub fn callee(&self, name: &str) -> Option<Callee<'a>> {
        match self.world.declarations.get(name) {
            Some(Some(callable)) => Some(Callee::Declared(callable.clone())),
            Some(None) => Some(Callee::Unreadable),
            None => ops::layer(name).map(Callee::Layer),
        }
    }

    /// A layer, block, model or layer value with its arguments.
    pub fn recipe(&mut self, frame: &Frame<'a>, call: &'a Call) -> Option<Rc<Recipe<'a>>> {
        let name = call.callee.text.as_str();
        let site = CallSite { span: call.span, parentheses: call.arguments.is_some() };
        let arguments = self.given(frame, call);
        match frame.scope.get(name) {
            Some(None) => None,
            Some(Some(Value::Layer(base))) if arguments.is_empty() => Some(base.clone()),
            Some(Some(Value::Layer(base))) => {
                if base.tied.is_some() {
                    self.report(StructureError::TiedArguments { name, span: call.span }.diagnostic());
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
                Some(Rc::new(Recipe::new(base.callee.clone(), all, site, None)))
            }
            Some(Some(other)) => {
                let error = NameError::NotCallable { name, kind: other.kind(), span: call.callee.span };
                self.report(error.diagnostic());
                None
            }
            None => match self.callee_at(name, call.callee.span) {
                Some(callee) => Some(Rc::new(Recipe::new(callee, arguments, site, None))),
                None => {
                    self.unknown_callee(frame, call);
                    None
                }
            },
        }
    }

    fn unknown_callee(&mut self, frame: &Frame<'a>, call: &Call) {
        if frame.scope.incomplete || self.world.program.incomplete {
            return self.unreadable();
        }
        let name = call.callee.text.as_str();
        let span = call.callee.span;
        if self.kept_value(frame, name).is_none() {
            let near = self.near(name, |expander| {
                let mut names = frame.scope.names();
                names.retain(|name| matches!(frame.scope.get(name), Some(Some(Value::Layer(_)))));
                names.extend(expander.callable_names(span));
                names
            });
            let error = NameError::UnknownCallee { name, span, near: near.as_deref() };
            return self.report(error.diagnostic());
        }
        self.report(NameError::Kept { name, span }.diagnostic());
    }

    /// Checks the arguments of a layer that is a value, where it is written and not only where it is used.
    pub fn check_recipe(&mut self, frame: &Frame<'a>, recipe: &Recipe<'a>) {
        match &recipe.callee {
            Callee::Layer(entry) => {
                self.bind_layer(entry, &recipe.arguments, recipe.site);
            }
            Callee::Declared(callable) => {
                self.match_given(Some(frame), callable, &recipe.arguments);
            }
            Callee::Unreadable => {}
        }
    }
}
