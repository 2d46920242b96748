//! What is visible to expressions at a place in a network: declarations, items before it and their parameters
//! (`encoder.weight.T`), kept values.

use super::Network;
use crate::graph::{Module, ModuleId, ModuleKind, ParameterId};
use crate::resolve::calls::Declarations;
use crate::resolve::error::{KeepError, NameError};
use crate::resolve::expression::{Evaluator, Flow, Names, Recipe, Value};
use crate::resolve::report::Reporter;
use crate::shape::Shape;
use cnnc_grammar::ast::Call;
use cnnc_grammar::span::Span;
use std::rc::Rc;

/// What is visible at a place: all that is written out before it.
#[derive(Clone, Copy)]
pub(in crate::resolve) struct Visible<'e, 'a> {
    /// All blocks and models.
    pub declarations: &'e Declarations<'a>,
    /// The network so far.
    pub network: &'e Network<'a>,
    /// The modules that are open: the call's first, the innermost last.
    pub open: &'e [ModuleId],
}

impl<'a> Names<'a> for Visible<'_, 'a> {
    fn value(&self, evaluator: &mut Evaluator<'_, 'a, '_>, name: &'a str, span: Span) -> Option<Value<'a>> {
        if let Some(flow) = self.kept(evaluator.reporter, name, span) {
            return Some(Value::Tensor(flow));
        }
        if let Some(layer) = self.declarations.layer_value(evaluator.reporter, name, span) {
            return Some(layer);
        }
        if let Some(item) = self.item(evaluator.reporter, name, span) {
            return Some(self.item_value(item));
        }
        match self.open.first().is_some_and(|call| self.network.may_keep_more(*call)) {
            true => evaluator.reporter.unreadable(),
            false => self.declarations.report_no_value(evaluator, name, span),
        }
        None
    }

    fn layer(&self, evaluator: &mut Evaluator<'_, 'a, '_>, call: &'a Call) -> Option<Rc<Recipe<'a>>> {
        self.declarations.checked_recipe(evaluator, call)
    }

    fn item(&self, reporter: &mut Reporter<'_>, name: &str, span: Span) -> Option<ModuleId> {
        let item = self.open.iter().rev().find_map(|module| self.network.child(*module, name))?;
        reporter.note_use(name, span, self.network.item_span(item));
        Some(item)
    }

    fn report_no_item(&self, evaluator: &mut Evaluator<'_, 'a, '_>, name: &str, span: Span) {
        let reporter = &mut *evaluator.reporter;
        if evaluator.scope.incomplete || self.network.undecided > 0 {
            return reporter.unreadable();
        }
        let near = reporter.near(name, || self.items());
        reporter.report(NameError::UnknownItem { name, span, near: near.as_deref() }.diagnostic());
    }

    fn item_value(&self, item: ModuleId) -> Value<'a> {
        match self.network.parameter_at(&self.network.path(item)) {
            Some(id) => Value::Parameter { id, transposed: false },
            None => Value::Module(item),
        }
    }

    fn member(&self, reporter: &mut Reporter<'_>, item: ModuleId, name: &str, span: Span) -> Option<Value<'a>> {
        let network = self.network;
        if let Some(child) = network.child(item, name) {
            reporter.note_use(name, span, network.item_span(child));
            return Some(self.item_value(child));
        }
        let module = network.graph.module(item)?;
        let path = &*module.path;
        if let Some(id) = network.parameter_at(&format!("{path}.{name}")) {
            return Some(Value::Parameter { id, transposed: false });
        }
        if let Some((flow, declared)) = network.kept(item, name) {
            reporter.note_use(name, span, declared);
            return Some(Value::Tensor(flow));
        }
        // What is not expanded, or went wrong, may have had it.
        if reporter.has_failed() || !network.expanding {
            reporter.unreadable();
            return None;
        }
        let near = reporter.near(name, || self.member_names(module));
        let of = if matches!(module.kind, ModuleKind::Layer(_)) { "this layer" } else { "this item" };
        reporter.report(NameError::NoMember { name, path, of, span, near: near.as_deref() }.diagnostic());
        None
    }

    fn axes(&self, parameter: ParameterId) -> usize {
        self.network.graph.parameter(parameter).map_or(0, |parameter| parameter.shape.len())
    }

    fn shape(&self, flow: Flow) -> Option<Shape> {
        self.network.flow_shape(flow)
    }

    fn kept(&self, reporter: &mut Reporter<'_>, name: &str, span: Span) -> Option<Flow> {
        let (flow, declared) = self.network.kept(*self.open.first()?, name)?;
        reporter.note_use(name, span, declared);
        Some(flow)
    }

    fn must_be_kept(&self, evaluator: &mut Evaluator<'_, 'a, '_>, name: &str, span: Span) -> Option<Flow> {
        Some(self.kept_here(evaluator, name, span))
    }
}

impl<'a> Visible<'_, 'a> {
    /// The names of all items that can be seen from here.
    fn items(&self) -> Vec<&str> {
        let graph = &self.network.graph;
        let modules = self.open.iter().rev().filter_map(|module| graph.module(*module));
        let children = modules.flat_map(|module| &module.children).filter_map(|child| graph.module(*child));
        children.map(Module::name).collect()
    }

    fn member_names(&self, module: &Module) -> Vec<String> {
        let graph = &self.network.graph;
        let children = module.children.iter().filter_map(|child| graph.module(*child));
        let mut names: Vec<String> = children.map(|child| child.name().to_owned()).collect();
        if let ModuleKind::Layer(node) = module.kind
            && let Some(node) = graph.dag.get(node)
        {
            let parameters = node.parameters.iter().filter_map(|used| graph.parameter(used.parameter));
            names.extend(parameters.filter_map(|parameter| parameter.path.rsplit('.').next().map(str::to_owned)));
        }
        names
    }

    /// The value kept in this call under a name, which has to be.
    pub fn kept_here(&self, evaluator: &mut Evaluator<'_, 'a, '_>, name: &str, span: Span) -> Flow {
        let network = self.network;
        let call = self.open.first().copied().unwrap_or(ModuleId(0));
        if let Some(flow) = self.kept(evaluator.reporter, name, span) {
            return flow;
        }
        let Evaluator { reporter, scope, .. } = evaluator;
        if scope.incomplete || network.undecided > 0 || network.may_keep_more(call) {
            reporter.unreadable();
            return Flow::Unknown;
        }
        let near = reporter.near(name, || network.kept_names(call));
        let near = near.as_deref();
        let value = scope.get(name).and_then(|value| value.as_ref()).map(Value::kind);
        let outside = network.kept_around(call, name);
        let elsewhere = if near.is_some() { None } else { network.kept_below(call, name) };
        let elsewhere = elsewhere.as_deref();
        reporter.report(KeepError::Unknown { name, span, near, elsewhere, outside, value }.diagnostic());
        Flow::Unknown
    }

    /// The value kept under a name in another call or item, which has to be.
    pub fn kept_there(&self, reporter: &mut Reporter<'_>, owner: ModuleId, name: &str, span: Span) -> Flow {
        let network = self.network;
        if let Some((flow, declared)) = network.kept(owner, name) {
            reporter.note_use(name, span, declared);
            return flow;
        }
        if reporter.has_failed() || !network.expanding {
            reporter.unreadable();
            return Flow::Unknown;
        }
        let near = reporter.near(name, || network.kept_names(owner));
        let near = near.as_deref();
        let Some(module) = network.graph.module(owner) else { return Flow::Unknown };
        let here = !matches!(module.kind, ModuleKind::Call(_)) && self.kept(reporter, name, span).is_some();
        reporter.report(KeepError::NotInCall { name, span, near, call: module.name(), here }.diagnostic());
        Flow::Unknown
    }
}
