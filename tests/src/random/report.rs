//! What many nets were made of, and what was wrong with one.

use super::arguments::drawn;
use super::net::{Net, worse};
use cnnc_compiler::graph::NodeKind;
use cnnc_compiler::ops::JOINS;
use cnnc_compiler::plan::Plan;
use std::collections::BTreeMap;

/// Counts over nets, and the faults of the one that is looked at.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many nets each layer, join and form of the language was in.
    pub nets_with: BTreeMap<String, usize>,
    /// How often each kernel, and each method of a convolution, was run.
    pub steps_of: BTreeMap<String, usize>,
    /// The largest error by road, as a share of what is allowed.
    pub largest: BTreeMap<String, f64>,
    /// What is wrong with the net that is looked at.
    pub faults: Vec<String>,
    /// Gradients that were not compared because a decision was too narrow.
    pub undecided: usize,
    /// Nets that were not compared because float32 cannot hold something in them.
    pub not_finite: usize,
}

impl Report {
    /// Notes a fault.
    pub fn wrong(&mut self, text: &str) {
        self.faults.push(text.to_owned());
    }

    /// Notes how far a value is off, as a share of what is allowed.
    pub fn value(&mut self, off: f64, road: &str, name: &str) {
        let largest = self.largest.entry(road.to_owned()).or_default();
        if off.is_nan() || off > 1.0 {
            self.faults.push(format!("{road}: `{name}` is off by {off:.1e} times what is allowed"));
        } else {
            *largest = worse(*largest, off);
        }
    }

    /// Counts what a net is made of.
    pub fn net(&mut self, net: &Net) {
        let mut found: Vec<String> = Vec::new();
        for (_, node) in net.network.graph.dag.iter() {
            if let NodeKind::Operator(operator) = &node.kind {
                found.push(operator.name().to_owned());
            }
        }
        for (form, word) in FORMS {
            found.extend(net.spec.text.contains(word).then(|| (*form).to_owned()));
        }
        found.extend((!net.bindings.is_empty()).then(|| "open sizes".to_owned()));
        let inputs = &net.spec.inputs;
        found.push(format!("batch {}", inputs[0][0]));
        found.extend(inputs.iter().any(|shape| shape[1..].contains(&1)).then(|| "axis of size 1".to_owned()));
        found.sort();
        found.dedup();
        for name in found {
            *self.nets_with.entry(name).or_default() += 1;
        }
    }

    /// Counts the steps of a plan.
    pub fn plan(&mut self, plan: &Plan) {
        for step in plan.prepare.iter().chain(&plan.run) {
            let method =
                step.operation.packing().map(|packing| format!(" by {}", packing.method())).unwrap_or_default();
            *self.steps_of.entry(format!("{}{method}", step.operation.name())).or_default() += 1;
        }
    }

    /// Layers, joins and forms that were in no net.
    pub fn missing(&self) -> Vec<String> {
        let joins = JOINS.iter().map(|entry| entry.signature.name);
        let names = drawn().into_iter().chain(joins).map(str::to_owned);
        let forms = FORMS.iter().map(|(form, _)| (*form).to_owned());
        let others = ["open sizes", "axis of size 1", "batch 1", "batch 2", "batch 3"].map(str::to_owned);
        names.chain(forms).chain(others).filter(|name| !self.nets_with.contains_key(name)).collect()
    }
}

/// Forms of the language, and a word by which each is known.
const FORMS: &[(&str, &str)] = &[
    ("block", "block "),
    ("conditional", "if "),
    ("counted loop", "for i in"),
    ("kept value", "keep "),
    ("named group", "group"),
    ("repeat", "repeat "),
    ("tied layer", "tied "),
    ("transposed weight", ".weight.T"),
    ("two inputs", "input left"),
];
