//! From a recipe, a network and a data set to what a run needs of them: pipelines, classes, and the settings that its numbers
//! depend on.

use super::class_weights;
use super::recipe::{Frozen, PrintValue, Recipe};
use super::schedule::Length;
use crate::data::{DataSet, Pipeline, Samples, Transform};
use crate::failure::failure;
use crate::random::fnv1a;
use crate::{Error, Result, labels};
use cnnc_compiler::diagnostic::{Code, Label, nearest};
use cnnc_compiler::graph::print::print_graph;
use cnnc_compiler::graph::{ImageTransform, ShapedGraph};
use cnnc_compiler::shape::{Dim, Shape};
use cnnc_compiler::training::{Average, Loss};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a run needs.
#[derive(Clone)]
pub struct Setup {
    /// What is done to a picture before training.
    pub train: Arc<Pipeline>,
    /// What is done to a picture before validation.
    pub validation: Arc<Pipeline>,
    /// The classes that the model tells apart; 0 where it answers with numbers.
    pub classes: usize,
    /// The sizes of the answer to one sample: the classes, or those of the numbers.
    pub answer: Vec<usize>,
    /// The sizes of what the answer is compared with, where that is numbers, or ones and zeros for several classes.
    pub target: Option<Vec<usize>>,
    /// The loss, with the weights of the classes.
    pub loss: Loss,
    /// Batches of an epoch.
    pub batches: usize,
}

impl Setup {
    /// Holds network and data against each other.
    ///
    /// # Errors
    /// E610 when they do not fit.
    pub fn new(recipe: &Recipe, graph: &ShapedGraph, data: &DataSet) -> Result<Setup> {
        let unfit = |reason| unfit(recipe, graph, reason);
        let [input] = graph.graph.inputs.as_slice() else {
            let inputs = graph.graph.inputs.len();
            return Err(unfit(format!("takes {inputs} inputs, and a data set of pictures is one")));
        };
        let image = input.image.as_ref();
        if let Some(batch) = input.shape.first().and_then(number) {
            let mut fixed = unfit(format!("takes batches of {batch} alone: its input is {}", input.shape));
            fixed.help.push(format!("leave the batch open in the spec: `input {}`", input.shape).replacen(
                &batch.to_string(),
                "N",
                1,
            ));
            return Err(fixed);
        }
        if graph.graph.outputs.len() > 1 {
            let names: Vec<Arc<str>> = graph.graph.outputs.iter().map(|output| output.name.clone()).collect();
            let mut several = unfit(format!("gives {} outputs, {}, and one is trained", names.len(), listed(&names)));
            let file = recipe.model.file.file_name().unwrap_or_default().to_string_lossy();
            let last = names.last().cloned().unwrap_or_default();
            several.help.push(format!("name it in the recipe: `model: {{file: {file}, output: {last}}}`"));
            return Err(several);
        }
        check_print(recipe, graph)?;
        if let (Some(input_sizes), Some(target)) = (&data.input, &data.target) {
            let takes: Vec<Option<usize>> = input.shape.iter().skip(1).map(number).collect();
            check_sizes("takes", &takes, input_sizes, "inputs", &input.shape).map_err(unfit)?;
            check_answer(graph, target).map_err(unfit)?;
            let pipeline = Arc::new(Pipeline::of_arrays(input_sizes));
            let batches = batches(recipe, data)?;
            return Ok(Setup {
                train: pipeline.clone(),
                validation: pipeline,
                classes: 0,
                answer: target.clone(),
                target: Some(target.clone()),
                loss: recipe.training.loss.clone(),
                batches,
            });
        }
        let known = [1, 2, 3].map(|axis| input.shape.get(axis).and_then(number));
        let shape_of = |transforms: Option<&[Transform]>| match (known, size_after(transforms, image)) {
            ([Some(channels), Some(height), Some(width)], _) if input.shape.len() == 4 => Ok([channels, height, width]),
            ([Some(channels), height, width], Some(size)) if input.shape.len() == 4 => {
                Ok([channels, height.unwrap_or(size[0]), width.unwrap_or(size[1])])
            }
            _ => {
                let mut open = unfit(format!("takes {}, and pictures have four axes of known sizes", input.shape));
                open.help.push("give channels, height and width a number in the spec: `input [N, 3, 32, 32]`".into());
                if let ([Some(_), ..], 4) = (known, input.shape.len()) {
                    open.help.push("or bring all pictures to one size in the recipe: `- resize: [32, 32]`".into());
                }
                Err(open)
            }
        };
        let [of_train, of_validation] =
            [&recipe.data.train, &recipe.data.validation].map(|list| shape_of(list.as_deref()));
        let place = recipe.data.source.path.display();
        let classes = match &data.target {
            Some(target) => check_answer(graph, target).map(|()| 0).map_err(unfit)?,
            None => classes(graph).map_err(unfit)?,
        };
        if data.classes > classes {
            let found = data.classes;
            let mut more = unfit(format!("tells {classes} classes apart, and the data in `{place}` have {found}"));
            let train = &data.train;
            let mut labels = (0..train.len()).flat_map(|index| train.labels(index).unwrap_or(vec![train.label(index)]));
            if data.class_names.is_none() && found == classes + 1 && labels.all(|label| label > 0) {
                more.notes.push(format!("their labels count from 1, to {classes}"));
                more.help.push("`first_label: 1` under `data` takes 1 for the first class".into());
            }
            return Err(more);
        }
        if data.target.is_none() {
            for samples in [&data.train, &data.validation] {
                check_labels(samples.as_ref(), classes)?;
            }
        }
        let pipeline =
            |transforms: &Option<Vec<_>>, shape| Pipeline::new(transforms.as_deref(), image, shape).map(Arc::new);
        let batches = batches(recipe, data)?;
        let pipelines = [pipeline(&recipe.data.train, of_train?), pipeline(&recipe.data.validation, of_validation?)];
        let [train, validation] = pipelines.map(|made| made.map_err(|failure| at_model(recipe, failure)));
        let (train, validation) = (train?, validation?);
        let answer = data.target.clone().unwrap_or_else(|| vec![classes]);
        let target = data.target.clone().or_else(|| data.multi_label.then(|| answer.clone()));
        let loss = class_weights::weighted(recipe, data, classes)?;
        Ok(Setup { train, validation, classes, answer, target, loss, batches })
    }

    /// The loss that steps make smaller: where samples are mixed, that of the chances of classes.
    pub fn training_loss(&self, recipe: &Recipe) -> Loss {
        let loss = self.loss.clone();
        if recipe.data.mix.is_some() { loss.soft() } else { loss }
    }

    /// The length of a run.
    pub fn length(&self, recipe: &Recipe) -> Length {
        Length { epochs: recipe.epochs, batches: self.batches }
    }

    /// Everything that the numbers of a run depend on, as text: what a checkpoint is compared by. `arithmetic` is what decides
    /// how the device rounds.
    pub fn settings(
        &self,
        recipe: &Recipe,
        graph: &ShapedGraph,
        data: &DataSet,
        arithmetic: String,
    ) -> BTreeMap<String, String> {
        let init = recipe.init.iter().map(|entry| format!("{}: {}", entry.key, entry.value));
        let frozen = recipe.freeze.iter().any(|frozen| frozen.epochs.is_some());
        let frozen = frozen.then(|| ("freeze", format!("({})", listed_epochs(recipe))));
        let settings = [
            ("model", format!("{} (digest {:016x})", graph.graph.name, fnv1a(&print_graph(&graph.graph)))),
            ("init", init.collect::<Vec<String>>().join("; ")),
            ("data", format!("{} + {} pictures{}", data.train.len(), data.validation.len(), chosen(recipe))),
            (
                "data.train",
                format!("{:?}{}", self.train, recipe.data.mix.map_or_else(String::new, |mix| format!("{mix:?}"))),
            ),
            ("data.corrupt", if recipe.data.skip_corrupt { "skip" } else { "stop" }.into()),
            ("data.drop_last", recipe.data.drop_last.to_string()),
            ("data.sampler", if recipe.data.balanced { "balanced" } else { "shuffle" }.into()),
            ("loss", format!("{:?}", self.loss)),
            ("optimizer", format!("{:?}, lr {}{}", recipe.training.optimiser, recipe.learning_rate, average(recipe))),
            ("schedule", format!("{:?}", recipe.schedule.resolved(self.length(recipe)))),
            ("clip_grad_norm", format!("{:?}", recipe.training.max_gradient_norm)),
            ("batch_size", recipe.batch_size.to_string()),
            ("seed", recipe.seed.to_string()),
            ("instruction set", arithmetic),
            ("version", env!("CARGO_PKG_VERSION").into()),
        ];
        // What a recipe does not say is none of them, so that checkpoints from before there was such a key go on.
        let accumulate = (recipe.accumulate > 1).then(|| ("accumulate", recipe.accumulate.to_string()));
        settings.into_iter().chain(frozen).chain(accumulate).map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// What is frozen, and for how many epochs.
fn listed_epochs(recipe: &Recipe) -> String {
    let one = |frozen: &Frozen| {
        let keys: Vec<&str> = frozen.parameters.iter().map(|pattern| pattern.text.as_str()).collect();
        format!("{} {:?}", keys.join(" "), frozen.epochs)
    };
    recipe.freeze.iter().map(one).collect::<Vec<String>>().join(", ")
}

/// The running mean that is kept, where a recipe wants one.
fn average(recipe: &Recipe) -> String {
    let without = |average: Average| if average.use_buffers { "" } else { " without buffers" };
    recipe.training.average.map_or_else(String::new, |one| format!(", ema {}{}", one.decay, without(one)))
}

/// Which of the pictures they are, of which classes and how these are counted, where a recipe says that.
fn chosen(recipe: &Recipe) -> String {
    let source = &recipe.data.source;
    let split = source.split.map_or_else(String::new, |share| format!(", split {share}"));
    let first = if source.first_label > 0 { format!(", first_label {}", source.first_label) } else { String::new() };
    let classes: Vec<&str> = source.classes.iter().flatten().map(|choice| choice.name.as_str()).collect();
    let classes = if classes.is_empty() { String::new() } else { format!(", classes [{}]", classes.join(", ")) };
    split + &first + &classes
}

/// The batches of an epoch.
fn batches(recipe: &Recipe, data: &DataSet) -> Result<usize> {
    let count = data.train.len();
    let batches = match recipe.data.drop_last {
        true => count / recipe.batch_size,
        false => count.div_ceil(recipe.batch_size),
    };
    if batches > 0 {
        return Ok(batches);
    }
    let (place, size) = (recipe.data.source.path.display(), recipe.batch_size);
    let message = format!("the training set in `{place}` has {count} pictures, less than one batch of {size}");
    let mut empty = failure(Code::E610, message);
    empty.labels.push(Label { span: recipe.batch_size_place, text: "the size of a batch".into() });
    empty
        .help
        .push(format!("make `batch_size` {count} or less, or leave `drop_last` out").replace("0 or less", "smaller"));
    Err(empty)
}

/// E607 with the first value that is to be printed and is no parameter.
fn check_print(recipe: &Recipe, graph: &ShapedGraph) -> Result<()> {
    for value in recipe.print.iter().flat_map(|print| &print.values) {
        let PrintValue::Parameter(key, place) = value else { continue };
        let known = || graph.graph.parameters.iter().map(|parameter| &*parameter.path);
        if known().all(|known| known != key) {
            let mut unknown = failure(Code::E607, format!("{} has no parameter `{key}` to print", graph.graph.name));
            unknown.labels.push(Label { span: *place, text: "unknown key".into() });
            unknown.help.extend(nearest(key, known()).map(|near| format!("there is `{near}`")));
            return Err(unknown);
        }
    }
    Ok(())
}

/// In words why sizes of the data are not those of the network, of which some may be open.
fn check_sizes(
    verb: &str,
    wanted: &[Option<usize>],
    found: &[usize],
    what: &str,
    shape: &Shape,
) -> std::result::Result<(), String> {
    let fits = wanted.len() == found.len()
        && wanted.iter().zip(found).all(|(wanted, found)| wanted.is_none_or(|wanted| wanted == *found));
    let found: Vec<String> = std::iter::once("N".to_owned()).chain(found.iter().map(usize::to_string)).collect();
    if fits { Ok(()) } else { Err(format!("{verb} {shape}, and the {what} of the data are [{}]", found.join(", "))) }
}

/// Whether a network's one answer is as the targets are.
fn check_answer(graph: &ShapedGraph, target: &[usize]) -> std::result::Result<(), String> {
    let shape = answer_shape(graph);
    let wanted: Vec<Option<usize>> = shape.iter().skip(1).map(number).collect();
    check_sizes("answers", &wanted, target, "targets", &shape)
}

/// E610 with the first sample whose label is no class.
fn check_labels(samples: &dyn Samples, classes: usize) -> Result<()> {
    let largest = |index: usize| match samples.labels(index) {
        None => Some(samples.label(index)),
        Some(labels) => labels.last().copied(),
    };
    let wrong = |index: usize| largest(index).filter(|&label| label >= classes).map(|label| (index, label));
    let Some((wrong, label)) = (0..samples.len()).find_map(wrong) else { return Ok(()) };
    let name = samples.name(wrong);
    Err(failure(Code::E610, format!("{name} has the label {label}, and {}", labels::known(classes))))
}

/// The classes of a network, where its one answer is a score for each.
pub fn known_classes(graph: &ShapedGraph) -> Option<usize> {
    classes(graph).ok()
}

/// The classes of a network whose one answer is `[N, classes]`, or why it has none.
fn classes(graph: &ShapedGraph) -> std::result::Result<usize, String> {
    let shape = answer_shape(graph);
    match shape.get(1).and_then(number).filter(|_| shape.len() == 2) {
        Some(classes) if classes > 0 => Ok(classes),
        _ => Err(format!("answers {shape}, and a score for each class is [N, classes]")),
    }
}

fn answer_shape(graph: &ShapedGraph) -> Shape {
    graph.graph.outputs.first().map(|output| graph.shape(output.node)).unwrap_or_default()
}

/// `a`, `b` and `c`
pub fn listed(names: &[Arc<str>]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => quoted.concat(),
    }
}

/// The size to which all pictures come, where a recipe or a spec says one.
fn size_after(transforms: Option<&[Transform]>, image: Option<&ImageTransform>) -> Option<[usize; 2]> {
    match transforms {
        Some(transforms) => transforms.iter().rev().find_map(Transform::size),
        None => image?.crop,
    }
}

/// A size without symbols.
fn number(size: &Dim) -> Option<usize> {
    size.at(&|_| None).and_then(|size| usize::try_from(size).ok())
}

fn unfit(recipe: &Recipe, graph: &ShapedGraph, reason: String) -> Error {
    at_model(recipe, failure(Code::E610, format!("the model {} {reason}", graph.graph.name)))
}

/// With the place where the recipe names the model.
fn at_model(recipe: &Recipe, mut failure: Error) -> Error {
    failure.labels.push(Label { span: recipe.model.place, text: "the recipe names the model here".into() });
    failure
}
