//! Inner values that `--show` asks for: their paths, and how they are written.
//!
//! A value that other runs never have, since a pass put its layer into another's kernel, is computed for the one that asks; a
//! note names these layers.

use crate::console::{Console, Outcome, Stop};
use crate::numbers::{column_width, padded, padded_before};
use crate::run::Printed;
use crate::values::plain;
use cnnc_compiler::diagnostic::{Code, Diagnostic, nearest};
use cnnc_compiler::graph::{Graph, Module, ModuleKind, NodeKind};
use cnnc_grammar::span::Files;
use cnnc_runtime::{Device, Model, Tensor};

/// Numbers of a value that are printed unasked.
const FEW: usize = 32;

/// The paths that patterns stand for, in the order of the network, each once.
pub fn paths(model: &Model, patterns: &[String], console: &mut Console<'_>) -> Outcome<Vec<String>> {
    let graph = &model.graph().graph;
    let modules: Vec<&Module> = graph.modules.iter().skip(1).filter(|module| module.output.is_some()).collect();
    for pattern in patterns {
        if pattern != "all" && !modules.iter().any(|module| matches(pattern, &module.path)) {
            return Err(unknown(graph, pattern, &modules, console));
        }
    }
    let is_asked = |module: &&&Module| {
        patterns.iter().any(|pattern| match pattern.as_str() {
            "all" => module.children.is_empty(),
            pattern => matches(pattern, &module.path),
        })
    };
    Ok(modules.iter().filter(is_asked).map(|module| module.path.to_string()).collect())
}

fn unknown(graph: &Graph, pattern: &str, modules: &[&Module], console: &mut Console<'_>) -> Stop {
    let message = format!("{} has no layer or block `{pattern}`", graph.name);
    let mut unknown = Diagnostic::without_place(Code::E202, message);
    unknown = match nearest(pattern, modules.iter().map(|module| module.path.as_ref())) {
        Some(near) => unknown.help(format!("there is `{near}`")),
        None => unknown.help("`cnnc summary FILE` lists their paths"),
    };
    console.fail(&unknown, &Files::default())
}

/// Whether a path is the pattern's, where `*` stands for any part of a name: as many names as the pattern has.
fn matches(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut names) = (pattern.split('.'), path.split('.'));
    loop {
        match (patterns.next(), names.next()) {
            (None, None) => return true,
            (Some(pattern), Some(name)) if is_like(pattern, name) => {}
            _ => return false,
        }
    }
}

fn is_like(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match name.find(part) {
            Some(place) => name = &name[place + part.len()..],
            None => return false,
        }
    }
    name.ends_with(last)
}

/// Says which of these values no other run has.
pub fn note_fused(model: &Model, device: &Device, paths: &[String], inputs: &[Tensor], console: &mut Console<'_>) {
    let sizes: Vec<&[usize]> = inputs.iter().map(Tensor::shape).collect();
    let planned = model.bindings(&sizes).and_then(|bindings| model.compile(&bindings, &device.target(), &mut ()));
    let Ok((plan, _)) = planned else { return };
    let graph = &model.graph().graph;
    let last = plan.run.iter().filter_map(|step| step.origins.last()).map(|origin| origin.as_ref());
    let kept: Vec<&str> = last.filter_map(|origin| origin.split_whitespace().next()).collect();
    let is_layer = |path: &str| {
        graph.modules.iter().any(|module| &*module.path == path && matches!(module.kind, ModuleKind::Layer(_)))
    };
    let gone: Vec<&str> =
        paths.iter().map(String::as_str).filter(|path| is_layer(path) && !kept.contains(path)).collect();
    if !gone.is_empty() {
        let message = format!(
            "without --show {} computed within {}: {}",
            if gone.len() == 1 { "this layer is" } else { "these layers are" },
            "the kernel of another layer, or not at all",
            gone.join(", ")
        );
        console.remark(Code::E604, message);
    }
}

/// The values in a table, each with its numbers below it where there are few, or where they are asked for.
///
/// # Errors
/// In words, where a value has no such part.
pub fn text(
    model: &Model,
    paths: &[String],
    values: &[Tensor],
    part: Option<&Printed>,
    console: &Console<'_>,
) -> Result<String, String> {
    let graph = &model.graph().graph;
    let kinds: Vec<String> = paths.iter().map(|path| kind(graph, path)).collect();
    let shapes: Vec<String> = values.iter().map(|value| format!("{:?}", value.shape())).collect();
    let width = |cells: &[String]| column_width(cells.iter().map(String::as_str));
    let (first, second, third) = (width(paths), width(&kinds), width(&shapes));
    let mut text = String::new();
    for (((path, kind), shape), value) in paths.iter().zip(&kinds).zip(&shapes).zip(values) {
        let head =
            format!("{}  {}  {}", console.bold(&padded(path, first)), padded(kind, second), padded(shape, third));
        text += &format!("{head}  {}\n", spread(value));
        match part {
            Some(part) => {
                text += &format!("{}\n", plain(&part.of(value).map_err(|reason| format!("{path}: {reason}"))?))
            }
            None if value.data().len() <= FEW => text += &format!("{}\n", plain(value)),
            None => {}
        }
    }
    Ok(text)
}

/// The values with their paths and what these lead to.
pub fn named(model: &Model, paths: &[String], values: &[Tensor]) -> Vec<(String, String, Tensor)> {
    let graph = &model.graph().graph;
    paths.iter().zip(values).map(|(path, value)| (path.clone(), kind(graph, path), value.clone())).collect()
}

/// What a path leads to: `Conv2d`, `Sequential`, a block's name.
fn kind(graph: &Graph, path: &str) -> String {
    let module = graph.modules.iter().find(|module| &*module.path == path);
    match module.map(|module| &module.kind) {
        Some(ModuleKind::Layer(node)) => match graph.dag.get(*node).map(|node| &node.kind) {
            Some(NodeKind::Operator(operator)) => operator.name().into(),
            Some(NodeKind::Input(_)) | None => String::new(),
        },
        Some(ModuleKind::Call(name)) => name.to_string(),
        Some(ModuleKind::Sequential) => "Sequential".into(),
        Some(ModuleKind::Join(word)) => (*word).into(),
        None => String::new(),
    }
}

/// `from −1.2 to 3.4, mean 0.5, 43 % zeros`
fn spread(value: &Tensor) -> String {
    let data = value.data();
    if data.is_empty() {
        return "empty".into();
    }
    let (low, high) =
        data.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
    let mean = data.iter().map(|&value| f64::from(value)).sum::<f64>() / data.len() as f64;
    let zeros = data.iter().filter(|value| **value == 0.0).count();
    let number = |value: f64| padded_before(&format!("{value:.4}"), 9);
    let share = 100.0 * zeros as f64 / data.len() as f64;
    let not = data.iter().filter(|value| !value.is_finite()).count();
    let not = if not > 0 { format!(", {not} not finite") } else { String::new() };
    format!("min {} max {} mean {} zeros {share:>5.1} %{not}", number(low.into()), number(high.into()), number(mean))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_stand_for_paths() {
        assert!(matches("b2.*", "b2.0") && !matches("b2.*", "b2.0.conv") && !matches("b2.*", "b2"));
        assert!(matches("0", "0") && !matches("0", "10"));
        assert!(matches("*.conv*", "b2.conv1") && matches("layer*.0.c*v*", "layer1.0.conv2"));
        assert!(!matches("a*b*c", "acb") && matches("a*b*c", "axbyc"));
    }
}
