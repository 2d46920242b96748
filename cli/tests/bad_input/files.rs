//! Weights, inputs and other files that are missing, lie, or are none.

use super::{Folder, LENET, WEIGHTS, cnnc, raw, refused, text};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

#[test]
fn missing_files_and_folders() {
    let folder = Folder::new();
    let place = text(folder.0.path());
    let missing = format!("{place}/missing.cnn");
    for command in ["check", "summary", "run", "params"] {
        refused(&[command, &missing], "E601", "missing.cnn");
        refused(&[command, place], "E601", place);
    }
    refused(&["dump", "--stage", "ast", &missing], "E601", "missing.cnn");
    refused(&["run", LENET, "--weights", &missing], "E601", "missing.cnn");
    refused(&["run", LENET, "--weights", place], "E601", place);
    refused(&["run", LENET, "--input", &missing], "E601", "missing.cnn");
    refused(&["run", LENET, "--input", place], "E604", "has no pictures");
    refused(&["run", "--output", &format!("{place}/no/such/y.npy")], "E601", "y.npy");
    let importing = folder.file("importing.cnn", "import \"nowhere.cnn\"\nmodel Net { input [N, 8]; ReLU }");
    refused(&["check", text(&importing)], "E218", "nowhere.cnn");
}

/// A safetensors file: a length, a header and data.
fn safetensors(length: u64, header: &str, data: usize) -> Vec<u8> {
    [&length.to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn weights_that_lie() {
    let folder = Folder::new();
    let good = fs::read(WEIGHTS).expect("the weights");
    let entry = |dtype: &str, shape: &str, offsets: &str| {
        format!("{{\"0.weight\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":{offsets}}}}}")
    };
    let of = |header: String, data: usize| safetensors(header.len() as u64, &header, data);
    let broken: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("short", vec![1, 2, 3]),
        ("cut", good[..good.len() / 2].to_vec()),
        ("cut_header", good[..100].to_vec()),
        ("longer", [good.as_slice(), &[0; 64]].concat()),
        ("huge_header", safetensors(u64::MAX, "{}", 0)),
        ("no_json", safetensors(4, "what", 0)),
        ("past_the_end", of(entry("F32", "[6,1,5,5]", "[0,600]"), 300)),
        ("backwards", of(entry("F32", "[6,1,5,5]", "[600,0]"), 600)),
        ("wrong_size", of(entry("F32", "[6,1,5,500]", "[0,600]"), 600)),
        ("overflow", of(entry("F32", "[4294967296,4294967296,4294967296]", "[0,600]"), 600)),
        ("unknown_type", of(entry("F99", "[6,1,5,5]", "[0,600]"), 600)),
    ];
    for (name, bytes) in broken {
        let path = folder.file(&format!("{name}.safetensors"), bytes);
        refused(&["run", LENET, "--weights", text(&path)], "E603", name);
        refused(&["params", LENET, "0.bias", "--weights", text(&path)], "E603", name);
    }
    let other = folder.file("other.safetensors", of(entry("F32", "[6,1,5,5]", "[0,600]"), 600));
    let errors = refused(&["run", LENET, "--weights", text(&other)], "E602", "other.safetensors");
    assert!(errors.contains("0.bias"), "what is missing is not named:\n{errors}");
}

#[test]
fn weights_without_an_end_or_of_a_terabyte() {
    let folder = Folder::new();
    refused(&["run", LENET, "--weights", "/dev/zero"], "E601", "/dev/zero");
    refused(&["run", LENET, "--weights", text(folder.0.path())], "E601", "it is a folder");
    let sparse = folder.file("sparse.safetensors", "");
    let length = |bytes: u64| fs::OpenOptions::new().write(true).open(&sparse).and_then(|file| file.set_len(bytes));
    if length(1 << 40).is_err() {
        return;
    }
    refused(&["run", LENET, "--weights", text(&sparse)], "E603", "sparse");
    // A header of 100 MB that is none.
    fs::write(&sparse, 100_000_000u64.to_le_bytes()).expect("a file");
    length(1 << 30).expect("a length");
    refused(&["run", LENET, "--weights", text(&sparse)], "E603", "sparse");
    // One tensor of a terabyte.
    let header = "{\"0.weight\":{\"dtype\":\"F32\",\"shape\":[274877906944],\"data_offsets\":[0,1099511627776]}}";
    fs::write(&sparse, safetensors(header.len() as u64, header, 0)).expect("a file");
    length(8 + header.len() as u64 + (1 << 40)).expect("a length");
    refused(&["run", LENET, "--weights", text(&sparse)], "E602", "sparse");
}

/// What a script that copies does to a file while it is read must not end the process by a signal.
#[test]
fn weights_that_are_cut_short_while_they_are_read() {
    const LAYERS: usize = 8;
    const SIZE: usize = 2048;
    let folder = Folder::new();
    let spec = format!("model Big {{ input [N, {SIZE}]; repeat {LAYERS} {{ Linear({SIZE}, bias=false) }} }}");
    let spec = folder.file("big.cnn", spec);
    let bytes = 4 * SIZE * SIZE;
    let entry = |layer: usize| {
        let (start, end) = (layer * bytes, (layer + 1) * bytes);
        format!("\"{layer}.weight\":{{\"dtype\":\"F32\",\"shape\":[{SIZE},{SIZE}],\"data_offsets\":[{start},{end}]}}")
    };
    let header = format!("{{{}}}", (0..LAYERS).map(entry).collect::<Vec<_>>().join(","));
    let weights = folder.file("big.safetensors", "");
    let mut wrong = 0;
    for delay in [5, 20, 40, 80, 160] {
        fs::write(&weights, safetensors(header.len() as u64, &header, 0)).expect("a file");
        let file = fs::OpenOptions::new().write(true).open(&weights).expect("a file");
        file.set_len((8 + header.len() + LAYERS * bytes) as u64).expect("a length");
        let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
        command.args(["run", text(&spec), "--weights", text(&weights)]).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().expect("a process");
        std::thread::sleep(Duration::from_millis(delay));
        file.set_len(100_000).expect("a length");
        let output = child.wait_with_output().expect("an end");
        let errors = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => {}
            Some(1) => {
                assert!(errors.contains("error[E603]") && errors.contains("big.safetensors"), "{errors}");
                wrong += 1;
            }
            _ => panic!("after {delay} ms: {:?}\n{errors}", output.status),
        }
    }
    assert!(wrong > 0, "every run was done before its weights were cut");
}

/// An array in NumPy's format with that header.
fn npy(header: &str, data: usize) -> Vec<u8> {
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn inputs_that_lie() {
    let folder = Folder::new();
    let header =
        |descr: &str, shape: &str| format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let plain = "(1, 1, 28, 28)";
    let broken: Vec<(&str, Vec<u8>)> = vec![
        ("empty.npy", Vec::new()),
        ("magic.npy", b"\x93NUMPY".to_vec()),
        ("cut.npy", npy(&header("<f4", plain), 100)),
        ("huge.npy", npy(&header("<f4", "(1, 1, 99999999, 99999999)"), 100)),
        ("overflow.npy", npy(&header("<f4", "(18446744073709551615, 18446744073709551615)"), 100)),
        ("objects.npy", npy(&header("|O", plain), 4000)),
        ("no_header.npy", npy("what", 4000)),
        ("noise.png", b"\x89PNG\r\n\x1a\nnoise".to_vec()),
        ("noise.jpg", b"\xff\xd8\xff\xe0noise".to_vec()),
        ("cut.gz", b"\x1f\x8b\x08\x00\x00".to_vec()),
        ("huge.idx", [&[0u8, 0, 8, 3][..], &[0xff; 12], &[0; 100]].concat()),
        ("text.txt", b"just text".to_vec()),
    ];
    for (name, bytes) in broken {
        let path = folder.file(name, bytes);
        let output = cnnc(&["run", LENET, "--input", text(&path)]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {errors}");
        assert!(errors.contains("error[E603]") || errors.contains("error[E604]"), "{name}: {errors}");
        assert!(errors.contains(name) && !errors.contains("panicked"), "{name}: {errors}");
    }
    let other = folder.file("other.npy", npy(&header("<f4", "(1, 3, 28, 28)"), 3 * 28 * 28 * 4));
    refused(&["run", LENET, "--input", text(&other)], "E604", "other.npy");
}

#[test]
fn a_pipe_without_a_writer_is_refused() {
    let folder = Folder::new();
    let pipe = folder.0.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    for command in ["check", "summary", "run", "params"] {
        refused(&[command, text(&pipe)], "E601", "no regular file");
    }
    refused(&["train", text(&pipe)], "E601", "no regular file");
    let import = folder.file("import.cnn", "import \"pipe\"\nmodel A { input [N, 8]; ReLU }");
    refused(&["check", text(&import)], "E218", "no regular file");
    let labels = folder.file("labels.cnn", "model A { input [N, 8]; labels \"pipe\"; ReLU }");
    refused(&["check", text(&labels)], "E224", "no regular file");
}

#[test]
fn paths_that_are_not_text() {
    let folder = Folder::new();
    let at = |name: &[u8]| folder.0.path().join(OsStr::from_bytes(name));
    let [spec, weights, output] = [&b"net\xff.cnn"[..], b"w\xff.safetensors", b"y\xff.npy"].map(at);
    fs::copy(LENET, &spec).expect("a spec");
    fs::copy(WEIGHTS, &weights).expect("weights");
    for command in ["check", "summary", "params", "run"] {
        let (code, _, errors) = raw(&[command.as_ref(), spec.as_ref()], None);
        assert!(
            code == Some(1) && errors.contains("E601") && errors.contains("is not UTF-8 text"),
            "{command}: {errors}"
        );
    }
    let lenet: &[&OsStr] = &["run".as_ref(), LENET.as_ref(), "--weights".as_ref(), weights.as_ref()];
    let (code, _, errors) = raw(&[lenet, &["--output".as_ref(), output.as_ref()]].concat(), None);
    assert_eq!(code, Some(0), "{errors}");
    assert!(output.exists());
    let two = folder.file("two.cnn", "model A { input [N, 8]; output a; ReLU; output b }");
    let (code, _, errors) = raw(&["run".as_ref(), two.as_ref(), "--output".as_ref(), at(b"z.\xff").as_ref()], None);
    assert_eq!(code, Some(0), "{errors}");
    assert!(at(b"z.a.\xff").exists() && at(b"z.b.\xff").exists());
}

#[test]
fn errors_without_a_place_name_the_file() {
    refused(&["summary", LENET, "--model", "Nothing"], "E219", "lenet.cnn");
    refused(&["params", LENET, ""], "E202", "an empty path");
    let folder = Folder::new();
    let long = folder.file("long.cnn", "model A { input [N, 8]; repeat 120000 { ReLU } }");
    refused(&["dump", "--stage", "plan", text(&long)], "E217", "long.cnn");
    let open = folder.file("open.cnn", "model A { input [N, 8, H, W]; ReLU }");
    refused(&["dump", "--stage", "kernels", text(&open)], "E402", "open.cnn");
}
