//! `cnnc params FILE [PATH]`: the parameters by name and shape, or the values of one, of a part of it, or of all that a layer
//! holds; changed by hand, and saved.

mod change;
pub mod selection;

use crate::arguments::Params;
use crate::console::{Console, Outcome};
use crate::draw::kernels;
use crate::numbers::{column_width, counted, grouped, padded};
use crate::outputs::{self, Read};
use crate::slice::Part;
use crate::values::values;
use crate::{model, weights};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::graph::{Graph, Parameter};
use cnnc_compiler::resolve::SETTINGS_FILE;
use cnnc_grammar::span::Files;
use cnnc_runtime::{Model, Tensor, Weights, write_whole};
use selection::{Argument, Selection, find};
use std::path::Path;

/// What messages call the path that is asked for.
const PATH: &str = "PATH";

/// Lists the parameters, prints values, changes them, saves them.
pub fn params(arguments: &Params, console: &mut Console<'_>) -> Outcome {
    let model = model::load(&arguments.file, &arguments.network(), console)?;
    let graph = &model.graph().graph;
    let mut files = model.files().clone();
    if arguments.path.as_deref().is_some_and(|path| path.trim().is_empty()) {
        let empty = Diagnostic::without_place(Code::E202, "an empty path names no parameter and no layer");
        return Err(console.fail(&empty.help("`cnnc params FILE`, without a path, lists them all"), &files));
    }
    if let Some(key) = arguments.path.as_deref().and_then(|path| path.trim().strip_suffix(".grad")) {
        let file = files.add(PATH, key);
        if find(graph, Argument { text: key, file }).is_ok() {
            let way = format!("`cnnc grad {} {key}` does one", arguments.file.display());
            return console.print(&format!("{key}.grad: none, since there was no backward pass; {way}\n"));
        }
    }
    let mut problems: Vec<Diagnostic> = Vec::new();
    let selected = arguments.path.as_deref().map(|text| {
        let file = files.add(PATH, text);
        find(graph, Argument { text, file }).map_err(|wrong| problems.push(*wrong))
    });
    let mut changes = Vec::new();
    for text in arguments.changes() {
        let file = files.add(SETTINGS_FILE, text);
        match change::read(graph, Argument { text, file }) {
            Ok(change) => changes.push(change),
            Err(wrong) => problems.push(*wrong),
        }
    }
    if !problems.is_empty() {
        return Err(console.report(&problems, &files));
    }
    let selected = selected.and_then(Result::ok);
    for path in arguments.save.iter().chain(&arguments.picture) {
        may_save(arguments, path, &model, console)?;
    }
    let drawn = match (&arguments.picture, &selected) {
        (Some(path), Some(selection)) => Some((path, drawn(selection, &files, console)?)),
        _ => None,
    };
    if selected.is_none() && changes.is_empty() && arguments.save.is_none() {
        if arguments.weights.weights.is_some() {
            weights::load_or_draw(&model, &arguments.weights, arguments.seed, console)?;
        }
        return list(graph, console);
    }
    let mut weights = weights::load_or_draw(&model, &arguments.weights, arguments.seed, console)?;
    for change in &changes {
        let said = change.make(&mut weights).map_err(|failure| console.fail(&failure, &files))?;
        console.print(&said)?;
    }
    if let Some(selection) = selected {
        print(&selection, &weights, &files, console)?;
        if let Some((path, parameter)) = drawn {
            let tensor = weights.get(&parameter.path).map_err(|failure| console.fail(&failure, &files))?;
            let tensor = selection
                .part
                .as_ref()
                .and_then(|part| taken(&tensor, part))
                .unwrap_or_else(|| tensor.as_ref().clone());
            let picture = kernels::parameter(&format!("{}{}", parameter.path, selection.indices), &tensor);
            let picture = picture.map_err(|error| console.show(&error))?;
            let written = write_whole(path, |writer| writer.write_all(&picture));
            written.map_err(|failure| console.fail(&failure, &files))?;
            console.print(&format!("picture: {}\n", path.display()))?;
        }
    }
    match &arguments.save {
        Some(path) => save(weights, path, &files, console),
        None if changes.is_empty() => Ok(()),
        None => {
            console.remark(Code::E601, "the changes are kept nowhere; --save FILE writes all parameters");
            Ok(())
        }
    }
}

/// The one parameter that a picture is made of.
fn drawn<'g>(selection: &Selection<'g>, files: &Files, console: &mut Console<'_>) -> Outcome<&'g Parameter> {
    let refused = |message: String, help: &str| Diagnostic::without_place(Code::E604, message).help(help);
    let wrong = match selection.parameters.as_slice() {
        [parameter] if !parameter.is_counter => return Ok(parameter),
        [parameter] => refused(format!("`{}` counts, and a count has no picture", parameter.path), "name a parameter"),
        several => {
            let keys: Vec<String> = several.iter().map(|parameter| format!("`{}`", parameter.path)).collect();
            refused(format!("a picture is of one parameter, and PATH names {}", keys.join(", ")), "name one of them")
        }
    };
    Err(console.fail(&wrong, files))
}

/// Prints the values of parameters, or of a part of one, each under its key and the others that it has.
fn print(selection: &Selection<'_>, weights: &Weights, files: &Files, console: &mut Console<'_>) -> Outcome {
    let Selection { parameters, part, indices } = selection;
    for parameter in parameters {
        let tensor = weights.get(&parameter.path).map_err(|failure| console.fail(&failure, files))?;
        let tensor = part.as_ref().and_then(|part| taken(&tensor, part)).unwrap_or_else(|| tensor.as_ref().clone());
        let head = console.bold(&format!("{}{indices} {:?}", parameter.path, tensor.shape()));
        let aliases: Vec<String> = parameter.aliases.iter().map(|alias| format!("{alias}{indices}")).collect();
        let also = if aliases.is_empty() { String::new() } else { format!("  also {}", aliases.join(", ")) };
        console.print(&format!("{head}{also}\n{}\n", values(&tensor)))?;
    }
    Ok(())
}

/// A part of a tensor.
pub fn taken(tensor: &Tensor, part: &Part) -> Option<Tensor> {
    let (shape, places) = (part.shape(), part.places());
    match tensor.counts() {
        Some(counts) => {
            Tensor::of_counts(&shape, places.iter().map(|&place| counts.get(place).copied()).collect::<Option<_>>()?)
        }
        None => {
            Tensor::new(&shape, places.iter().map(|&place| tensor.data().get(place).copied()).collect::<Option<_>>()?)
        }
    }
}

/// Refuses to write over what this command reads; over the weights only unless that is wanted.
fn may_save(arguments: &Params, path: &Path, model: &Model, console: &mut Console<'_>) -> Outcome {
    outputs::check(path, outputs::sources(model.files())).map_err(|wrong| console.fail(&wrong, &Files::default()))?;
    let weights = arguments.weights.weights.iter().filter(|_| !arguments.force);
    let checked = outputs::check(path, weights.map(|path| Read { role: "the weights", path }));
    checked.map_err(|wrong| console.fail(&wrong.help("or write over it with --force"), &Files::default()))
}

/// Writes all parameters. Their values are read before, since the file that they lie in may be the one that is written.
fn save(mut weights: Weights, path: &Path, files: &Files, console: &mut Console<'_>) -> Outcome {
    let keys: Vec<String> = weights.keys().map(|(key, _)| key.to_owned()).collect();
    let mut write = || {
        for key in &keys {
            let held = weights.get(key)?;
            weights.set(key, &*held)?;
        }
        weights.save(path)
    };
    write().map_err(|failure| console.fail(&failure, files))?;
    console.print(&format!("saved {}: {}\n", counted(keys.len(), "tensor"), path.display()))
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
