//! Prints a layer graph: a line a value, in order. The same graph always gives the same text.
//!
//! ```text
//! graph LeNet
//! $input: [N, 1, 28, 28]
//! 0 = Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2)) of $input
//!     0.weight [6, 1, 5, 5] xavier_uniform(gain=1)
//!     0.bias [6] uniform(bound=0.2)
//! output = 0
//! ```
//!
//! A value goes by its layer's path; an input by its name after `$`; a join by its word after the path of the module around it,
//! and by a number where one module holds several. A parameter stands below its first use, a use of another's is named in
//! brackets. The shaped graph has the shape behind every value, then what must hold of the symbols.

use super::{
    Distribution, Fan, Graph, ImageTransform, Initialiser, Interpolation, Learning, Node, NodeId, NodeKind,
    ParameterId, ParameterUse, ShapedGraph,
};
use crate::shape::{Dim, Shape};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

/// The text of a graph.
pub fn print_graph(graph: &Graph) -> String {
    let mut text = format!("graph {}\n", graph.name);
    let names = value_names(graph);
    for input in &graph.inputs {
        let image = input.image.as_ref().map(image).unwrap_or_default();
        let _ = writeln!(text, "${}: {}{image}", input.name, input.shape);
    }
    let mut printed = HashSet::new();
    for id in graph.dag.order().unwrap_or_default() {
        if let Some(node) = graph.dag.get(id) {
            print_node(graph, &names, id, node, &mut printed, &mut text);
        }
    }
    for output in &graph.outputs {
        let _ = writeln!(text, "{} = {}", output.name, name_of(&names, output.node));
    }
    for contract in &graph.contracts {
        let sizes: Vec<String> =
            contract.shape.iter().map(|size| size.as_ref().map_or("_".into(), Dim::to_string)).collect();
        let _ = writeln!(text, "expect {}: [{}]", name_of(&names, contract.node), sizes.join(", "));
    }
    if let Some(labels) = &graph.labels {
        let _ = writeln!(text, "labels: {}", labels.join(", "));
    }
    text
}

/// The text of a shaped graph.
pub fn print_shapes(shaped: &ShapedGraph) -> String {
    let graph = &shaped.graph;
    let mut text = format!("shapes {}\n", graph.name);
    let names = value_names(graph);
    for id in graph.dag.order().unwrap_or_default() {
        let Some(node) = graph.dag.get(id) else { continue };
        let what = match &node.kind {
            NodeKind::Input(_) => String::new(),
            NodeKind::Operator(op) => format!(" {}", op.name()),
        };
        let _ = writeln!(text, "{}{what}: {}", name_of(&names, id), shaped.shape(id));
    }
    for output in &graph.outputs {
        let _ = writeln!(text, "{} = {}", output.name, name_of(&names, output.node));
    }
    for requirement in &graph.requirements.open {
        let _ = writeln!(text, "needs {requirement}: {}", requirement.reason);
    }
    for symbol in &shaped.sizes.symbols {
        let _ = writeln!(text, "{}: {}", symbol.name, symbol.words());
    }
    for condition in &shaped.sizes.together {
        let _ = writeln!(text, "together: {condition}");
    }
    text
}

fn print_node(
    graph: &Graph,
    names: &HashMap<NodeId, String>,
    id: NodeId,
    node: &Node,
    printed: &mut HashSet<ParameterId>,
    text: &mut String,
) {
    let NodeKind::Operator(op) = &node.kind else { return };
    let arguments = graph.dag.arguments(id);
    let shapes: Vec<Shape> =
        arguments.iter().map(|id| graph.dag.get(*id).map(|node| node.shape.clone()).unwrap_or_default()).collect();
    let described = match op.describe(&shapes) {
        description if description.is_empty() => op.name().to_owned(),
        description => format!("{}({description})", op.name()),
    };
    let taken: Vec<&str> = arguments.iter().map(|id| name_of(names, *id)).collect();
    let taken = if taken.is_empty() { String::new() } else { format!(" of {}", taken.join(", ")) };
    let _ = writeln!(text, "{} = {described}{taken}", name_of(names, id));
    for used in &node.parameters {
        print_parameter(graph, *used, printed, text);
    }
}

/// A parameter with all that is known of it at its first use, its name alone at later ones.
fn print_parameter(graph: &Graph, used: ParameterUse, printed: &mut HashSet<ParameterId>, text: &mut String) {
    let Some(parameter) = graph.parameter(used.parameter) else { return };
    let transposed = if used.transposed { ".T" } else { "" };
    if !printed.insert(used.parameter) {
        let _ = writeln!(text, "    [{}{transposed}]", parameter.path);
        return;
    }
    let buffer = if parameter.trainable { "" } else { " buffer" };
    let Learning { frozen, rate, weight_decay, since } = parameter.learning;
    let frozen = if frozen { " frozen" } else { "" };
    let rate = if rate == 1.0 { String::new() } else { format!(" rate·{rate}") };
    let decay = weight_decay.map_or(String::new(), |decay| format!(" decay={decay}"));
    let since = if since == 0 { String::new() } else { format!(" since={since}") };
    let aliases = match parameter.aliases.as_slice() {
        [] => String::new(),
        aliases => format!(", also {}", aliases.join(", ")),
    };
    let start = initialiser(&parameter.initialiser);
    let _ = writeln!(
        text,
        "    {}{transposed} {:?}{buffer}{frozen}{rate}{decay}{since} {start}{aliases}",
        parameter.path, parameter.shape
    );
}

fn initialiser(initialiser: &Initialiser) -> String {
    match initialiser {
        Initialiser::Constant(value) => format!("constant({value})"),
        Initialiser::Uniform { bound } => format!("uniform(bound={bound})"),
        Initialiser::Normal { mean, std } => format!("normal(mean={mean}, std={std})"),
        Initialiser::TruncatedNormal { mean, std, low, high } => {
            format!("trunc_normal(mean={mean}, std={std}, a={low}, b={high})")
        }
        Initialiser::Scaled { distribution, fan, gain } => scaled(*distribution, *fan, *gain),
        Initialiser::Orthogonal { gain } => format!("orthogonal(gain={gain})"),
        Initialiser::Values(values) => format!("given({} numbers)", values.len()),
    }
}

fn scaled(distribution: Distribution, fan: Fan, gain: f64) -> String {
    let shape = match distribution {
        Distribution::Uniform => "uniform",
        Distribution::Normal => "normal",
    };
    match fan {
        Fan::Mean => format!("xavier_{shape}(gain={gain})"),
        Fan::In => format!("kaiming_{shape}(gain={gain}, mode=fan_in)"),
        Fan::Out => format!("kaiming_{shape}(gain={gain}, mode=fan_out)"),
    }
}

fn image(image: &ImageTransform) -> String {
    let how = match image.interpolation {
        Interpolation::Bilinear => String::new(),
        other => format!("interpolation={}, ", other.name()),
    };
    let resize = image.resize.map(|size| format!("resize={size}, {how}")).unwrap_or_default();
    let crop = image.crop.map(|[height, width]| format!("crop=({height}, {width}), ")).unwrap_or_default();
    format!(" image({resize}{crop}scale={}, mean={:?}, std={:?})", image.scale, image.mean, image.std)
}

fn name_of(names: &HashMap<NodeId, String>, id: NodeId) -> &str {
    names.get(&id).map_or("?", String::as_str)
}

/// A name for every value, none given twice.
fn value_names(graph: &Graph) -> HashMap<NodeId, String> {
    let mut names = HashMap::with_capacity(graph.dag.len());
    let mut joins: HashMap<String, usize> = HashMap::new();
    let modules: HashSet<&str> = graph.modules.iter().map(|module| &*module.path).collect();
    for id in graph.dag.order().unwrap_or_default() {
        let Some(node) = graph.dag.get(id) else { continue };
        let name = match &node.kind {
            NodeKind::Input(_) => format!("${}", node.path),
            NodeKind::Operator(op) if op.is_nameless() => {
                let above = if node.path.is_empty() { String::new() } else { format!("{}.", node.path) };
                let name = format!("{above}{}", op.name());
                let count = joins.entry(name.clone()).or_insert(0);
                *count += 1;
                match (*count, modules.contains(name.as_str())) {
                    (1, false) => name,
                    (count, _) => format!("{name}#{count}"),
                }
            }
            NodeKind::Operator(_) => node.path.to_string(),
        };
        names.insert(id, name);
    }
    names
}
