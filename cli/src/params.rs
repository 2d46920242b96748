//! `cnnc params FILE [PATH]`: the parameters by name and shape, or the values of one, or of all that a layer holds.
//!
//! A path is a key of the `state_dict` or leads to a layer; a child may be named by its position in brackets, as in PyTorch:
//! `[0][1][0].bias` is `0.block 1.0.bias`, and brackets behind a parameter take an index of it.

use crate::arguments::Params;
use crate::console::{Console, Outcome};
use crate::numbers::{column_width, counted, grouped, padded};
use crate::values::values;
use crate::{model, weights};
use cnnc_compiler::diagnostic::{Code, Diagnostic, nearest};
use cnnc_compiler::graph::{Graph, Module, Parameter};
use cnnc_grammar::span::Files;
use cnnc_runtime::Tensor;

/// Lists the parameters, or prints values.
pub fn params(arguments: &Params, console: &mut Console<'_>) -> Outcome {
    let model = model::load(&arguments.file, &arguments.model, console)?;
    let (graph, files) = (&model.graph().graph, model.files());
    if arguments.path.as_deref() == Some("") {
        let empty = Diagnostic::without_place(Code::E202, "an empty path names no parameter and no layer");
        return Err(console.fail(&empty.help("`cnnc params FILE`, without a path, lists them all"), files));
    }
    let Some(path) = &arguments.path else {
        if arguments.weights.weights.is_some() {
            weights::load_or_draw(&model, &arguments.weights, arguments.seed, console)?;
        }
        return list(graph, console);
    };
    let found = find(graph, path).map_err(|unknown| console.fail(&unknown, files))?;
    let values = weights::load_or_draw(&model, &arguments.weights, arguments.seed, console)?;
    for parameter in found.parameters {
        let tensor = values.get(&parameter.path).map_err(|failure| console.fail(&failure, files))?;
        let tensor = indexed(&tensor, &found.indices).ok_or_else(|| out_of_range(path, parameter));
        let tensor = tensor.map_err(|diagnostic| console.fail(&diagnostic, &Files::default()))?;
        let indices: String = found.indices.iter().map(|index| format!("[{index}]")).collect();
        let head = format!("{}{indices} {:?}", parameter.path, tensor.shape());
        console.print(&format!("{}\n{}\n", console.bold(&head), self::values(&tensor)))?;
    }
    Ok(())
}

/// Prints a line a parameter, then their sum.
fn list(graph: &Graph, console: &mut Console<'_>) -> Outcome {
    let shape = |parameter: &Parameter| format!("{:?}", parameter.shape);
    let width = |text: &dyn Fn(&Parameter) -> usize| graph.parameters.iter().map(text).max().unwrap_or(0);
    let paths = width(&|parameter| column_width([&*parameter.path]));
    let shapes = width(&|parameter| column_width([shape(parameter).as_str()]));
    for parameter in &graph.parameters {
        let kind = if parameter.trainable { "" } else { "  buffer" };
        let aliases = match parameter.aliases.as_slice() {
            [] => String::new(),
            aliases => format!("  also {}", aliases.join(", ")),
        };
        let (path, shape) = (padded(&parameter.path, paths), padded(&shape(parameter), shapes));
        let line = format!("{path}  {shape}{kind}{aliases}");
        console.print(&format!("{}\n", line.trim_end()))?;
    }
    let total = |trainable| {
        let chosen = graph.parameters.iter().filter(|parameter| parameter.trainable == trainable);
        chosen.map(|parameter| parameter.shape.iter().product::<usize>() as u64).fold(0, u64::saturating_add)
    };
    let mut text = counted(total(true) as usize, "parameter");
    if total(false) > 0 {
        text += &format!(", {} in buffers", grouped(total(false)));
    }
    console.print(&(text + "\n"))
}

/// What a path leads to.
struct Selection<'g> {
    parameters: Vec<&'g Parameter>,
    /// Indices into the one parameter.
    indices: Vec<usize>,
}

/// The parameter of that path, or all under it.
fn find<'g>(graph: &'g Graph, path: &str) -> Result<Selection<'g>, Box<Diagnostic>> {
    if let Some(parameters) = under(graph, path) {
        return Ok(Selection { parameters, indices: Vec::new() });
    }
    let unknown = || {
        let known = graph.parameters.iter().map(|parameter| parameter.path.as_ref());
        let known = known.chain(graph.modules.iter().map(|module| module.path.as_ref()));
        let unknown =
            Diagnostic::without_place(Code::E202, format!("{} has no parameter or layer `{path}`", graph.name));
        Box::new(match nearest(path, known) {
            Some(near) => unknown.help(format!("there is `{near}`")),
            None => unknown.help("`cnnc params FILE` lists them all"),
        })
    };
    let (place, indices) = followed(graph, path).ok_or_else(unknown)?;
    let parameters = under(graph, &place).ok_or_else(unknown)?;
    match parameters.as_slice() {
        [_] => Ok(Selection { parameters, indices }),
        _ if indices.is_empty() => Ok(Selection { parameters, indices }),
        _ => Err(unknown()),
    }
}

/// The parameter with that key, or those whose keys begin with it.
fn under<'g>(graph: &'g Graph, path: &str) -> Option<Vec<&'g Parameter>> {
    let is = |key: &str| key == path;
    let exact = |parameter: &&Parameter| is(&parameter.path) || parameter.aliases.iter().any(|alias| is(alias));
    if let Some(parameter) = graph.parameters.iter().find(exact) {
        return Some(vec![parameter]);
    }
    let below = |key: &str| key.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    let inside = |parameter: &&Parameter| below(&parameter.path) || parameter.aliases.iter().any(|alias| below(alias));
    let inside: Vec<&Parameter> = graph.parameters.iter().filter(inside).collect();
    (!inside.is_empty()).then_some(inside)
}

/// Follows names and positions in brackets from the model on: the key, and the indices behind it.
fn followed(graph: &Graph, path: &str) -> Option<(String, Vec<usize>)> {
    let mut module: Option<&Module> = graph.modules.first();
    let mut names: Vec<&str> = Vec::new();
    let mut indices = Vec::new();
    let children = |module: &'_ Module| module.children.iter().filter_map(|&id| graph.module(id)).collect::<Vec<_>>();
    for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
        let position = part.strip_suffix(']').map(|number| number.parse::<usize>());
        let here = module.map(children).unwrap_or_default();
        match position {
            Some(Ok(position)) if !here.is_empty() => {
                module = Some(*here.get(position)?);
                names.push(module?.name());
            }
            Some(Ok(position)) => indices.push(position),
            Some(Err(_)) => return None,
            None => {
                module = here.iter().find(|child| child.name() == part).copied();
                names.push(part);
            }
        }
    }
    Some((names.join("."), indices))
}

/// The part of a tensor under these indices.
fn indexed(tensor: &Tensor, indices: &[usize]) -> Option<Tensor> {
    if indices.is_empty() {
        return Some(tensor.clone());
    }
    let mut shape = tensor.shape();
    let mut data = tensor.counts().is_none().then(|| tensor.data())?;
    for &index in indices {
        let (&size, inner) = shape.split_first()?;
        let elements: usize = inner.iter().product();
        data = (index < size).then(|| &data[index * elements..(index + 1) * elements])?;
        shape = inner;
    }
    Tensor::new(shape, data.to_vec())
}

fn out_of_range(path: &str, parameter: &Parameter) -> Diagnostic {
    Diagnostic::without_place(Code::E202, format!("`{path}` is past the end"))
        .note(format!("`{}` is {:?}; indices count from 0", parameter.path, parameter.shape))
}
