//! The loop with a learner that is small enough to be written out: softmax regression with momentum.

use super::*;
use crate::Tensor;
use crate::data::Samples;
use crate::pictures::Decoded;
use crate::train::checkpoint::{LAST, PREVIOUS, load as load_checkpoint, save};
use crate::train::learner::StepOutputs;
use crate::train::recipe;
use cnnc_compiler::diagnostic::Problems;
use cnnc_compiler::infer::infer;
use cnnc_compiler::resolve::{Request, Sources, load as load_spec, resolve};
use cnnc_grammar::span::Files;
use std::fs;

const CLASSES: usize = 3;
const PIXELS: usize = 4;

/// `scores = weight · pixels + bias`.
struct Regression {
    state: Parameters,
    /// Steps after which it asks to stop, as a person would.
    stop_after: Option<(u64, &'static AtomicBool)>,
    /// What its weights are after that step; the next one begins with zeros.
    wild_after: Option<(u64, f32)>,
    loss: f64,
}

impl Regression {
    fn new() -> Regression {
        let mut state = Parameters::default();
        for (key, shape) in [("1.weight", vec![CLASSES, PIXELS]), ("1.bias", vec![CLASSES])] {
            state.insert(key, Tensor::filled(&shape, 0.0));
            state.insert(format!(".momentum_buffer.{key}"), Tensor::filled(&shape, 0.0));
        }
        Regression { state, stop_after: None, wild_after: None, loss: 0.0 }
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
        let wild = self.wild_after.filter(|(step, _)| (*step..=*step + 1).contains(&inputs.step));
        if let Some((step, _)) = wild
            && inputs.step > step
        {
            self.state.insert("1.weight", Tensor::filled(&[CLASSES, PIXELS], 0.0));
        }
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
        if let Some((step, value)) = wild
            && inputs.step == step
        {
            self.state.insert("1.weight", Tensor::filled(&[CLASSES, PIXELS], value));
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

    fn picture(&self, index: usize, _grey: bool) -> Result<Decoded<'_>> {
        let mut pixels: Vec<u8> = (0..PIXELS).map(|pixel| ((index * 31 + pixel * 17) % 120) as u8).collect();
        pixels[self.label(index)] = 200;
        Ok(Decoded::new([2, 2], 1, pixels).expect("four pixels"))
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

fn network() -> Model {
    let (mut files, mut problems) = (Files::default(), Problems::default());
    let program = load_spec("spec.cnn", &Spec, &mut files, &mut problems);
    let graph = resolve(&program, &Request::default(), &mut files, &Spec, &mut problems).unwrap();
    Model::of(infer(graph, &mut problems).unwrap(), files, Vec::new())
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
    let model = network();
    let data = DataSet {
        train: Arc::new(Bright(60)),
        validation: Arc::new(Bright(31)),
        classes: CLASSES,
        class_names: None,
        input: None,
        target: None,
        multi_label: false,
        notes: Vec::new(),
    };
    let setup = Setup::new(recipe, model.graph(), &data)?;
    let last = recipe.output.join(LAST);
    let resume = resume.then_some(last.as_path());
    let folder = RunFolder::take(&recipe.output, resume, resume.is_none())?;
    let run = Run { recipe, model: &model, data: &data, setup, resume, stop, device: &Device::default() };
    train(&run, folder, learner, &mut |_| {})
}

fn never() -> AtomicBool {
    AtomicBool::new(false)
}

/// The log's lines without their times.
fn logged(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join(log::LOG)).unwrap();
    let line = |line: &str| {
        let mut line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        for time in ["seconds", "images_per_second"] {
            assert!(line.remove(time).is_some_and(|time| time.as_f64().is_some_and(|time| time > 0.0)), "{time}");
        }
        serde_json::to_string(&line).unwrap()
    };
    text.lines().map(line).collect()
}

#[test]
fn it_learns_and_leaves_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let ending = trained(&recipe_with(folder.path(), ""), &mut Regression::new(), false, &never()).unwrap();
    assert_eq!(ending, Ending::Done);
    let text = fs::read_to_string(folder.path().join(log::LOG)).unwrap();
    let records: Vec<Record> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.iter().map(|record| record.epoch).collect::<Vec<usize>>(), [1, 2, 3, 4]);
    assert!(records[3].val_loss < 0.6 * records[0].train_loss && records[3].val_accuracy > Some(0.9), "{records:?}");
    let mut names: Vec<String> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [BEST, LAST, log::LOG, PREVIOUS]);
    let best = crate::weights::load(&folder.path().join(BEST), &network().graph().graph, "").unwrap();
    assert_eq!(best.len(), 2, "weights alone, without the optimiser's state");
    assert_eq!(crate::weights::load(&folder.path().join(LAST), &network().graph().graph, "").unwrap().len(), 2);
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
        let best = |folder: &Path| fs::read(folder.join(BEST)).unwrap();
        assert_eq!(best(folder.path()), best(whole_folder.path()));
    }
}

#[test]
fn a_log_that_was_cut_or_taken_away_is_whole_again() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe_with(folder.path(), "");
    trained(&recipe, &mut Regression::new(), false, &never()).unwrap();
    let whole = logged(folder.path());
    let path = folder.path().join(log::LOG);
    let text = fs::read_to_string(&path).unwrap();
    for damage in [&text[..text.len() - 40], "no JSON", &[text.as_str(), text.as_str()].concat(), ""] {
        fs::write(&path, damage).unwrap();
        trained(&recipe, &mut Regression::new(), true, &never()).unwrap();
        assert_eq!(logged(folder.path()), whole);
    }
    let history = load_checkpoint(&folder.path().join(LAST)).unwrap().1.history;
    fs::remove_file(&path).unwrap();
    log::append(folder.path(), &history).unwrap();
    assert_eq!(logged(folder.path()), whole);
}

#[test]
fn a_validation_loss_that_is_no_number_is_recorded_and_gone_on_from() {
    let whole_folder = tempfile::tempdir().unwrap();
    let wild = || Regression { wild_after: Some((16, 3e38)), ..Regression::new() };
    trained(&recipe_with(whole_folder.path(), ""), &mut wild(), false, &never()).unwrap();
    let whole = logged(whole_folder.path());
    assert_eq!(whole.len(), 4);
    assert!(whole[1].contains("\"val_loss\":\"NaN\"") && !whole.concat().contains("null"), "{whole:?}");
    // It is gone on from right after that epoch, and in the next.
    for steps in [17, 20] {
        let folder = tempfile::tempdir().unwrap();
        let recipe = recipe_with(folder.path(), "");
        let stop: &'static AtomicBool = Box::leak(Box::new(never()));
        let mut first = Regression { stop_after: Some((steps, stop)), ..wild() };
        assert!(matches!(trained(&recipe, &mut first, false, stop).unwrap(), Ending::Stopped { epoch: 2, .. }));
        assert_eq!(trained(&recipe, &mut Regression::new(), true, &never()).unwrap(), Ending::Done);
        assert_eq!(logged(folder.path()), whole);
    }
}

#[test]
fn weights_that_are_no_numbers_end_the_run_and_no_checkpoint_holds_them() {
    // At the end of an epoch, of another, and at a checkpoint within one.
    for (step, epoch, batch) in [(8, 0, 6), (24, 2, 6), (20, 2, 2)] {
        let folder = tempfile::tempdir().unwrap();
        let recipe = recipe_with(folder.path(), "checkpoint_every: 2\n");
        let mut learner = Regression { wild_after: Some((step, f32::NAN)), ..Regression::new() };
        let ended = trained(&recipe, &mut learner, false, &never()).unwrap_err();
        assert_eq!(ended.code, Code::E612);
        assert!(ended.message.starts_with("`1.weight` has values that are no numbers in batch"), "{}", ended.message);
        assert_eq!(ended.labels[0].span, recipe.optimiser_place);
        let (found, progress) = load_checkpoint(&folder.path().join(LAST)).unwrap();
        assert_eq!((progress.epoch, progress.batch), (epoch, batch));
        assert!(ended.notes[1].ends_with(&format!("after epoch {epoch} and batch {batch}")), "{:?}", ended.notes);
        assert!(found.get("1.weight").unwrap().data().iter().all(|value| value.is_finite()));
    }
}

#[test]
fn counters_that_cannot_be_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe_with(folder.path(), "");
    let stop: &'static AtomicBool = Box::leak(Box::new(never()));
    let mut learner = Regression { stop_after: Some((13, stop)), ..Regression::new() };
    assert_eq!(trained(&recipe, &mut learner, false, stop).unwrap(), Ending::Stopped { epoch: 1, batch: 5 });
    let path = folder.path().join(LAST);
    let (state, right) = load_checkpoint(&path).unwrap();
    type Change = fn(&mut Progress);
    let changes: [(&str, Change); 14] = [
        ("`correct` is 9223372036854775808 of 40 pictures", |wrong| wrong.sums.correct = Some(1 << 63)),
        ("`correct` is 41 of 40 pictures", |wrong| wrong.sums.correct = Some(41)),
        ("`seen` is 41 pictures after 5 batches of 8, and that is 40", |wrong| wrong.sums.seen = 41),
        ("`seen` is 18446744073709551615 pictures", |wrong| wrong.sums.seen = usize::MAX),
        ("`loss` is NaN over 40 pictures", |wrong| wrong.sums.loss = f64::NAN),
        ("`seconds` is -1", |wrong| wrong.sums.seconds = -1.0),
        ("`batch` is 9, and an epoch has 8 batches", |wrong| wrong.batch = 9),
        ("`batch` is 18446744073709551615", |wrong| wrong.batch = usize::MAX),
        ("`epoch` is 2, and its history has 1 epochs", |wrong| wrong.epoch = 2),
        ("`epoch` is 18446744073709551615", |wrong| wrong.epoch = usize::MAX),
        ("`step` is 18446744073709551615 after 1 epochs of 8 batches and 5 batches", |wrong| wrong.step = u64::MAX),
        ("`step` is 12 after", |wrong| wrong.step = 12),
        ("epoch 1 of its history is numbered 2", |wrong| wrong.history.records[0].epoch = 2),
        ("`val_accuracy` of epoch 1 is 2", |wrong| wrong.history.records[0].val_accuracy = Some(2.0)),
    ];
    for (note, change) in changes {
        let mut wrong = right.clone();
        change(&mut wrong);
        save(folder.path(), &state, &wrong).unwrap();
        let refused = trained(&recipe, &mut Regression::new(), true, &never()).unwrap_err();
        assert_eq!(refused.code, Code::E611, "{note}");
        assert!(refused.notes.iter().any(|found| found.starts_with(note)), "{note}: {:?}", refused.notes);
        assert!(refused.message.contains("last.safetensors"), "{}", refused.message);
    }
    save(folder.path(), &state, &right).unwrap();
    assert_eq!(trained(&recipe, &mut Regression::new(), true, &never()).unwrap(), Ending::Done);
}

#[test]
fn a_sample_whose_label_is_no_class_is_named() {
    struct Odd;
    impl Samples for Odd {
        fn len(&self) -> usize {
            9
        }
        fn label(&self, index: usize) -> usize {
            index.saturating_sub(5)
        }
        fn picture(&self, index: usize, grey: bool) -> Result<Decoded<'_>> {
            Bright(9).picture(index, grey)
        }
        fn name(&self, index: usize) -> String {
            format!("picture {index}")
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let recipe = recipe_with(folder.path(), "");
    let (odd, right): (Arc<dyn Samples>, Arc<dyn Samples>) = (Arc::new(Odd), Arc::new(Bright(9)));
    for (train, validation) in [(odd.clone(), right.clone()), (right, odd)] {
        let data = DataSet {
            train,
            validation,
            classes: CLASSES,
            class_names: None,
            input: None,
            target: None,
            multi_label: false,
            notes: Vec::new(),
        };
        let refused = Setup::new(&recipe, network().graph(), &data).err().unwrap();
        let expected = "picture 8 has the label 3, and the model's classes are 0 to 2";
        assert_eq!((refused.code, refused.message.as_str()), (Code::E610, expected));
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
