//! A network as the compiler's layer graph, made without any text: what the spec has to be equal to.

use super::{Network, Operation, ValueId};
use cnnc_compiler::graph::{
    Graph, Input, Module, ModuleKind, Node, NodeId, NodeKind, Output, Parameter, ParameterId, ParameterUse,
};
use cnnc_compiler::shape::Shape;
use cnnc_grammar::span::Span;
use std::collections::HashMap;
use std::sync::Arc;

/// The key of a parameter of a layer with that path.
pub fn key(path: &str, parameter: &str) -> String {
    match (path, parameter) {
        (path, "") => path.to_owned(),
        ("", parameter) => parameter.to_owned(),
        (path, parameter) => format!("{path}.{parameter}"),
    }
}

/// The graph of what outputs need; `paths` are those of the layers that have parameters.
pub fn graph(network: &Network, paths: &HashMap<ValueId, String>) -> Result<Graph, String> {
    let mut graph = Graph { name: network.name.as_str().into(), ..Graph::default() };
    let root =
        Module { path: "".into(), kind: ModuleKind::Call(graph.name.clone()), children: Vec::new(), output: None };
    graph.modules.push(root);
    let uses = network.uses();
    let mut made: HashMap<ValueId, NodeId> = HashMap::new();
    for (value, node) in network.nodes() {
        let is_input = matches!(node.operation, Operation::Input(_));
        if uses.get(value.0).is_none_or(|&uses| uses == 0) && !is_input {
            continue;
        }
        let path: Arc<str> = paths.get(&value).map_or("", String::as_str).into();
        let kind = match (&node.operation, &node.op) {
            (Operation::Input(place), _) => NodeKind::Input(*place),
            (_, Some(op)) => NodeKind::Operator(op.clone()),
            (_, None) => return Err("a layer has no operator".into()),
        };
        let arguments: Option<Vec<NodeId>> = node.inputs.iter().map(|input| made.get(input).copied()).collect();
        let arguments = arguments.ok_or("a value is used before it is made")?;
        let parameters = match &kind {
            NodeKind::Operator(op) => {
                let shapes: Vec<Shape> = node.inputs.iter().map(|&input| network.shape(input).clone()).collect();
                let declared = op.parameters(&shapes).map_err(|_| "a layer's parameters changed")?;
                let mut used = Vec::with_capacity(declared.len());
                for declaration in declared {
                    used.push(ParameterUse {
                        parameter: ParameterId(graph.parameters.len() as u32),
                        transposed: false,
                    });
                    graph.parameters.push(Parameter {
                        path: key(&path, declaration.name).into(),
                        aliases: Vec::new(),
                        shape: declaration.shape,
                        trainable: declaration.trainable,
                        initialiser: declaration.initialiser,
                        is_counter: declaration.is_counter,
                        learning: cnnc_compiler::graph::Learning::default(),
                        span: Span::default(),
                    });
                }
                used
            }
            NodeKind::Input(_) => Vec::new(),
        };
        let shape = node.shape.clone();
        let made_node = Node { kind, path, parameters, shape, span: Span::default(), trace: None };
        made.insert(value, graph.dag.add(made_node, &arguments));
    }
    for input in &network.inputs {
        let node = *made.get(&input.value).ok_or("an input is missing")?;
        let shape = network.shape(input.value).clone();
        graph.inputs.push(Input { name: input.name.as_str().into(), shape, node, image: None, span: Span::default() });
    }
    for output in &network.outputs {
        let node = *made.get(&output.value).ok_or("an output is missing")?;
        graph.outputs.push(Output { name: output.name.as_str().into(), node });
    }
    Ok(graph)
}
