//! Cfgs and weights of Darknet are imported, rolled and flat, and give the numbers of Darknet itself, which
//! `tests/reference/darknet.py` wrote beside them; what cannot be said and what does not fit is told by section and line.

use cnnc_runtime::import::{Form, Options, import};
use cnnc_runtime::{Device, Model, PrepareOptions, Weights};
use cnnc_tests::{Ran, cnnc, difference, imported, stored_tensor};
use safetensors::SafeTensors;
use std::fs;
use std::path::{Path, PathBuf};

/// DESIGN section 10's measure of a kernel in float32.
const MOST: f64 = 1e-5;

const CASES: [&str; 5] = ["alexeyab", "blocks", "classifier", "detector", "enlarging"];

fn case(name: &str, ending: &str) -> PathBuf {
    Path::new("reference/darknet").join(name).with_extension(ending)
}

#[test]
fn imported_cfgs_give_the_numbers_of_darknet() {
    for name in CASES {
        let bytes = fs::read(case(name, "safetensors")).expect("its values");
        let stored = SafeTensors::deserialize(&bytes).expect("a safetensors file");
        for form in [Form::Rolled, Form::Flat] {
            let folder = tempfile::tempdir().expect("a folder");
            let weights = case(name, "weights");
            let options = Options { form, weights: Some(&weights), ..Options::default() };
            let made = import(&case(name, "cfg"), &folder.path().join("net.cnn"), &options);
            let made = made.unwrap_or_else(|error| panic!("{name}: {error}"));
            let model = Model::from_file(&made.spec).unwrap_or_else(|error| panic!("{error}"));
            let weights =
                Weights::from_file(made.weights.expect("weights"), &model).unwrap_or_else(|error| panic!("{error}"));
            let prepared = model.prepare(&weights, &Device::cpu(1), PrepareOptions::default());
            let mut session = prepared.unwrap_or_else(|error| panic!("{error}")).session();
            let outputs = session.run(&[stored_tensor(&stored, "input")]).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(made.ports.1.len(), stored.len() - 1, "{name}");
            for place in 0..made.ports.1.len() {
                let (ours, theirs) = (outputs.at(place), stored_tensor(&stored, &format!("output{place}")));
                assert_eq!(ours.shape(), theirs.shape(), "{name}");
                let far = difference(ours.data(), theirs.data());
                assert!(far <= MOST, "{name}, output {place}: {far:e}");
            }
        }
    }
}

#[test]
fn the_command_says_what_it_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = folder.path().join("net.cnn");
    let spec = spec.to_str().expect("text");
    let facts = [
        "net.cnn, without weights",
        "from      Darknet, 18 sections",
        "input     [N, 3, 24, 32] is `net`",
        "output    [N, 12, 6, 8] is `yolo9`",
        "output    [N, 12, 6, 8] is `yolo16`",
        "heads that are left out, so that the maps go out which they decode: 2",
        "detector.weights` lies beside it and was not read",
        "proved    the spec's kernels are those of the file",
    ];
    imported(&["reference/darknet/detector.cfg", "-o", spec], &facts);
    let weights = ["--weights", "reference/darknet/detector.weights", "--force"];
    let arguments = [&["reference/darknet/detector.cfg", "-o", spec][..], &weights].concat();
    let output = imported(&arguments, &["net.safetensors", "version 0.2.0, 1234 pictures seen"]);
    assert!(!output.contains("lies beside it"), "{output}");
}

#[test]
fn what_does_not_fit_is_told_and_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a file");
        path.to_str().expect("text").to_owned()
    };
    let whole = fs::read(case("blocks", "weights")).expect("weights");
    let short = put("short.weights", whole.get(..whole.len() - 5).expect("a part"));
    let recurrent =
        put("recurrent.cfg", b"[net]\ninputs=4\n[rnn]\noutput=3\n\n[connected]\noutput=2\nactivation=plse\n[lstm]\n");
    let word = put("word.cfg", b"[net]\r\nheight=4\r\nwidth=4\r\nchannels=1\r\n[maxpool]\r\nsize=two\r\n");
    let before = fs::read_dir(folder.path()).expect("the folder").count();
    let spec = folder.path().join("net.cnn");
    let spec = spec.to_str().expect("text");
    let blocks = "reference/darknet/blocks.cfg";
    let others = "reference/darknet/detector.weights";
    for (arguments, reasons) in [
        (
            vec![blocks, "--weights", &short],
            &[
                "E603",
                "short.weights",
                "too short for the cfg by 5 bytes",
                "variances of layer 8",
                "`[batchnorm]`",
                "compare `filters`",
            ][..],
        ),
        (vec![blocks, "--weights", others], &["E603", "detector.weights", "is too long for the cfg by"]),
        (vec![blocks, "--weights", blocks], &["E603", "is no file of Darknet's weights"]),
        (vec![blocks, "--weights", "nowhere.weights"], &["E601"]),
        (vec!["onnx/cases/conv1d.onnx", "--weights", others], &["E603", "is no cfg of Darknet", "leave --weights"]),
        (
            vec![&recurrent],
            &[
                "E616",
                "layer 0 `[rnn]`, line 3",
                "layer 1 `[connected]`, line 6: the activation `plse`",
                "layer 2 `[lstm]`",
            ],
        ),
        (vec![&word], &["E603", "word.cfg", "line 6: `size` is `two`"]),
    ] {
        let all = [vec!["import"], arguments.clone(), vec!["-o", spec]].concat();
        let Ran { code, output, errors } = cnnc(&all);
        assert_eq!((code, output.as_str()), (1, ""), "{arguments:?}");
        assert!(reasons.iter().all(|reason| errors.contains(reason)), "{arguments:?}: {errors}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), before);
}
