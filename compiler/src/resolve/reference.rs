//! References to other items' parameters: `encoder.weight.T`.
//!
//! Labels are a namespace of their own, so before a dot a name is that of an item, even where a value has the same name.

use super::error::NameError;
use super::state::{Expander, Frame};
use super::value::Value;
use crate::graph::{Module, ModuleId, ModuleKind};
use cnnc_grammar::ast::{Expr, ExprKind, Name};
use cnnc_grammar::span::Span;
use std::sync::Arc;

impl<'a> Expander<'a, '_> {
    /// A named item as a value: the parameter it is, for a bare tensor.
    pub fn module_value(&self, module: ModuleId) -> Value<'a> {
        let path = self.graph.module(module).map(|module| module.path.clone()).unwrap_or_default();
        match self.parameter_at(&path) {
            Some(id) => Value::Parameter { id, transposed: false },
            None => Value::Module(module),
        }
    }

    /// `value.name`
    pub fn field(&mut self, frame: &Frame<'a>, value: &'a Expr, name: &'a Name) -> Option<Value<'a>> {
        let owner = match &value.kind {
            ExprKind::Name(label) => match self.module_in_reach(frame, label) {
                Some(module) => self.module_value(module),
                None => self.not_an_item(frame, label, value.span)?,
            },
            _ => self.evaluate(frame, value)?,
        };
        match owner {
            Value::Module(module) => self.member(module, &name.text, name.span),
            Value::Parameter { id, transposed } if name.text == "T" => self.transposed(id, transposed, value.span),
            other => {
                self.report(NameError::NoField { name: &name.text, of: other.kind(), span: name.span }.diagnostic());
                None
            }
        }
    }

    /// What stands before a dot and is no item: a value, or a name that nothing has.
    fn not_an_item(&mut self, frame: &Frame<'a>, label: &'a str, span: Span) -> Option<Value<'a>> {
        if let Some(binding) = frame.scope.get(label) {
            return binding.clone();
        }
        if frame.scope.incomplete || self.undecided > 0 {
            self.unreadable();
            return None;
        }
        let near = self.near(label, |expander| expander.labels_in_reach(frame));
        self.report(NameError::UnknownItem { name: label, span, near: near.as_deref() }.diagnostic());
        None
    }

    /// The names of all items that can be seen from here.
    pub fn labels_in_reach(&self, frame: &Frame<'a>) -> Vec<&str> {
        let modules = frame.open.iter().rev().filter_map(|module| self.graph.module(*module));
        let children = modules.flat_map(|module| &module.children).filter_map(|child| self.graph.module(*child));
        children.map(Module::name).collect()
    }

    /// The child, parameter or kept value of an item.
    pub fn member(&mut self, owner: ModuleId, name: &str, span: Span) -> Option<Value<'a>> {
        if let Some(child) = self.child(owner, name) {
            return Some(self.module_value(child));
        }
        let (path, is_layer) = match self.graph.module(owner) {
            Some(module) => (module.path.clone(), matches!(module.kind, ModuleKind::Layer(_))),
            None => return None,
        };
        if let Some(id) = self.parameter_at(&format!("{path}.{name}")) {
            return Some(Value::Parameter { id, transposed: false });
        }
        if let Some(kept) = self.kept.get(&(owner, Arc::from(name))) {
            return Some(Value::Tensor(kept.flow));
        }
        // What is not expanded, or went wrong, may have had it.
        if self.failed || !self.expanding {
            self.unreadable();
            return None;
        }
        let near = self.near(name, |expander| expander.member_names(owner));
        let of = if is_layer { "this layer" } else { "this item" };
        self.report(NameError::NoMember { name, path: &path, of, span, near: near.as_deref() }.diagnostic());
        None
    }

    fn member_names(&self, owner: ModuleId) -> Vec<String> {
        let Some(module) = self.graph.module(owner) else { return Vec::new() };
        let children = module.children.iter().filter_map(|child| self.graph.module(*child));
        let mut names: Vec<String> = children.map(|child| child.name().to_owned()).collect();
        if let ModuleKind::Layer(node) = module.kind
            && let Some(node) = self.graph.dag.get(node)
        {
            let parameters = node.parameters.iter().filter_map(|used| self.graph.parameter(used.parameter));
            names.extend(parameters.filter_map(|parameter| parameter.path.rsplit('.').next().map(str::to_owned)));
        }
        names
    }

    fn transposed(&mut self, id: crate::graph::ParameterId, transposed: bool, span: Span) -> Option<Value<'a>> {
        let axes = self.graph.parameter(id).map_or(0, |parameter| parameter.shape.len());
        if axes != 2 {
            self.report(NameError::NotAMatrix { axes, span }.diagnostic());
            return None;
        }
        Some(Value::Parameter { id, transposed: !transposed })
    }
}
