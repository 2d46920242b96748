//! The module tree: names, positions and paths of items.
//!
//! An item that makes a module gets its label as name, or its position among all its siblings, named ones counted. A path is what
//! a `state_dict` has as key.

use super::network::{Clash, ModuleSite};
use super::{Builder, Frame, Network};
use crate::graph::{Module, ModuleId, ModuleKind};
use crate::resolve::error::NameError;
use crate::resolve::expression::Flow;
use cnnc_grammar::ast::Label;
use cnnc_grammar::span::Span;
use std::sync::Arc;

impl<'a> Builder<'a, '_> {
    /// The module of a model, which has no name.
    pub fn root_module(&mut self, name: &str) -> ModuleId {
        let site = ModuleSite { span: Span::default(), named: true, decided: true, bare: false };
        self.add_module(Arc::from(""), ModuleKind::Call(name.into()), site)
    }

    /// Makes the module of an item. `span` is the item, for one without a label.
    pub fn enter_module(
        &mut self,
        frame: &Frame<'a>,
        label: Option<&'a Label>,
        span: Span,
        kind: ModuleKind,
    ) -> ModuleId {
        let (parent, label) = match label.and_then(|label| Some((label, label.member.as_deref()?))) {
            Some((group, member)) => (self.group(frame, group), Some(member)),
            None => (frame.module(), label),
        };
        let position = self.network.graph.module(parent).map_or(0, |parent| parent.children.len());
        let (name, name_span) = match label {
            None => (None, span),
            Some(label) => (self.name_of(frame, label), label.span),
        };
        let path = match &name {
            Some(name) => self.network.path_of(parent, name),
            None => self.network.path_of(parent, &position.to_string()),
        };
        self.reporter.spend_module(path.len(), span);
        let decided = self.network.undecided == 0;
        let site = ModuleSite { span: name_span, named: label.is_some(), decided, bare: false };
        match name {
            Some(name) => self.take_name(frame, parent, name, &site),
            None if label.is_none() && self.network.items.numbers_as_names => {
                self.take_position(parent, position, &site);
            }
            None => {}
        }
        if !decided {
            self.network.items.uncounted.insert(parent);
        }
        let module = self.add_module(path, kind, site);
        if let Some(parent) = self.network.graph.modules.get_mut(parent.0 as usize) {
            parent.children.push(module);
        }
        module
    }

    /// The group that an item names as its own, `group[i]: …`, wherever else in the braces it has items; made where there is
    /// none.
    fn group(&mut self, frame: &Frame<'a>, label: &'a Label) -> ModuleId {
        let parent = frame.module();
        let Some(name) = self.name_of(frame, label) else { return parent };
        let site = ModuleSite { span: label.span, named: true, decided: self.network.undecided == 0, bare: false };
        if let Some((item, first)) = self.network.items.named_item(parent, &name) {
            let (first, second) = (first.span, site.span);
            if self.network.graph.module(item).is_some_and(|module| module.kind == ModuleKind::Sequential) {
                return item;
            }
            self.reporter.report(NameError::NoGroup { name: &name, first, second }.diagnostic());
            return parent;
        }
        let path = self.network.path_of(parent, &name);
        self.reporter.spend_module(path.len(), label.span);
        self.take_name(frame, parent, name, &site);
        let group = self.add_module(path, ModuleKind::Sequential, site);
        if let Some(parent) = self.network.graph.modules.get_mut(parent.0 as usize) {
            parent.children.push(group);
        }
        group
    }

    fn add_module(&mut self, path: Arc<str>, kind: ModuleKind, site: ModuleSite) -> ModuleId {
        let id = ModuleId(self.network.graph.modules.len() as u32);
        self.network.graph.modules.push(Module { path, kind, children: Vec::new(), output: None });
        self.network.items.sites.push(site);
        id
    }

    /// How many clashes of names wait for items around this place; see [`Builder::settle_names`].
    pub fn open_clashes(&self) -> usize {
        self.network.items.clashes.len()
    }

    /// Reports the clashes of items that are written out by now: two of one name, both with parameters, would own one key.
    pub fn settle_names(&mut self, open: usize) {
        while self.network.items.clashes.len() > open {
            let Some(clash) = self.network.items.clashes.pop() else { return };
            if self.network.may_have_parameters(clash.first) && self.network.may_have_parameters(clash.second) {
                self.reporter.report(clash.error);
            }
        }
    }

    /// Notes that the module that is added next has the name of another.
    fn clash(&mut self, first: ModuleId, error: &NameError<'_>) {
        let second = ModuleId(self.network.graph.modules.len() as u32);
        let error = error.diagnostic();
        self.network.items.clashes.push(Clash { first, second, error });
    }

    /// Takes a name for the module that is added next; two of one name are an error where both have parameters.
    fn take_name(&mut self, frame: &Frame<'a>, parent: ModuleId, name: Arc<str>, site: &ModuleSite) {
        let next = ModuleId(self.network.graph.modules.len() as u32);
        if let Some((item, first)) = self.network.items.named_item(parent, &name) {
            if first.decided && site.decided {
                let (first, second) = (first.span, site.span);
                let mend = self.loop_mend(frame, &name, second);
                self.clash(item, &NameError::Twice { name: &name, what: "item", first, second, mend });
            }
            // The parameters are those of the one that has some.
            if !self.network.may_have_parameters(item) {
                self.network.items.named.insert((parent, name), next);
            }
            return;
        }
        let Network { graph, items, .. } = &mut self.network;
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        let is_counted = !items.uncounted.contains(&parent);
        if is_number
            && is_counted
            && let Some(item) = items.at_position(graph, parent, &name)
        {
            let at = items.sites.get(item.0 as usize).filter(|item| item.decided && site.decided);
            if let Some(at) = at.map(|item| item.span) {
                self.clash(item, &NameError::Position { name: &name, label: site.span, item: at });
            }
            if self.network.may_have_parameters(item) {
                return;
            }
        }
        let items = &mut self.network.items;
        items.numbers_as_names |= is_number;
        items.named.insert((parent, name), next);
    }

    /// Refuses a position that is the name of another item.
    fn take_position(&mut self, parent: ModuleId, position: usize, site: &ModuleSite) {
        let name: Arc<str> = position.to_string().into();
        let is_counted = !self.network.items.uncounted.contains(&parent);
        let named = self.network.items.named_item(parent, &name).filter(|_| is_counted);
        let named = named.filter(|(_, named)| named.decided && site.decided);
        if let Some((first, label)) = named.map(|(item, named)| (item, named.span)) {
            self.clash(first, &NameError::Position { name: &name, label, item: site.span });
        }
    }

    /// The name with the loop's variable in it, for a name that a loop gives twice.
    pub fn loop_mend(&self, frame: &Frame<'a>, name: &str, span: Span) -> Option<String> {
        if frame.loops.is_empty() || self.reporter.files.text(span).contains('{') {
            return None;
        }
        let variable = frame.loops.iter().rev().find_map(|variable| *variable)?;
        Some(format!("\"{name}{{{variable}}}\""))
    }

    /// The text of a label that names an item or a value; errors are reported.
    pub fn name_of(&mut self, frame: &Frame<'a>, label: &'a Label) -> Option<Arc<str>> {
        self.at(frame, |evaluator, _| evaluator.name_of(label))
    }

    /// Notes the last value of a module.
    pub fn finish_module(&mut self, module: ModuleId, value: Flow) {
        if let (Flow::Node(node), Some(module)) = (value, self.network.graph.modules.get_mut(module.0 as usize)) {
            module.output = Some(node);
        }
    }

    /// Begins to write out a layer as this module; a tied one shares its parameters with its other uses.
    pub fn share(&mut self, tied: Option<usize>, module: ModuleId) {
        let prefix = self.network.graph.module(module).map_or(0, |module| module.path.len());
        self.network.tied.enter(tied, prefix);
    }
}
