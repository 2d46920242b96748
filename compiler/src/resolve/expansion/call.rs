//! Blocks and models as items: the body written out.

use super::Expander;
use super::item::Item;
use crate::graph::{ModuleId, ModuleKind, TraceKind};
use crate::resolve::builder::Frame;
use crate::resolve::calls::matching::{Matched, bind_parameters, match_arguments};
use crate::resolve::expression::{Callable, Flow, Recipe, Value};
use cnnc_grammar::ast::Declaration;
use std::rc::Rc;

impl<'a> Expander<'a, '_> {
    /// Writes out a call as an item.
    pub(super) fn call_item(
        &mut self,
        frame: &Frame<'a>,
        callable: &Rc<Callable<'a>>,
        recipe: &Recipe<'a>,
        item: &Item<'a>,
    ) -> Flow {
        let kind = ModuleKind::Call(self.builder.network.callee_name(&callable.name.text));
        let module = self.builder.enter_module(frame, item.label, item.span, kind);
        self.builder.share(recipe.tied, module);
        let value = self.call(frame, callable, recipe, item.flow, module).unwrap_or(Flow::Unknown);
        self.builder.network.tied.leave(recipe.tied);
        value
    }

    fn call(
        &mut self,
        caller: &Frame<'a>,
        callable: &Rc<Callable<'a>>,
        recipe: &Recipe<'a>,
        flow: Flow,
        module: ModuleId,
    ) -> Option<Flow> {
        let (declaration, span) = (callable.declaration, recipe.site.span);
        let given = &recipe.arguments;
        let matched = self.builder.at(caller, |evaluator, _| match_arguments(evaluator, callable, given, span))?;
        let declarations = self.builder.declarations;
        let reporter = &mut self.builder.reporter;
        if !self.builder.network.expanding {
            return None;
        }
        // Where a condition is not known, it does not end what calls itself.
        let is_open = self.open_calls.iter().any(|open| std::ptr::eq(*open, declaration));
        if declarations.is_circular(declaration) || (is_open && self.builder.network.undecided > 0) {
            reporter.unreadable();
            return None;
        }
        let layers = declarations.least_layers(&declaration.name.text);
        if !reporter.may_go_deeper(span) || !reporter.may_expand(layers, span) {
            return None;
        }
        reporter.step_into(span, TraceKind::Call(self.builder.network.callee_name(&callable.name.text)));
        let mut frame = Frame::new(declaration, module, false);
        self.fill(&mut frame, callable, &matched);
        self.open_calls.push(declaration);
        let value = self.expand_declaration(&mut frame, declaration, flow);
        self.open_calls.pop();
        self.builder.reporter.step_out();
        self.builder.finish_module(module, value);
        Some(value)
    }

    /// The body of a declaration, whose parameters are bound.
    pub fn expand_declaration(&mut self, frame: &mut Frame<'a>, declaration: &'a Declaration, flow: Flow) -> Flow {
        self.builder.reporter.go_deeper();
        let value = self.sequence(frame, &declaration.body, flow, true);
        self.builder.reporter.rise();
        value
    }

    /// Binds the parameters of a call, and keeps those that are tensors.
    pub fn fill(&mut self, frame: &mut Frame<'a>, callable: &Callable<'a>, given: &Matched<'a>) {
        let builder = &mut self.builder;
        bind_parameters(&mut builder.reporter, builder.declarations, &mut frame.scope, callable, given);
        for parameter in &callable.declaration.parameters {
            let name = &parameter.name;
            builder.note_bound(frame, name);
            if let Some(Some(Value::Tensor(flow))) = frame.scope.get(&name.text) {
                builder.keep(frame, name.text.as_str().into(), *flow, name.span);
            }
        }
    }
}
