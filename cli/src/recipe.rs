//! From a recipe's file to everything that `train` and `eval` work on: the recipe, the network, the data, and what fits together.

use crate::arguments::RecipeArguments;
use crate::console::{Console, Outcome, Stop};
use crate::device;
use crate::outputs;
use cnnc_compiler::resolve::SETTINGS_FILE;
use cnnc_grammar::span::Files;
use cnnc_runtime::data::{DataSet, SetName, load};
use cnnc_runtime::train::checkpoint::{BEST, LAST, PREVIOUS};
use cnnc_runtime::train::recipe::{self, Recipe, Setting, read_with};
use cnnc_runtime::train::{CURVES, LOG, REPORT, Setup, open_data, open_set, validation_job};
use cnnc_runtime::{Device, Error, Model, Tensor, Weights};
use std::path::{Path, PathBuf};

/// The picture of which class is taken for which, in the run's folder.
pub const CONFUSION: &str = "confusion.svg";

/// What a command works on.
pub struct Prepared {
    /// The recipe, with what the command line changes of it.
    pub recipe: Recipe,
    /// The recipe and the spec with its imports.
    pub files: Files,
    /// The network, with the recipe's initialisers.
    pub model: Model,
    /// The data.
    pub data: DataSet,
    /// What of them fits together.
    pub setup: Setup,
    /// What computes.
    pub device: Device,
}

/// Which sets of the data a command works on.
pub enum Asked<'a> {
    /// What is learnt from, and what is asked then.
    Both,
    /// One alone, and which file of weights may say what its classes are called.
    Alone(SetName, &'a dyn Fn(&Recipe) -> Option<PathBuf>),
}

impl Prepared {
    /// Reads everything, or reports what is wrong.
    pub fn new(arguments: &RecipeArguments, asked: Asked<'_>, console: &mut Console<'_>) -> Outcome<Prepared> {
        let (mut files, recipe) = read_recipe(arguments, console)?;
        let mut recipe = changed(recipe, arguments);
        // No batch of what is asked is left out.
        recipe.data.drop_last &= matches!(asked, Asked::Both);
        let device = device::open_named(recipe.device, arguments.gpu, recipe.threads, console);
        let mut device = device.map_err(|failure| console.fail(&failure, &files))?;
        // The numbers of a training do not depend on what was measured of the processor.
        if device.gpu().is_some() {
            device = device::with_kept(device, console);
        }
        let model = network(&recipe, &mut files, console)?;
        for name in [LAST, PREVIOUS, BEST, LOG, CURVES, REPORT, "find_lr.svg", CONFUSION] {
            let checked = outputs::check(&recipe.output.join(name), outputs::sources(&files));
            checked.map_err(|diagnostic| console.fail(&diagnostic, &Files::default()))?;
        }
        let prepare = || -> Result<(DataSet, Setup), Error> {
            let data = match asked {
                Asked::Both => open_data(&recipe, model.graph())?,
                Asked::Alone(set, weights) => open_set(&recipe, model.graph(), set, weights(&recipe).as_deref())?,
            };
            let setup = Setup::new(&recipe, model.graph(), &data)?;
            Ok((data, setup))
        };
        let prepared = console.timed("data", prepare);
        let (data, setup) = prepared.map_err(|failure| console.fail(&failure, &files))?;
        console.tell(&data.notes, &files);
        Ok(Prepared { recipe, files, model, data, setup, device })
    }

    /// What the data call their classes, or the model, where they have names.
    pub fn data_names(&self) -> Vec<String> {
        match self.model.labels() {
            [] => self.data.class_names.clone().unwrap_or_default(),
            labels => labels.to_vec(),
        }
    }

    /// The names of the classes, or of the numbers that are answered: those of spec or weights, the data set's, or their
    /// positions.
    pub fn class_names(&self, weights: &Weights) -> Vec<String> {
        self.names_of_answers(weights.labels())
    }

    /// The same, of which these are known; none where they are empty.
    pub fn names_of_answers(&self, known: &[String]) -> Vec<String> {
        let of_spec = Some(known).filter(|labels| !labels.is_empty()).map(<[String]>::to_vec);
        let names = of_spec.or_else(|| self.data.class_names.clone()).unwrap_or_default();
        let name = |class: usize| names.get(class).cloned().unwrap_or_else(|| class.to_string());
        (0..self.setup.answer.iter().product()).map(name).collect()
    }
}

/// The first samples that a recipe learns from, as its network is asked them: nothing random is done to them. Batches of some.
pub fn first_samples(path: &Path, samples: usize, console: &mut Console<'_>) -> Outcome<Vec<Vec<Tensor>>> {
    let arguments = RecipeArguments { recipe: path.into(), ..RecipeArguments::default() };
    let prepared = Prepared::new(&arguments, Asked::Both, console)?;
    let Prepared { recipe, files, data, setup, .. } = &prepared;
    let mut job = validation_job(recipe, data, setup);
    job.samples = data.train.clone();
    job.order = (0..data.train.len().min(samples)).collect();
    job.batch_size = BATCH.min(samples);
    let batches = load(&job).map(|batch| batch.map(|batch| vec![batch.inputs]));
    let batches: Result<Vec<Vec<Tensor>>, Error> = batches.collect();
    let mut batches = batches.map_err(|failure| console.fail(&failure, files))?;
    // Plans are for one size of a batch.
    let first = batches.first().map_or(0, |batch| batch[0].shape()[0]);
    batches.retain(|batch| batch[0].shape()[0] == first);
    Ok(batches)
}

/// Samples that are looked at together.
const BATCH: usize = 8;

/// Reads the recipe.
fn read_recipe(arguments: &RecipeArguments, console: &mut Console<'_>) -> Outcome<(Files, Recipe)> {
    let (path, mut files) = (arguments.recipe.as_path(), Files::default());
    let text = recipe::load(path).map_err(|failure| console.fail(&failure, &files))?;
    let file = files.add(path.to_string_lossy(), text);
    let given = arguments.set.iter().map(|text| Setting { text, file: files.add(SETTINGS_FILE, text.as_str()) });
    let settings: Vec<Setting<'_>> = given.collect();
    let text = files.get(file).map_or("", |file| file.text.as_str());
    match console.timed("recipe", || read_with(text, file, path, &settings)) {
        Ok(recipe) => Ok((files, recipe)),
        Err(problems) => Err(console.report(&problems, &files)),
    }
}

/// The recipe with what the command line changes.
fn changed(mut recipe: Recipe, arguments: &RecipeArguments) -> Recipe {
    if let Some(folder) = &arguments.data {
        recipe.data.source.path.clone_from(folder);
    }
    if let Some(folder) = &arguments.output {
        recipe.output.clone_from(folder);
    }
    recipe.threads = arguments.threads.unwrap_or(recipe.threads);
    recipe.device = arguments.device.unwrap_or(recipe.device);
    recipe
}

/// The network that the recipe names; `files` takes its sources in.
fn network(recipe: &Recipe, files: &mut Files, console: &mut Console<'_>) -> Outcome<Model> {
    let (problems, network) = cnnc_runtime::train::network(recipe, files, console);
    console.tell(&problems, files);
    network.ok_or(Stop::Reported)
}
