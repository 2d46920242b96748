//! Declarations checked by themselves: what no model reaches is checked too, and every arm of every condition.

use super::builder::Frame;
use super::calls::matching::{default_value, preset_values};
use super::error::NameError;
use super::expression::{Callable, Flow, NAMED_TYPES};
use super::model::Expansion;
use super::report::Reporter;
use crate::diagnostic::{Problems, nearest};
use cnnc_grammar::ast::{Body, Declaration, DeclarationKind, ItemKind, Type, TypeKind};
use std::collections::HashMap;

impl<'a> Expansion<'a, '_> {
    /// Checks every declaration by itself: names, labels, arguments, whatever no model reaches.
    pub(super) fn check_declarations(&self, problems: &mut Problems) {
        for item in self.declarations.loaded().trees.iter().flat_map(|(_, tree)| &tree.items) {
            match &item.kind {
                ItemKind::Declaration(declaration) => self.check_declaration(declaration, problems),
                ItemKind::Preset(preset) => {
                    let mut reporter = Reporter::new(&self.shared, problems);
                    let base = &preset.base.callee;
                    if let Some(Some(callable)) = self.declarations.get(&base.text) {
                        reporter.note_use(&base.text, base.span, callable.name.span);
                    }
                    if let Some(Some(callable)) = self.declarations.get(&preset.name.text) {
                        preset_values(&mut reporter, self.declarations, callable);
                    }
                }
                ItemKind::Unreadable(unreadable) => {
                    if let Some(body) = &unreadable.body {
                        self.check_loose_body(body, problems);
                    }
                }
                ItemKind::Import(_) => {}
            }
        }
    }

    fn check_declaration(&self, declaration: &'a Declaration, problems: &mut Problems) {
        let mut expander = self.expander(problems, false);
        let module = expander.builder.root_module(&declaration.name.text);
        let mut frame = Frame::new(declaration, module, declaration.kind == DeclarationKind::Model);
        let mut seen = HashMap::new();
        let callable = Callable { name: &declaration.name, declaration, presets: Vec::new() };
        for parameter in &declaration.parameters {
            let reporter = &mut expander.builder.reporter;
            let (name, span) = (&parameter.name.text, parameter.name.span);
            check_type(reporter, &parameter.ty);
            if let Some(first) = seen.insert(name.as_str(), span) {
                let error = NameError::Twice { name, what: "parameter", first, second: span, mend: None };
                reporter.report(error.diagnostic());
            }
            default_value(reporter, self.declarations, &frame.scope, &callable, parameter);
            let is_tensor = matches!(&parameter.ty.kind, TypeKind::Named(name) if name == "tensor");
            if is_tensor {
                expander.builder.keep(&frame, name.as_str().into(), Flow::Unknown, span);
            }
            frame.scope.bind(&parameter.name, None);
        }
        expander.expand_declaration(&mut frame, declaration, Flow::Unknown);
    }

    /// Checks a body whose declaration could not be read, so that any name may be its parameter's.
    fn check_loose_body(&self, body: &'a Body, problems: &mut Problems) {
        let mut expander = self.expander(problems, false);
        let module = expander.builder.root_module("");
        let mut frame = Frame::loose(module, body.span);
        expander.sequence(&mut frame, body, Flow::Unknown, true);
    }
}

/// Refuses a name that is no type.
fn check_type(reporter: &mut Reporter<'_>, ty: &Type) {
    match &ty.kind {
        TypeKind::Named(name) if !NAMED_TYPES.contains(&name.as_str()) => {
            let near = nearest(name, NAMED_TYPES.iter().copied());
            reporter.report(NameError::UnknownType { name, span: ty.span, near }.diagnostic());
        }
        TypeKind::Named(_) | TypeKind::Unreadable => {}
        TypeKind::List(inner) => check_type(reporter, inner),
        TypeKind::Tuple(types) => types.iter().for_each(|ty| check_type(reporter, ty)),
    }
}
