//! Recipes and checkpoints, up to where a training would begin or go on: a small network and a few pictures in memory are what is
//! trained.

use super::weights::with_length;
use super::{Verdict, folder, put, refused, refused_file};
use crate::Text;
use cnnc_compiler::check::{Checked, Spec};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::plan::Target;
use cnnc_compiler::training::compile_step;
use cnnc_compiler::write_kernels::Bindings;
use cnnc_grammar::span::Files;
use cnnc_runtime::data::{Batch, DataSet, Decoded, Job, Samples, in_order, load};
use cnnc_runtime::train::checkpoint::{self, LAST, Progress};
use cnnc_runtime::train::recipe::{self, Recipe};
use cnnc_runtime::train::schedule::Moment;
use cnnc_runtime::train::{Learner, Run, RunFolder, Setup, StepInputs, StepLearner, StepOutputs, train};
use cnnc_runtime::{Device, Model, Parameters, Result, bind_batch};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};

/// What a recipe trains, whichever file it names; `width` and the layers are there for its settings and initialisers.
const SPEC: &str = "model M(width: int = 2) {
    input [N, 1, 6, 6] image(resize=6, crop=6)
    Conv2d(width, 3); BatchNorm2d; Flatten; Linear(3)
}";
/// What a checkpoint goes on with.
const RECIPE: &str = "
model: main.cnn
data: {format: folder, path: pictures}
optimizer: {name: sgd, lr: 0.1, momentum: 0.9}
batch_size: 2
epochs: 3
early_stopping: 2
threads: 1
";

/// Pictures of several sizes.
struct Pictures;

impl Samples for Pictures {
    fn len(&self) -> usize {
        5
    }

    fn label(&self, index: usize) -> usize {
        index % 3
    }

    fn picture(&self, index: usize, grey: bool) -> Result<Decoded<'_>> {
        let (height, width) = (6 + index, 9 - index);
        let channels = if grey { 1 } else { 3 };
        let bytes = (0..height * width).flat_map(|pixel| (0..channels).map(move |plane| (pixel + plane) * 37 % 256));
        let bytes: Vec<u8> = bytes.map(|byte| byte as u8).collect();
        Ok(Decoded::new([height, width], channels, bytes).expect("as many bytes as pixels"))
    }

    fn name(&self, index: usize) -> String {
        format!("picture {index} of pictures")
    }
}

fn pictures() -> DataSet {
    DataSet {
        train: Arc::new(Pictures),
        validation: Arc::new(Pictures),
        classes: 3,
        class_names: None,
        input: None,
        target: None,
        multi_label: false,
        notes: Vec::new(),
    }
}

fn cpu() -> Device {
    Device::cpu(1)
}

/// Reads a recipe, holds it against the network and the data set, and plans its first step.
pub fn recipe(bytes: &[u8]) -> Verdict {
    let folder = folder();
    let path = put(&folder, "recipe.yaml", bytes);
    let names = ["recipe.yaml"];
    let mut files = Files::default();
    let text = match recipe::load(&path) {
        Ok(text) => text,
        Err(problem) => return refused_file(&problem, &path),
    };
    let file = files.add(path.to_string_lossy(), text);
    let text = files.get(file).map_or("", |file| file.text.as_str());
    let recipe = match recipe::read(text, file, &path) {
        Ok(recipe) => recipe,
        Err(problems) => return refused(&problems, &files, &names),
    };
    let spec = Spec::read_after(files, "main.cnn", &Text(SPEC), &mut ());
    let Checked { files, mut problems, mut networks, .. } = spec.network(&recipe.request(), &mut ());
    let Some(network) = networks.pop() else {
        recipe.relocate(&mut problems, &files);
        // Where the compiler knows no place, the command says where the recipe names the model.
        let (placed, others): (Vec<_>, Vec<_>) = problems.iter().partition(|problem| !problem.labels.is_empty());
        refused(others, &files, &[]);
        return refused(placed, &files, &names);
    };
    match prepared(&recipe, &network) {
        Ok(()) => Verdict::Taken,
        // What is too large is so for this machine, whichever file says it.
        Err(problem) if problem.code == Code::E401 => refused([&*problem], &files, &[]),
        Err(problem) => refused([&*problem], &files, &["recipe.yaml", "picture"]),
    }
}

/// All that a command does before the first step.
fn prepared(recipe: &Recipe, network: &ShapedGraph) -> Result<()> {
    let data = pictures();
    let setup = Setup::new(recipe, network, &data)?;
    setup.settings(recipe, network, &data, String::new());
    let length = setup.length(recipe);
    recipe.schedule.resolved(length);
    for epoch in [0, 1, recipe.epochs / 2, recipe.epochs - 1] {
        for batch in [0, setup.batches - 1] {
            let moment = Moment { epoch, batch };
            recipe.schedule.learning_rate(recipe.learning_rate, moment, length, &[]);
            recipe.schedule.momentum(moment, length);
        }
    }
    let mut bindings = Bindings::new();
    bind_batch(network, &mut bindings, recipe.batch_size);
    compile_step(network, &bindings, &recipe.training, &Target::reference())?;
    for pipeline in [&setup.train, &setup.validation] {
        let samples = data.train.clone();
        let job = Job {
            order: in_order(samples.len()).into(),
            samples,
            pipeline: pipeline.clone(),
            batch_size: recipe.batch_size,
            first_batch: 0,
            seed: recipe.seed,
            epoch: 0,
            skip_corrupt: recipe.data.skip_corrupt,
            target: data.target.clone(),
            mix: None,
            workers: 1,
        };
        load(&job).try_for_each(|batch| batch.map(drop))?;
    }
    Ok(())
}

static NETWORK: LazyLock<Model> = LazyLock::new(|| Model::from_text("spec.cnn", SPEC).expect("a model"));

/// What the network's training begins with.
static STATE: LazyLock<Parameters> = LazyLock::new(|| {
    let recipe = recipe_in(Path::new("unused"));
    let weights = NETWORK.init(0).expect("weights");
    let learner = StepLearner::new(&NETWORK, recipe.training, &weights, [2, 1, 6, 6], 3, &cpu(), false);
    learner.and_then(|learner| learner.state()).expect("a state")
});

/// The recipe of a run that writes to a folder.
fn recipe_in(folder: &Path) -> Recipe {
    let (mut files, path) = (Files::default(), Path::new("recipe.yaml"));
    let recipe = recipe::read(RECIPE, files.add("recipe.yaml", RECIPE), path);
    Recipe { output: folder.to_owned(), ..recipe.expect("a recipe") }
}

/// A learner that learns nothing.
struct Idle(Parameters);

impl Learner for Idle {
    fn begin(&mut self, _batch: Batch, _inputs: StepInputs) -> Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> Result<StepOutputs> {
        Ok(StepOutputs { loss: 1.0, correct: Some(1) })
    }

    fn state(&self) -> Result<Parameters> {
        Ok(self.0.clone())
    }

    fn load(&mut self, state: &Parameters) -> Result<()> {
        self.0 = state.clone();
        Ok(())
    }
}

/// Goes on for a step from a checkpoint, or begins.
fn step(folder: &Path, resume: Option<&Path>) -> Result<()> {
    let (recipe, data, stop) = (recipe_in(folder), pictures(), AtomicBool::new(true));
    let setup = Setup::new(&recipe, NETWORK.graph(), &data)?;
    let run = Run { recipe: &recipe, model: &NETWORK, data: &data, setup, resume, stop: &stop, device: &cpu() };
    let folder = RunFolder::take(folder, resume, false)?;
    train(&run, folder, &mut Idle(STATE.clone()), &mut |_| {}).map(drop)
}

/// Reads a checkpoint and goes on with it: as it is, which another run's settings forbid, and with the settings of the run in
/// their place.
pub fn checkpoint(bytes: &[u8]) -> Verdict {
    let folder = folder();
    let path = put(&folder, "read/checkpoint.safetensors", &with_length(bytes));
    if let Err(problem) = step(&folder.path().join("as-it-is"), Some(&path)) {
        refused_file(&problem, &path);
    }
    let (state, progress) = match checkpoint::load(&path) {
        Ok(found) => found,
        Err(problem) => return refused_file(&problem, &path),
    };
    let run = folder.path().join("run");
    std::fs::create_dir_all(&run).expect("a folder");
    let progress = Progress { settings: settings(&run), ..progress };
    checkpoint::save(&run, &state, &progress).expect("a checkpoint");
    let newest = checkpoint::newest(&run);
    match step(&run, Some(&newest)) {
        Ok(()) => Verdict::Taken,
        Err(problem) => refused_file(&problem, &newest),
    }
}

/// What a checkpoint of the run is compared by.
fn settings(folder: &Path) -> std::collections::BTreeMap<String, String> {
    let (recipe, data) = (recipe_in(folder), pictures());
    let setup = Setup::new(&recipe, NETWORK.graph(), &data).expect("a setup");
    setup.settings(&recipe, NETWORK.graph(), &data, cpu().backend().arithmetic())
}

/// The checkpoint of a run that was stopped after its first step.
pub fn checkpoint_of_a_run() -> Vec<u8> {
    let folder = folder();
    step(folder.path(), None).expect("a run");
    std::fs::read(folder.path().join(LAST)).expect("a checkpoint")
}
