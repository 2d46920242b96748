//! The module tree: names, positions and paths of items.
//!
//! An item that makes a module gets its label as name, or its position among all its siblings, named ones counted. A path is what a
//! `state_dict` has as key.

use super::error::NameError;
use super::limits::MAX_NAME_BYTES;
use super::state::{Expander, Frame};
use crate::graph::{Module, ModuleId, ModuleKind};
use cnnc_grammar::ast::{Label, StringPart};
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// An item that has a path.
pub(super) struct Sibling {
    /// Where its name is written, or the item where it has none.
    pub span: Span,
    /// Its module.
    pub module: ModuleId,
    /// Whether its name is written, and no position.
    named: bool,
    /// Whether it is written out for sure.
    decided: bool,
}

impl<'a> Expander<'a, '_> {
    /// The module of a model, which has no name.
    pub fn root_module(&mut self, name: &str) -> ModuleId {
        self.add_module(Arc::from(""), Arc::from(""), ModuleKind::Call(name.into()))
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
        let position = self.take_position(parent);
        let (name, name_span) = match label {
            None => (Some(position.to_string().into()), span),
            Some(label) => (self.name_of(frame, label), label.span),
        };
        let known = name.is_some();
        let name: Arc<str> = name.unwrap_or_else(|| position.to_string().into());
        let path = self.path_of(parent, &name);
        let module = self.add_module(name, path.clone(), kind);
        if let Some(parent) = self.graph.modules.get_mut(parent.0 as usize) {
            parent.children.push(module);
        }
        if known {
            self.register(
                frame,
                path,
                Sibling { span: name_span, module, named: label.is_some(), decided: self.undecided == 0 },
            );
        }
        module
    }

    fn take_position(&mut self, parent: ModuleId) -> usize {
        match self.positions.get_mut(parent.0 as usize) {
            Some(next) => {
                *next += 1;
                *next - 1
            }
            None => 0,
        }
    }

    fn path_of(&mut self, parent: ModuleId, name: &Arc<str>) -> Arc<str> {
        let above = self.graph.module(parent).map(|parent| parent.path.clone()).unwrap_or_default();
        self.budget.path_bytes = self.budget.path_bytes.saturating_add(above.len() + name.len() + 1);
        if above.is_empty() { name.clone() } else { format!("{above}.{name}").into() }
    }

    fn add_module(&mut self, name: Arc<str>, path: Arc<str>, kind: ModuleKind) -> ModuleId {
        let id = ModuleId(self.graph.modules.len() as u32);
        self.graph.modules.push(Module { name, path, kind, children: Vec::new(), output: None });
        self.positions.push(0);
        id
    }

    /// Takes a path; two of one name are an error.
    fn register(&mut self, frame: &Frame<'a>, path: Arc<str>, sibling: Sibling) {
        if let Some(first) = self.siblings.get(&path) {
            let first_named = first.named;
            if first.decided && sibling.decided {
                let name = path.rsplit('.').next().unwrap_or("").to_owned();
                let (first, second) = (first.span, sibling.span);
                if first_named != sibling.named {
                    let (label, item) = if first_named { (first, second) } else { (second, first) };
                    self.report(NameError::Position { name: &name, label, item }.diagnostic());
                } else {
                    let mend = self.loop_mend(frame, &name, sibling.span);
                    self.report(NameError::Twice { name: &name, what: "item", first, second, mend }.diagnostic());
                }
            }
            return;
        }
        self.siblings.insert(path, sibling);
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
        let above = &self.graph.module(parent)?.path;
        let path = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
        self.siblings.get(path.as_str()).map(|sibling| sibling.module)
    }
}
