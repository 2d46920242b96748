//! `init TARGETS: scheme`: how parameters start.
//!
//! A statement speaks of the module around it and all that stands in it, whatever the order, so the statements are gathered and
//! applied once the model is written out; of several that fit a parameter the last wins. A scheme sets weights, `bias=` sets
//! biases; a path that names one parameter sets exactly that one. A layer type of which there is none is a warning: the same
//! `init` is written into many nets.

use super::error::InitError;
use super::limits::KEPT;
use super::scheme::Scheme;
use super::state::{Expander, Frame};
use crate::graph::{Initialiser, ModuleId, ModuleKind, ParameterId};
use crate::ops;
use cnnc_grammar::ast::{Call, InitTarget};
use cnnc_grammar::span::Span;
use std::collections::HashMap;
use std::sync::Arc;

/// An `init` statement with its names looked up.
pub(super) struct Rule<'a> {
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

impl<'a> Expander<'a, '_> {
    /// Reads an `init` statement.
    pub fn init(&mut self, frame: &Frame<'a>, targets: &'a [InitTarget], scheme: &'a Call) {
        let scheme = self.scheme(frame, scheme);
        for target in targets {
            let (target, span) = match target {
                InitTarget::Layer(name) => {
                    if !self.is_layer_or_block(&name.text) {
                        self.report_unknown_type(&name.text, name.span);
                        continue;
                    }
                    (Target::Type(name.text.as_str()), name.span)
                }
                InitTarget::Path(label) => match self.text_of(frame, &label.parts) {
                    Some(path) => (Target::Path(path), label.span),
                    None => continue,
                },
            };
            if let Some(scheme) = &scheme {
                self.spend(KEPT, span);
                self.rules.push(Rule { module: frame.module(), target, span, scheme: scheme.clone() });
            }
        }
    }

    fn is_layer_or_block(&self, name: &str) -> bool {
        ops::layer(name).is_some() || self.world.declarations.get(name).is_some()
    }

    fn report_unknown_type(&mut self, name: &str, span: Span) {
        if self.world.program.incomplete {
            return self.unreadable();
        }
        let near = self.near(name, |expander| {
            let layers = ops::LAYERS.iter().map(|entry| entry.signature.name);
            layers.chain(expander.world.declarations.names().iter().copied()).collect()
        });
        self.report(InitError::UnknownType { name, span, near: near.as_deref() }.diagnostic());
    }

    /// Applies all rules, in order.
    pub fn apply_rules(&mut self) {
        let rules = std::mem::take(&mut self.rules);
        let last = last_of_each_type(&rules);
        let all = (self.graph.modules.len() + self.graph.parameters.len()) as u64;
        for (position, rule) in rules.iter().enumerate() {
            if !self.spend(self.cost_of(rule, all), rule.span) {
                return;
            }
            match &rule.target {
                Target::Path(path) => self.apply_to_path(rule, path),
                Target::Type(name) => {
                    let last = last.get(&(rule.module, *name));
                    if last.is_some_and(|last| last.weight == position || last.bias == Some(position)) {
                        self.apply_to_type(rule, name);
                    }
                }
            }
        }
    }

    /// Steps that a rule is worth: one that speaks of many is held against them all.
    fn cost_of(&self, rule: &Rule<'a>, all: u64) -> u64 {
        match &rule.target {
            Target::Path(path) if !path.contains('*') => {
                let full = self.graph.module(rule.module).map_or(0, |module| module.path.len() + path.len());
                full as u64 / 8
            }
            Target::Type(_) | Target::Path(_) => all / 4,
        }
    }

    fn apply_to_type(&mut self, rule: &Rule<'a>, name: &str) {
        let mut layers = Vec::new();
        self.modules_of_type(rule.module, name, &mut layers);
        let is_layer = ops::layer(name).is_some();
        let mut fits = false;
        for module in &layers {
            fits |= self.apply_to_module(rule, *module, is_layer);
        }
        if layers.is_empty() {
            self.warn(InitError::NoSuchLayer { name, span: rule.span }.diagnostic());
        } else if !fits {
            self.report_misfit(rule, name, layers.first().copied());
        }
    }

    /// All modules of a type below and at `top`, without recursion since modules nest as deep as calls.
    fn modules_of_type(&self, top: ModuleId, name: &str, found: &mut Vec<ModuleId>) {
        let mut open = vec![top];
        while let Some(id) = open.pop() {
            let Some(module) = self.graph.module(id) else { continue };
            let is_type = match &module.kind {
                ModuleKind::Layer(node) => self.layer_name(*node) == Some(name),
                ModuleKind::Call(callee) => &**callee == name && id != top,
                ModuleKind::Sequential | ModuleKind::Join(_) => false,
            };
            if is_type {
                found.push(id);
            }
            open.extend(module.children.iter().rev());
        }
    }

    fn layer_name(&self, node: crate::graph::NodeId) -> Option<&'static str> {
        match &self.graph.dag.get(node)?.kind {
            crate::graph::NodeKind::Operator(op) => Some(op.name()),
            crate::graph::NodeKind::Input(_) => None,
        }
    }

    fn apply_to_path(&mut self, rule: &Rule<'a>, path: &str) {
        let above = self.graph.module(rule.module).map(|module| module.path.clone()).unwrap_or_default();
        let full = if above.is_empty() { path.to_owned() } else { format!("{above}.{path}") };
        if let Some(id) = self.parameter_at(&full) {
            self.apply_to_parameter(rule, id);
            return;
        }
        if path.contains('*') {
            return self.apply_to_pattern(rule, path, &full);
        }
        match self.module_at(&full) {
            Some(module) => {
                let is_layer =
                    self.graph.module(module).is_some_and(|module| matches!(module.kind, ModuleKind::Layer(_)));
                if !self.apply_to_module(rule, module, is_layer) {
                    self.report_misfit(rule, path, Some(module));
                }
            }
            None => {
                let near = self.near(path, |expander| expander.paths_below(&above));
                self.report(InitError::NoSuchPath { path, span: rule.span, near: near.as_deref() }.diagnostic());
            }
        }
    }

    /// Sets all parameters and layers whose path fits a pattern; of a module that fits, all layers below it.
    fn apply_to_pattern(&mut self, rule: &Rule<'a>, path: &str, full: &str) {
        let fits = |path: &Arc<str>| fits_pattern(full.as_bytes(), path.as_bytes());
        let modules: Vec<ModuleId> = (0u32..)
            .zip(&self.graph.modules)
            .filter(|(_, module)| fits(&module.path))
            .map(|(id, _)| ModuleId(id))
            .collect();
        let parameters: Vec<ParameterId> = (0u32..)
            .zip(&self.graph.parameters)
            .filter(|(_, parameter)| fits(&parameter.path))
            .map(|(id, _)| ParameterId(id))
            .collect();
        if modules.is_empty() && parameters.is_empty() {
            return self.report(InitError::NoSuchPath { path, span: rule.span, near: None }.diagnostic());
        }
        let mut any = !parameters.is_empty();
        for &module in &modules {
            let is_layer = self.graph.module(module).is_some_and(|module| matches!(module.kind, ModuleKind::Layer(_)));
            any |= self.apply_to_module(rule, module, is_layer);
        }
        for id in parameters {
            self.apply_to_parameter(rule, id);
        }
        if !any {
            self.report_misfit(rule, path, modules.first().copied());
        }
    }

    /// The paths of modules and parameters below a module, as an `init` in it names them.
    fn paths_below(&self, above: &str) -> Vec<String> {
        const ENOUGH: usize = 10_000;
        let all = self.graph.modules.iter().map(|module| &module.path);
        let all = all.chain(self.graph.parameters.iter().map(|parameter| &parameter.path));
        let below = all.filter_map(|path| match above.is_empty() {
            true => Some(path.to_string()),
            false => path.strip_prefix(above)?.strip_prefix('.').map(str::to_owned),
        });
        below.filter(|path| !path.is_empty()).take(ENOUGH).collect()
    }

    /// Sets one parameter, named exactly.
    fn apply_to_parameter(&mut self, rule: &Rule<'a>, id: ParameterId) {
        let Some(parameter) = self.graph.parameter(id) else { return };
        if rule.scheme.weight.needs_two_axes() && parameter.shape.len() < 2 {
            let (path, shape) = (parameter.path.clone(), parameter.shape.clone());
            self.report(InitError::TooFewAxes { path: &path, shape: &shape, span: rule.span }.diagnostic());
            return;
        }
        self.set(id, rule.scheme.weight.clone());
    }

    /// Sets the weights, and the biases if the scheme says so, of all layers at and below a module. Whether any was set. Of a
    /// group, weights that the scheme cannot set, such as a normalisation's by `xavier_uniform`, are left as they are.
    fn apply_to_module(&mut self, rule: &Rule<'a>, top: ModuleId, is_layer: bool) -> bool {
        let mut open = vec![top];
        let mut any = false;
        while let Some(id) = open.pop() {
            let Some(module) = self.graph.module(id) else { continue };
            if let ModuleKind::Layer(node) = module.kind {
                any |= self.apply_to_layer(rule, node);
                if is_layer {
                    break;
                }
            }
            if let Some(module) = self.graph.module(id) {
                open.extend(module.children.iter().rev());
            }
        }
        any
    }

    fn apply_to_layer(&mut self, rule: &Rule<'a>, node: crate::graph::NodeId) -> bool {
        let uses = self.graph.dag.get(node).map(|node| (node.path.clone(), node.parameters.clone()));
        let Some((path, uses)) = uses else { return false };
        let mut any = false;
        for used in uses {
            let Some(parameter) = self.graph.parameter(used.parameter) else { continue };
            if !parameter.trainable {
                continue;
            }
            let is_own = parameter.path == path;
            let is_bias = !is_own && parameter.path.ends_with(".bias");
            let is_weight = is_own || parameter.path.ends_with(".weight");
            let fits = !rule.scheme.weight.needs_two_axes() || parameter.shape.len() >= 2;
            let new = match rule.scheme.bias {
                Some(bias) if is_bias => Some(Initialiser::Constant(bias)),
                _ if is_weight && fits => Some(rule.scheme.weight.clone()),
                _ => None,
            };
            if let Some(new) = new {
                any = true;
                if !self.constants.contains(&used.parameter) {
                    self.set(used.parameter, new);
                }
            }
        }
        any
    }

    fn set(&mut self, id: ParameterId, initialiser: Initialiser) {
        if let Some(parameter) = self.graph.parameters.get_mut(id.0 as usize) {
            parameter.initialiser = initialiser;
        }
    }

    fn report_misfit(&mut self, rule: &Rule<'a>, target: &str, module: Option<ModuleId>) {
        let path = module.and_then(|module| self.graph.module(module)).map(|module| module.path.clone());
        let axes = rule.scheme.weight.needs_two_axes();
        self.report(InitError::NoWeight { target, path: path.as_deref(), axes, span: rule.span }.diagnostic());
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
