//! Recipes as people write them, and as they get them wrong.

mod learning;
mod losses;

use super::{Monitor, Recipe, read};
use crate::DeviceName;
use crate::data::transforms::{
    CenterCrop, ColorJitter, Cutout, Normalize, RandomAffine, RandomCrop, RandomHorizontalFlip, Resize,
};
use crate::data::{Format, Size};
use crate::train::schedule::{Curve, Unit, Warmup};
use cnnc_compiler::diagnostic::{RenderOptions, Renderer};
use cnnc_compiler::graph::Interpolation;
use cnnc_compiler::training::{Adam, Loss, Optimiser, Sgd};
use cnnc_grammar::span::Files;
use std::path::Path;

const SHORT: &str = "model: ../lenet.cnn\ndata: {format: idx, path: /data}\noptimizer: {name: sgd, lr: 0.1}\n\
                     batch_size: 128\nepochs: 10\n";

fn recipe(text: &str) -> Recipe {
    let mut files = Files::default();
    let file = files.add("recipes/lenet.yaml", text);
    read(text, file, Path::new("recipes/lenet.yaml")).unwrap_or_else(|_| panic!("{}", said(text)))
}

/// Everything that is said of a recipe.
fn said(text: &str) -> String {
    let mut files = Files::default();
    let file = files.add("lenet.yaml", text);
    let problems = read(text, file, Path::new("lenet.yaml")).err().unwrap_or_default();
    let renderer = Renderer::new(&files, RenderOptions { color: false, width: 100 });
    problems.iter().map(|problem| renderer.render(problem)).collect()
}

/// Code and place of everything that is said.
fn codes(text: &str) -> Vec<String> {
    let text = said(text);
    let code = |line: &str| line.strip_prefix("error[").map(|rest| rest[..4].to_owned());
    let place = |line: &str| line.split_once("lenet.yaml:").map(|(_, place)| place.to_owned());
    let codes = text.lines().filter_map(code);
    codes.zip(text.lines().filter_map(place)).map(|(code, place)| format!("{code} {place}")).collect()
}

#[test]
fn the_shortest_recipe_has_pytorch_s_defaults() {
    let recipe = recipe(SHORT);
    assert_eq!(recipe.model.file, Path::new("recipes/../lenet.cnn"));
    assert_eq!((recipe.data.source.format, recipe.data.source.path.as_path()), (Format::Idx, Path::new("/data")));
    assert_eq!((recipe.batch_size, recipe.epochs, recipe.seed, recipe.learning_rate), (128, 10, 0, 0.1));
    assert_eq!(recipe.training.loss, Loss::cross_entropy(0.0));
    assert_eq!(recipe.training.optimiser, Optimiser::Sgd(Sgd::default()));
    assert_eq!((recipe.device, recipe.monitor), (DeviceName::Cpu, Monitor::ValidationAccuracy));
    assert_eq!(recipe.output, Path::new("runs/lenet"));
    assert!(recipe.early_stopping.is_none() && recipe.data.train.is_none() && !recipe.data.skip_corrupt);
}

#[test]
fn every_key_is_read() {
    let recipe = recipe(
        "model: {file: net.cnn, name: Net, set: {width: 0.5, arch: [[1, 2], 3], deep: true, text: 'a + 1'}}
data:
  format: folder
  path: pictures
  train: [{resize: 40}, {random_crop: {size: 32, padding: 4}}, random_horizontal_flip, {cutout: 8}]
  validation: [{resize: [32, 33]}, {center_crop: 32}, {normalize: {mean: [0.5, 0.4, 0.3], std: 0.2}}]
  corrupt: skip
  workers: 2
  drop_last: true
init: {\"Conv2d, Linear\": xavier_uniform, 0.block 1: constant(42)}
loss: {name: cross_entropy, label_smoothing: 0.1}
optimizer: {name: adamw, lr: 3e-4, betas: [0.8, 0.99], eps: 1e-7, weight_decay: 0.05}
schedule: {name: cosine, eta_min: 1e-6, warmup: {length: 5, start_factor: 0.01}, unit: batch}
clip_grad_norm: 1
batch_size: 32
epochs: 3
seed: 7
device: cuda:1
threads: 2
monitor: val_loss
early_stopping: {patience: 4, min_delta: 0.01}
checkpoint_every: 100
output: out
",
    );
    let set: Vec<String> =
        recipe.request().settings.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(set, ["width=0.5", "arch=[[1, 2], 3]", "deep=true", "text=a + 1"]);
    let init: Vec<String> = recipe.request().init.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
    assert_eq!(init, ["Conv2d, Linear: xavier_uniform", "\"0.block 1\": constant(42)"]);
    assert_eq!(
        recipe.data.train.expect("transforms"),
        [
            Resize { size: Size::ShorterSide(40), interpolation: Interpolation::Bilinear }.into(),
            RandomCrop { size: [32, 32], padding: 4 }.into(),
            RandomHorizontalFlip { p: 0.5 }.into(),
            Cutout { size: 8 }.into(),
        ]
    );
    assert_eq!(
        recipe.data.validation.expect("transforms"),
        [
            Resize { size: Size::To([32, 33]), interpolation: Interpolation::Bilinear }.into(),
            CenterCrop { size: [32, 32] }.into(),
            Normalize { mean: vec![0.5, 0.4, 0.3], std: vec![0.2], of_pixels: true }.into(),
        ]
    );
    assert!(recipe.data.skip_corrupt && recipe.data.drop_last && recipe.data.workers == 2);
    let adam = Adam { betas: [0.8, 0.99], eps: 1e-7, weight_decay: 0.05 };
    assert_eq!(recipe.training.optimiser, Optimiser::AdamW(adam));
    assert_eq!(recipe.training.loss, Loss::cross_entropy(0.1));
    assert_eq!(recipe.training.max_gradient_norm, Some(1.0));
    assert_eq!(recipe.schedule.curve, Curve::Cosine { t_max: None, eta_min: 1e-6 });
    assert_eq!((recipe.schedule.unit, recipe.learning_rate), (Unit::Batch, 3e-4));
    assert_eq!(recipe.schedule.warmup, Some(Warmup { length: 5, start_factor: 0.01 }));
    assert_eq!((recipe.threads, recipe.seed, recipe.device), (2, 7, DeviceName::Cuda(1)));
    assert_eq!(recipe.early_stopping.map(|early| (early.patience, early.min_delta)), Some((4, 0.01)));
    assert_eq!((recipe.checkpoint_batches, recipe.monitor), (Some(100), Monitor::ValidationLoss));
}

#[test]
fn all_mistakes_are_told_at_once_each_with_its_place() {
    let text = "model: lenet.cnn
data: {format: idxx, path: 3}
optimizer: {name: sgd, learning_rate: 0.1, momentum: 1.5}
batchsize: 128
epochs: ten
seed: -1
";
    assert_eq!(
        codes(text),
        ["E608 1:1", "E607 2:16", "E607 2:28", "E606 3:24", "E607 3:54", "E606 4:1", "E607 5:9", "E607 6:7"]
    );
    let text = said(text);
    assert!(text.contains("did you mean `idx`?") && text.contains("did you mean `batch_size`?"), "{text}");
    assert!(text.contains("`epochs` must be a whole number of at least 1"), "{text}");
}

#[test]
fn an_unknown_key_is_underlined() {
    let text = said(&format!("{SHORT}schedul: cosine # fast\n"));
    let expected = "error[E606]: a recipe has no key `schedul`
  ┌─ lenet.yaml:6:1
  │
6 │ schedul: cosine # fast
  │ ^^^^^^^ unknown key
";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("help: did you mean `schedule`?"), "{text}");
}

#[test]
fn what_cannot_be_is_refused() {
    for (line, code) in [
        ("loss: {name: mse, label_smoothing: 0.1}", "E606 6:19"),
        ("clip_grad_norm: 0", "E607 6:17"),
        ("early_stopping: {patience: 0}", "E607 6:28"),
        ("early_stopping: {min_delta: 0.1}", "E608 6:17"),
        ("init: xavier_uniform", "E607 6:7"),
        ("init: {Linear: 3}", "E607 6:16"),
        ("device: gpu", "E607 6:9"),
        ("epochs: 3", "E609 6:1"),
        ("schedule: {name: multi_step, milestones: [5, 3]}", "E607 6:42"),
        ("schedule: {name: multi_step, milestones: [3, 5], gamma: [0.1]}", "E607 6:57"),
        ("schedule: {name: multi_step, milestones: [3, 5], gamma: [0.1, 0]}", "E607 6:57"),
        ("schedule: {name: plateau, factor: 1}", "E607 6:35"),
        ("schedule: {name: plateau, unit: batch}", "E609 6:33"),
        ("schedule: {name: plateau, monitor: val_loss}", "E606 6:27"),
        ("schedule: {name: one_cycle, base_momentum: 0.97}", "E609 6:44"),
        ("schedule: {name: one_cycle, cycle_momentum: false, max_momentum: 0.9}", "E609 6:66"),
        ("schedule: {name: one_cycle, anneal_strategy: cosine}", "E607 6:46"),
        ("accumulate: 0", "E607 6:13"),
        ("accumulate: 129", "E609 6:13"),
    ] {
        assert_eq!(codes(&format!("{SHORT}{line}\n")), [code], "{line}");
    }
    for (from, to, code) in [
        ("batch_size: 128", "batch_size: 9223372036854775807", "E607 4:13"),
        ("batch_size: 128", "batch_size: 1000001", "E607 4:13"),
        ("epochs: 10", "epochs: 9223372036854775807", "E607 5:9"),
        ("epochs: 10", "epochs: 1000001", "E607 5:9"),
        ("path: /data", "path: /data, workers: 5000", "E607 2:43"),
    ] {
        assert_eq!(codes(&SHORT.replace(from, to)), [code], "{to}");
    }
    let most = said(&SHORT.replace("path: /data", "path: /data, workers: 5000"));
    assert!(
        most.contains("`data.workers` must be a whole number of at most 256") && most.contains("is 5000"),
        "{most}"
    );
    let nesterov = SHORT.replace("lr: 0.1", "lr: 0.1, nesterov: true");
    assert_eq!(codes(&nesterov), ["E609 3:43"]);
    let transforms = |list: &str| codes(&SHORT.replace("path: /data", &format!("path: /data, train: {list}")));
    assert_eq!(transforms("[{resizes: 3}]"), ["E607 2:43"]);
    assert_eq!(transforms("[{cutout: 0}]"), ["E607 2:51"]);
    assert_eq!(transforms("[{cutout: 9223372036854775807}]"), ["E607 2:51"]);
    assert_eq!(transforms("[{resize: 9223372036854775807}]"), ["E607 2:51"]);
    assert_eq!(transforms("[{resize: [20000, 20000]}]"), ["E607 2:51"]);
    assert_eq!(transforms("[{random_crop: {size: 8, padding: 9223372036854775807}}]"), ["E607 2:75"]);
    assert_eq!(transforms("[{normalize: {mean: 0.5}}]"), ["E608 2:54"]);
    assert_eq!(transforms("[{random_horizontal_flip: 2}]"), ["E607 2:67"]);
    assert_eq!(transforms("cutout"), ["E607 2:41"]);
}

#[test]
fn a_key_is_given_once_in_every_section() {
    assert_eq!(codes(&format!("{SHORT}init: {{Linear: zeros, Conv2d: zeros, Linear: ones}}\n")), ["E609 6:38"]);
    let set = SHORT.replace("../lenet.cnn", "{file: lenet.cnn, set: {a: 1, a: 2}}");
    assert_eq!(codes(&set), ["E609 1:38"]);
    assert!(said(&set).contains("`model.set.a` is given twice"));
    assert_eq!(codes(&SHORT.replace("lr: 0.1", "lr: 0.1, lr: 0.2")), ["E609 3:33"]);
    assert_eq!(codes(&format!("{SHORT}x: 1\nx: 2\n")), ["E606 6:1", "E609 7:1"]);
}

#[test]
fn thousands_of_mistakes_cost_one_reading() {
    let text = format!("{SHORT}{}", "batch_size: 1\n".repeat(4900));
    let mut files = Files::default();
    let file = files.add("lenet.yaml", text.as_str());
    let started = std::time::Instant::now();
    let problems = read(&text, file, Path::new("lenet.yaml")).expect_err("mistakes");
    assert_eq!(problems.len(), 4900);
    assert!(started.elapsed().as_secs() < 3, "{:?}", started.elapsed());
}

#[test]
fn what_stands_behind_an_alias_is_read_and_its_mistakes_are_placed() {
    let aliased = recipe(&SHORT.replace(
        "path: /data",
        "path: /data, train: &steps [{resize: 40}, random_horizontal_flip], validation: *steps",
    ));
    assert_eq!(aliased.data.train, aliased.data.validation);
    assert_eq!(
        codes(&format!("{SHORT}seed: &wrong -1\nthreads: *wrong\nmonitor: x\n")),
        ["E607 6:14", "E607 7:10", "E607 8:10"]
    );
    let merged = recipe(&SHORT.replace("{name: sgd, lr: 0.1}", "{<<: &base {name: adam, lr: 3}, lr: 0.1}"));
    assert!(matches!(merged.training.optimiser, Optimiser::Adam(_)) && merged.learning_rate == 0.1);
}

#[test]
fn files_that_are_no_recipe_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |content: &[u8]| {
        let path = folder.path().join("some.yaml");
        std::fs::write(&path, content).expect("a file");
        let failure = super::load(&path).expect_err("no text");
        assert!(failure.message.contains("some.yaml"), "{}", failure.message);
        failure.message.clone()
    };
    assert!(refused(b"model: x\nb: \xFF\n").contains("not UTF-8 text (line 2)"));
    assert!(refused(&vec![b' '; (1 << 20) + 1]).contains("larger than 1048576 bytes"));
    let pipe = folder.path().join("pipe.yaml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    assert!(super::load(&pipe).expect_err("no file").message.contains("pipe.yaml"));
    assert_eq!(codes(&" ".repeat((1 << 20) + 1)), ["E605 1:1"]);
}

#[test]
fn what_is_no_yaml_is_said_with_its_place() {
    assert_eq!(codes(""), ["E605 1:1"]);
    assert_eq!(codes("- a\n- b\n"), ["E607 1:1"]);
    assert_eq!(codes("model: [a\nepochs: 3\n").len(), 1);
    assert!(said("a: 1\n\tb: 2\n").contains("lenet.yaml:2:"));
}

#[test]
fn what_the_compiler_says_of_settings_moves_to_the_recipe() {
    let text = SHORT.replace("../lenet.cnn", "{file: lenet.cnn, set: {classes: 3, width: ten}}");
    let recipe = recipe(&text);
    let mut files = Files::default();
    files.add("recipes/lenet.yaml", text.as_str());
    let settings = files.add("--set", "model _ = LeNet(classes=3, width=ten)");
    let start = "model _ = LeNet(classes=3, width=".len() as u32;
    let span = cnnc_grammar::span::Span { file: settings, start, end: start + 3 };
    let code = cnnc_compiler::diagnostic::Code::E202;
    let mut problems = [cnnc_compiler::diagnostic::Diagnostic::new(code, "no `ten`", span, "")];
    recipe.relocate(&mut problems, &files);
    assert_eq!(files.text(problems[0].labels[0].span), "ten");
    assert_eq!(problems[0].labels[0].span.file.0, 0);
}

/// The examples and the keys of `docs/recipes.md`.
#[test]
fn the_reference_s_examples_are_recipes_and_its_keys_exist() {
    let reference = include_str!("../../../../docs/recipes.md");
    let examples: Vec<&str> =
        reference.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 4);
    for example in &examples {
        assert_eq!(said(example), "", "{example}");
    }
    // A key that a section has is asked for in the code that reads it, by its last part.
    let sources = [include_str!("read.rs"), include_str!("options.rs"), include_str!("tensors.rs")];
    let more =
        [include_str!("beginning.rs"), include_str!("data.rs"), include_str!("loss.rs"), include_str!("schedule.rs")];
    let sources = [sources.concat(), more.concat()].concat();
    let keys = reference.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let mut known = 0;
    let is_file = |key: &str| {
        [".safetensors", ".jsonl", ".svg", ".html", ".png", ".lock"].iter().any(|ending| key.ends_with(ending))
    };
    for (key, _) in keys.filter(|(key, _)| !key.contains([':', '`', ' ']) && !is_file(key)) {
        let last = key.rsplit('.').next().unwrap_or(key);
        let is_name = sources.contains(&format!("\"{key}\" => Curve::"))
            || key == "constant"
            || crate::pictures::transforms::NAMES.contains(&key);
        assert!(is_name || sources.contains(&format!("\"{last}\"")), "no code reads `{key}`");
        known += 1;
    }
    assert!(known > 40, "{known}");
    // And what the code asks for is in the reference.
    for part in sources.split(".get(\"").skip(1).chain(sources.split(".count(\"").skip(1)) {
        let key = part.split('"').next().unwrap_or("");
        assert!(reference.contains(&format!("{key}`")), "`{key}` is not in the reference");
    }
}

#[test]
fn what_a_training_begins_from_and_what_is_frozen() {
    let read = recipe(
        "model: a.cnn\ndata: {format: idx, path: d}\nbatch_size: 1\nepochs: 2\nfreeze: [\"0.*\", {parameters: 3.weight, epochs: 1}]\n\
         weights: {file: w.pth, key: ema, prefix: net, rename: '^a=b', ignore: 'fc.*'}\n\
         optimizer:\n  {name: sgd, lr: 0.1, no_decay: bias_and_norm, groups: [{parameters: 'fc.*', lr: 0.2}]}\n",
    );
    let weights = read.weights.expect("weights");
    assert_eq!(weights.file, Path::new("recipes/w.pth"));
    assert_eq!(weights.ignore.iter().map(|pattern| pattern.text.as_str()).collect::<Vec<_>>(), ["fc.*"]);
    let frozen: Vec<_> = read.freeze.iter().map(|one| (one.parameters[0].text.as_str(), one.epochs)).collect();
    assert_eq!(frozen, [("0.*", None), ("3.weight", Some(1))]);
    let groups: Vec<_> = read.groups.iter().map(|group| (group.rate, group.weight_decay)).collect();
    assert_eq!(groups, [(Some(2.0), None), (None, Some(0.0))]);
    let alone = recipe(&format!("{SHORT}weights: w.safetensors\n"));
    assert!(alone.freeze.is_empty() && alone.weights.is_some_and(|weights| weights.ignore.is_empty()));
}

#[test]
fn what_a_training_cannot_begin_from_is_said() {
    let of = |more: &str| codes(&format!("{SHORT}{more}\n"));
    assert_eq!(of("weights: {ignore: a}"), ["E608 6:10"]);
    assert_eq!(of("weights: {file: w, rename: '(=x'}"), ["E607 6:28"]);
    assert_eq!(of("freeze: {a: b}"), ["E608 6:9", "E606 6:10"]);
    assert_eq!(of("freeze: [{parameters: a, epochs: 0}]"), ["E607 6:34"]);
    assert_eq!(of("freeze: [{parameters: a, epochs: 99}]"), ["E609 6:9"]);
    let text = SHORT.replace("lr: 0.1", "lr: 0, groups: [{parameters: a, lr: 0.1}, 3]");
    assert_eq!(codes(&text).iter().map(|code| &code[..4]).collect::<Vec<_>>(), ["E609", "E607"]);
}

#[test]
fn a_number_with_a_point_is_shown_with_it() {
    assert!(said(&SHORT.replace("epochs: 10", "epochs: 1.0")).contains("is 1.0"));
}

#[test]
fn transforms_take_a_value_alone_or_by_key() {
    let of = |list: &str| {
        let text = SHORT.replace("path: /data", &format!("path: /data, train: {list}"));
        recipe(&text).data.train.expect("transforms")
    };
    let jitter = ColorJitter { brightness: [0.6, 1.4], contrast: [0.0, 3.0], saturation: [1.0; 2], hue: [-0.1, 0.1] };
    assert_eq!(of("[{color_jitter: {brightness: 0.4, contrast: [0, 3], hue: 0.1}}]"), [jitter.into()]);
    let (translate, shear) = ([0.1, 0.2], [-5.0, 5.0, 0.0, 0.0]);
    let affine =
        RandomAffine { degrees: [-10.0, 10.0], translate, scale: [0.9, 1.1], shear, is_bilinear: true, fill: 3.0 };
    let text = "{degrees: 10, translate: [0.1, 0.2], scale: [0.9, 1.1], shear: 5, interpolation: bilinear, fill: 3}";
    assert_eq!(of(&format!("[{{random_affine: {text}}}]")), [affine.into()]);
    let all = "[random_resized_crop: 8, letterbox: 8, random_vertical_flip, random_rotation: 9, random_perspective, \
               random_grayscale, gaussian_blur: 3, rand_augment, trivial_augment_wide, auto_augment, random_erasing]";
    assert_eq!(of(&all.replace("random_resized_crop: 8", "{random_resized_crop: 8}")).len(), 11);
}

#[test]
fn transforms_that_cannot_be_are_told_with_their_places() {
    let codes = |list: &str| codes(&SHORT.replace("path: /data", &format!("path: /data, train: {list}")));
    assert_eq!(codes("[{gaussian_blur: 4}]"), ["E607 2:58"]);
    assert_eq!(codes("[{random_rotation: {fill: 3}}]"), ["E608 2:60"]);
    assert_eq!(codes("[random_rotation]"), ["E607 2:42"]);
    assert_eq!(codes("[{transpose: 3}]"), ["E607 2:54"]);
    assert_eq!(codes("[{random_affine: {degrees: 1, shear: 91}}]"), ["E607 2:78"]);
    assert_eq!(codes("[{color_jitter: {brightnes: 1}}]"), ["E606 2:58"]);
    assert_eq!(codes("[{normalize: {mean: 123.7, std: 58.4}}]"), ["E609 2:42"]);
    assert_eq!(codes("[{normalize: {mean: 0.5, std: 0.5}}, {normalize: {mean: 3, std: 2}}]"), [""; 0]);
    assert_eq!(codes("[{normalize: {mean: 0.5, std: 0.5}}, rand_augment]"), ["E609 2:78"]);
}
