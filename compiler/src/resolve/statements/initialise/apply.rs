//! One target of an `init` applied to the network that is written out.

use super::{Rule, Target};
use crate::graph::{Graph, Initialiser, ModuleId, ModuleKind, NodeId, NodeKind, ParameterId, fits_pattern};
use crate::ops;
use crate::resolve::builder::Builder;
use crate::resolve::error::InitError;
use std::sync::Arc;

impl Rule<'_> {
    /// Steps that it is worth: one that speaks of many is held against them all.
    pub fn cost(&self, builder: &Builder<'_, '_>, all: u64) -> u64 {
        match &self.target {
            Target::Path(path) if !path.contains('*') => {
                let above = builder.network.graph.module(self.module);
                above.map_or(0, |module| module.path.len() + path.len()) as u64 / 8
            }
            Target::Type(_) | Target::Path(_) => all / 4,
        }
    }

    /// Sets all layers of a type, or all calls of a block. Whether there are any.
    pub fn apply_to_type(&self, builder: &mut Builder<'_, '_>, name: &str) -> bool {
        let layers = modules_of_type(&builder.network.graph, self.module, name);
        let is_layer = ops::layer(name).is_some();
        let mut fits = false;
        for module in &layers {
            fits |= self.apply_to_module(builder, *module, is_layer);
        }
        if !layers.is_empty() && !fits {
            self.report_misfit(builder, name, layers.first().copied());
        }
        !layers.is_empty()
    }

    /// Sets what has a path, or fits a pattern.
    pub fn apply_to_path(&self, builder: &mut Builder<'_, '_>, path: &str) {
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
        let fits = |path: &Arc<str>| fits_pattern(full, path);
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
