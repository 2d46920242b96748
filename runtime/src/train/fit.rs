//! A whole training in one call: the file of a recipe comes in, events on the way and a trained network in the run's folder go
//! out.

use super::learning::{set_learning, without_key};
use super::recipe::{self, Recipe, WeightsChoice};
use super::run::{Listener, Run, train};
use super::setup::listed;
use super::{Ending, Event, RunFolder, Setup, StepLearner, open_data};
use crate::failure::note;
use crate::weights::OpenWeights;
use crate::{Cancel, Device, DeviceOptions, Disk, Error, Model, Parameters, Result, Weights};
use cnnc_compiler::check::{Checked, Spec};
use cnnc_compiler::diagnostic::{Code, Diagnostic, Label, nearest};
use cnnc_compiler::graph::{Graph, NodeKind, Parameter, ShapedGraph, fits_pattern};
use cnnc_compiler::ops::Chances;
use cnnc_compiler::training::{Loss, Training};
use cnnc_compiler::watch::Watch;
use cnnc_grammar::span::{Files, Span};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// Keys that a note names; of more, their number is.
const MOST_NAMED: usize = 6;

/// Trains by a recipe, from the beginning, on the device that the recipe names. What it writes is in the recipe's folder. A
/// `cancel` ends it after the step, with a checkpoint.
///
/// # Errors
/// With all that is wrong with the recipe or its spec; E501 when there is no such device, E610 when the data do not fit the
/// network, E613 when the folder has another run, and as [`train`].
pub fn fit(recipe: impl AsRef<Path>, cancel: &Cancel, listener: &mut Listener<'_>) -> Result<Ending> {
    let path = recipe.as_ref();
    let text = recipe::load(path)?;
    let mut files = Files::default();
    let file = files.add(path.to_string_lossy(), text.as_str());
    let recipe = recipe::read(&text, file, path).map_err(|problems| Error::of_spec(problems, files.clone()))?;
    let (problems, model) = network(&recipe, &mut files, &mut ());
    let Some(model) = model else { return Err(Error::of_spec(problems, files)) };
    let mut trained = || {
        let data = open_data(&recipe, model.graph())?;
        let setup = Setup::new(&recipe, model.graph(), &data)?;
        let device = Device::open(recipe.device, &DeviceOptions::default().threads(recipe.threads))?;
        let folder = RunFolder::take(&recipe.output, None, false)?;
        data.notes.iter().for_each(|said| listener(Event::Noted(said)));
        let (resume, stop, device) = (None, &*cancel.0, &device);
        learn(&Run { recipe: &recipe, model: &model, data: &data, setup, resume, stop, device }, folder, listener)
    };
    trained().map_err(|error| error.within(&files))
}

/// Trains the parameters that the recipe's seed draws, or those of the run's checkpoint: [`train`] with the recipe's own steps.
///
/// # Errors
/// As [`train`], and when the network cannot be trained so, or not in batches of that size.
pub fn learn(run: &Run<'_>, folder: RunFolder, listener: &mut Listener<'_>) -> Result<Ending> {
    let parameters = begun(run, listener)?;
    train(run, folder, &mut learner(run, parameters)?, listener)
}

/// The parameters that a run begins with: those that its seed draws, or of the weights that its recipe names.
///
/// # Errors
/// E602 and those of files, where the weights cannot be begun from.
pub fn begun(run: &Run<'_>, listener: &mut Listener<'_>) -> Result<Parameters> {
    let Run { recipe, model, .. } = run;
    let of_model = (recipe.model.place, "the recipe names the model here");
    let parameters = Parameters::draw(&model.graph().graph, recipe.seed).map_err(|failure| at(of_model, failure))?;
    match (&recipe.weights, run.resume) {
        (Some(choice), None) => begun_from(choice, model, parameters, listener),
        _ => Ok(parameters),
    }
}

/// What does the steps of a run, from these parameters on.
///
/// # Errors
/// When the network cannot be trained as the recipe says, or not in batches of that size.
pub fn learner(run: &Run<'_>, parameters: Parameters) -> Result<StepLearner> {
    let Run { recipe, model, data, setup, device, .. } = run;
    let samples = recipe.part_size().min(data.train.len());
    let shape: Vec<usize> = std::iter::once(samples).chain(setup.train.shape().iter().copied()).collect();
    let weights = Weights::of(model, parameters);
    let training = Training { loss: setup.training_loss(recipe), ..recipe.training.clone() };
    let in_parts = recipe.accumulate > 1;
    let learner = StepLearner::new(model, training, &weights, shape, setup.classes, device, in_parts);
    learner.map_err(|failure| match failure.code {
        Code::E401 | Code::E504 if samples > 1 => {
            let parts = 2 * recipe.accumulate;
            let more = format!("`accumulate: {parts}` computes each batch in {parts} parts, one after another");
            at((recipe.batch_size_place, "in batches of this size"), failure).help(more)
        }
        Code::E401 | Code::E504 => at((recipe.batch_size_place, "in batches of this size"), failure),
        _ => at((recipe.model.place, "the recipe names the model here"), failure),
    })
}

/// The parameters of a file of weights, and those drawn that the recipe leaves out of it; what was done is said.
fn begun_from(
    choice: &WeightsChoice,
    model: &Model,
    drawn: Parameters,
    listener: &mut Listener<'_>,
) -> Result<Parameters> {
    let graph = &model.graph().graph;
    let is_ignored = |key: &str| choice.ignore.iter().any(|pattern| fits_pattern(&pattern.text, key));
    let begun = || {
        let open = OpenWeights::open(&choice.file, &choice.options)?;
        for pattern in &choice.ignore {
            let in_model = graph.parameters.iter().any(|parameter| pattern.fits(parameter));
            if !in_model && !open.tensors().iter().any(|(key, _)| fits_pattern(&pattern.text, key)) {
                let file = choice.file.display();
                let message = format!("neither {} nor `{file}` has a parameter `{}`", graph.name, pattern.text);
                return Err(Error::new(without_key(pattern, message, graph), &Files::default()));
            }
        }
        let differing = differing_layers(graph, &open.tensors());
        open.fit_without(graph, is_ignored).map_err(|failure| match (failure.code, differing.is_empty()) {
            (Code::E602, false) => failure.help(format!(
                "layers that are to be drawn anew are left out by `ignore` under `weights`: `ignore: [{}]`",
                differing.join(", ")
            )),
            _ => failure,
        })
    };
    let begun = begun().map_err(|failure| at((choice.place, "the recipe begins from these weights"), failure));
    let mut begun = begun?;
    let paths = graph.parameters.iter().map(|parameter| &parameter.path);
    let anew: Vec<_> = paths.filter(|path| begun.parameters.shape(path).is_none()).cloned().collect();
    if !anew.is_empty() {
        let (count, file) = (anew.len(), choice.file.display());
        let all = if count > MOST_NAMED { format!("{}, …", listed(&anew[..MOST_NAMED])) } else { listed(&anew) };
        let are = if count == 1 { "tensor is" } else { "tensors are" };
        begun.notes.push(note(Code::E602, format!("`{file}`: {count} {are} drawn anew, as `ignore` says: {all}")));
    }
    for said in &begun.notes {
        listener(Event::Noted(said));
    }
    Ok(drawn.with(&begun.parameters))
}

/// Patterns of the layers whose tensors a file lacks or has in other sizes; none where that is most of them.
fn differing_layers(graph: &Graph, tensors: &[(String, Vec<usize>)]) -> Vec<String> {
    let held: HashSet<(&str, &[usize])> = tensors.iter().map(|(key, shape)| (key.as_str(), shape.as_slice())).collect();
    let differs = |parameter: &&Parameter| {
        !parameter.is_counter && !held.contains(&(parameter.path.as_ref(), parameter.shape.as_slice()))
    };
    let differing: Vec<&Parameter> = graph.parameters.iter().filter(differs).collect();
    if differing.len() * 2 > graph.parameters.len() {
        return Vec::new();
    }
    let layer = |parameter: &&Parameter| match parameter.path.rsplit_once('.') {
        Some((layer, _)) => format!("\"{layer}.*\""),
        None => format!("\"{}\"", parameter.path),
    };
    let mut layers: Vec<String> = differing.iter().map(layer).collect();
    layers.dedup();
    layers
}

/// The network that a recipe names, and what is to be said of it; `files` takes its sources in.
pub fn network(recipe: &Recipe, files: &mut Files, watch: &mut dyn Watch) -> (Vec<Diagnostic>, Option<Model>) {
    let spec = Spec::read_after(std::mem::take(files), &recipe.model.file.to_string_lossy(), &Disk, watch);
    let Checked { files: all_files, mut problems, mut networks, .. } = spec.network(&recipe.request(), watch);
    *files = all_files;
    recipe.relocate(&mut problems, files);
    for problem in problems.iter_mut().filter(|problem| problem.labels.is_empty()) {
        problem.labels.push(Label { span: recipe.model.place, text: "the recipe names it here".into() });
    }
    let graph = networks.pop().and_then(|graph| {
        let learning = trained_output(recipe, graph).map_err(|unknown| vec![*unknown]).and_then(|mut graph| {
            set_learning(recipe, &mut graph.graph)?;
            Ok(graph)
        });
        learning.map_err(|wrong| problems.extend(wrong)).ok()
    });
    problems.extend(graph.as_ref().and_then(|graph| chances_twice(recipe, graph)));
    let model = graph.map(|graph| Model::of(graph, files.clone(), Vec::new()));
    (problems, model)
}

/// E609, as a warning, where a loss makes chances of an answer that is chances.
fn chances_twice(recipe: &Recipe, graph: &ShapedGraph) -> Option<Diagnostic> {
    let output = graph.graph.outputs.first()?;
    let NodeKind::Operator(operator) = &graph.graph.dag.get(output.node)?.kind else { return None };
    let taken = match (operator.chances()?, &recipe.training.loss) {
        (Chances::OfOne, Loss::CrossEntropy(_)) => "softmax",
        (Chances::OfEach, Loss::BinaryCrossEntropy(_)) => "sigmoid",
        _ => return None,
    };
    let (name, layer) = (&graph.graph.name, operator.name());
    let of = recipe.keys.get("loss.name").map_or("cross_entropy", String::as_str);
    let message = format!("{name} ends in `{layer}`, and `{of}` takes a {taken} of the answer once more");
    let warning = Diagnostic::new(Code::E609, message, recipe.model.place, "the recipe names the model here");
    let warning = warning
        .note("chances from 0 to 1 differ too little for it: the network learns slowly, and never to be sure")
        .help(format!("leave `{layer}` out of the spec: `cnnc run` makes chances of scores by itself"))
        .as_warning();
    Some(warning)
}

/// The network with the output alone that the recipe names, where it names one.
fn trained_output(recipe: &Recipe, mut graph: ShapedGraph) -> std::result::Result<ShapedGraph, Box<Diagnostic>> {
    let Some((name, place)) = &recipe.model.output else { return Ok(graph) };
    let names: Vec<Arc<str>> = graph.graph.outputs.iter().map(|output| output.name.clone()).collect();
    graph.graph.outputs.retain(|output| *output.name == **name);
    if !graph.graph.outputs.is_empty() {
        return Ok(graph);
    }
    let message = format!("{} has no output `{name}`", graph.graph.name);
    let unknown = Diagnostic::new(Code::E607, message, *place, "unknown output");
    Err(Box::new(match nearest(name, names.iter().map(AsRef::as_ref)) {
        Some(near) => unknown.help(format!("there is `{near}`")),
        None => unknown.note(format!("its outputs are {}", listed(&names))),
    }))
}

/// A failure at a place of the recipe, where it has none of its own.
fn at((span, text): (Span, &str), mut failure: Error) -> Error {
    if failure.labels.is_empty() {
        failure.labels.push(Label { span, text: text.into() });
    }
    failure
}
