//! The door for other programs: the example of the README runs, and what is wrong prints as the command line prints it.

use cnnc_compiler::diagnostic::{Code, RenderOptions};
use cnnc_runtime::cpu::CpuOptions;
use cnnc_runtime::train::{Ending, Event, fit};
use cnnc_runtime::{Cancel, ErrorKind, Model, Preprocess, Rgb8, RunOptions, Session, Tensor};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const EXAMPLE: &str = include_str!("../examples/classify.rs");
const README: &str = include_str!("../../README.md");

#[test]
fn the_readme_shows_the_example_word_for_word() {
    let code = &EXAMPLE[EXAMPLE.find("use cnnc_runtime").expect("the code")..];
    assert!(README.contains(&format!("```rust\n{code}```\n")), "README.md differs from runtime/examples/classify.rs");
}

/// An example, to be run at the root.
fn example(name: &str, arguments: &[&OsStr]) -> Command {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--offline", "--locked", "-p", "cnnc-runtime", "--example", name]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    command.arg("--").args(arguments).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    command
}

/// What an example prints.
fn printed(name: &str, arguments: &[&OsStr]) -> String {
    let output = example(name, arguments).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_example_knows_a_shoe() {
    let text = printed("classify", &[]);
    let score = |line: &str| line.split_whitespace().next().and_then(|word| word.parse::<f32>().ok()).expect("a score");
    let best = text.lines().max_by(|a, b| score(a).total_cmp(&score(b))).expect("lines");
    assert!(text.lines().count() == 10 && best.ends_with("ankle boot"), "{text}");
    let embedded = printed("embed", &[]);
    assert!(embedded.lines().count() == 3 && embedded.lines().next().is_some_and(|line| line.ends_with("ankle boot")));
}

/// A process that is ended with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_example_serves_several_clients() {
    let mut served = Served(example("serve", &[]).stdout(Stdio::piped()).spawn().expect("cargo"));
    let mut line = String::new();
    BufReader::new(served.0.stdout.take().expect("its output")).read_line(&mut line).expect("an address");
    let address = line.trim().strip_prefix("http://").expect("an address");
    let said = |head: &str, body: &[u8]| {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.write_all(&[head.as_bytes(), body].concat()).expect("a request");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        text
    };
    let posted = |body: &[u8]| said(&format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n", body.len()), body);
    let picture = std::fs::read("../models/sample.png").expect("a picture");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let text = posted(&picture);
                assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
                let first = text.split("\r\n\r\n").nth(1).and_then(|body| body.lines().next()).expect("a class");
                assert!(first.ends_with("ankle boot"), "{text}");
            });
        }
    });
    let broken = posted(b"no picture");
    assert!(broken.starts_with("HTTP/1.1 422 ") && broken.contains("error[E603]: "), "{broken}");
    assert!(said("GET / HTTP/1.1\r\n\r\n", b"").starts_with("HTTP/1.1 400 "));
}

/// A recipe of two epochs in a folder of its own.
fn recipe(folder: &Path) -> std::path::PathBuf {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").display().to_string();
    let text = format!(
        "model: {models}/lenet.cnn\ndata: {{format: idx, path: {models}/fashion_mnist_small}}\n\
         optimizer: {{name: adam, lr: 0.002}}\nbatch_size: 64\nepochs: 2\noutput: run\n"
    );
    let path = folder.join("recipe.yaml");
    std::fs::write(&path, text).expect("a file");
    path
}

#[test]
fn the_example_trains() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = printed("train", &[recipe(folder.path()).as_os_str()]);
    assert!(text.starts_with("epoch 1: loss ") && text.ends_with("Done\n") && text.lines().count() == 3, "{text}");
}

#[test]
fn a_training_is_one_call_that_can_be_cancelled() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = recipe(folder.path());
    let cancel = Cancel::default();
    let mut steps = 0;
    let ending = fit(&recipe, &cancel, &mut |event| {
        if let Event::Stepped { .. } = event {
            steps += 1;
            if steps == 3 {
                cancel.cancel();
            }
        }
    });
    assert_eq!(ending.expect("a training"), Ending::Stopped { epoch: 0, batch: 3 });
    assert!(folder.path().join("run/last.safetensors").exists());
    let there = fit(&recipe, &Cancel::default(), &mut |_| {}).expect_err("the run is there");
    assert_eq!(there.code(), Code::E613);
    std::fs::write(&recipe, "model: none.cnn\nepoch: 3\n").expect("a file");
    let wrong = fit(&recipe, &Cancel::default(), &mut |_| {}).expect_err("no recipe");
    let unknown = wrong.details().find(|detail| detail.code == Code::E606).expect("an unknown key");
    assert_eq!(unknown.place.map(|place| (place.line, place.column)), Some((2, 1)));
}

#[test]
fn batches_and_options_give_the_same_answers() {
    let model = || Model::load("../models/lenet.cnn").expect("a model").weights("../models/lenet.safetensors");
    let picture = model().input("../models/sample.png").expect("a picture");
    let mut session = model().prepare().expect("packed weights").session();
    let one = session.run(std::slice::from_ref(&picture)).expect("answers").at(0).clone();
    let three = Tensor::new(&[3, 1, 28, 28], picture.data().repeat(3)).expect("a batch");
    let exact = CpuOptions { threads: 1, exact: true, ..CpuOptions::default() };
    let prepared = model().options(exact).batch(3).expect("an open batch").prepare().expect("packed weights");
    let answers = prepared.session().run(&[three]).expect("answers").at(0).clone();
    assert_eq!(answers.shape(), [3, 10]);
    for row in answers.data().chunks(10) {
        assert!(row.iter().zip(one.data()).all(|(a, b)| (a - b).abs() < 1e-4), "{row:?} and {one:?}");
    }
}

#[test]
fn what_is_wrong_prints_as_the_command_line_prints_it() {
    let path = "../tests/cases/broken/E302_kernel_too_large.cnn";
    let report = Model::load(path).err().expect("a report").to_string();
    assert!(report.starts_with("error[E302]: ") && report.contains(path) && report.contains("= help: "), "{report}");
    let missing = Model::load("../models/lenet.cnn").expect("a model").weights("no such file").prepare();
    let missing = missing.err().expect("a report");
    assert_eq!(format!("{missing:?}"), "error[E601]: cannot read `no such file`: there is no such file");
    let prepared = Model::load("../models/lenet.cnn").expect("a model").prepare().expect("packed weights");
    let wrong = prepared.session().run(&[]).err().expect("no input");
    assert!(wrong.to_string().starts_with("error[E604]: "), "{wrong}");
}

#[test]
fn an_error_goes_anywhere_and_is_data() {
    fn anywhere() -> Result<(), Box<dyn std::error::Error + Send + Sync + 'static>> {
        Model::load("../tests/cases/broken/E302_kernel_too_large.cnn")?;
        Ok(())
    }
    let error = anywhere().expect_err("a kernel too large").downcast::<cnnc_runtime::Error>().expect("our own");
    assert_eq!((error.code(), error.kind()), (Code::E302, ErrorKind::Shapes));
    let details: Vec<_> = error.details().collect();
    let [detail] = details.as_slice() else { panic!("{details:?}") };
    let place = detail.place.as_ref().expect("a place");
    assert!(place.file.ends_with("E302_kernel_too_large.cnn"), "{place:?}");
    // What the first line of the spec says of it.
    let first = error.files().iter().next().and_then(|(_, file)| file.text.lines().next()).expect("a spec");
    assert!(first.ends_with(&format!("E302 {}:{}", place.line, place.column)), "{first} and {place:?}");
    let [mend, ..] = detail.fixes.as_slice() else { panic!("{detail:?}") };
    let (place, replacement) = &mend.edits[0];
    assert!(place.file.ends_with("E302_kernel_too_large.cnn") && replacement.contains("padding"), "{mend:?}");
    assert!(!detail.message.is_empty() && !detail.notes.is_empty() && !detail.help.is_empty());
    assert_eq!(error.to_string(), error.render(RenderOptions { color: false, width: 100 }).trim_end());
    let missing = Model::load("no such.cnn").err().expect("no file");
    assert_eq!((missing.kind(), missing.details().next().and_then(|one| one.place)), (ErrorKind::Data, None));
}

#[test]
fn text_and_bytes_that_a_program_holds_answer_as_files_do() {
    const SPEC: &str = include_str!("../../models/lenet.cnn");
    const WEIGHTS: &[u8] = include_bytes!("../../models/lenet.safetensors");
    let mut files = Model::load("../models/lenet.cnn").expect("a model").weights("../models/lenet.safetensors");
    let picture = files.input("../models/sample.png").expect("a picture");
    let held = Model::from_text("lenet.cnn", SPEC).and_then(|model| model.weights_from_bytes("weights", WEIGHTS));
    let [one, other] = [files, held.expect("a model")].map(|model| {
        let mut session = model.prepare().expect("packed weights").session();
        session.run(std::slice::from_ref(&picture)).expect("answers").get("output").expect("an output").clone()
    });
    assert_eq!(one, other);
    let cut = Model::from_text("lenet.cnn", SPEC).expect("a model").weights_from_bytes("weights", &WEIGHTS[..1000]);
    assert!(cut.err().expect("no weights").to_string().starts_with("error[E603]: `weights` is cut off"));
    let imports =
        Model::from_text("a.cnn", "import \"b.cnn\"\nmodel A { input [1, 1]; ReLU }").err().expect("no b.cnn");
    assert!(imports.to_string().contains("`a.cnn` is text, and imports nothing"), "{imports}");
}

#[test]
fn pictures_in_memory_are_read_as_files_are() {
    let mut model = Model::load("../models/lenet.cnn").expect("a model");
    let file = std::fs::read("../models/sample.png").expect("a picture");
    let expected = model.input("../models/sample.png").expect("a picture");
    let preprocess = Preprocess::of(&model, 0).expect("an input");
    let twice = preprocess.encoded(&[&file, &file]).expect("two pictures");
    assert_eq!((twice.shape(), twice.data()), ([2, 1, 28, 28].as_slice(), expected.data().repeat(2).as_slice()));

    let text = "model Colours { input [N, 3, 2, 2] image(scale=1.0); Identity }";
    let colours = Preprocess::of(&Model::from_text("colours.cnn", text).expect("a model"), 0).expect("an input");
    let pixels: Vec<u8> = (0..12).collect();
    let picture = Rgb8 { width: 2, height: 2, pixels: &pixels };
    let tensor = colours.rgb8(&[picture]).expect("a picture");
    assert_eq!(tensor.data(), [0., 3., 6., 9., 1., 4., 7., 10., 2., 5., 8., 11.]);
    let short = colours.rgb8(&[Rgb8 { pixels: &pixels[1..], ..picture }]).expect_err("a byte is missing");
    assert_eq!((short.code(), short.message.contains("12 bytes") && short.message.contains("11")), (Code::E604, true));
    assert_eq!(colours.rgb8(&[]).expect_err("no picture").code(), Code::E604);
    assert_eq!(colours.encoded(&[&file[..40]]).expect_err("cut off").code(), Code::E603);
    assert!(Preprocess::of(&model, 1).is_err());
}

#[test]
fn the_likeliest_classes_have_names() {
    let mut model = Model::load("../models/lenet.cnn").expect("a model").weights("../models/lenet.safetensors");
    let picture = model.input("../models/sample.png").expect("a picture");
    let mut session = model.prepare().expect("packed weights").session();
    let outputs = session.run(&[picture]).expect("answers");
    let top = outputs.top(3).expect("classes");
    let [first, second, third] = top[0].as_slice() else { panic!("{top:?}") };
    assert_eq!((first.class, first.label), (9, Some("ankle boot")));
    assert!(first.probability > second.probability && second.probability >= third.probability);
    assert!(outputs.get("no such output").is_none() && outputs.all().len() == 1);
    let none = Model::from_text("a.cnn", "model A { input [N, 2, 3, 3]; ReLU }").expect("a model");
    let mut session = none.prepare().expect("packed weights").session();
    let image = Tensor::filled(&[1, 2, 3, 3], 1.0);
    let why = session.run(&[image]).expect("answers").top(1).expect_err("no classes").message.clone();
    assert!(why.contains("[[1, 2, 3, 3]]"), "{why}");
}

#[test]
fn sessions_on_several_threads_answer_with_the_same_bits_in_any_batch() {
    fn shared_by_threads<T: Clone + Send + Sync + 'static>(shared: T) -> T {
        shared
    }
    fn sent<T: Send + 'static>(sent: T) -> T {
        sent
    }
    let options = CpuOptions { threads: 2, ..CpuOptions::default() };
    let model = shared_by_threads(Model::load("../models/lenet.cnn").expect("a model").options(options));
    let prepared = shared_by_threads(model.prepare().expect("packed weights"));
    let picture = |batch: usize| cnnc_runtime::random::input("x", &[batch, 1, 28, 28], batch as u64);
    let answer = |session: &mut Session, batch| session.run(&[picture(batch)]).expect("answers").at(0).clone();
    // More batches than there are plans that are kept.
    let batches: Vec<usize> = (1..=10).chain([1, 7]).collect();
    let expected: Vec<Tensor> = batches.iter().map(|&batch| answer(&mut prepared.session(), batch)).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mut session = sent(prepared.session());
            let (batches, expected) = (&batches, &expected);
            scope.spawn(move || {
                for (&batch, expected) in batches.iter().zip(expected) {
                    (0..5).for_each(|_| assert_eq!(answer(&mut session, batch), *expected));
                }
            });
        }
    });
    let alone = CpuOptions { threads: 1, ..options };
    let mut alone = model.options(alone).prepare().expect("packed weights").session();
    assert_eq!(answer(&mut alone, 3), expected[2]);
    let [small, large] = [1, 64].map(|batch| prepared.memory(&[&[batch, 1, 28, 28]]).expect("a plan").run_bytes);
    assert!(small < large, "{small} and {large}");
}

#[test]
fn inner_values_are_outputs_under_their_paths() {
    let model = Model::load("../models/lenet.cnn").expect("a model");
    let picture = cnnc_runtime::random::input("x", &[2, 1, 28, 28], 0);
    let mut whole = model.prepare().expect("packed weights").session();
    let expected = whole.run(std::slice::from_ref(&picture)).expect("answers").at(0).clone();
    let shown = ["0", "5", "7"].into_iter().try_fold(model.clone(), |model, path| model.showing(path));
    let mut session = shown.expect("layers").prepare().expect("packed weights").session();
    let outputs = session.run(&[picture]).expect("answers");
    let shape = |path: &str| outputs.get(path).expect("an inner value").shape();
    assert_eq!(
        (shape("0"), shape("5"), shape("7")),
        ([2, 6, 28, 28].as_slice(), [2, 16, 5, 5].as_slice(), [2, 120].as_slice())
    );
    assert!(
        outputs.get("5").expect("a mean").data().iter().all(|mean| (0.0..=1.0).contains(mean)),
        "means of sigmoids"
    );
    let far = outputs.at(0).data().iter().zip(expected.data()).any(|(a, b)| (a - b).abs() > 1e-4);
    assert!(!far, "the answer is another");
    let unknown = model.showing("77").err().expect("no such layer");
    assert_eq!(unknown.code(), Code::E202, "{unknown}");
}

#[test]
fn a_run_that_is_cancelled_ends_and_the_session_goes_on() {
    let model = Model::load("../models/lenet.cnn").expect("a model");
    let mut session = model.prepare().expect("packed weights").session();
    let picture = cnnc_runtime::random::input("x", &[1, 1, 28, 28], 0);
    let expected = session.run(std::slice::from_ref(&picture)).expect("answers").at(0).clone();
    let cancel = Cancel::default();
    let options = RunOptions::stopped_by(&cancel);
    let answer = session.run_with(std::slice::from_ref(&picture), &options).expect("not cancelled yet").at(0).clone();
    assert_eq!(answer, expected);
    std::thread::scope(|scope| {
        scope.spawn(|| cancel.cancel());
        let stopped = (0..).find_map(|_| session.run_with(std::slice::from_ref(&picture), &options).err());
        assert_eq!(stopped.map(|error| error.code()), Some(Code::E508));
    });
    assert_eq!(*session.run(&[picture]).expect("answers").at(0), expected);
}

#[test]
fn sizes_that_a_spec_leaves_open_are_those_of_the_request() {
    let text = "model Open {\n    input [N, 3, H, W]\n    Conv2d(4, kernel_size=3, padding=1)\n    MaxPool2d(2)\n}\n";
    let model = Model::from_text("open.cnn", text).expect("a model");
    let mut session = model.prepare().expect("a model whose sizes are open").session();
    for [height, width] in [[8, 8], [6, 10], [8, 8]] {
        let input = Tensor::filled(&[2, 3, height, width], 1.0);
        let shape = session.run(&[input]).expect("answers").at(0).shape().to_vec();
        assert_eq!(shape, [2, 4, height / 2, width / 2]);
    }
    let small = session.run(&[Tensor::filled(&[1, 3, 1, 8], 1.0)]).err().expect("no pixel is left");
    assert_eq!(small.kind(), ErrorKind::Shapes, "{small}");
    assert_eq!(session.run(&[Tensor::filled(&[1, 3, 8, 8], 1.0)]).expect("answers").at(0).shape(), [1, 4, 4, 4]);
}

/// A spec of two inputs that share their batch.
fn two_inputs(folder: &Path) -> Model {
    let path = folder.join("pair.cnn");
    let text = "model Pair {\n    input a [N, 2]\n    input b [N, 2]\n    sum { from a; from b }\n}\n";
    std::fs::write(&path, text).expect("a file");
    Model::load(&path).expect("a model")
}

/// A file of `samples` rows of two numbers.
fn rows(folder: &Path, samples: usize) -> std::path::PathBuf {
    let path = folder.join(format!("{samples}.npy"));
    cnnc_runtime::input::save_npy(&path, &Tensor::filled(&[samples, 2], 1.0)).expect("a file");
    path
}

#[test]
fn what_is_said_twice_is_what_was_said_last() {
    let model = || Model::load("../models/lenet.cnn").expect("a model");
    let batch_of = |model: &Model| model.compile(&model.target(), &mut ()).expect("a plan").0.inputs[0].view.shape[0];
    let twice = model().batch(4).and_then(|model| model.batch(2)).expect("an open batch");
    assert_eq!(batch_of(&twice), 2);
    let mut read = model();
    let picture = read.input("../models/sample.png").expect("a picture");
    let read = read.batch(3).expect("an open batch");
    assert_eq!(batch_of(&read), 3);
    // What was bound is what is made ready first; a request may have any other size that the spec permits.
    let mut session = read.prepare().expect("packed weights").session();
    assert_eq!(session.run(&[picture]).expect("one picture").at(0).shape(), [1, 10]);
    let wrong = session.run(&[Tensor::filled(&[3, 1, 28, 30], 0.0)]).err().expect("too wide");
    assert!(wrong.to_string().contains("[3, 1, 28, 30], and the model takes [N, 1, 28, 28]"), "{wrong}");
    let none = model().batch(0).err().expect("no sample").to_string();
    assert!(none.starts_with("error[E402]: a batch of 0"), "{none}");

    let weights =
        |model: Model| model.parameters().expect("parameters").get("0.weight").expect("a weight").data().to_vec();
    let drawn = |seed| weights(model().seed(seed));
    assert_eq!(weights(model().seed(1).seed(2)), drawn(2));
    assert_eq!(weights(model().weights("no such file").seed(2)), drawn(2));
    assert_ne!(weights(model().seed(2).weights("../models/lenet.safetensors")), drawn(2));
    let one = CpuOptions { threads: 1, ..CpuOptions::default() };
    let two = CpuOptions { threads: 2, ..one };
    assert_eq!(model().options(one).options(two).options.threads, 2);
}

#[test]
fn another_file_for_an_input_may_have_other_sizes_and_inputs_must_agree() {
    let folder = tempfile::tempdir().expect("a folder");
    let (two, three) = (rows(folder.path(), 2), rows(folder.path(), 3));
    let read = |model: &mut Model, number: usize, path: &Path| {
        model.input_by(number, |wanted| cnnc_runtime::input::read(path, wanted)).map(|loaded| loaded.tensor)
    };
    let mut model = two_inputs(folder.path());
    read(&mut model, 0, &three).expect("three rows");
    let a = read(&mut model, 0, &two).expect("two rows in their place");
    let disagreeing = read(&mut model, 1, &three).expect_err("three rows beside two");
    assert!(disagreeing.message.contains("[3, 2], and the input `b` is [2, 2]"), "{}", disagreeing.message);
    let b = read(&mut model, 1, &two).expect("two rows");
    let mut session = model.prepare().expect("packed weights").session();
    assert_eq!(session.run(&[a, b.clone()]).expect("answers").at(0).shape(), [2, 2]);
    let apart = session.run(&[Tensor::filled(&[3, 2], 1.0), b]).err().expect("three rows beside two");
    assert!(apart.message.contains("`b` is [2, 2], and the model takes [N, 2]"), "{}", apart.message);
    let mut asked = two_inputs(folder.path()).batch(2).expect("an open batch");
    assert!(read(&mut asked, 0, &three).expect_err("a batch of two").message.contains("is [2, 2]"));
    let mut drawn = two_inputs(folder.path());
    drawn.drawn_input(0, 0).expect("an input");
    assert_eq!(drawn.input(&two).expect("two rows in the place of a drawn one").shape(), [2, 2]);
}

#[test]
fn options_that_no_machine_has_are_errors() {
    let model = |threads| {
        let options = CpuOptions { threads, ..CpuOptions::default() };
        Model::load("../models/lenet.cnn").expect("a model").options(options).prepare().err().expect("an error")
    };
    for threads in [1025, 100_000, usize::MAX] {
        let text = model(threads).to_string();
        assert!(
            text.starts_with(&format!("error[E506]: {threads} threads are wanted, and 1024 is the most")),
            "{text}"
        );
    }
}
