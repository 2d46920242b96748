//! A whole model: from a declaration to its graph.

use super::builder::{Builder, Frame, order_parameters};
use super::calls::Declarations;
use super::calls::matching::Matched;
use super::error::{ArgumentError, InputError};
use super::expansion::Expander;
use super::expression::{Callable, Flow};
use super::report::{Reporter, Shared};
use super::request::Resolved;
use super::statements::Inputs;
use super::{Request, Sources};
use crate::diagnostic::{Code, Diagnostic, Problems};
use crate::graph::verify::verify;
use crate::graph::{Graph, ModuleId, Output, PartialGraph};
use crate::index::Use;
use cnnc_grammar::ast::{Body, Statement, StatementKind};
use cnnc_grammar::span::{Files, Span};

/// All expansions of a spec.
pub(super) struct Expansion<'a, 'p> {
    pub declarations: &'p Declarations<'a>,
    sources: &'p dyn Sources,
    /// Whether sizes from outside may not replace those that the spec fixes.
    pub strict: bool,
    pub shared: Shared<'p>,
}

impl<'a, 'p> Expansion<'a, 'p> {
    /// Of the models that a request asks for.
    pub fn new(
        declarations: &'p Declarations<'a>,
        files: &'p Files,
        sources: &'p dyn Sources,
        request: &Request,
    ) -> Self {
        Expansion { declarations, sources, strict: false, shared: Shared::new(files, request) }
    }

    pub(super) fn expander<'e>(&'e self, problems: &'e mut Problems, expanding: bool) -> Expander<'a, 'e> {
        Expander::new(Reporter::new(&self.shared, problems), self.declarations, self.sources, expanding)
    }

    /// What was made, once what no model reaches is checked too.
    pub fn finish(self, graphs: Vec<Result<Graph, Box<PartialGraph>>>, problems: &mut Problems) -> Resolved {
        self.check_declarations(problems);
        let mut uses = self.shared.into_uses();
        if let Some(uses) = &mut uses {
            let start = |file| Span { file, start: 0, end: 0 };
            let imports = self.declarations.loaded().import_places.iter();
            uses.extend(imports.map(|(name, file)| Use { name: *name, declaration: start(*file) }));
        }
        Resolved { graphs, uses }
    }

    /// Writes out one model; `init` comes after its own statements.
    pub fn expand(
        &self,
        callable: &Callable<'a>,
        request: &Request,
        init: &'a [Statement],
        problems: &mut Problems,
    ) -> Result<Graph, Box<PartialGraph>> {
        let mut expander = self.expander(problems, true);
        expander.inputs = Inputs::new(request, self.strict);
        expander.builder.network.graph.name = callable.name.text.as_str().into();
        let module = expander.builder.root_module(&callable.name.text);
        let Some(matched) = root_arguments(&mut expander.builder.reporter, callable) else {
            return Err(PartialGraph::new(expander.builder.network.graph));
        };
        let declaration = callable.declaration;
        let mut frame = Frame::new(declaration, module, true);
        expander.fill(&mut frame, callable, &matched);
        let flow = if has_input(&declaration.body) {
            Flow::Absent
        } else {
            let (name, span) = (&callable.name.text, declaration.header);
            expander.builder.reporter.report(InputError::NoInput { name, span }.diagnostic());
            Flow::Unknown
        };
        let value = expander.expand_declaration(&mut frame, declaration, flow);
        for statement in init {
            if let StatementKind::Init { targets, scheme } = &statement.kind {
                expander.initialisers.read(&mut expander.builder, &frame, targets, scheme);
            }
        }
        finish(expander, module, value, callable)
    }
}

fn has_input(body: &Body) -> bool {
    let is_input =
        |statement: &Statement| matches!(statement.kind, StatementKind::Input { .. } | StatementKind::Unreadable(_));
    body.statements.iter().any(is_input)
}

/// The arguments of the model itself: none are given, so its presets and defaults must say all.
fn root_arguments<'a>(reporter: &mut Reporter<'_>, callable: &Callable<'a>) -> Option<Matched<'a>> {
    let unset = callable.unset();
    let names: Vec<&str> = unset.iter().map(|(_, parameter)| parameter.name.text.as_str()).collect();
    if names.is_empty() {
        return Some(vec![None; callable.declaration.parameters.len()]);
    }
    let (name, span) = (&callable.name.text, callable.declaration.header);
    reporter.report(ArgumentError::Unset { name, names, span }.diagnostic());
    None
}

/// The graph, once everything is written out.
fn finish<'a>(
    mut expander: Expander<'a, '_>,
    module: ModuleId,
    value: Flow,
    callable: &Callable<'a>,
) -> Result<Graph, Box<PartialGraph>> {
    end(&mut expander, module, value, callable);
    let Builder { reporter, network, .. } = expander.builder;
    if reporter.has_failed() { Err(PartialGraph::new(network.graph)) } else { Ok(network.graph) }
}

/// What can be said and done only once everything is written out.
fn end<'a>(expander: &mut Expander<'a, '_>, module: ModuleId, value: Flow, callable: &Callable<'a>) {
    let Expander { builder, inputs, outputs, budgets, labels, initialisers, .. } = expander;
    let (name, span) = (&callable.name.text, callable.declaration.header);
    builder.finish_module(module, value);
    if let Some((given, inputs)) = inputs.left_over().filter(|_| !builder.reporter.has_failed()) {
        builder.reporter.report(InputError::TooManyShapes { given, inputs, span }.diagnostic());
    }
    let graph = &mut builder.network.graph;
    if graph.outputs.is_empty() && outputs.is_empty() {
        match value {
            Flow::Node(node) => graph.outputs.push(Output { name: "output".into(), node }),
            Flow::Unknown => {}
            Flow::Absent => builder.reporter.report(InputError::NoOutput { name, span }.diagnostic()),
        }
    }
    labels.check(builder, !callable.presets.is_empty());
    if builder.reporter.has_failed() {
        return;
    }
    budgets.apply(builder);
    initialisers.apply(builder);
    if builder.reporter.has_failed() {
        return;
    }
    order_parameters(&mut builder.network.graph);
    if cfg!(debug_assertions)
        && let Err(text) = verify(&builder.network.graph)
    {
        let message = format!("the graph of `{name}` is not sound: {text}");
        let fault = Diagnostic::without_place(Code::E499, message).note("this is a fault of the compiler");
        builder.reporter.report(fault);
    }
}
