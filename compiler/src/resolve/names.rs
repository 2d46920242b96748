//! The module tree: names, positions and paths of items.
//!
//! An item that makes a module gets its label as name, or its position among all its siblings, named ones counted. A path is what
//! a `state_dict` has as key.

use super::error::NameError;
use super::limits::MAX_NAME_BYTES;
use super::state::{Expander, Frame};
use crate::graph::{Module, ModuleId, ModuleKind, ParameterId};
use cnnc_grammar::ast::{Label, StringPart};
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// Where a module is written.
pub(super) struct Place {
    /// Its name, or the item where it has none.
    pub span: Span,
    /// Whether its name is written, and no position.
    named: bool,
    /// Whether it is written out for sure.
    decided: bool,
}

impl<'a> Expander<'a, '_> {
    /// The module of a model, which has no name.
    pub fn root_module(&mut self, name: &str) -> ModuleId {
        let place = Place { span: Span::default(), named: true, decided: true };
        self.add_module(Arc::from(""), ModuleKind::Call(name.into()), place)
    }

    /// Makes the module of an item. `span` is the item, for one without a label.
    pub fn enter_module(
        &mut self,
        frame: &Frame<'a>,
        label: Option<&'a Label>,
        span: Span,
        kind: ModuleKind,
    ) -> ModuleId {
        let parent = frame.module();
        let position = self.graph.module(parent).map_or(0, |parent| parent.children.len());
        let (name, name_span) = match label {
            None => (None, span),
            Some(label) => (self.name_of(frame, label), label.span),
        };
        let path = match &name {
            Some(name) => self.path_of(parent, name),
            None => self.path_of(parent, &position.to_string()),
        };
        self.spend_module(path.len(), span);
        let place = Place { span: name_span, named: label.is_some(), decided: self.undecided == 0 };
        match name {
            Some(name) => self.take_name(frame, parent, name, &place),
            None if label.is_none() && self.numbers_as_names => self.take_position(parent, position, &place),
            None => {}
        }
        let module = self.add_module(path, kind, place);
        if let Some(parent) = self.graph.modules.get_mut(parent.0 as usize) {
            parent.children.push(module);
        }
        module
    }

    fn path_of(&self, parent: ModuleId, name: &str) -> Arc<str> {
        match self.graph.module(parent).map(|parent| &parent.path) {
            Some(above) if !above.is_empty() => format!("{above}.{name}").into(),
            _ => name.into(),
        }
    }

    fn add_module(&mut self, path: Arc<str>, kind: ModuleKind, place: Place) -> ModuleId {
        let id = ModuleId(self.graph.modules.len() as u32);
        self.graph.modules.push(Module { path, kind, children: Vec::new(), output: None });
        self.places.push(place);
        id
    }

    /// Takes a name for the module that is added next; two of one name are an error.
    fn take_name(&mut self, frame: &Frame<'a>, parent: ModuleId, name: Arc<str>, place: &Place) {
        let key = (parent, name);
        if let Some(first) = self.named.get(&key).and_then(|first| self.places.get(first.0 as usize)) {
            if first.decided && place.decided {
                let (first, second) = (first.span, place.span);
                let mend = self.loop_mend(frame, &key.1, second);
                self.report(NameError::Twice { name: &key.1, what: "item", first, second, mend }.diagnostic());
            }
            return;
        }
        let is_number = key.1.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && let Some(item) = self.at_position(parent, &key.1) {
            let item = self.places.get(item.0 as usize).filter(|item| item.decided && place.decided);
            if let Some(item) = item.map(|item| item.span) {
                self.report(NameError::Position { name: &key.1, label: place.span, item }.diagnostic());
            }
            return;
        }
        self.numbers_as_names |= is_number;
        self.named.insert(key, ModuleId(self.graph.modules.len() as u32));
    }

    /// Refuses a position that is the name of another item.
    fn take_position(&mut self, parent: ModuleId, position: usize, place: &Place) {
        let name: Arc<str> = position.to_string().into();
        let named = self.named.get(&(parent, name.clone())).and_then(|named| self.places.get(named.0 as usize));
        if let Some(label) = named.filter(|named| named.decided && place.decided).map(|named| named.span) {
            self.report(NameError::Position { name: &name, label, item: place.span }.diagnostic());
        }
    }

    /// The item without a name that has this position, as it is written in a path.
    fn at_position(&self, parent: ModuleId, position: &str) -> Option<ModuleId> {
        let child = *self.graph.module(parent)?.children.get(position.parse::<usize>().ok()?)?;
        let is_it = !self.places.get(child.0 as usize)?.named && self.graph.module(child)?.name() == position;
        is_it.then_some(child)
    }

    /// The name with the loop's variable in it, for a name that a loop gives twice.
    pub fn loop_mend(&self, frame: &Frame<'a>, name: &str, span: Span) -> Option<String> {
        if frame.loops.is_empty() || self.world.files.text(span).contains('{') {
            return None;
        }
        let variable = frame.loops.iter().rev().find_map(|variable| *variable)?;
        Some(format!("\"{name}{{{variable}}}\""))
    }

    /// The text of a label that names an item or a value; errors are reported.
    pub fn name_of(&mut self, frame: &Frame<'a>, label: &'a Label) -> Option<Arc<str>> {
        let text = self.text_of(frame, &label.parts)?;
        if text.is_empty() {
            self.report(NameError::Empty { span: label.span }.diagnostic());
            return None;
        }
        if text.contains('.') {
            self.report(NameError::Dot { name: &text, span: label.span }.diagnostic());
            return None;
        }
        if text.len() > MAX_NAME_BYTES {
            self.report(NameError::TooLong { span: label.span, limit: MAX_NAME_BYTES }.diagnostic());
            return None;
        }
        Some(text)
    }

    /// The text of a string, its values written out.
    pub fn text_of(&mut self, frame: &Frame<'a>, parts: &'a [StringPart]) -> Option<Arc<str>> {
        if let [StringPart::Text(text)] = parts {
            return Some(text.as_str().into());
        }
        let mut whole = String::new();
        let mut known = true;
        for part in parts {
            match part {
                StringPart::Text(text) => whole.push_str(text),
                StringPart::Value(expr) => match self.evaluate_text(frame, expr) {
                    Some(text) => whole.push_str(&text),
                    None => known = false,
                },
            }
        }
        known.then(|| whole.into())
    }

    /// The module called `name` that can be seen from here: in the innermost open module first.
    pub fn module_in_reach(&self, frame: &Frame<'a>, name: &str) -> Option<ModuleId> {
        frame.open.iter().rev().find_map(|module| self.child(*module, name))
    }

    /// The child of a module.
    pub fn child(&self, parent: ModuleId, name: &str) -> Option<ModuleId> {
        let named = self.named.get(&(parent, Arc::from(name))).copied();
        named.or_else(|| self.at_position(parent, name))
    }

    /// The module of a path.
    pub fn module_at(&self, path: &str) -> Option<ModuleId> {
        path.split('.').try_fold(ModuleId(0), |module, name| self.child(module, name))
    }

    /// The parameter with a key, an alias too.
    pub fn parameter_at(&self, key: &str) -> Option<ParameterId> {
        let of = |path: &str| {
            let ModuleKind::Layer(node) = self.graph.module(self.module_at(path)?)?.kind else { return None };
            let mut uses = self.graph.dag.get(node)?.parameters.iter().map(|used| used.parameter);
            uses.find(|id| self.graph.parameter(*id).is_some_and(|parameter| parameter.has_key(key)))
        };
        of(key).or_else(|| of(key.rsplit_once('.')?.0))
    }
}
