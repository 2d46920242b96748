//! `init TARGETS: scheme`: how parameters start.
//!
//! A statement speaks of the module around it and all that stands in it, whatever the order, so the statements are gathered and
//! applied once the model is written out; of several that fit a parameter the last wins. A scheme sets weights, `bias=` sets
//! biases; a path that names one parameter sets exactly that one. A layer type of which there is none is a warning: the same
//! `init` is written into many nets.

use crate::graph::{Graph, Initialiser, ModuleId, ModuleKind, NodeId, NodeKind, ParameterId};
use crate::ops;
use crate::resolve::builder::{Builder, Frame};
use crate::resolve::calls::{Scheme, scheme};
use crate::resolve::error::InitError;
use crate::resolve::report::KEPT;
use cnnc_grammar::ast::{Call, InitTarget};
use cnnc_grammar::span::Span;
use std::collections::HashMap;
use std::sync::Arc;

/// An `init` statement with its names looked up.
struct Rule<'a> {
    /// The module that it speaks of.
    module: ModuleId,
    target: Target<'a>,
    span: Span,
    scheme: Scheme,
}

/// What a rule sets.
enum Target<'a> {
    /// All layers of a type, or all calls of a block.
    Type(&'a str),
    /// A path below the module.
    Path(Arc<str>),
}

/// The `init` statements of a network, in order.
#[derive(Default)]
pub(in crate::resolve) struct Initialisers<'a> {
    rules: Vec<Rule<'a>>,
}

impl<'a> Initialisers<'a> {
    /// Reads an `init` statement.
    pub fn read(
        &mut self,
        builder: &mut Builder<'a, '_>,
        frame: &Frame<'a>,
        targets: &'a [InitTarget],
        scheme_call: &'a Call,
    ) {
        let scheme = builder.at(frame, |evaluator, _| scheme(evaluator, scheme_call));
        for target in targets {
            let (target, span) = match target {
                InitTarget::Layer(name) => {
                    match builder.declarations.get(&name.text) {
                        Some(Some(block)) => builder.reporter.note_use(&name.text, name.span, block.name.span),
                        Some(None) => {}
                        None if ops::layer(&name.text).is_some() => {}
                        None => {
                            report_unknown_type(builder, &name.text, name.span);
                            continue;
                        }
                    }
                    (Target::Type(name.text.as_str()), name.span)
                }
                InitTarget::Path(label) => match builder.at(frame, |evaluator, _| evaluator.text_of(&label.parts)) {
                    Some(path) => (Target::Path(path), label.span),
                    None => continue,
                },
            };
            if let Some(scheme) = &scheme {
                builder.reporter.spend(KEPT, span);
                self.rules.push(Rule { module: frame.module(), target, span, scheme: scheme.clone() });
            }
        }
    }

    /// Applies all, in order.
    pub fn apply(&self, builder: &mut Builder<'a, '_>) {
        let last = last_of_each_type(&self.rules);
        let graph = &builder.network.graph;
        let all = (graph.modules.len() + graph.parameters.len()) as u64;
        for (position, rule) in self.rules.iter().enumerate() {
            if !builder.reporter.spend(rule.cost(builder, all), rule.span) {
                return;
            }
            match &rule.target {
                Target::Path(path) => rule.apply_to_path(builder, path),
                Target::Type(name) => {
                    let last = last.get(&(rule.module, *name));
                    if last.is_some_and(|last| last.weight == position || last.bias == Some(position)) {
                        rule.apply_to_type(builder, name);
                    }
                }
            }
        }
    }
}

fn report_unknown_type(builder: &mut Builder<'_, '_>, name: &str, span: Span) {
    let Builder { reporter, declarations, .. } = builder;
    if declarations.program().incomplete {
        return reporter.unreadable();
    }
    let near = reporter.near(name, || {
        let layers = ops::LAYERS.iter().map(|entry| entry.signature.name);
        layers.chain(declarations.names().iter().copied()).collect()
    });
    reporter.report(InitError::UnknownType { name, span, near: near.as_deref() }.diagnostic());
}

impl Rule<'_> {
    /// Steps that it is worth: one that speaks of many is held against them all.
    fn cost(&self, builder: &Builder<'_, '_>, all: u64) -> u64 {
        match &self.target {
            Target::Path(path) if !path.contains('*') => {
                let above = builder.network.graph.module(self.module);
                above.map_or(0, |module| module.path.len() + path.len()) as u64 / 8
            }
            Target::Type(_) | Target::Path(_) => all / 4,
        }
    }

    fn apply_to_type(&self, builder: &mut Builder<'_, '_>, name: &str) {
        let layers = modules_of_type(&builder.network.graph, self.module, name);
        let is_layer = ops::layer(name).is_some();
        let mut fits = false;
        for module in &layers {
            fits |= self.apply_to_module(builder, *module, is_layer);
        }
        if layers.is_empty() {
            builder.reporter.warn(InitError::NoSuchLayer { name, span: self.span }.diagnostic());
        } else if !fits {
            self.report_misfit(builder, name, layers.first().copied());
        }
    }

    fn apply_to_path(&self, builder: &mut Builder<'_, '_>, path: &str) {
        let above = builder.network.path(self.module);
        let full = if above.is_empty() { path.to_owned() } else { format!("{above}.{path}") };
        if let Some(id) = builder.network.parameter_at(&full) {
            self.apply_to_parameter(builder, id);
            return;
        }
        if path.contains('*') {
            return self.apply_to_pattern(builder, path, &full);
        }
        match builder.network.module_at(&full) {
            Some(module) => {
                let is_layer = is_layer(&builder.network.graph, module);
                if !self.apply_to_module(builder, module, is_layer) {
                    self.report_misfit(builder, path, Some(module));
                }
            }
            None => {
                let near = builder.reporter.near(path, || paths_below(&builder.network.graph, &above));
                let error = InitError::NoSuchPath { path, span: self.span, near: near.as_deref() };
                builder.reporter.report(error.diagnostic());
            }
        }
    }

    /// Sets all parameters and layers whose path fits a pattern; of a module that fits, all layers below it.
    fn apply_to_pattern(&self, builder: &mut Builder<'_, '_>, path: &str, full: &str) {
        let fits = |path: &Arc<str>| fits_pattern(full.as_bytes(), path.as_bytes());
        let graph = &builder.network.graph;
        let modules = (0u32..).zip(&graph.modules).filter(|(_, module)| fits(&module.path));
        let modules: Vec<ModuleId> = modules.map(|(id, _)| ModuleId(id)).collect();
        let parameters = (0u32..).zip(&graph.parameters).filter(|(_, parameter)| fits(&parameter.path));
        let parameters: Vec<ParameterId> = parameters.map(|(id, _)| ParameterId(id)).collect();
        if modules.is_empty() && parameters.is_empty() {
            return builder.reporter.report(InitError::NoSuchPath { path, span: self.span, near: None }.diagnostic());
        }
        let mut any = !parameters.is_empty();
        for &module in &modules {
            let is_layer = is_layer(&builder.network.graph, module);
            any |= self.apply_to_module(builder, module, is_layer);
        }
        for id in parameters {
            self.apply_to_parameter(builder, id);
        }
        if !any {
            self.report_misfit(builder, path, modules.first().copied());
        }
    }

    /// Sets one parameter, named exactly.
    fn apply_to_parameter(&self, builder: &mut Builder<'_, '_>, id: ParameterId) {
        let Some(parameter) = builder.network.graph.parameter(id) else { return };
        if self.scheme.weight.needs_two_axes() && parameter.shape.len() < 2 {
            let (path, shape) = (parameter.path.clone(), parameter.shape.clone());
            builder.reporter.report(InitError::TooFewAxes { path: &path, shape: &shape, span: self.span }.diagnostic());
            return;
        }
        set(&mut builder.network.graph, id, self.scheme.weight.clone());
    }

    /// Sets the weights, and the biases if the scheme says so, of all layers at and below a module. Whether any was set. Of a
    /// group, weights that the scheme cannot set, such as a normalisation's by `xavier_uniform`, are left as they are.
    fn apply_to_module(&self, builder: &mut Builder<'_, '_>, top: ModuleId, is_layer: bool) -> bool {
        let mut open = vec![top];
        let mut any = false;
        while let Some(id) = open.pop() {
            let Some(module) = builder.network.graph.module(id) else { continue };
            if let ModuleKind::Layer(node) = module.kind {
                any |= self.apply_to_layer(builder, node);
                if is_layer {
                    break;
                }
            }
            if let Some(module) = builder.network.graph.module(id) {
                open.extend(module.children.iter().rev());
            }
        }
        any
    }

    fn apply_to_layer(&self, builder: &mut Builder<'_, '_>, node: NodeId) -> bool {
        let uses = builder.network.graph.dag.get(node).map(|node| (node.path.clone(), node.parameters.clone()));
        let Some((path, uses)) = uses else { return false };
        let mut any = false;
        for used in uses {
            let Some(parameter) = builder.network.graph.parameter(used.parameter) else { continue };
            if !parameter.trainable {
                continue;
            }
            let is_own = parameter.path == path;
            let is_bias = !is_own && parameter.path.ends_with(".bias");
            let is_weight = is_own || parameter.path.ends_with(".weight");
            let fits = !self.scheme.weight.needs_two_axes() || parameter.shape.len() >= 2;
            let new = match self.scheme.bias {
                Some(bias) if is_bias => Some(Initialiser::Constant(bias)),
                _ if is_weight && fits => Some(self.scheme.weight.clone()),
                _ => None,
            };
            if let Some(new) = new {
                any = true;
                if !builder.network.constants.contains(&used.parameter) {
                    set(&mut builder.network.graph, used.parameter, new);
                }
            }
        }
        any
    }

    fn report_misfit(&self, builder: &mut Builder<'_, '_>, target: &str, module: Option<ModuleId>) {
        let path = module.map(|module| builder.network.path(module));
        let axes = self.scheme.weight.needs_two_axes();
        let error = InitError::NoWeight { target, path: path.as_deref(), axes, span: self.span };
        builder.reporter.report(error.diagnostic());
    }
}

/// All modules of a type below and at `top`, without recursion since modules nest as deep as calls.
fn modules_of_type(graph: &Graph, top: ModuleId, name: &str) -> Vec<ModuleId> {
    let mut found = Vec::new();
    let mut open = vec![top];
    while let Some(id) = open.pop() {
        let Some(module) = graph.module(id) else { continue };
        let is_type = match &module.kind {
            ModuleKind::Layer(node) => layer_name(graph, *node) == Some(name),
            ModuleKind::Call(callee) => &**callee == name && id != top,
            ModuleKind::Sequential | ModuleKind::Join(_) => false,
        };
        if is_type {
            found.push(id);
        }
        open.extend(module.children.iter().rev());
    }
    found
}

fn layer_name(graph: &Graph, node: NodeId) -> Option<&'static str> {
    match &graph.dag.get(node)?.kind {
        NodeKind::Operator(op) => Some(op.name()),
        NodeKind::Input(_) => None,
    }
}

fn is_layer(graph: &Graph, module: ModuleId) -> bool {
    graph.module(module).is_some_and(|module| matches!(module.kind, ModuleKind::Layer(_)))
}

/// The paths of modules and parameters below a module, as an `init` in it names them.
fn paths_below(graph: &Graph, above: &str) -> Vec<String> {
    const ENOUGH: usize = 10_000;
    let all = graph.modules.iter().map(|module| &module.path);
    let all = all.chain(graph.parameters.iter().map(|parameter| &parameter.path));
    let below = all.filter_map(|path| match above.is_empty() {
        true => Some(path.to_string()),
        false => path.strip_prefix(above)?.strip_prefix('.').map(str::to_owned),
    });
    below.filter(|path| !path.is_empty()).take(ENOUGH).collect()
}

fn set(graph: &mut Graph, id: ParameterId, initialiser: Initialiser) {
    if let Some(parameter) = graph.parameters.get_mut(id.0 as usize) {
        parameter.initialiser = initialiser;
    }
}

/// Whether a text fits a pattern, in which `*` stands for any characters.
fn fits_pattern(pattern: &[u8], text: &[u8]) -> bool {
    let mut parts = pattern.split(|&byte| byte == b'*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let found = (0..=rest.len()).find(|&start| rest.get(start..).is_some_and(|rest| rest.starts_with(part)));
        let Some(after) = found.and_then(|start| rest.get(start + part.len()..)) else { return false };
        rest = after;
    }
    rest.is_empty()
}

/// The rules for one type in one module that have an effect.
struct LastRules {
    weight: usize,
    bias: Option<usize>,
}

/// Of the rules for one type in one module only the last has an effect on weights, and the last with a bias on biases. A loop may
/// hold an `init`, and each is applied to the whole module, so the others are passed over.
fn last_of_each_type<'r>(rules: &'r [Rule<'_>]) -> HashMap<(ModuleId, &'r str), LastRules> {
    let mut all: HashMap<(ModuleId, &str), LastRules> = HashMap::new();
    for (position, rule) in rules.iter().enumerate() {
        if let Target::Type(name) = rule.target {
            let last = all.entry((rule.module, name)).or_insert(LastRules { weight: position, bias: None });
            last.weight = position;
            if rule.scheme.bias.is_some() {
                last.bias = Some(position);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::fits_pattern;

    #[test]
    fn a_star_is_any_characters() {
        let fits = |pattern: &str, text: &str| fits_pattern(pattern.as_bytes(), text.as_bytes());
        assert!(fits("*", "") && fits("*", "a.b") && fits("b*.conv*", "b2.0.conv1") && fits("*.0", "a.0.0"));
        assert!(fits("a*b*c", "abc") && fits("a*b*c", "axbbxc"));
        assert!(!fits("b*.conv*", "b2.0.bn1") && !fits("*.0", "a.0.1") && !fits("a*a", "a") && !fits("a*b*c", "acb"));
    }
}
