//! Files as PyTorch saves them: every number as PyTorch has it, read for a model by all their roads, and renamed.

use super::contents::contents;
use super::source::{Source, StoredBytes, StoredFile};
use super::stored::values;
use super::{Rename, WeightsOptions, convert_file, load_as, load_bytes_as};
use crate::parameters::Room;
use crate::{Error, Model, Result};
use cnnc_compiler::diagnostic::Code;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const FOLDER: &str = "../tests/reference/checkpoints";

fn checkpoint(name: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("{name}.pth"))
}

/// What is in the files that are read.
fn expected() -> serde_json::Map<String, Value> {
    let text = fs::read_to_string("../tests/reference/checkpoints.json").unwrap();
    match serde_json::from_str::<Value>(&text).unwrap()["files"].take() {
        Value::Object(files) => files,
        other => panic!("{other}"),
    }
}

/// A number as JSON has it: a number, or the name of one that JSON lacks.
fn number(value: &Value) -> f32 {
    match value {
        Value::Bool(set) => f32::from(u8::from(*set)),
        Value::String(name) => name.parse().unwrap(),
        other => other.as_f64().unwrap() as f32,
    }
}

#[test]
fn every_number_is_as_pytorch_has_it() {
    let mut compared = 0;
    for (name, about) in expected() {
        let path = Path::new(FOLDER).join(&name);
        let bytes = fs::read(&path).unwrap();
        let file = StoredFile::open(&path).unwrap();
        let held = StoredBytes { path: &path, bytes: &bytes };
        for source in [&file as &dyn Source, &held] {
            let found = contents(source, about["key"].as_str()).unwrap();
            let tensors = about["tensors"].as_array().unwrap();
            assert_eq!(found.entries.len(), tensors.len(), "{name}");
            for ((key, entry), tensor) in found.entries.iter().zip(tensors) {
                let read = values(source, entry, Room::default()).unwrap();
                let wanted: Vec<f32> = tensor[3].as_array().unwrap().iter().map(number).collect();
                let is_same = |(one, other): (&f32, &f32)| one == other || (one.is_nan() && other.is_nan());
                assert!(
                    read.len() == wanted.len() && read.iter().zip(&wanted).all(is_same),
                    "{name} {key}: {read:?}, {wanted:?}"
                );
                compared += read.len();
            }
        }
    }
    assert!(compared > 5000, "{compared} numbers were compared");
}

const LINEAR: &str = "model M { input [N, 2]; net: Linear(2) }";

fn model(text: &str) -> Model {
    Model::from_text("m.cnn", text).unwrap()
}

/// What is loaded for a model, from the disk and from memory: the values of its bias, and what is said.
fn loaded(name: &str, text: &str, options: &WeightsOptions) -> Result<(Vec<f32>, Vec<String>)> {
    let (path, model) = (checkpoint(name), model(text));
    let graph = &model.graph().graph;
    let read = load_as(&path, graph, options)?;
    let held = load_bytes_as(&path, &fs::read(&path).unwrap(), graph, options)?;
    for (key, tensor) in read.parameters.iter() {
        assert_eq!(tensor.unwrap(), held.parameters.get(key).unwrap(), "{name} {key}");
    }
    let bias = read.parameters.shapes().find(|(key, _)| key.ends_with("bias")).unwrap().0.clone();
    let notes = read.notes.iter().map(|note| note.message.clone()).collect();
    Ok((read.parameters.get(&bias).unwrap().data().to_vec(), notes))
}

fn rename(written: &str) -> WeightsOptions {
    WeightsOptions::default().rename(written.parse().unwrap())
}

#[test]
fn states_are_found_and_what_wrappers_put_in_is_taken_off_and_said() {
    let plain = "block B { input [N, 2]; Linear(2) }\nmodel M { input [N, 2]; Linear(2) }";
    let renamed = |options: WeightsOptions| options.rename("^=0.".parse().unwrap());
    let none = WeightsOptions::default;
    for (name, options, said) in [
        ("nested", renamed(none()), "the state is what lies under `state_dict`"),
        ("nested_twice", renamed(none()), "the state is what lies under `model.net`"),
        ("several", renamed(none().under("model")), ""),
        ("several", renamed(none().under("ema").without_prefix("x")), ""),
        ("left_out", renamed(none()), ""),
        ("strange", renamed(none()), ""),
    ] {
        let (bias, notes) = loaded(name, plain, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(bias, [4.0, 5.0], "{name}");
        assert!(if said.is_empty() { notes.is_empty() } else { notes[0].ends_with(said) }, "{name}: {notes:?}");
    }
    // Of keys alone, without a model, what wrappers put in front is known.
    for (name, said) in [
        ("data_parallel", "`module.` is taken off every key"),
        ("compiled", "`_orig_mod.` is taken off every key"),
        ("averaged", "`module.` is taken off every key, and `n_averaged` is left out"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.safetensors");
        let converted = convert_file(&checkpoint(name), &out, &none()).unwrap();
        assert!(converted.notes[0].message.ends_with(said), "{:?}", converted.notes);
        assert_eq!(
            converted.renamed.iter().map(|key| key.to.as_str()).collect::<Vec<_>>(),
            ["weight", "bias"],
            "{name}"
        );
    }
}

#[test]
fn a_prefix_that_all_keys_share_is_taken_off_where_the_model_fits_then() {
    let (bias, notes) = loaded("data_parallel", "model M { input [N, 2]; Linear(2) }", &rename("^=net.0."))
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(bias, [4.0, 5.0]);
    assert_eq!(notes.len(), 1, "{notes:?}");
    let said = &notes[0];
    assert!(said.ends_with("is taken off every key") || said.ends_with("is taken out of its keys"), "{said}");
}

#[test]
fn of_a_larger_network_a_prefix_chooses_a_part() {
    let text = "model M { input [N, 2]; head: Linear(2) }";
    let (path, model) = (checkpoint("module_zip_2"), model(text));
    let of = |options: &WeightsOptions| load_as(&path, &model.graph().graph, options);
    let whole = of(&WeightsOptions::default()).err().unwrap();
    assert!(whole.notes.iter().any(|note| note.starts_with("the model has no `part.scale`")), "{whole}");
    let text = "model M { input [N, 2]; sub: { Linear(2) } }";
    let model = self::model(text);
    let found = load_as(&path, &model.graph().graph, &rename("^(weight|bias)$=sub.0.$1").without_prefix("head"));
    let found = found.unwrap_or_else(|error| panic!("{error}"));
    let said: Vec<&str> = found.notes.iter().map(|note| note.message.as_str()).collect();
    assert!(said[0].contains("a whole `torch.nn.modules.container.Sequential` was saved"), "{said:?}");
    assert!(
        said[1].contains("`part.scale` and ") && said[1].contains("without `head` in front, are left out"),
        "{said:?}"
    );
}

#[test]
fn files_that_do_not_fit_say_which_renames_would_do() {
    let error: Error = loaded("nested", LINEAR, &WeightsOptions::default()).unwrap_err();
    assert_eq!(error.code(), Code::E602);
    assert_eq!(error.help, ["2 of the model's 2 tensors fit with `--rename '^=net.'`"], "{error}");
    let rename: Rename = "^=net.".parse().unwrap();
    let (bias, _) = loaded("nested", LINEAR, &WeightsOptions::default().rename(rename)).unwrap();
    assert_eq!(bias, [4.0, 5.0]);
    let nothing = loaded("nested", LINEAR, &self::rename("^features=net")).unwrap_err();
    assert!(nothing.message.contains("the rename `^features=net` finds no key of"), "{nothing}");
    assert_eq!(nothing.notes, ["its keys are `weight`, `bias`"]);
    let both = loaded("nested", LINEAR, &self::rename("weight|bias=x")).unwrap_err();
    assert!(both.message.contains("makes one key of `weight` and `bias`"), "{both}");
}

#[test]
fn what_is_not_read_is_told_where_it_is_missed() {
    let text = "model M { input [N, 2]; Linear(2); sparse: Parameter((3, 3)) }";
    let model = Model::from_text("m.cnn", text);
    let Ok(model) = model else { panic!("{}", model.err().unwrap()) };
    let error = load_as(&checkpoint("strange"), &model.graph().graph, &rename(r"^(weight|bias)=0.$1")).err().unwrap();
    assert!(error.notes[0].contains("the file lacks `sparse`: there it is a sparse tensor"), "{error}");
}

#[test]
fn errors_of_files_are_coded() {
    let model = model(LINEAR);
    let refused =
        |name: &str| load_as(&checkpoint(name), &model.graph().graph, &WeightsOptions::default()).err().unwrap();
    for (name, code, words) in [
        ("refused_call", Code::E603, "`posix.system`"),
        ("refused_two_states", Code::E602, "has 2 states"),
        ("refused_page", Code::E603, "is a web page, and no weights"),
        ("refused_pointer", Code::E603, "is a pointer of Git LFS"),
        ("refused_plain_pickle", Code::E603, "is a pickle that torch.save did not write"),
        ("refused_script", Code::E603, "is a TorchScript archive"),
    ] {
        let error = refused(name);
        assert!(
            error.code() == code && error.message.contains(words) && error.message.contains(name),
            "{name}: {error}"
        );
        assert!(!error.help.is_empty(), "{name} has no mend: {error}");
    }
    let key = WeightsOptions::default().under("ema");
    let absent = load_as(Path::new("../models/lenet.safetensors"), &model.graph().graph, &key).err().unwrap();
    assert!(absent.message.contains("it is a safetensors file"), "{absent}");
}

#[test]
fn what_is_converted_is_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.safetensors");
    for (name, about) in expected() {
        let path = Path::new(FOLDER).join(&name);
        let options = about["key"].as_str().into_iter().fold(WeightsOptions::default(), WeightsOptions::under);
        let converted = convert_file(&path, &out, &options).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(converted.left_out.len(), about["left_out"].as_array().map_or(0, Vec::len), "{name}");
        let (before, after) = (StoredFile::open(&path).unwrap(), StoredFile::open(&out).unwrap());
        let first = contents(&before, about["key"].as_str()).unwrap();
        let second = contents(&after, None).unwrap();
        let is_counter = |key: &str| key == "n_averaged";
        assert_eq!(second.entries.len(), first.entries.iter().filter(|(key, _)| !is_counter(key)).count(), "{name}");
        for (key, entry) in &first.entries {
            let short = key.trim_start_matches("module.").trim_start_matches("_orig_mod.");
            let Some((_, again)) = second.entries.iter().find(|(other, _)| other == short) else {
                assert!(is_counter(key), "{name} lacks {key}");
                continue;
            };
            let read = |source, entry| values(source, entry, Room::default()).unwrap();
            let (one, other) = (read(&before, entry), read(&after, again));
            assert_eq!(entry.shape, again.shape, "{name} {key}");
            assert!(one.iter().zip(&other).all(|(one, other)| one.to_bits() == other.to_bits()), "{name} {key}");
        }
        let whole = fs::read(&out).unwrap();
        safetensors::SafeTensors::deserialize(&whole).unwrap();
    }
}
