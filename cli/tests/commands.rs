//! What people do with the executable: the commands as processes, their output and exit codes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");

fn cnnc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cnnc")).args(arguments).output().expect("a process")
}

/// Standard output and standard error of a command that succeeds.
#[track_caller]
fn done(arguments: &[&str]) -> (String, String) {
    let output = cnnc(arguments);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "cnnc {arguments:?}\n{err}");
    (out, err)
}

fn model(name: &str) -> String {
    format!("{MODELS}/{name}")
}

#[test]
fn run_without_a_file_names_the_class_of_the_built_in_picture() {
    let (out, err) = done(&["run"]);
    assert!(out.starts_with("ankle boot   99.92 %  █"), "{out}");
    assert_eq!(err, "", "nothing is drawn");
}

#[test]
fn run_with_the_same_files_says_the_same() {
    let (built_in, _) = done(&["run"]);
    let (picture, weights) = (model("sample.png"), model("lenet.safetensors"));
    assert_eq!(done(&["run", "--input", &picture]).0, built_in);
    let (out, err) = done(&["run", &model("lenet.cnn"), "--weights", &weights, "--input", &picture]);
    assert_eq!((out, err), (built_in, String::new()));
}

#[test]
fn answers_do_not_depend_on_threads_and_are_written_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (one, two) = (path("one.npy"), path("two.npy"));
    done(&["run", &model("resnet18.cnn"), "--threads", "1", "--output", &one]);
    done(&["run", &model("resnet18.cnn"), "--threads", "2", "--output", &two]);
    let bytes = |path: &str| fs::read(path).expect("the array");
    assert_eq!(bytes(&one), bytes(&two));
    assert_eq!(bytes(&one).len(), 128 + 4 * 10);
    let (again, _) = done(&["run", &model("resnet18.cnn"), "--seed", "1", "--output", &two]);
    assert_ne!(bytes(&one), bytes(&two), "{again}");
}

#[test]
fn several_outputs_are_files_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = folder.path().join("two.cnn");
    let text = "model Two { input [N, 4]; Linear(3); output hidden; ReLU; Linear(2); output score }";
    fs::write(&spec, text).expect("the spec");
    let answer = folder.path().join("y.npy");
    done(&["run", &spec.to_string_lossy(), "--output", &answer.to_string_lossy()]);
    assert!(folder.path().join("y.hidden.npy").exists() && folder.path().join("y.score.npy").exists());
}

#[test]
fn what_is_drawn_is_said() {
    let (_, err) = done(&["run", &model("lenet.cnn")]);
    assert!(err.contains("parameters are drawn") && err.contains("seed 0"), "{err}");
    assert!(err.contains("`input` [1, 1, 28, 28] is drawn"), "{err}");
    let (_, err) = done(&["run", &model("operators/cross_correlation.cnn"), "--seed", "7"]);
    assert!(!err.contains("parameters are drawn") && err.contains("seed 7"), "{err}");
}

#[test]
fn keys_with_a_prefix_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let inside = folder.path().join("inside.cnn");
    fs::write(&inside, "model Inside { input [N, 3]; Linear(2) }").expect("the spec");
    let header = "{\"net.0.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},\
                  \"net.0.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]}}";
    let data: Vec<u8> = (0..8).flat_map(|number| (number as f32).to_le_bytes()).collect();
    let weights = folder.path().join("net.safetensors");
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat();
    fs::write(&weights, bytes).expect("the weights");
    let (inside, weights) = (inside.to_string_lossy(), weights.to_string_lossy());
    let (out, err) = done(&["params", &inside, "0", "--weights", &weights, "--prefix", "net."]);
    assert_eq!(out, "0.weight [2, 3]\n[[0., 1., 2.],\n [3., 4., 5.]]\n0.bias [2]\n[6., 7.]\n");
    assert_eq!(err, "");
    let (row, _) = done(&["params", &inside, "[0].weight[1]", "--weights", &weights, "--prefix", "net."]);
    assert_eq!(row, "0.weight[1] [3]\n[3., 4., 5.]\n");
}

#[test]
fn check_prints_a_line_a_model_and_all_errors_of_all_files() {
    let (out, err) = done(&["check", &model("lenet.cnn"), &model("unet.cnn"), &model("torchvision/resnet18.cnn")]);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(err, "");
    assert!(lines[2].ends_with("LeNet: 61,706 parameters, 416,520 MACs, output [N, 10]"), "{out}");
    assert!(lines[3].ends_with("output [N, 2, H, W]; H and W: any multiple of 16 from 16 up"), "{out}");
    assert!(lines[4].contains("ResNet18: 11,689,512 parameters, 1,814,073,344 MACs"), "{out}");

    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases/broken");
    let (one, two) = (format!("{cases}/E201_misspelt_layer.cnn"), format!("{cases}/E302_kernel_too_large.cnn"));
    let output = cnnc(&["check", &one, &model("lenet.cnn"), &two]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("error[E201]") && errors.contains("error[E302]"), "{errors}");
    assert!(!errors.contains('\u{1b}'), "colours where there is no terminal");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 3, "the sound file's models");
}

#[test]
fn summaries_for_programs() {
    let (out, _) = done(&["summary", &model("lenet.cnn"), "--format", "json"]);
    let data: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(data["totals"]["params"], 61706);
    assert_eq!(data["totals"]["macs"], 416520);
    assert_eq!(data["rows"].as_array().map(Vec::len), Some(12));
    let first = serde_json::json!({
        "path": "0", "layer": "Conv2d", "output_shape": ["N", 6, 28, 28], "params": 156, "buffers": 0,
        "macs": 117600, "activation_bytes": 18816, "receptive_field": [5, 5]
    });
    assert_eq!(data["rows"][0], first);
    let (yaml, _) = done(&["summary", &model("lenet.cnn"), "--format", "yaml"]);
    let same: serde_json::Value = serde_yaml::from_str(&yaml).expect("YAML");
    assert_eq!(same, data);

    let open = ["summary", &model("unet.cnn"), "--format", "json"];
    let (out, _) = done(&open);
    let data: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert!(data["totals"]["macs"].is_null() && data["rows"][0]["output_shape"][2] == "H", "{out}");
    let height = serde_json::json!({ "symbol": "H", "start": 16, "step": 16, "last": null });
    assert_eq!(data["sizes"][1], height);
    let (out, _) = done(&[&open[..], &["--input-shape", "1,3,64,64"]].concat());
    let data: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert!(data["totals"]["macs"].is_u64() && data["rows"][0]["output_shape"][2] == 64, "{out}");
}

#[test]
fn the_memory_of_a_training_step_is_foretold() {
    let step = ["summary", &model("resnet18.cnn"), "--train", "--batch", "16"];
    let memory = |more: &[&str]| {
        let (out, _) = done(&[&step[..], &["--format", "json"], more].concat());
        let data: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(data["memory"]["batch"], 16);
        data["memory"]["train_bytes"].as_u64().expect("bytes")
    };
    // Weights and what a step keeps of sixteen pictures.
    assert!((100_000_000..200_000_000).contains(&memory(&[])));
    assert!(memory(&["--recompute"]) < memory(&[]));
    assert!(done(&step).0.contains(" to train, for a batch of 16"));
    let (plain, again) = (["dump", step[1], "--stage", "fused", "--train"], ["--recompute", "--explain"]);
    assert!(done(&[&plain[..], &again].concat()).0.contains("the backward half computes"));
    assert_eq!(cnnc(&["summary", step[1], "--recompute"]).status.code(), Some(2));
}

#[test]
fn the_json_page_shows_what_is_printed() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/json.md")).expect("the page");
    let example = page.split("```").find_map(|part| part.strip_prefix("json\n")).expect("an example");
    let example: serde_json::Value = serde_json::from_str(example).expect("JSON");
    let (out, _) = done(&["summary", &model("lenet.cnn"), "--format", "json"]);
    let printed: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    for member in ["model", "inputs", "totals", "sizes", "conditions"] {
        assert_eq!(example[member], printed[member], "{member}");
    }
    assert_eq!(example["rows"][0], printed["rows"][0]);
}

#[test]
fn folding_keeps_the_totals() {
    let totals = |arguments: &[&str]| {
        let spec = model("torchvision/resnet18.cnn");
        let (out, _) = done(&[&["summary", &spec, "--format", "json"], arguments].concat());
        let data: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        let sum: u64 = data["rows"].as_array().expect("rows").iter().filter_map(|row| row["params"].as_u64()).sum();
        (data["totals"].clone(), sum, data["rows"].as_array().map(Vec::len))
    };
    let (all, sum, rows) = totals(&[]);
    let (folded, folded_sum, folded_rows) = totals(&["--depth", "1"]);
    assert_eq!((&all, sum), (&folded, folded_sum));
    assert_eq!(all["params"], sum);
    assert!(rows > folded_rows && folded_rows == Some(11), "{rows:?} {folded_rows:?}");
    assert_eq!(totals(&["--depth", "0"]).2, Some(1));
}

#[test]
fn settings_and_models_are_chosen() {
    let (out, _) = done(&["check", &model("lenet.cnn"), "--model", "PlainLeNet", "--set", "num_classes=10"]);
    assert!(out.lines().count() == 1 && out.contains("PlainLeNet: 44,426 parameters"), "{out}");
    let (out, _) =
        done(&["summary", &model("vgg.cnn"), "--model", "VGG", "--set", "arch=[(1, 8)]", "--format", "torch"]);
    assert!(out.starts_with("Sequential output shape:\ttorch.Size([1, 8, 112, 112])\n"), "{out}");
    let output = cnnc(&["summary", &model("lenet.cnn"), "--model", "LeNot"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && errors.contains("LeNet"), "{errors}");
}

/// By the blocks that its second convolution writes.
#[test]
fn a_plan_is_shown_for_any_target() {
    let plan = |target: &str| done(&["dump", &model("lenet.cnn"), "--target", target]).0;
    let conv = |text: &str| text.lines().filter(|line| line.contains("= conv(")).nth(1).unwrap_or_default().to_owned();
    for (target, image) in [
        ("avx512", "[1, 1, 10, 10, 16]"),
        ("avx2", "[1, 2, 10, 10, 8]"),
        ("portable", "[1, 2, 10, 10, 8]"),
        ("reference", "[1, 16, 10, 10]"),
        ("cuda", "[1, 16, 10, 10]"),
    ] {
        assert!(conv(&plan(target)).contains(&format!("{image} = conv(")), "{target}: {}", plan(target));
    }
    assert!(
        ["avx512", "avx2", "portable"].map(plan).contains(&done(&["dump", &model("lenet.cnn"), "--stage", "plan"]).0)
    );
    let both = cnnc(&["dump", &model("lenet.cnn"), "--stage", "fused", "--target", "avx2"]);
    assert_eq!(both.status.code(), Some(2), "a target is what a plan is made for");
}

#[test]
fn every_stage_is_dumped() {
    for stage in ["ast", "graph", "shapes", "kernels", "fused", "plan", "cuda"] {
        let (out, _) = done(&["dump", &model("lenet.cnn"), "--stage", stage]);
        assert!(out.lines().count() >= 10, "{stage}: {out}");
    }
    let (step, _) = done(&["dump", &model("lenet.cnn"), "--target", "reference", "--train"]);
    assert!(step.contains("conv_weight") && step.contains("input labels [2]"), "{step}");
    let (plain, _) = done(&["dump", &model("resnet18.cnn"), "--stage", "fused"]);
    let (explained, _) = done(&["dump", &model("resnet18.cnn"), "--stage", "fused", "--explain"]);
    assert!(explained.starts_with(&plain) && explained.len() > plain.len());
    assert!(explained.contains("BatchNorm2d"), "{explained}");
    // Of 20 batch norms, and of the activations, which are alike, one line each says what they save together.
    let all = explained.strip_prefix(plain.as_str()).expect("what is explained");
    let grouped = all.lines().filter(|line| line.contains(" times, ") && line.contains("saves ")).count();
    assert!(grouped >= 2 && all.lines().count() < 40 && all.contains("all of it, saves "), "{all}");
}

#[test]
fn a_fusion_is_proved_by_running_it() {
    for name in ["lenet.cnn", "resnet18.cnn", "torchvision/squeezenet1_1.cnn", "inception_block.cnn"] {
        let (out, _) = done(&["dump", &model(name), "--prove"]);
        let (compared, rest) = out.split_once(" compared, ").expect("what was compared");
        let error: f64 = rest.split(' ').next().and_then(|number| number.parse().ok()).expect("a number");
        assert!((0.0..1e-4).contains(&error) && compared.contains(" of "), "{name}: {out}");
        let numbers: Vec<&str> = compared.rsplit(": ").next().unwrap_or_default().split(" of ").collect();
        let kernels = numbers[1].split(' ').next().unwrap_or_default();
        let (compared, kernels): (f64, f64) =
            (numbers[0].parse().expect("a number"), kernels.parse().expect("a number"));
        assert!(compared >= 0.6 * kernels, "{name}: {out}");
    }
}

#[test]
fn a_table_fits_a_screen_and_opens() {
    let deep = model("torchvision/resnet152.cnn");
    let (table, _) = done(&["summary", &deep]);
    assert!(table.lines().count() <= 45, "{table}");
    assert!(table.contains("layer3.1 … 35") && table.contains("35 × Bottleneck"), "{table}");
    let (all, _) = done(&["summary", &deep, "--depth", "9"]);
    assert!(all.lines().count() > 400 && !all.contains(" × "), "{}", all.lines().count());
    let (whole, _) = done(&["summary", &deep, "--depth", "0"]);
    assert!(whole.contains(" ResNet152 ") && whole.lines().count() < 16, "{whole}");
    let totals = |text: &str| text.lines().filter(|line| line.starts_with(" MACs ")).map(str::to_owned).next_back();
    assert!(totals(&table).is_some() && totals(&table) == totals(&all) && totals(&all) == totals(&whole));
    let (joined, _) = done(&["summary", &model("unet.cnn"), "--depth", "9"]);
    assert!(!joined.contains("Identity"), "{joined}");
    let (forms, _) = done(&["summary", &model("lenet.cnn"), "--symbolic"]);
    assert!(forms.contains("85·num_classes") && forms.contains("num_classes (here 10)"), "{forms}");
    assert_eq!(cnnc(&["summary", &deep, "--symbolic", "--format", "tree"]).status.code(), Some(1));
}

#[test]
fn verbose_prints_the_time_of_every_stage() {
    let (_, err) = done(&["-v", "run"]);
    for stage in ["parse", "resolve", "infer", "kernels", "passes", "plan", "weights", "prepare", "run"] {
        assert!(err.lines().any(|line| line.starts_with(stage) && line.ends_with(" ms")), "{stage}: {err}");
    }
}

#[test]
fn parameters_are_listed() {
    let (out, err) = done(&["params", &model("resnet18.cnn")]);
    assert!(out.contains("0.1.running_mean") && out.contains("  buffer"), "{out}");
    assert!(out.trim_end().lines().last().is_some_and(|line| line.starts_with("11,178,378 parameters, ")), "{out}");
    assert_eq!(err, "", "a list draws nothing");
    let output = cnnc(&["params", &model("resnet18.cnn"), "b2.0.conv1.wieght"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && errors.contains("b2.0.conv1.weight"), "{errors}");
}

#[test]
fn no_color_is_heeded_and_the_width_is_the_terminal_s() {
    let case = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cases/broken/E302_kernel_too_large.cnn");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
    let output = command.args(["check", case]).env("COLUMNS", "50").env("NO_COLOR", "1").output().expect("a process");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.lines().filter(|line| line.contains(" = ")).all(|line| line.chars().count() <= 50), "{errors}");
    assert!(Path::new(case).exists());
}

#[test]
fn eval_says_what_weights_are_worth() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = folder.path().join("lenet.yaml");
    let text = format!(
        "model: {MODELS}/lenet.cnn\ndata: {{format: idx, path: {MODELS}/fashion_mnist_small}}\noptimizer: sgd\n\
         batch_size: 64\nepochs: 1\noutput: run\n"
    );
    fs::write(&recipe, text).expect("the recipe");
    let (recipe, weights) = (recipe.to_string_lossy(), model("lenet.safetensors"));
    let (out, _) = done(&["eval", &recipe, "--weights", &weights]);
    assert!(out.starts_with("accuracy   9"), "{out}");
    assert!(out.contains("of 200)") && out.contains("ankle boot        20"), "{out}");
    assert!(folder.path().join("run/confusion.svg").exists());
    let (json, _) = done(&["eval", &recipe, "--weights", &weights, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((json["pictures"].as_u64(), json["classes"].as_array().map(Vec::len)), (Some(200), Some(10)));
    assert!(json["top5_accuracy"].as_f64() > Some(0.95) && json["confusion"][9][9].as_u64() > Some(15), "{json}");

    let missing = cnnc(&["eval", &recipe]);
    assert_eq!(missing.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&missing.stderr);
    assert!(errors.contains("best.safetensors") && errors.contains("train first"), "{errors}");
}

#[test]
fn what_is_wrong_with_a_recipe_is_shown_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = folder.path().join("lenet.yaml");
    let said = |text: &str| {
        fs::write(&recipe, text).expect("the recipe");
        let output = cnnc(&["eval", &recipe.to_string_lossy()]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let whole = format!(
        "model: {{file: {MODELS}/lenet.cnn, name: LeNet, set: {{num_classes: 10}}}}\n\
         data: {{format: idx, path: none}}\noptimizer: sgd\nbatch_size: 4\nepochs: 1\n"
    );
    let unknown = said(&whole.replace("batch_size", "batchsize"));
    assert!(unknown.contains("error[E606]") && unknown.contains("lenet.yaml:4:1"), "{unknown}");
    assert!(unknown.contains("error[E608]") && unknown.contains("did you mean `batch_size`?"), "{unknown}");
    let setting = said(&whole.replace("num_classes: 10", "num_clases: 10"));
    assert!(setting.contains("error[E203]") && setting.contains("lenet.yaml:1:"), "{setting}");
    let scheme = said(&format!("{whole}init: {{Conv2d: xavier}}\n"));
    assert!(scheme.contains("error[E221]") && scheme.contains("lenet.yaml:6:16"), "{scheme}");
    let spec = said(&whole.replace("lenet.cnn", "no.cnn"));
    assert!(spec.contains("lenet.yaml:1:15") && spec.contains("there is no such file"), "{spec}");
    let data = said(&whole);
    assert!(data.contains("t10k-images-idx3-ubyte") && data.contains("dataset-fashion-mnist"), "{data}");
}

#[test]
fn warnings_are_told_and_nothing_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = folder.path().join("net.cnn");
    let text = "model Net {\n    input [N, 4]\n    ReLU\n    init Conv2d, Linear: xavier_uniform\n}\n";
    fs::write(&spec, text).expect("a file");
    let spec = spec.to_string_lossy();
    let warned = |error: &str| error.matches("warning[E221]: there is no `").count();
    let (out, err) = done(&["check", &spec]);
    assert_eq!((out.lines().count(), warned(&err)), (1, 2), "{out}{err}");
    let (_, err) = done(&["run", &spec]);
    assert_eq!((warned(&err), err.matches("note: the input `input`").count()), (2, 1), "{err}");
    fs::write(&*spec, text.replace("Linear", "Linaer")).expect("a file");
    let output = cnnc(&["check", &spec]);
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("error[E221]: there is no layer or block `Linaer`") && err.contains("did you mean `Linear`?"));
}
