//! A whole model: from its name to its graph.

use super::call::Matched;
use super::declarations::{Callable, Declarations};
use super::error::{ArgumentError, InputError, NameError, StructureError};
use super::limits::Account;
use super::order::order_parameters;
use super::state::{Expander, Frame, World};
use super::types::NAMED;
use super::value::Flow;
use super::{Program, Request, Sources, settings};
use crate::diagnostic::{Code, Diagnostic, Problems, nearest};
use crate::graph::verify::verify;
use crate::graph::{Graph, ModuleId, Output};
use crate::infer::check_contracts;
use cnnc_grammar::ast::{Body, Declaration, DeclarationKind, ItemKind, Statement, StatementKind, Type, TypeKind};
use cnnc_grammar::span::Files;
use std::collections::HashMap;

/// Writes a model out. `None` when there is no graph worth going on with; `problems` then says why.
pub fn resolve(
    program: &Program,
    request: &Request,
    files: &mut Files,
    sources: &dyn Sources,
    problems: &mut Problems,
) -> Option<Graph> {
    let chosen = choose(program, request, problems);
    let set = chosen.and_then(|name| settings::read(name, &request.settings, files, problems));
    if !request.settings.is_empty() && set.is_none() {
        return None;
    }
    let init = settings::read_init(&request.init, files, problems)?;
    let declarations = Declarations::new(program, files, problems);
    let world =
        World { program, declarations: &declarations, files, sources, account: Account::new(request.most_work) };
    let graph = chosen.and_then(|name| {
        let callable = declarations.get(name)?.as_ref()?;
        let callable = settings::with(callable, set.as_ref());
        expand(&world, &callable, &request.input_shapes, &init, problems)
    });
    check_declarations(&world, problems);
    graph
}

/// Checks every declaration of all files, and writes out the model that is asked for, or every model of the first file. A model
/// whose parameters have no values is checked by itself alone.
pub fn check_all(
    program: &Program,
    request: &Request,
    files: &mut Files,
    sources: &dyn Sources,
    problems: &mut Problems,
) -> Vec<Graph> {
    let chosen = match &request.model {
        Some(_) => choose(program, request, problems).into_iter().collect(),
        None => program.models(),
    };
    let mut set = Vec::new();
    for name in &chosen {
        set.push(settings::read(name, &request.settings, files, problems));
    }
    let declarations = Declarations::new(program, files, problems);
    let world =
        World { program, declarations: &declarations, files, sources, account: Account::new(request.most_work) };
    let mut graphs = Vec::new();
    for (name, set) in chosen.iter().zip(&set) {
        let Some(Some(callable)) = declarations.get(name) else { continue };
        let callable = settings::with(callable, set.as_ref());
        let is_complete = callable.unset().is_empty();
        if is_complete && set.is_some() != request.settings.is_empty() {
            graphs.extend(expand(&world, &callable, &request.input_shapes, &[], problems));
        }
    }
    check_declarations(&world, problems);
    graphs
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

/// Writes out one model; `init` comes after its own statements.
fn expand<'a>(
    world: &World<'a, '_>,
    callable: &Callable<'a>,
    input_shapes: &[Vec<usize>],
    init: &'a [Statement],
    problems: &mut Problems,
) -> Option<Graph> {
    let mut expander = Expander::new(world, problems, true);
    expander.input_shapes = input_shapes;
    expander.graph.name = callable.name.text.as_str().into();
    let module = expander.root_module(&callable.name.text);
    let matched = expander.root_arguments(callable)?;
    let declaration = callable.declaration;
    let mut frame = Frame::new(declaration, module, true);
    expander.fill(&mut frame, callable, &matched);
    let flow = if has_input(&declaration.body) {
        Flow::Absent
    } else {
        let (name, span) = (&callable.name.text, declaration.header);
        expander.report(InputError::NoInput { name, span }.diagnostic());
        Flow::Unknown
    };
    let value = expander.expand_declaration(&mut frame, declaration, flow);
    for statement in init {
        if let StatementKind::Init { targets, scheme } = &statement.kind {
            expander.init(&frame, targets, scheme);
        }
    }
    expander.finish(module, value, callable)
}

fn has_input(body: &Body) -> bool {
    let is_input =
        |statement: &Statement| matches!(statement.kind, StatementKind::Input { .. } | StatementKind::Unreadable(_));
    body.statements.iter().any(is_input)
}

impl<'a> Expander<'a, '_> {
    /// The arguments of the model itself: none are given, so its presets and defaults must say all.
    fn root_arguments(&mut self, callable: &Callable<'a>) -> Option<Matched<'a>> {
        let unset = callable.unset();
        let missing: Vec<&str> = unset.iter().map(|(_, parameter)| parameter.name.text.as_str()).collect();
        if missing.is_empty() {
            return Some(vec![None; callable.declaration.parameters.len()]);
        }
        let (name, span) = (&callable.name.text, callable.declaration.header);
        self.report(ArgumentError::Unset { name, names: missing, span }.diagnostic());
        None
    }

    /// The graph, once everything is written out; `None` after an error.
    fn finish(mut self, module: ModuleId, value: Flow, callable: &Callable<'a>) -> Option<Graph> {
        self.finish_module(module, value);
        let extra = self.input_shapes.get(self.inputs_seen..).map_or(0, <[_]>::len);
        if extra > 0 && !self.failed {
            let (given, inputs, span) = (self.input_shapes.len(), self.inputs_seen, callable.declaration.header);
            self.report(InputError::TooManyShapes { given, inputs, span }.diagnostic());
        }
        if self.graph.outputs.is_empty() && self.outputs.is_empty() {
            match value {
                Flow::Node(node) => self.graph.outputs.push(Output { name: "output".into(), node }),
                Flow::Unknown => {}
                Flow::Absent => {
                    let (name, span) = (&callable.name.text, callable.declaration.header);
                    self.report(InputError::NoOutput { name, span }.diagnostic());
                }
            }
        }
        self.check_labels(!callable.presets.is_empty());
        if self.failed {
            let shape = |node| self.graph.dag.get(node).map(|node| node.shape.clone()).unwrap_or_default();
            check_contracts(&self.graph, &shape, &mut self.graph.requirements.clone(), self.problems);
            return None;
        }
        self.apply_rules();
        if self.failed {
            return None;
        }
        order_parameters(&mut self.graph);
        if cfg!(debug_assertions)
            && let Err(text) = verify(&self.graph)
        {
            let message = format!("the graph of `{}` is not sound: {text}", self.graph.name);
            self.report(Diagnostic::without_place(Code::E499, message).note("this is a fault of the compiler"));
            return None;
        }
        Some(self.graph)
    }
}

/// Checks every declaration by itself: names, labels, arguments, whatever no model reaches.
fn check_declarations(world: &World<'_, '_>, problems: &mut Problems) {
    for item in world.program.trees.iter().flat_map(|(_, tree)| &tree.items) {
        match &item.kind {
            ItemKind::Declaration(declaration) => check_declaration(world, declaration, problems),
            ItemKind::Preset(preset) => {
                let mut expander = Expander::new(world, problems, false);
                if let Some(Some(callable)) = world.declarations.get(&preset.name.text) {
                    expander.preset_values(callable);
                }
            }
            ItemKind::Unreadable(unreadable) => {
                if let Some(body) = &unreadable.body {
                    check_loose_body(world, body, problems);
                }
            }
            ItemKind::Import(_) => {}
        }
    }
}

fn check_declaration<'a>(world: &World<'a, '_>, declaration: &'a Declaration, problems: &mut Problems) {
    let mut expander = Expander::new(world, problems, false);
    let module = expander.root_module(&declaration.name.text);
    let mut frame = Frame::new(declaration, module, declaration.kind == DeclarationKind::Model);
    let mut seen = HashMap::new();
    let callable = Callable { name: &declaration.name, declaration, presets: Vec::new() };
    for parameter in &declaration.parameters {
        expander.check_type(&parameter.ty);
        if let Some(first) = seen.insert(parameter.name.text.as_str(), parameter.name.span) {
            let (name, second) = (&parameter.name.text, parameter.name.span);
            expander.report(NameError::Twice { name, what: "parameter", first, second, mend: None }.diagnostic());
        }
        expander.default_value(&frame, &callable, parameter);
        let is_tensor = matches!(&parameter.ty.kind, TypeKind::Named(name) if name == "tensor");
        if is_tensor {
            expander.keep_parameter(&frame, &parameter.name, Flow::Unknown);
        }
        frame.scope.bind(&parameter.name.text, None);
    }
    expander.expand_declaration(&mut frame, declaration, Flow::Unknown);
}

/// Checks a body whose declaration could not be read, so that any name may be its parameter's.
fn check_loose_body<'a>(world: &World<'a, '_>, body: &'a Body, problems: &mut Problems) {
    let mut expander = Expander::new(world, problems, false);
    let module = expander.root_module("");
    let mut frame = Frame::loose(module, body.span);
    expander.sequence(&mut frame, body, Flow::Unknown, true);
}

impl<'a> Expander<'a, '_> {
    /// Refuses a name that is no type.
    fn check_type(&mut self, ty: &'a Type) {
        match &ty.kind {
            TypeKind::Named(name) if !NAMED.contains(&name.as_str()) => {
                let near = nearest(name, NAMED.iter().copied());
                self.report(NameError::UnknownType { name, span: ty.span, near }.diagnostic());
            }
            TypeKind::Named(_) | TypeKind::Unreadable => {}
            TypeKind::List(inner) => self.check_type(inner),
            TypeKind::Tuple(types) => types.iter().for_each(|ty| self.check_type(ty)),
        }
    }
}
