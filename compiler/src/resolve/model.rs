//! A whole model: from its name to its graph.

use super::builder::{Builder, Frame, order_parameters};
use super::calls::Declarations;
use super::calls::matching::{Matched, default_value, preset_values};
use super::error::{ArgumentError, InputError, NameError, StructureError};
use super::expansion::Expander;
use super::expression::{Callable, Flow, NAMED_TYPES};
use super::files::{read_init, read_settings};
use super::report::{Reporter, Shared};
use super::statements::Inputs;
use super::{Program, Request, Sources};
use crate::diagnostic::{Code, Diagnostic, Problems, nearest};
use crate::graph::verify::verify;
use crate::graph::{Graph, ModuleId, Output, PartialGraph};
use crate::index::Use;
use cnnc_grammar::ast::{Body, Declaration, DeclarationKind, ItemKind, Statement, StatementKind, Type, TypeKind};
use cnnc_grammar::span::{Files, Span};
use std::collections::HashMap;

/// What was made of a program.
#[derive(Default)]
pub(crate) struct Resolved {
    /// The networks that were asked for, in the order of the text; of one in which something is wrong, what is right.
    pub graphs: Vec<Result<Graph, Box<PartialGraph>>>,
    /// What names stand for, where the request asks for an index.
    pub uses: Option<Vec<Use>>,
}

/// Writes a model out.
///
/// # Errors
/// With what is right of it, if it could be begun; `problems` says what is wrong.
pub fn resolve(
    program: &Program,
    request: &Request,
    files: &mut Files,
    sources: &dyn Sources,
    problems: &mut Problems,
) -> Result<Graph, Option<Box<PartialGraph>>> {
    let resolved = resolve_one(program, request, files, sources, problems);
    resolved.graphs.into_iter().next().ok_or(None)?.map_err(Some)
}

/// Checks every declaration of all files, and writes out the model that is asked for.
pub(crate) fn resolve_one(
    program: &Program,
    request: &Request,
    files: &mut Files,
    sources: &dyn Sources,
    problems: &mut Problems,
) -> Resolved {
    let chosen = choose(program, request, problems);
    let set = chosen.and_then(|name| read_settings(name, &request.settings, files, problems));
    if !request.settings.is_empty() && set.is_none() {
        return Resolved::default();
    }
    let Some(init) = read_init(&request.init, files, problems) else { return Resolved::default() };
    let declarations = Declarations::new(program, files, problems);
    let expansion = Expansion::new(&declarations, files, sources, request);
    let callable = chosen.and_then(|name| declarations.get(name)?.as_ref());
    let graph = callable.map(|callable| expansion.expand(&callable.with(set.as_ref()), request, &init, problems));
    expansion.finish(graph.into_iter().collect(), problems)
}

/// Checks every declaration of all files, and writes out the model that is asked for, or every model of the first file. A model
/// whose parameters have no values is checked by itself alone.
pub(crate) fn check_all(
    program: &Program,
    request: &Request,
    files: &mut Files,
    sources: &dyn Sources,
    problems: &mut Problems,
) -> Resolved {
    let chosen = match &request.model {
        Some(_) => choose(program, request, problems).into_iter().collect(),
        None => program.models(),
    };
    let mut set = Vec::new();
    for name in &chosen {
        set.push(read_settings(name, &request.settings, files, problems));
    }
    let declarations = Declarations::new(program, files, problems);
    let expansion = Expansion::new(&declarations, files, sources, request);
    let mut graphs = Vec::new();
    for (name, set) in chosen.iter().zip(&set) {
        let Some(Some(callable)) = declarations.get(name) else { continue };
        let callable = callable.with(set.as_ref());
        let is_complete = callable.unset().is_empty();
        if is_complete && set.is_some() != request.settings.is_empty() {
            graphs.push(expansion.expand(&callable, request, &[], problems));
        }
    }
    expansion.finish(graphs, problems)
}

/// The name of the model that is wanted.
fn choose<'a>(program: &'a Program, request: &Request, problems: &mut Problems) -> Option<&'a str> {
    let models = program.models();
    let Some(wanted) = &request.model else {
        let file = program.trees.first();
        if models.is_empty() && file.is_some_and(|(_, tree)| !tree.items.is_empty()) {
            problems.add(StructureError::NoModel { wanted: None, near: None, models: &models }.diagnostic());
        }
        return models.last().copied();
    };
    let imported = program.trees.iter().skip(1).flat_map(|(_, tree)| super::models_of(tree));
    let found = models.iter().copied().chain(imported).find(|name| name == wanted);
    if found.is_none() {
        let near = nearest(wanted, models.iter().copied());
        problems.add(StructureError::NoModel { wanted: Some(wanted), near, models: &models }.diagnostic());
    }
    found
}

fn has_input(body: &Body) -> bool {
    let is_input =
        |statement: &Statement| matches!(statement.kind, StatementKind::Input { .. } | StatementKind::Unreadable(_));
    body.statements.iter().any(is_input)
}

/// All expansions of a program.
struct Expansion<'a, 'p> {
    declarations: &'p Declarations<'a>,
    sources: &'p dyn Sources,
    shared: Shared<'p>,
}

impl<'a, 'p> Expansion<'a, 'p> {
    fn new(declarations: &'p Declarations<'a>, files: &'p Files, sources: &'p dyn Sources, request: &Request) -> Self {
        Expansion { declarations, sources, shared: Shared::new(files, request) }
    }

    fn expander<'e>(&'e self, problems: &'e mut Problems, expanding: bool) -> Expander<'a, 'e> {
        Expander::new(Reporter::new(&self.shared, problems), self.declarations, self.sources, expanding)
    }

    /// What was made, once what no model reaches is checked too.
    fn finish(self, graphs: Vec<Result<Graph, Box<PartialGraph>>>, problems: &mut Problems) -> Resolved {
        self.check_declarations(problems);
        let mut uses = self.shared.into_uses();
        if let Some(uses) = &mut uses {
            let start = |file| Span { file, start: 0, end: 0 };
            let imports = self.declarations.program().import_places.iter();
            uses.extend(imports.map(|(name, file)| Use { name: *name, declaration: start(*file) }));
        }
        Resolved { graphs, uses }
    }

    /// Writes out one model; `init` comes after its own statements.
    fn expand(
        &self,
        callable: &Callable<'a>,
        request: &Request,
        init: &'a [Statement],
        problems: &mut Problems,
    ) -> Result<Graph, Box<PartialGraph>> {
        let mut expander = self.expander(problems, true);
        expander.inputs = Inputs::new(&request.input_shapes);
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

    /// Checks every declaration by itself: names, labels, arguments, whatever no model reaches.
    fn check_declarations(&self, problems: &mut Problems) {
        for item in self.declarations.program().trees.iter().flat_map(|(_, tree)| &tree.items) {
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
    let Expander { builder, inputs, outputs, labels, initialisers } = expander;
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
