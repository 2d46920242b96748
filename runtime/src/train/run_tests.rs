//! The loop with a learner that is small enough to be written out: softmax regression with momentum.

use super::*;
use crate::Tensor;
use crate::cpu::Cpu;
use crate::data::Samples;
use crate::input::Picture;
use crate::train::checkpoint::{LAST, PREVIOUS};
use crate::train::learner::StepOutputs;
use crate::train::recipe;
use cnnc_compiler::diagnostic::Problems;
use cnnc_compiler::infer::infer;
use cnnc_compiler::resolve::{Request, Sources, load as load_spec, resolve};
use cnnc_grammar::span::Files;

const CLASSES: usize = 3;
const PIXELS: usize = 4;

/// `scores = weight · pixels + bias`.
struct Regression {
    state: Parameters,
    /// Steps after which it asks to stop, as a person would.
    stop_after: Option<(u64, &'static AtomicBool)>,
    loss: f64,
}

impl Regression {
    fn new() -> Regression {
        let mut state = Parameters::default();
        for (key, shape) in [("1.weight", vec![CLASSES, PIXELS]), ("1.bias", vec![CLASSES])] {
            state.insert(key, Tensor::filled(&shape, 0.0));
            state.insert(format!(".momentum_buffer.{key}"), Tensor::filled(&shape, 0.0));
        }
        Regression { state, stop_after: None, loss: 0.0 }
    }

    fn gradients(&self, batch: &Batch) -> (Vec<f32>, Vec<f32>, f64) {
        let [weight, bias] = ["1.weight", "1.bias"].map(|key| self.state.get(key).unwrap().data().to_vec());
        let (mut of_weight, mut of_bias, mut loss) = (vec![0.0; CLASSES * PIXELS], vec![0.0; CLASSES], 0.0);
        let share = 1.0 / batch.labels.len() as f32;
        for (pixels, &label) in batch.inputs.data().chunks(PIXELS).zip(&batch.labels) {
            let score = |class: usize| {
                bias[class] + (0..PIXELS).map(|pixel| weight[class * PIXELS + pixel] * pixels[pixel]).sum::<f32>()
            };
            let exponentials: Vec<f32> = (0..CLASSES).map(|class| score(class).exp()).collect();
            let sum: f32 = exponentials.iter().sum();
            loss -= f64::from((exponentials[label] / sum).ln() * share);
            for class in 0..CLASSES {
                let error = (exponentials[class] / sum - f32::from(class == label)) * share;
                of_bias[class] += error;
                (0..PIXELS).for_each(|pixel| of_weight[class * PIXELS + pixel] += error * pixels[pixel]);
            }
        }
        (of_weight, of_bias, loss)
    }
}

impl Learner for Regression {
    fn begin(&mut self, batch: Batch, inputs: StepInputs) -> Result<()> {
        let (of_weight, of_bias, loss) = self.gradients(&batch);
        for (key, gradient) in [("1.weight", of_weight), ("1.bias", of_bias)] {
            let buffer = format!(".momentum_buffer.{key}");
            let mut momentum = self.state.get(&buffer).unwrap().as_ref().clone();
            let mut values = self.state.get(key).unwrap().as_ref().clone();
            for ((value, momentum), gradient) in values.data_mut().iter_mut().zip(momentum.data_mut()).zip(gradient) {
                *momentum = 0.9 * *momentum + gradient;
                *value -= inputs.learning_rate as f32 * *momentum;
            }
            self.state.insert(buffer, momentum);
            self.state.insert(key, values);
        }
        if let Some((steps, stop)) = self.stop_after
            && inputs.step == steps
        {
            stop.store(true, Ordering::Relaxed);
        }
        self.loss = loss;
        Ok(())
    }

    fn finish(&mut self) -> Result<StepOutputs> {
        Ok(StepOutputs { loss: self.loss, correct: None })
    }

    fn state(&self) -> Result<Parameters> {
        Ok(self.state.clone())
    }

    fn load(&mut self, state: &Parameters) -> Result<()> {
        self.state = state.clone();
        Ok(())
    }
}

/// Pictures of 2×2 whose brightest pixel is their class.
struct Bright(usize);

impl Samples for Bright {
    fn len(&self) -> usize {
        self.0
    }

    fn label(&self, index: usize) -> usize {
        index * 7 % CLASSES
    }

    fn picture(&self, index: usize, _grey: bool) -> Result<Picture> {
        let mut plane: Vec<f32> = (0..PIXELS).map(|pixel| ((index * 31 + pixel * 17) % 120) as f32).collect();
        plane[self.label(index)] = 200.0;
        Ok(Picture { height: 2, width: 2, planes: vec![plane] })
    }

    fn name(&self, index: usize) -> String {
        format!("picture {index}")
    }
}

struct Spec;

impl Sources for Spec {
    fn read(&self, path: &str, _importer: Option<&str>) -> std::result::Result<(String, String), String> {
        let text = "model Regression { input [N, 1, 2, 2]; Flatten; Linear(3) }";
        Ok((path.into(), text.into()))
    }
}

fn network() -> ShapedGraph {
    let (mut files, mut problems) = (Files::default(), Problems::default());
    let program = load_spec("spec.cnn", &Spec, &mut files, &mut problems);
    let graph = resolve(&program, &Request::default(), &mut files, &Spec, &mut problems).unwrap();
    infer(graph, &mut problems).unwrap()
}

/// Epochs that a test runs, and other keys of its recipe.
fn recipe_with(folder: &Path, more: &str) -> Recipe {
    let text = format!(
        "model: spec.cnn\ndata: {{format: idx, path: none}}\noptimizer: {{name: sgd, lr: 0.5, momentum: 0.9}}\n\
         batch_size: 8\nepochs: 4\noutput: {}\nschedule: {{name: cosine, unit: batch}}\n{more}",
        folder.display()
    );
    let mut files = Files::default();
    let file = files.add("r.yaml", text.as_str());
    recipe::read(&text, file, Path::new("r.yaml")).unwrap()
}

fn trained(recipe: &Recipe, learner: &mut Regression, resume: bool, stop: &AtomicBool) -> Result<Ending> {
    let graph = network();
    let data =
        DataSet { train: Arc::new(Bright(60)), validation: Arc::new(Bright(31)), classes: CLASSES, class_names: None };
    let setup = Setup::new(recipe, &graph, &data)?;
    let last = recipe.output.join(LAST);
    let resume = resume.then_some(last.as_path());
    train(
        &Run { recipe, graph: &graph, data: &data, setup, resume, stop, backend: &Cpu::default() },
        learner,
        &mut |_| {},
    )
}

fn never() -> AtomicBool {
    AtomicBool::new(false)
}

/// The log without its times.
fn logged(folder: &Path) -> Vec<(usize, String, String)> {
    let text = fs::read_to_string(folder.join(log::LOG)).unwrap();
    let record = |line: &str| serde_json::from_str::<Record>(line).unwrap();
    text.lines()
        .map(record)
        .map(|one| (one.epoch, format!("{:?}", one.train_loss), format!("{:?}", one.val_loss)))
        .collect()
}

#[test]
fn it_learns_and_leaves_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let ending = trained(&recipe_with(folder.path(), ""), &mut Regression::new(), false, &never()).unwrap();
    assert_eq!(ending, Ending::Done);
    let text = fs::read_to_string(folder.path().join(log::LOG)).unwrap();
    let records: Vec<Record> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.iter().map(|record| record.epoch).collect::<Vec<usize>>(), [1, 2, 3, 4]);
    assert!(records[3].val_loss < 0.6 * records[0].train_loss && records[3].val_accuracy > 0.9, "{records:?}");
    let mut names: Vec<String> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [BEST, LAST, log::LOG, PREVIOUS]);
    let best = crate::weights::load(&folder.path().join(BEST), &network().graph, "").unwrap();
    assert_eq!(best.len(), 2, "weights alone, without the optimiser's state");
    assert_eq!(crate::weights::load(&folder.path().join(LAST), &network().graph, "").unwrap().len(), 2);
}

#[test]
fn a_run_that_was_stopped_anywhere_goes_on_to_the_same_bits() {
    let whole_folder = tempfile::tempdir().unwrap();
    let mut whole = Regression::new();
    trained(&recipe_with(whole_folder.path(), ""), &mut whole, false, &never()).unwrap();
    // 8 steps an epoch: in its middle, at its end, at the very end.
    for (steps, ending) in [(1, (0, 1)), (8, (0, 8)), (13, (1, 5)), (32, (3, 8))] {
        let folder = tempfile::tempdir().unwrap();
        let recipe = recipe_with(folder.path(), "");
        let stop: &'static AtomicBool = Box::leak(Box::new(never()));
        let mut first = Regression { stop_after: Some((steps, stop)), ..Regression::new() };
        let (epoch, batch) = ending;
        assert_eq!(trained(&recipe, &mut first, false, stop).unwrap(), Ending::Stopped { epoch, batch });
        let mut second = Regression::new();
        assert_eq!(trained(&recipe, &mut second, true, &never()).unwrap(), Ending::Done);
        for (key, tensor) in whole.state.iter() {
            assert_eq!(second.state.get(key).unwrap(), tensor.unwrap(), "{key} after {steps} steps");
        }
        assert_eq!(logged(folder.path()), logged(whole_folder.path()));
    }
}

#[test]
fn another_recipe_is_refused_and_more_epochs_only_where_the_schedule_allows() {
    let folder = tempfile::tempdir().unwrap();
    trained(&recipe_with(folder.path(), ""), &mut Regression::new(), false, &never()).unwrap();
    let refused = trained(&recipe_with(folder.path(), "seed: 9\n"), &mut Regression::new(), true, &never());
    assert_eq!(refused.unwrap_err().notes, ["`seed` was 0 and is 9"]);
    let longer = Recipe { epochs: 6, ..recipe_with(folder.path(), "") };
    let refused = trained(&longer, &mut Regression::new(), true, &never()).unwrap_err();
    assert!(refused.notes[0].starts_with("`schedule` was"), "{refused:?}");
    assert_eq!(
        trained(&recipe_with(folder.path(), "threads: 1\n"), &mut Regression::new(), true, &never()).unwrap(),
        Ending::Done
    );
}

#[test]
fn it_ends_early_and_says_when_the_loss_is_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let early = recipe_with(folder.path(), "early_stopping: {patience: 2, min_delta: 10}\n");
    assert_eq!(trained(&early, &mut Regression::new(), false, &never()).unwrap(), Ending::Early);
    assert_eq!(logged(folder.path()).len(), 3);
    let wild = Recipe { learning_rate: 1e30, ..recipe_with(folder.path(), "") };
    let diverged = trained(&wild, &mut Regression::new(), false, &never()).unwrap_err();
    assert!(diverged.code == Code::E612 && diverged.message.contains("epoch 1"), "{diverged:?}");
}
