//! Files that fit, files that do not, and files that lie.

use super::{load, load_all, load_bytes, save};
use crate::cpu::blocked::pool::Pool;
use crate::parameters::Room;
use crate::{Parameters, Result, Tensor};
use cnnc_compiler::diagnostic::Code;
use cnnc_compiler::graph::{Graph, Initialiser, Parameter};
use cnnc_compiler::training::names::{is_state, state_key};
use cnnc_grammar::span::Span;
use proptest::prelude::*;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

fn parameter(path: &str, aliases: &[&str], shape: &[usize]) -> Parameter {
    Parameter {
        path: path.into(),
        aliases: aliases.iter().map(|&alias| alias.into()).collect(),
        shape: shape.to_vec(),
        trainable: true,
        initialiser: Initialiser::Constant(0.0),
        is_counter: path.ends_with("num_batches_tracked"),
        learning: cnnc_compiler::graph::Learning::default(),
        span: Span::default(),
    }
}

fn graph() -> Graph {
    let parameters = vec![
        parameter("0.weight", &["2.weight"], &[2, 2]),
        parameter("1.running_mean", &[], &[2]),
        parameter("1.num_batches_tracked", &[], &[]),
    ];
    Graph { name: "Net".into(), parameters, ..Graph::default() }
}

/// A file of float32 tensors.
fn bytes(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let data: Vec<Vec<u8>> =
        tensors.iter().map(|(_, _, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect()).collect();
    let views = tensors
        .iter()
        .zip(&data)
        .map(|((key, shape, _), data)| (*key, TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap()));
    serialize(views, None).unwrap()
}

const WEIGHT: (&str, &[usize], &[f32]) = ("0.weight", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
const MEAN: (&str, &[usize], &[f32]) = ("1.running_mean", &[2], &[5.0, 6.0]);

fn written(content: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn loaded(content: &[u8], prefix: &str) -> Result<Parameters> {
    let (_folder, path) = written(content);
    load(&path, &graph(), prefix)
}

#[test]
fn loads_what_fits_without_counters() {
    let parameters = loaded(&bytes(&[WEIGHT, MEAN]), "").unwrap();
    assert_eq!(parameters.get("0.weight").unwrap().data(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(*parameters.get("1.num_batches_tracked").unwrap(), Tensor::count(0));
    assert_eq!(parameters.len(), 3);
}

#[test]
fn strips_a_prefix_and_proposes_one() {
    let content = bytes(&[("net.0.weight", &[2, 2], WEIGHT.2), ("net.1.running_mean", &[2], MEAN.2)]);
    assert!(loaded(&content, "net.").is_ok());
    assert!(loaded(&content, "net").is_ok());
    let failure = loaded(&content, "").unwrap_err();
    assert_eq!(failure.notes, ["all that the model needs is there, with `net.` in front of every key"]);
    assert_eq!(failure.help, ["without `net.` in front, the keys fit: `--prefix net.`"]);
}

#[test]
fn a_tied_parameter_may_have_either_key_or_both_when_equal() {
    let other = ("2.weight", WEIGHT.1, WEIGHT.2);
    assert!(loaded(&bytes(&[other, MEAN]), "").is_ok());
    assert!(loaded(&bytes(&[WEIGHT, other, MEAN]), "").is_ok());
    let failure = loaded(&bytes(&[WEIGHT, ("2.weight", &[2, 2], &[1.0, 2.0, 3.0, 5.0]), MEAN]), "").unwrap_err();
    assert_eq!(failure.code, Code::E602);
    assert!(failure.notes[0].contains("`0.weight` and `2.weight` are one parameter"), "{:?}", failure.notes);
}

#[test]
fn everything_that_does_not_fit_is_reported_at_once() {
    let content = bytes(&[("0.weigth", &[2, 2], WEIGHT.2), ("1.running_mean", &[1], &[0.0]), ("9.x", &[1], &[0.0])]);
    let failure = loaded(&content, "").unwrap_err();
    assert_eq!(failure.code, Code::E602);
    assert_eq!(
        failure.notes,
        [
            "the file lacks `0.weight`",
            "the model has no `0.weigth` [2, 2]; the model has `0.weight`, which the file lacks",
            "the model has no `9.x` [1]",
            "the sizes or numbers differ: `1.running_mean` is [1] in the file and [2] in the model",
        ]
    );
}

#[test]
fn long_reports_are_cut() {
    let names: Vec<String> = (0..30).map(|index| format!("extra.{index}")).collect();
    let mut tensors: Vec<_> = names.iter().map(|name| (name.as_str(), [1].as_slice(), [0.0].as_slice())).collect();
    tensors.extend([WEIGHT, MEAN]);
    let failure = loaded(&bytes(&tensors), "").unwrap_err();
    assert_eq!(failure.notes.len(), 21);
    assert_eq!(failure.notes[20], "… and 10 more of this kind");
}

#[test]
fn what_is_saved_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.safetensors");
    let mut parameters = loaded(&bytes(&[WEIGHT, MEAN]), "").unwrap();
    parameters.insert("1.num_batches_tracked", Tensor::count((1 << 53) + 1));
    save(&path, &parameters, &[("made_by", "a test")]).unwrap();
    let again = load(&path, &graph(), "").unwrap();
    assert!(parameters.iter().all(|(key, tensor)| again.get(key).unwrap() == tensor.unwrap()));

    let content = fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&content).unwrap();
    assert_eq!(file.tensor("1.num_batches_tracked").unwrap().dtype(), Dtype::I64);
    save(&path, &again, &[("made_by", "a test")]).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content);
}

/// Whatever wrote the file: a counter is a whole number.
#[test]
fn counters_are_read_from_floats_too_and_nothing_else_is_one() {
    let with = |count: f32| bytes(&[WEIGHT, MEAN, ("1.num_batches_tracked", &[], &[count])]);
    let found = loaded(&with(12.0), "").unwrap();
    assert_eq!(*found.get("1.num_batches_tracked").unwrap(), Tensor::count(12));
    for count in [-1.0, 0.5, f32::NAN] {
        let failure = loaded(&with(count), "").unwrap_err();
        assert_eq!(failure.code, Code::E603);
        assert!(failure.message.contains("no whole number"), "{}", failure.message);
    }
}

/// What the file's own header says of each tensor.
fn types(path: &Path) -> Vec<(String, Dtype)> {
    let content = fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&content).unwrap();
    let mut types: Vec<(String, Dtype)> = file.iter().map(|(key, tensor)| (key.to_owned(), tensor.dtype())).collect();
    types.sort();
    types
}

/// A parameter is what its layer declares, whatever it is called.
#[test]
fn names_decide_nothing() {
    let names = ["num_batches_tracked", "w/momentum_buffer", "0.num_batches_tracked", "momentum_buffer", "exp_avg"];
    let mut parameters: Vec<Parameter> = names.iter().map(|name| parameter(name, &[], &[3])).collect();
    parameters.push(Parameter { is_counter: true, ..parameter("bn.num_batches_tracked", &[], &[]) });
    parameters.iter_mut().take(5).for_each(|parameter| parameter.is_counter = false);
    let graph = Graph { parameters, ..Graph::default() };
    let mut drawn = Parameters::draw(&graph, 0).unwrap();
    for (number, name) in names.iter().enumerate() {
        drawn.insert(*name, Tensor::filled(&[3], 0.5 + number as f32));
    }
    drawn.insert("bn.num_batches_tracked", Tensor::count(7));
    // What the optimiser keeps of them has a place of its own.
    let mut state = drawn.clone();
    names.iter().for_each(|name| state.insert(state_key("momentum_buffer", name), Tensor::filled(&[3], -1.0)));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.safetensors");
    save(&path, &state, &[]).unwrap();
    assert_eq!(types(&path).len(), 11);
    assert!(types(&path).iter().all(|(key, dtype)| (*dtype == Dtype::I64) == (key == "bn.num_batches_tracked")));
    for loaded in [load(&path, &graph, "").unwrap(), load_all(&path).unwrap().0.filtered(|key| !is_state(key))] {
        assert_eq!(loaded.len(), 6);
        for (key, tensor) in drawn.iter() {
            assert_eq!(loaded.get(key).unwrap(), tensor.unwrap(), "{key}");
        }
        save(&path, &loaded, &[]).unwrap();
        assert_eq!(types(&path).iter().filter(|(_, dtype)| *dtype == Dtype::I64).count(), 1);
        assert_eq!(types(&path).len(), 6);
        save(&path, &state, &[]).unwrap();
    }
    // A buffer of that name is no counter that a file may lack.
    save(&path, &drawn.filtered(|key| !key.ends_with("num_batches_tracked")), &[]).unwrap();
    let failure = load(&path, &graph, "").unwrap_err();
    assert_eq!(failure.notes, ["the file lacks `num_batches_tracked`", "the file lacks `0.num_batches_tracked`"]);
}

#[test]
fn a_key_with_and_without_the_prefix_is_refused() {
    let content = bytes(&[WEIGHT, ("net.0.weight", &[2, 2], &[0.0; 4]), MEAN]);
    let failure = loaded(&content, "net.").unwrap_err();
    assert_eq!(failure.code, Code::E602);
    assert!(failure.message.contains("both `net.0.weight` and `0.weight`"), "{}", failure.message);
}

/// The file may be changed at any time after it was opened: values are read later.
#[test]
fn a_file_that_changes_is_an_error_and_one_that_is_replaced_is_read_on() {
    let content = bytes(&[WEIGHT, MEAN]);
    let change = |change: &dyn Fn(&Path)| {
        let (folder, path) = written(&content);
        let parameters = load(&path, &graph(), "").unwrap();
        let (all, _) = load_all(&path).unwrap();
        change(&path);
        let results = [&parameters, &all].map(|parameters| parameters.get("0.weight").map(|tensor| tensor.data()[3]));
        let copy = folder.path().join("copy.safetensors");
        let saved = save(&copy, &parameters, &[]);
        assert_eq!(saved.is_ok(), results[0].is_ok());
        assert!(saved.is_ok() || !copy.exists(), "nothing is saved by halves");
        results
    };
    let open = |path: &Path| fs::File::options().write(true).open(path).unwrap();
    let later = |path: &Path| open(path).set_modified(SystemTime::now() + Duration::from_secs(9)).unwrap();
    for (what, changed, said) in [
        ("cut short", &(|path: &Path| open(path).set_len(100).unwrap()) as &dyn Fn(&Path), "bytes and has 100"),
        ("emptied", &|path| open(path).set_len(0).unwrap(), "bytes and has 0"),
        ("extended", &|path| open(path).set_len(4096).unwrap(), "bytes and has 4096"),
        ("written", &later, "somebody wrote to it"),
    ] {
        for result in change(changed) {
            let failure = result.expect_err(what);
            assert_eq!(failure.code, Code::E603, "{what}");
            let message = &failure.message;
            assert!(message.contains("net.safetensors` was changed while it was read"), "{what}: {message}");
            assert!(message.contains(said), "{what}: {message}");
        }
    }
    let replaced = |path: &Path| {
        let other = path.with_extension("other");
        fs::write(&other, "no weights").unwrap();
        fs::rename(&other, path).unwrap();
    };
    for changed in [&replaced as &dyn Fn(&Path), &|path| fs::remove_file(path).unwrap(), &|_| {}] {
        change(changed).into_iter().for_each(|result| assert_eq!(result.unwrap(), 4.0));
    }
}

#[test]
fn large_tensors_are_read_and_converted_in_parts() {
    let elements = (1 << 20) + 77;
    let graph = Graph { parameters: vec![parameter("w", &[], &[elements])], ..Graph::default() };
    let values: Vec<f32> = (0..elements).map(|number| (number % 1000) as f32).collect();
    let data: Vec<u8> = values.iter().flat_map(|value| f64::from(*value).to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F64, vec![elements], &data).unwrap();
    let doubles = serialize([("w", view)], None).unwrap();
    let pool = Pool::new(2).unwrap();
    for content in [doubles, bytes(&[("w", &[elements], &values)])] {
        let (_folder, path) = written(&content);
        let parameters = load(&path, &graph, "").unwrap();
        for memory in [Vec::new(), vec![7.0; elements * 2], vec![7.0; 10]] {
            let made = parameters.get_in("w", || Room { memory, pool: Some(&pool) }).unwrap();
            assert!(made.data() == values);
        }
        assert!(load_bytes(&path, &content, &graph, "").unwrap().get("w").unwrap().data() == values);
    }
}

/// A file of a terabyte takes no room on the disk, and none in memory either.
#[test]
fn sparse_files_are_refused_by_what_they_say() {
    let (_folder, path) = written(&[]);
    let file = fs::File::create(&path).unwrap();
    if file.set_len(1 << 40).is_err() {
        return;
    }
    assert!(load(&path, &graph(), "").unwrap_err().message.contains("its header cannot be read"));
    let header = r#"{"0.weight":{"dtype":"F32","shape":[262144,1048576],"data_offsets":[0,1099511627776]}}"#;
    fs::write(&path, raw(header, 0)).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(8 + header.len() as u64 + (1 << 40)).unwrap();
    let failure = load(&path, &graph(), "").unwrap_err();
    assert!(failure.notes.iter().any(|note| note.contains("is [262144, 1048576] in the file")), "{:?}", failure.notes);
    assert_eq!(load_all(&path).unwrap().0.shape("0.weight"), Some([1 << 18, 1 << 20].as_slice()));
}

/// A header of this text, and that many bytes of data.
fn raw(header: &str, data: usize) -> Vec<u8> {
    let mut content = (header.len() as u64).to_le_bytes().to_vec();
    content.extend(header.as_bytes());
    content.extend(vec![0; data]);
    content
}

#[test]
fn files_that_lie_are_refused_by_name() {
    let overlapping = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
    let endless = r#"{"a":{"dtype":"F32","shape":[18446744073709551615,9],"data_offsets":[0,8]}}"#;
    let short = r#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,8]}}"#;
    for (content, expected) in [
        (Vec::new(), "is empty"),
        (vec![1, 2, 3], "is too short"),
        (u64::MAX.to_le_bytes().to_vec(), "past 100 MB"),
        (1000u64.to_le_bytes().to_vec(), "longer than the file"),
        (raw("{", 0), "cannot be read"),
        (raw(&"[".repeat(1 << 20), 0), "cannot be read"),
        (raw(overlapping, 12), "does not lie where"),
        (raw(endless, 8), "larger than any file"),
        (raw(short, 8), "not what its shape says"),
        (bytes(&[WEIGHT, MEAN])[..60].to_vec(), "longer than the file"),
        (bytes(&[WEIGHT, MEAN])[..160].to_vec(), "cut off"),
        (b"PK\x03\x04 and what torch.save writes".to_vec(), "lacks its directory"),
        (b"\x80\x02\x8a\x0al\xfc and no more".to_vec(), "is a pickle that torch.save did not write"),
        (b"\x89HDF\r\n\x1a\n".to_vec(), "is an HDF5 file"),
        (b"\x93NUMPY\x01\x00v\x00".to_vec(), "is one NumPy array"),
    ] {
        let failure = loaded(&content, "").unwrap_err();
        assert_eq!(failure.code, Code::E603, "{}", failure.message);
        assert!(failure.message.contains(expected), "{} lacks: {expected}", failure.message);
        assert!(failure.message.contains("net.safetensors"), "{}", failure.message);
    }
}

#[test]
fn types_that_cannot_be_read_are_named() {
    let view = TensorView::new(Dtype::C64, vec![2, 2], &[0; 32]).unwrap();
    let failure = loaded(&serialize([("0.weight", view)], None).unwrap(), "").unwrap_err();
    assert!(failure.notes.iter().any(|note| note.contains("holds C64, which cannot be read")), "{:?}", failure.notes);
}

proptest! {
    #[test]
    fn no_damage_makes_it_panic(place in 0usize..400, byte: u8, length in 0usize..400) {
        let mut content = bytes(&[WEIGHT, MEAN]);
        let last = content.len() - 1;
        content[place.min(last)] = byte;
        content.truncate(length.max(1));
        if let Err(failure) = loaded(&content, "") {
            prop_assert!(matches!(failure.code, Code::E602 | Code::E603));
        }
    }
}
