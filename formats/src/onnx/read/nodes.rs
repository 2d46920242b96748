//! Nodes one after the other: functions are followed into, operators are asked, and what they give is known from then on.

use super::naming;
use super::{Call, Fact, Reader, is_own};
use crate::onnx::model::{Attribute, Function, Graph, Node};
use crate::onnx::operators;
use crate::onnx::tensor::Tensor;
use crate::spec::{Progression, ValueId, number};
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::{Dim, Shape};
use std::collections::HashMap;

/// Functions and branches are followed so deeply.
const DEEPEST: usize = 24;

/// Numbers that are written out as they are; more become a parameter.
const MOST_WRITTEN: usize = 16;

impl<'f> Reader<'f> {
    /// Follows nodes of an operator set; `given` are the attributes of the function's call around them.
    pub(super) fn nodes(
        &mut self,
        nodes: &'f [Node],
        version: i64,
        given: &HashMap<&'f str, &'f Attribute>,
        depth: usize,
    ) {
        for node in nodes {
            if self.nodes_left == 0 {
                return;
            }
            self.nodes_left -= 1;
            if self.nodes_left == 0 {
                return self.refuse(format!("it has more than {} nodes", super::MOST_NODES));
            }
            self.node(node, version, given, depth);
        }
    }

    fn node(&mut self, node: &'f Node, version: i64, given: &HashMap<&'f str, &'f Attribute>, depth: usize) {
        let mut attributes: HashMap<&'f str, &'f Attribute> = HashMap::new();
        for attribute in &node.attribute {
            match attribute.ref_attr_name.as_str() {
                "" => attributes.insert(&attribute.name, attribute),
                name => given.get(name).and_then(|given| attributes.insert(&attribute.name, given)),
            };
        }
        let inputs = node.input.iter().map(|name| match name.as_str() {
            "" => Some(None),
            name => self.facts.get(name).cloned().map(Some),
        });
        let Some(inputs) = inputs.collect::<Option<Vec<Option<Fact>>>>() else {
            let line = self.line(node, "it takes a value that no node before it gives");
            self.refuse(line);
            return self.settle(node, Vec::new());
        };
        if inputs.iter().flatten().any(|fact| matches!(fact, Fact::Unknown)) {
            if self.unsaid.is_empty() {
                let line = self.line(node, "it takes a result that has no word, of a node that has one");
                self.refuse(line);
            }
            return self.settle(node, Vec::new());
        }
        let call = Call { node, inputs, attributes, version };
        let scope = naming::scope(node);
        if depth == 0 || !scope.is_empty() {
            self.network.scope = scope;
        }
        let function = self.functions.get(&(&*node.domain, &*node.op_type, &*node.overload)).copied();
        let is_whole = node.input.iter().any(|name| self.whole.contains(name));
        let results = match function {
            _ if is_whole && (function.is_some() || !operators::keeps_numbers(node)) => {
                Err("it computes with whole numbers, and computations are of float32 here".into())
            }
            Some(_) if depth >= DEEPEST => Err("functions call each other too deeply".into()),
            Some(function) => self.function(function, &call, depth),
            None if node.op_type == "If" && is_own(&node.domain) => self.branch(&call, given, depth),
            None => operators::read(self, &call),
        };
        if is_whole && !operators::makes_floats(node) {
            self.whole.extend(node.output.iter().cloned());
        }
        match results {
            Ok(results) => self.settle(node, results),
            Err(reason) => {
                let line = self.line(node, &reason);
                self.refuse(line);
                self.settle(node, Vec::new());
            }
        }
    }

    /// Names a node's results; those that there are none of are unknown.
    fn settle(&mut self, node: &Node, results: Vec<Fact>) {
        let mut results = results.into_iter();
        for name in &node.output {
            let fact = results.next().unwrap_or(Fact::Unknown);
            if !name.is_empty() {
                if let Fact::Tensor(tensor) = &fact {
                    self.names.know(tensor, name);
                }
                self.facts.insert(name.clone(), fact);
            }
        }
    }

    /// Follows a function of the file; names inside are its own.
    fn function(&mut self, function: &'f Function, call: &Call<'f>, depth: usize) -> Result<Vec<Fact>, String> {
        let own = function.opset_import.iter().find(|set| is_own(&set.domain));
        let version = own.map_or(call.version, |set| set.version);
        let mut attributes: HashMap<&'f str, &'f Attribute> = HashMap::new();
        attributes.extend(function.attribute_proto.iter().map(|attribute| (attribute.name.as_str(), attribute)));
        attributes.extend(call.attributes.iter().map(|(name, attribute)| (*name, *attribute)));
        let mut inside = HashMap::new();
        for (name, fact) in function.input.iter().zip(&call.inputs) {
            if let Some(fact) = fact {
                inside.insert(name.clone(), fact.clone());
            }
        }
        let outside = std::mem::replace(&mut self.facts, inside);
        self.nodes(&function.node, version, &attributes, depth + 1);
        let inside = std::mem::replace(&mut self.facts, outside);
        self.note("calls of functions were written out");
        Ok(function.output.iter().map(|name| inside.get(name).cloned().unwrap_or(Fact::Unknown)).collect())
    }

    /// Follows the one branch of a condition that is known.
    fn branch(
        &mut self,
        call: &Call<'f>,
        given: &HashMap<&'f str, &'f Attribute>,
        depth: usize,
    ) -> Result<Vec<Fact>, String> {
        let condition = call.ints(0).and_then(|values| values.first().copied());
        let condition = condition.ok_or("which branch it takes depends on what comes in")?;
        let name = if condition != 0 { "then_branch" } else { "else_branch" };
        let attribute: Option<&&'f Attribute> = call.attributes.get(name);
        let graph: &'f Graph = attribute.and_then(|attribute| attribute.g.as_deref()).ok_or("it lacks a branch")?;
        if depth >= DEEPEST {
            return Err("branches stand in each other too deeply".into());
        }
        self.initialisers(graph).map_err(|_| "a tensor of its branch is broken")?;
        self.nodes(&graph.node, call.version, given, depth + 1);
        Ok(graph.output.iter().map(|output| self.facts.get(&output.name).cloned().unwrap_or(Fact::Unknown)).collect())
    }

    /// Argument `index` as a value of the network; a tensor becomes numbers or a parameter.
    pub fn value(&mut self, call: &Call<'_>, index: usize) -> Result<ValueId, String> {
        match call.input(index) {
            Some(Fact::Value(value)) => Ok(*value),
            Some(Fact::Tensor(tensor)) => self.constant(&tensor.clone()),
            Some(Fact::Sizes(_) | Fact::Quotient(..) | Fact::Places(_)) => {
                Err("it computes with open sizes where numbers are needed".into())
            }
            Some(Fact::Repeated(..)) => Err("it takes a constant that is repeated over an open batch".into()),
            Some(Fact::Unknown) | None => Err(format!("argument {index} is missing")),
        }
    }

    /// A tensor as a value: numbers that are written out where they are few, else a parameter.
    pub fn constant(&mut self, tensor: &Tensor) -> Result<ValueId, String> {
        if tensor.count() == 0 {
            return Err("it takes a tensor of no values".into());
        }
        if tensor.count() <= MOST_WRITTEN
            && let Some(values) = tensor.small_floats()
            && values.iter().all(|value| value.is_finite())
        {
            let numbers = values.into_iter().map(number).collect();
            let value = self.network.numbers(numbers, tensor.shape().to_vec())?;
            self.names.written(value, tensor);
            return Ok(value);
        }
        if !self.names.is_weight(tensor)
            && let Some(progression) = progression(tensor)
        {
            let value = self.network.numbers(progression.numbers(tensor.shape()), tensor.shape().to_vec())?;
            self.names.written(value, tensor);
            return Ok(value);
        }
        self.parameter(tensor)
    }

    /// A tensor as a value beside one of that shape: one number where it is the same everywhere and adds nothing to the shape.
    pub fn beside(&mut self, tensor: &Tensor, shape: &Shape) -> Result<ValueId, String> {
        let fits = tensor.shape().len() <= shape.rank();
        let pairs = tensor.shape().iter().rev().zip(shape.iter().rev());
        let is_within = fits && pairs.into_iter().all(|(&own, other)| own == 1 || *other == Dim::from(own));
        if is_within
            && tensor.count() > MOST_WRITTEN
            && !self.names.is_weight(tensor)
            && let Some(everywhere) = everywhere(tensor).filter(|number| number.is_finite())
        {
            let value = self.network.numbers(vec![number(everywhere)], Vec::new())?;
            self.names.written(value, tensor);
            return Ok(value);
        }
        self.constant(tensor)
    }

    /// A tensor as a parameter.
    pub fn parameter(&mut self, tensor: &Tensor) -> Result<ValueId, String> {
        if tensor.shape().is_empty() || tensor.count() == 0 {
            return Err("it takes a number, or a tensor of no values".into());
        }
        let sizes = tensor.shape().iter().map(|&size| Constant::Int(size as i64)).collect();
        let shape = vec![("shape", Constant::Tuple(sizes))];
        let held = self.hold(tensor.clone());
        let value = self.network.layer("Parameter", shape, &[], vec![held])?;
        self.names.bare(&mut self.network, value, tensor);
        Ok(value)
    }

    /// Adds a layer with one input and no parameters.
    pub fn layer(
        &mut self,
        name: &'static str,
        arguments: Vec<(&'static str, Constant)>,
        input: ValueId,
    ) -> Result<ValueId, String> {
        self.network.layer(name, arguments, &[input], Vec::new())
    }

    /// Adds a layer with parameters, each under the layer's own name.
    pub fn weighted(
        &mut self,
        name: &'static str,
        arguments: Vec<(&'static str, Constant)>,
        input: ValueId,
        tensors: &[Tensor],
    ) -> Result<ValueId, String> {
        let held = tensors.iter().map(|tensor| self.hold(tensor.clone())).collect();
        let value = self.network.layer(name, arguments, &[input], held)?;
        self.names.layer(&mut self.network, value, name, tensors);
        Ok(value)
    }
}

/// The numbers of a small tensor as a sentence that says them.
fn progression(tensor: &Tensor) -> Option<Progression> {
    let values = (tensor.count() <= Progression::MOST).then(|| tensor.small_floats())??;
    let numbers: Vec<f64> = values.into_iter().map(number).collect();
    Progression::of(&numbers, tensor.shape())
}

/// The one number that a tensor is everywhere.
fn everywhere(tensor: &Tensor) -> Option<f32> {
    tensor.uniform().or_else(|| {
        let values = tensor.small_floats()?;
        let first = *values.first()?;
        values.iter().all(|value| value.to_bits() == first.to_bits()).then_some(first)
    })
}
