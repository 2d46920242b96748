//! From what a recipe says of its data to the data set: files on the disk, or tensors that stand in the recipe.

use super::recipe::{ClassWeightsChoice, Recipe};
use super::setup::known_classes;
use crate::data::{self, DataSet, Format, Pair, SetName, Transform};
use crate::failure::note;
use crate::weights::OpenWeights;
use crate::{Result, WeightsOptions};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::graph::ShapedGraph;
use std::path::Path;

/// Classes that a note names.
const MOST_NAMED: usize = 20;

/// Opens a recipe's data for a network. Of arrays axes that are missing before the others are added, of size 1.
///
/// Classes with names have the numbers that the model's `labels` give them; without those, the numbers that they have in the
/// weights which the training begins from, unless other classes are to be told apart by a new head.
///
/// # Errors
/// As [`data::Source::open`]; E610 when a class by name is none of those that are known, or pictures cannot be read and the
/// recipe wants that to be found out first.
pub fn open_data(recipe: &Recipe, graph: &ShapedGraph) -> Result<DataSet> {
    let names = match &recipe.weights {
        Some(choice) if choice.ignore.is_empty() => file_names(&choice.file, &choice.options)?,
        _ => None,
    };
    let known = known_names(graph, names);
    let opened = match (&recipe.data.tensors, recipe.data.source.format) {
        (Some((train, validation)), _) => {
            data::arrays(grown(graph, train.clone()), validation.clone().map(|pair| grown(graph, pair)))?
        }
        (None, Format::Npy) => {
            let [train, validation] =
                [SetName::Train, SetName::Validation].map(|set| data::read_arrays(&recipe.data.source.path, set));
            data::arrays(grown(graph, train?), Some(grown(graph, validation?)))?
        }
        _ => recipe.data.source.open()?,
    };
    let mut data = finished(recipe, opened, known)?;
    data.notes.extend(without_samples(&data, graph));
    Ok(data)
}

/// A note of the classes by number that there is nothing to learn of.
fn without_samples(data: &DataSet, graph: &ShapedGraph) -> Option<Diagnostic> {
    let classes = known_classes(graph).filter(|_| data.target.is_none() && data.class_names.is_none())?;
    // A label that is no class is an error of its own.
    let counts = Some(data::counts_of(&*data.train, classes)).filter(|_| data.classes <= classes)?;
    let absent: Vec<String> = (0..classes).filter(|&class| counts[class] == 0).map(|class| class.to_string()).collect();
    let more = if absent.len() > MOST_NAMED { ", …" } else { "" };
    let named = absent.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
    let said = match absent.len() {
        0 => return None,
        1 => format!("the training set has no picture of class {named}"),
        count => format!("the training set has no picture of {count} classes: {named}{more}"),
    };
    Some(note(Code::E610, said))
}

/// Opens one set of a recipe's data, to be asked alone, with the numbers that the weights of a file give the classes where the
/// model has no `labels`.
///
/// # Errors
/// As [`open_data`], and E610 where it cannot be known which number of the answer a class by name has.
pub fn open_set(recipe: &Recipe, graph: &ShapedGraph, set: SetName, weights: Option<&Path>) -> Result<DataSet> {
    let names = weights.filter(|path| path.exists());
    let names = names.map(|path| file_names(path, &WeightsOptions::default())).transpose()?.flatten();
    let known = known_names(graph, names);
    let opened = match (&recipe.data.tensors, recipe.data.source.format) {
        (Some((train, validation)), _) => {
            let asked = validation.as_ref().filter(|_| set != SetName::Train).unwrap_or(train);
            DataSet::alone(data::of_arrays(grown(graph, asked.clone()))?)
        }
        (None, Format::Npy) => {
            DataSet::alone(data::of_arrays(grown(graph, data::read_arrays(&recipe.data.source.path, set)?))?)
        }
        // What is counted is counted in the training set.
        _ if recipe.class_weights.as_ref().is_some_and(ClassWeightsChoice::is_balanced) => {
            open_with_training(recipe, set)?
        }
        _ => recipe.data.source.open_alone(set)?,
    };
    if known.is_none()
        && let (Some(names), Some(classes)) = (&opened.class_names, known_classes(graph))
        && has_names(recipe)
        && names.len() < classes
    {
        let message = format!(
            "the data have {} classes by name, the model tells {classes} apart, and nothing says which number a name has",
            names.len()
        );
        let unknown = crate::failure::failure(Code::E610, message);
        return Err(
            unknown.help("name all of them by `labels` in the spec, or evaluate weights that were trained with names")
        );
    }
    finished(recipe, opened, known)
}

/// A set that is asked, beside the training set in which the weights of classes are counted.
fn open_with_training(recipe: &Recipe, set: SetName) -> Result<DataSet> {
    let source = &recipe.data.source;
    source.open_with(set).or_else(|failure| {
        // What is wrong with the set itself has nothing to do with weights.
        source.open_alone(set)?;
        let key = recipe.class_weights.as_ref().map_or("", |choice| choice.key.as_str());
        let without = format!("`{key}` is counted from the training set: `--set {key}=null` evaluates without it");
        Err(failure.help(without))
    })
}

/// A pair with the axes of the network's input and answer.
fn grown(graph: &ShapedGraph, pair: Pair) -> Pair {
    let of_input = graph.graph.inputs.first().map_or(0, |input| input.shape.len());
    let of_output = graph.graph.outputs.first().map_or(0, |output| graph.shape(output.node).len());
    pair.with_axes(of_input, of_output)
}

/// Whether the data's classes have names of people's making.
fn has_names(recipe: &Recipe) -> bool {
    matches!(recipe.data.source.format, Format::Folder | Format::List | Format::MultiLabel)
}

/// The names of classes that are known before the data are, in the order of their numbers, and what messages call them.
fn known_names(graph: &ShapedGraph, of_file: Option<Vec<String>>) -> Option<(Vec<String>, &'static str)> {
    match &graph.graph.labels {
        Some(labels) => Some((labels.to_vec(), "the model's `labels`")),
        None => of_file.map(|names| (names, "the classes that the weights were trained with")),
    }
}

/// The names of the classes that a file of weights was trained with, where it has them.
fn file_names(path: &Path, options: &WeightsOptions) -> Result<Option<Vec<String>>> {
    OpenWeights::open(path, options).map(|open| open.class_names())
}

/// The data set with the numbers of known names; every picture of it read once where the recipe wants that.
fn finished(recipe: &Recipe, opened: DataSet, known: Option<(Vec<String>, &'static str)>) -> Result<DataSet> {
    let choice = &recipe.data;
    let mut data = match known {
        Some((names, of)) if has_names(recipe) => data::by_names(opened, &names, of, &choice.source.path)?,
        _ => opened,
    };
    let is_emnist = !data.train.is_empty() && data.train.name(0).to_lowercase().contains("emnist");
    let is_turned = choice.train.iter().flatten().any(|transform| matches!(transform, Transform::Transpose(_)));
    if is_emnist && choice.source.format == Format::Idx && !is_turned {
        let said = "EMNIST's pictures lie transposed; `transpose`, the first of the transforms, puts them upright";
        data.notes.push(note(Code::E610, said));
    }
    if choice.check {
        let [train, validation] =
            [&data.train, &data.validation].map(|set| data::check(set.clone(), choice.skip_corrupt));
        let ((train, left_out), (validation, others)) = (train?, validation?);
        (data.train, data.validation) = (train, validation);
        data.notes.extend(left_out.iter().chain(&others).map(data::Skipped::note));
    }
    Ok(data)
}
