//! The door for other programs: models, weights and sessions do what the library says of them, and what is wrong prints as the
//! command line prints it.

mod examples;
mod training;

use cnnc_compiler::diagnostic::{Code, RenderOptions};
use cnnc_runtime::{
    Cancel, Device, ErrorKind, Model, PrepareOptions, Prepared, Preprocess, Rgb8, RunOptions, Session, Tensor,
    TensorView, TensorViewMut, Weights,
};
use std::path::Path;

/// The LeNet that ships, with the weights that ship.
fn lenet() -> (Model, Weights) {
    let model = Model::from_file("../models/lenet.cnn").expect("a model");
    let weights = Weights::from_file("../models/lenet.safetensors", &model).expect("its weights");
    (model, weights)
}

/// A model with drawn weights on the processor.
fn drawn(model: &Model) -> Prepared {
    let weights = model.init(0).expect("weights");
    model.prepare(&weights, &Device::default(), PrepareOptions::default()).expect("packed weights")
}

#[test]
fn batches_and_options_give_the_same_answers() {
    let (model, weights) = lenet();
    let picture = model.input("../models/sample.png").expect("a picture");
    let prepared = |device: &Device, options| model.prepare(&weights, device, options).expect("packed weights");
    let mut session = prepared(&Device::default(), PrepareOptions::default()).session();
    let one = session.run(&[&picture]).expect("answers").at(0).clone();
    let three = Tensor::new(&[3, 1, 28, 28], picture.data().repeat(3)).expect("a batch");
    let options = PrepareOptions::default().exact().sizes_of(&[&three]);
    let answers = prepared(&Device::cpu(1), options).session().run(&[three]).expect("answers").at(0).clone();
    assert_eq!(answers.shape(), [3, 10]);
    for row in answers.data().chunks(10) {
        assert!(row.iter().zip(one.data()).all(|(a, b)| (a - b).abs() < 1e-4), "{row:?} and {one:?}");
    }
}

#[test]
fn what_is_wrong_prints_as_the_command_line_prints_it() {
    let path = "../tests/cases/broken/E302_kernel_too_large.cnn";
    let report = Model::from_file(path).err().expect("a report").to_string();
    assert!(report.starts_with("error[E302]: ") && report.contains(path) && report.contains("= help: "), "{report}");
    let (model, weights) = lenet();
    let missing = Weights::from_file("no such file", &model).err().expect("a report");
    assert_eq!(format!("{missing:?}"), "error[E601]: cannot read `no such file`: there is no such file");
    let prepared = model.prepare(&weights, &Device::default(), PrepareOptions::default()).expect("packed weights");
    let wrong = prepared.session().run::<[Tensor]>(&[]).err().expect("no input");
    assert!(wrong.to_string().starts_with("error[E604]: "), "{wrong}");
    let other = Model::from_text("a.cnn", "model A { input [N, 2]; Linear(3) }").expect("a model");
    let foreign = other.prepare(&weights, &Device::default(), PrepareOptions::default()).err().expect("other weights");
    assert_eq!(foreign.code(), Code::E602, "{foreign}");
}

#[test]
fn an_error_goes_anywhere_and_is_data() {
    fn anywhere() -> Result<(), Box<dyn std::error::Error + Send + Sync + 'static>> {
        Model::from_file("../tests/cases/broken/E302_kernel_too_large.cnn")?;
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
    let missing = Model::from_file("no such.cnn").err().expect("no file");
    assert_eq!((missing.kind(), missing.details().next().and_then(|one| one.place)), (ErrorKind::Data, None));
}

#[test]
fn text_and_bytes_that_a_program_holds_answer_as_files_do() {
    const SPEC: &str = include_str!("../../../models/lenet.cnn");
    const WEIGHTS: &[u8] = include_bytes!("../../../models/lenet.safetensors");
    let files = lenet();
    let picture = files.0.input("../models/sample.png").expect("a picture");
    let text = Model::from_text("lenet.cnn", SPEC).expect("a model");
    let held = Weights::from_bytes("weights", WEIGHTS, &text).expect("weights");
    let [one, other] = [files, (text.clone(), held)].map(|(model, weights)| {
        let prepared = model.prepare(&weights, &Device::default(), PrepareOptions::default()).expect("packed weights");
        let mut session = prepared.session();
        session.run(std::slice::from_ref(&picture)).expect("answers").get("output").expect("an output").clone()
    });
    assert_eq!(one, other);
    let cut = Weights::from_bytes("weights", &WEIGHTS[..1000], &text);
    assert!(cut.err().expect("no weights").to_string().starts_with("error[E603]: `weights` is cut off"));
    let imports =
        Model::from_text("a.cnn", "import \"b.cnn\"\nmodel A { input [1, 1]; ReLU }").err().expect("no b.cnn");
    assert!(imports.to_string().contains("`a.cnn` is text, and imports nothing"), "{imports}");
}

#[test]
fn pictures_in_memory_are_read_as_files_are() {
    let model = lenet().0;
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
    let (model, weights) = lenet();
    let picture = model.input("../models/sample.png").expect("a picture");
    let prepared = model.prepare(&weights, &Device::default(), PrepareOptions::default()).expect("packed weights");
    let mut session = prepared.session();
    let outputs = session.run(&[picture]).expect("answers");
    let top = outputs.top(3).expect("classes");
    let [first, second, third] = top[0].as_slice() else { panic!("{top:?}") };
    assert_eq!((first.class, first.label), (9, Some("ankle boot")));
    assert!(first.probability > second.probability && second.probability >= third.probability);
    assert!(outputs.get("no such output").is_none() && outputs.all().len() == 1);
    let none = Model::from_text("a.cnn", "model A { input [N, 2, 3, 3]; ReLU }").expect("a model");
    let mut session = drawn(&none).session();
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
    let model = shared_by_threads(lenet().0);
    let weights = shared_by_threads(model.init(0).expect("weights"));
    let device = shared_by_threads(Device::cpu(2));
    let packed = |device| model.prepare(&weights, device, PrepareOptions::default()).expect("packed weights");
    let prepared = shared_by_threads(packed(&device));
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
    let mut alone = packed(&Device::cpu(1)).session();
    assert_eq!(answer(&mut alone, 3), expected[2]);
    let [small, large] = [1, 64].map(|batch| prepared.memory(&[&[batch, 1, 28, 28]]).expect("a plan").run_bytes);
    assert!(small < large, "{small} and {large}");
}

#[test]
fn inner_values_are_outputs_under_their_paths() {
    let (model, weights) = lenet();
    let picture = cnnc_runtime::random::input("x", &[2, 1, 28, 28], 0);
    let prepared = |options| model.prepare(&weights, &Device::default(), options);
    let mut whole = prepared(PrepareOptions::default()).expect("packed weights").session();
    let expected = whole.run(std::slice::from_ref(&picture)).expect("answers").at(0).clone();
    let shown = PrepareOptions::default().tap("0").tap("5").tap("7");
    let mut session = prepared(shown).expect("packed weights").session();
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
    let unknown = prepared(PrepareOptions::default().tap("77")).err().expect("no such layer");
    assert_eq!(unknown.code(), Code::E202, "{unknown}");
}

#[test]
fn a_run_that_is_cancelled_ends_and_the_session_goes_on() {
    let (model, weights) = lenet();
    let mut session = drawn(&model).session();
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
    assert_eq!(*session.run(&[&picture]).expect("answers").at(0), expected);
    // What is cancelled before it begins makes no plan and packs no weights.
    let options = PrepareOptions::default().stopped_by(&cancel);
    let stopped = model.prepare(&weights, &Device::default(), options).err().expect("cancelled");
    assert_eq!(stopped.code(), Code::E508);
    let mut fresh = drawn(&model).session();
    let two = Tensor::filled(&[2, 1, 28, 28], 0.0);
    let stopped = fresh.run_with(&[two], &RunOptions::stopped_by(&cancel)).err().map(|error| error.code());
    assert_eq!(stopped, Some(Code::E508));
}

#[test]
fn inputs_and_answers_lie_in_the_programs_own_memory() {
    let (model, weights) = lenet();
    let picture = model.input("../models/sample.png").expect("a picture");
    let prepared = model.prepare(&weights, &Device::default(), PrepareOptions::default()).expect("packed weights");
    let mut session = prepared.session();
    let expected = session.run(&[&picture]).expect("answers").at(0).data().to_vec();
    let mut pixels = picture.data().to_vec();
    let borrowed = TensorView::new(&[1, 1, 28, 28], &pixels).expect("a picture");
    assert_eq!(session.run(&[borrowed]).expect("answers").at(0).data(), expected);
    let mut scores = [0.0; 10];
    let mut into = |pixels: &[f32], scores: &mut [f32]| {
        let inputs = [TensorView::new(&[1, 1, 28, 28], pixels).expect("a picture")];
        let outputs = &mut [TensorViewMut::new(&[1, 10], scores).expect("room")];
        session.run_into(&inputs, outputs, &RunOptions::default()).expect("answers");
    };
    into(&pixels, &mut scores);
    assert_eq!(scores.as_slice(), expected);
    pixels.fill(0.0);
    into(&pixels, &mut scores);
    assert_ne!(scores.as_slice(), expected);
    let mut narrow = [0.0; 9];
    let outputs = &mut [TensorViewMut::new(&[1, 9], &mut narrow).expect("room")];
    let refused = session.run_into(&[&picture], outputs, &RunOptions::default()).expect_err("no room");
    assert_eq!((refused.code(), refused.message.contains("[1, 10]")), (Code::E604, true), "{refused}");
    assert!(session.run_into(&[picture], &mut [], &RunOptions::default()).is_err());
}

#[test]
fn sizes_that_a_spec_leaves_open_are_those_of_the_request() {
    let text = "model Open {\n    input [N, 3, H, W]\n    Conv2d(4, kernel_size=3, padding=1)\n    MaxPool2d(2)\n}\n";
    let model = Model::from_text("open.cnn", text).expect("a model");
    let mut session = drawn(&model).session();
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
    Model::from_file(&path).expect("a model")
}

/// A file of `samples` rows of two numbers.
fn rows(folder: &Path, samples: usize) -> std::path::PathBuf {
    let path = folder.join(format!("{samples}.npy"));
    cnnc_runtime::input::save_npy(&path, &Tensor::filled(&[samples, 2], 1.0)).expect("a file");
    path
}

#[test]
fn what_is_said_twice_is_what_was_said_last() {
    let (model, weights) = lenet();
    let bound = |reader: cnnc_runtime::InputReader| reader.bindings().get("N").copied();
    assert_eq!(bound(model.reader().batch(4).and_then(|reader| reader.batch(2)).expect("an open batch")), Some(2));
    let mut reader = model.reader();
    let picture = reader.read(0, "../models/sample.png").expect("a picture").tensor;
    assert_eq!(bound(reader.batch(3).expect("an open batch")), Some(3));
    // What is asked for is made ready first; a request may have any other size that the spec permits.
    let three = Tensor::filled(&[3, 1, 28, 28], 0.0);
    let options = PrepareOptions::default().sizes_of(&[three]);
    let mut session = model.prepare(&weights, &Device::default(), options).expect("packed weights").session();
    assert_eq!(session.run(&[picture]).expect("one picture").at(0).shape(), [1, 10]);
    let wrong = session.run(&[Tensor::filled(&[3, 1, 28, 30], 0.0)]).err().expect("too wide");
    assert!(wrong.to_string().contains("[3, 1, 28, 30], and the model takes [N, 1, 28, 28]"), "{wrong}");
    let none = model.reader().batch(0).err().expect("no sample").to_string();
    assert!(none.starts_with("error[E402]: a batch of 0"), "{none}");
    let text = "model A(width: int = 2) { input [N, 3]; Linear(width) }";
    let twice = Model::builder().set("width", "4").set("width", "5").text("a.cnn", text).expect("a model");
    assert_eq!(twice.init(0).expect("weights").keys().next(), Some(("0.weight", [5, 3].as_slice())));
}

#[test]
fn another_file_for_an_input_may_have_other_sizes_and_inputs_must_agree() {
    let folder = tempfile::tempdir().expect("a folder");
    let (two, three) = (rows(folder.path(), 2), rows(folder.path(), 3));
    let model = two_inputs(folder.path());
    let mut reader = model.reader();
    reader.read(0, &three).expect("three rows");
    let a = reader.read(0, &two).expect("two rows in their place").tensor;
    let disagreeing = reader.read(1, &three).expect_err("three rows beside two");
    assert!(disagreeing.message.contains("[3, 2], and the input `b` is [2, 2]"), "{}", disagreeing.message);
    let b = reader.read(1, &two).expect("two rows").tensor;
    let mut session = drawn(&model).session();
    assert_eq!(session.run(&[a, b.clone()]).expect("answers").at(0).shape(), [2, 2]);
    let apart = session.run(&[Tensor::filled(&[3, 2], 1.0), b]).err().expect("three rows beside two");
    assert!(apart.message.contains("`b` is [2, 2], and the model takes [N, 2]"), "{}", apart.message);
    let mut asked = model.reader().batch(2).expect("an open batch");
    assert!(asked.read(0, &three).expect_err("a batch of two").message.contains("is [2, 2]"));
    let mut reader = model.reader();
    reader.drawn(0, 0).expect("an input");
    assert_eq!(reader.read(0, &two).expect("two rows in the place of a drawn one").tensor.shape(), [2, 2]);
}

#[test]
fn options_that_no_machine_has_are_errors() {
    let (model, weights) = lenet();
    for threads in [1025, 100_000, usize::MAX] {
        let prepared = model.prepare(&weights, &Device::cpu(threads), PrepareOptions::default());
        let text = prepared.err().expect("an error").to_string();
        assert!(
            text.starts_with(&format!("error[E506]: {threads} threads are wanted, and 1024 is the most")),
            "{text}"
        );
    }
}
