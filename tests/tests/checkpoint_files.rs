//! Files as PyTorch saves them (`reference/checkpoints.py` makes them and says what is in each): what is found in them, and
//! that no damage to any byte of them panics, hangs, or takes more memory than so few bytes can mean.

use cnnc_formats::bytes::Bytes;
use cnnc_formats::failure::{Failure, FailureKind};
use cnnc_formats::pytorch::{Checkpoint, Form, form, open};
use cnnc_tests::allocations::{Counting, most_bytes};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Bytes that reading a file of these may take: none has more than eleven thousand, of which each can be worth a value of 32
/// bytes, its place on the stack, and room to grow.
const MOST_BYTES: i64 = 4 << 20;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// All files by name.
fn files() -> BTreeMap<String, Vec<u8>> {
    let folder = fs::read_dir("reference/checkpoints").expect("the files");
    let read = |path: &Path| {
        (path.file_name().expect("a name").to_string_lossy().into_owned(), fs::read(path).expect("a file"))
    };
    folder.map(|entry| read(&entry.expect("an entry").path())).collect()
}

/// What is in those that are read.
fn expected() -> serde_json::Map<String, Value> {
    let text = fs::read_to_string("reference/checkpoints.json").expect("what is in them");
    match serde_json::from_str::<Value>(&text).expect("JSON")["files"].take() {
        Value::Object(files) => files,
        other => panic!("{other}"),
    }
}

fn read(bytes: &[u8], key: Option<&str>) -> Result<Option<Checkpoint>, Failure> {
    match form(&bytes)? {
        Some(form) => open(&bytes, form, key).map(Some),
        None => Ok(None),
    }
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().expect("a text")).collect()
}

#[test]
fn every_form_and_protocol_has_what_was_saved() {
    let (files, expected) = (files(), expected());
    assert_eq!(expected.keys().filter(|name| files.contains_key(*name)).count(), expected.len());
    for (name, about) in &expected {
        let found = read(&files[name], about["key"].as_str()).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        let found = found.unwrap_or_else(|| panic!("{name} is none"));
        let form = if name.starts_with("legacy") || name.contains("_legacy_") { Form::Legacy } else { Form::Zip };
        let form = if name.starts_with("tar") { Form::Tar } else { form };
        assert!(found.form == form || name == "parameters.pth", "{name} is {:?}", found.form);
        assert_eq!(found.under.join("."), about["under"].as_str().unwrap_or_default(), "{name}");
        assert_eq!(found.module.as_deref(), about["module"].as_str(), "{name}");
        let keys: Vec<&str> = found.tensors.iter().map(|(key, _)| key.as_str()).collect();
        let wanted = about["tensors"].as_array().expect("tensors");
        assert_eq!(keys, wanted.iter().map(|tensor| tensor[0].as_str().expect("a key")).collect::<Vec<_>>(), "{name}");
        for ((key, tensor), wanted) in found.tensors.iter().zip(wanted) {
            let shape: Vec<u64> = tensor.shape.iter().map(|&size| size as u64).collect();
            let wanted_shape: Vec<u64> =
                wanted[2].as_array().expect("a shape").iter().filter_map(Value::as_u64).collect();
            assert_eq!(
                (tensor.element.name(), &shape),
                (wanted[1].as_str().expect("a type"), &wanted_shape),
                "{name} {key}"
            );
        }
        let left_out: Vec<&str> = found.left_out.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(left_out, strings(&about["left_out"]), "{name}");
        let beside: Vec<&str> = found.beside.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(beside, strings(&about["beside"]), "{name}");
    }
}

/// What is wrong with a file, which must be refused.
fn refused(name: &str) -> Failure {
    let bytes = fs::read(format!("reference/checkpoints/refused_{name}.pth")).expect("a file");
    read(&bytes, None).expect_err(name)
}

#[test]
fn what_nobody_should_do_is_named_and_refused() {
    for (name, words) in [
        ("call", "asks to use `posix.system`"),
        ("call_legacy", "asks to use `posix.system`"),
        ("eval", "asks to call `builtins.eval`"),
        ("getattr", "asks to call `builtins.getattr`"),
        ("nested_load", "asks to call `torch.serialization.load`"),
        ("script", "is a TorchScript archive"),
        ("arrays", "is an archive of NumPy arrays"),
        ("compressed", "compressed"),
    ] {
        let failure = refused(name);
        assert!(matches!(failure.kind, FailureKind::Broken) && failure.reason.contains(words), "{name}: {failure:?}");
    }
    for (name, words) in [
        ("two_states", "has 2 states, and nothing says which is meant"),
        ("no_state", "has no tensors by name"),
        ("one_tensor", "has one tensor, without a name"),
    ] {
        let failure = refused(name);
        assert!(matches!(failure.kind, FailureKind::Absent) && failure.reason.contains(words), "{name}: {failure:?}");
    }
    assert_eq!(refused("two_states").help, ["`--key model` has 2 tensors", "`--key ema` has 2 tensors"]);
    for name in ["page", "pointer", "plain_pickle"] {
        let bytes = fs::read(format!("reference/checkpoints/refused_{name}.pth")).expect("a file");
        assert_eq!(form(&bytes.as_slice()).expect("bytes"), None, "{name}");
    }
}

#[test]
fn a_key_leads_to_a_state_or_says_what_there_is() {
    let files = files();
    let at = |name: &str, key: &str| read(&files[name], Some(key)).map(|found| found.expect("a checkpoint"));
    assert_eq!(at("several.pth", "model").expect("a state").tensors.len(), 2);
    assert_eq!(at("several.pth", "ema.module").expect("a state").under, ["ema", "module"]);
    assert_eq!(at("nested_twice.pth", "model").expect("a state").under, ["model", "net"]);
    let absent = at("several.pth", "ema.model").expect_err("nothing");
    assert_eq!(absent.reason, "has nothing under the key `ema.model`");
    assert_eq!(absent.help, ["there are `module`"]);
    assert!(at("nested.pth", "epoch").expect_err("a number").reason.contains("has a number under the key `epoch`"));
}

/// Reads damaged bytes, and holds what it takes to what they can be worth.
fn survive(name: &str, bytes: &[u8]) -> bool {
    let (found, most) = most_bytes(|| read(bytes, None));
    assert!(most < MOST_BYTES, "{name}: {most} bytes for {}", bytes.len());
    match found {
        Ok(Some(found)) => {
            for (key, tensor) in &found.tensors {
                // Whatever is said of a tensor, its numbers are in the file.
                let strides = tensor.strides.clone().unwrap_or_default();
                let elements: u64 = tensor.shape.iter().map(|&size| size as u64).product();
                let far =
                    tensor.shape.iter().zip(&strides).map(|(&size, stride)| (size as u64).saturating_sub(1) * stride);
                let last = if tensor.strides.is_some() { far.sum::<u64>() + 1 } else { elements };
                let end = tensor.start + if elements == 0 { 0 } else { last * tensor.element.bytes() };
                assert!(end <= bytes.len() as u64, "{name}: {key} ends at {end} of {}", bytes.len());
            }
            true
        }
        Ok(None) => false,
        Err(failure) => {
            let is_fault_of_the_file = !matches!(failure.kind, FailureKind::Unreadable(_));
            assert!(is_fault_of_the_file, "{name}: {failure:?}: bytes that are not there were asked for");
            false
        }
    }
}

#[test]
fn no_damage_to_any_byte_does_harm() {
    let (mut read, mut damaged) = (0, 0);
    for (name, whole) in files() {
        let mut bytes = whole.clone();
        for place in 0..whole.len() {
            let kept = bytes[place];
            // Each byte becomes another: one of its bits changes, or it becomes one that means something, by turns.
            let meaning = [0x00, 0xff, 0x7f, 0x80, b'.', b'(', b'R', b'h'][place / 2 % 8];
            bytes[place] = if place % 2 == 0 { kept ^ (1 << (place / 2 % 8)) } else { meaning };
            read += usize::from(survive(&format!("{name}, byte {place} is {:#04x}", bytes[place]), &bytes));
            damaged += 1;
            bytes[place] = kept;
        }
        for length in (0..whole.len()).step_by(29) {
            read += usize::from(survive(&format!("{name}, cut to {length}"), &whole[..length]));
        }
    }
    assert!(
        read > damaged / 10 && read < damaged * 9 / 10,
        "{read} of {damaged} were read: nothing was damaged, or all"
    );
}

/// A stream of the legacy form around a pickle.
fn stream(pickle: &[u8]) -> Vec<u8> {
    let head = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.";
    [head.as_slice(), pickle, b"\x80\x02]."].concat()
}

#[test]
fn small_files_that_would_grow_are_refused_in_time() {
    let times = |count: usize, part: &[u8]| part.repeat(count);
    let many = 200_000;
    let tensor = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0aX\x03\0\0\0cpuK\x08NtQq\x01";
    let deep_modules = {
        let open = b"c__main__\nM\n)\x81q\x02}(X\x0b\0\0\0_parameters}X\x08\0\0\0_modules}X\x01\0\0\0m";
        [times(5000, open), b"N".to_vec(), times(5000, b"sub"), b".".to_vec()].concat()
    };
    for (what, pickle) in [
        ("lists in lists", [times(many, b"]"), times(many - 1, b"a"), b".".to_vec()].concat()),
        ("tuples in tuples", [b")".to_vec(), times(many, b"\x85"), b".".to_vec()].concat()),
        ("twice what there was", [b"]q\0".to_vec(), times(many, b"h\0h\0\x86q\0"), b".".to_vec()].concat()),
        ("copies on the stack", [b"]".to_vec(), times(many, b"2"), b".".to_vec()].concat()),
        ("marks", [times(many, b"("), b".".to_vec()].concat()),
        ("sets of one large list", {
            let list = [b"](".to_vec(), times(many, b"N"), b"eq\0".to_vec()].concat();
            let set = b"c__builtin__\nset\nq\x01";
            [list, set.to_vec(), times(many, b"h\x01h\0\x85R"), b".".to_vec()].concat()
        }),
        ("dictionaries of one large list", {
            let list = [b"](".to_vec(), times(many, b"NN\x86"), b"eq\0".to_vec()].concat();
            [list, b"ccollections\nOrderedDict\nq\x01".to_vec(), times(many, b"h\x01h\0\x85R"), b".".to_vec()].concat()
        }),
        ("tensors of many axes", {
            let sizes = [b"(".to_vec(), times(64, b"K\x01"), b"tq\x02".to_vec()].concat();
            let arguments = [tensor.as_slice(), b"K\0", &sizes, b"h\x02\x89Ntq\x03"].concat();
            let call = b"ctorch._utils\n_rebuild_tensor_v2\nq\x04";
            [b"(".to_vec(), arguments, call.to_vec(), times(many, b"h\x04h\x03R"), b".".to_vec()].concat()
        }),
        ("storages", [tensor.to_vec(), times(many, b"h\x01"), b".".to_vec()].concat()),
        ("modules in modules", deep_modules),
        ("a module in itself", {
            let module = b"c__main__\nM\n)\x81q\x02}(X\x0b\0\0\0_parameters}X\x08\0\0\0_modules}(";
            let names: Vec<u8> =
                (0..8u8).flat_map(|number| [b"X\x01\0\0\0".as_slice(), &[b'a' + number], b"h\x02"].concat()).collect();
            [module.as_slice(), &names, b"uub."].concat()
        }),
        ("a long text that is not there", b"X\xff\xff\xff\x7fabc.".to_vec()),
        ("long bytes that are not there", b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.".to_vec()),
        ("a number without an end", [b"L".to_vec(), times(many, b"1")].concat()),
    ] {
        let bytes = stream(&pickle);
        let started = std::time::Instant::now();
        let (found, most) = most_bytes(|| read(&bytes, None));
        let time = started.elapsed();
        assert!(found.is_err(), "{what}: {found:?}");
        assert!(most < 192 << 20, "{what}: {most} bytes for {}", bytes.len());
        assert!(time.as_secs() < 5, "{what}: {time:?}");
    }
}

/// Bytes of which all but the first are zero, as a sparse file has them.
struct Sparse {
    first: Vec<u8>,
    length: u64,
}

impl Bytes for Sparse {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, start: u64, into: &mut [u8]) -> std::io::Result<()> {
        assert!(start + into.len() as u64 <= self.length, "bytes past the end");
        for (place, byte) in (start..).zip(into) {
            *byte = self.first.get(place as usize).copied().unwrap_or(0);
        }
        Ok(())
    }
}

#[test]
fn a_terabyte_of_nothing_is_refused_at_once() {
    for first in [b"PK\x03\x04".to_vec(), stream(b"}.")] {
        let bytes = Sparse { first, length: 1 << 40 };
        let form = form(&bytes).expect("bytes").expect("a form");
        let (found, most) = most_bytes(|| open(&bytes, form, None));
        found.expect_err("nothing");
        assert!(most < MOST_BYTES);
    }
}
