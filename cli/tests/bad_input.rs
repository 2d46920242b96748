//! Bad input at the level of the process: an exit code of 1 and a sentence that names the file, in bounded time and memory, never a panic.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The most that any of these may take, in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The memory that a process gets, in kB: an attempt to take what a lying header asks for fails here.
const MEMORY_KB: u64 = 4_000_000;

const LENET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/lenet.cnn");
const WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/lenet.safetensors");

/// A folder for the files of one test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).expect("a file");
        path
    }
}

/// Runs `cnnc` with little memory.
fn cnnc(arguments: &[&str]) -> Output {
    let limited = format!("ulimit -v {MEMORY_KB}; exec \"$0\" \"$@\"");
    let started = Instant::now();
    let mut command = Command::new("sh");
    command.arg("-c").arg(limited).arg(env!("CARGO_BIN_EXE_cnnc")).args(arguments);
    let output = command.output().expect("a process");
    assert!(started.elapsed() < PATIENCE, "cnnc {arguments:?} took {:?}", started.elapsed());
    output
}

/// That the command fails with that code and a message that names the file; gives the message.
#[track_caller]
fn refused(arguments: &[&str], code: &str, names: &str) -> String {
    let output = cnnc(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let shown: String = errors.chars().take(2000).collect();
    assert_eq!(output.status.code(), Some(1), "cnnc {arguments:?}\n{shown}");
    assert!(errors.contains(&format!("error[{code}]")), "cnnc {arguments:?}: no {code} in\n{shown}");
    assert!(errors.contains(names), "cnnc {arguments:?}: `{names}` is not named in\n{shown}");
    assert!(!errors.contains("panicked") && !errors.contains("E499"), "{shown}");
    errors
}

/// That `check` and `run` refuse a spec with that code.
#[track_caller]
fn refused_spec(spec: &str, code: &str) {
    let folder = Folder::new();
    let path = folder.file("spec.cnn", spec);
    refused(&["check", text(&path)], code, "spec.cnn");
    refused(&["run", text(&path)], code, "spec.cnn");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

#[test]
fn an_empty_file() {
    refused_spec("", "E219");
    refused_spec("# nothing but a comment\n", "E219");
}

#[test]
fn binary_noise() {
    let folder = Folder::new();
    // A fixed linear congruence: the same noise each time.
    let noise = |count: usize| {
        let mut state = 12345u32;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..count).map(move |_| next())
    };
    let path = folder.file("noise.cnn", noise(100_000).collect::<Vec<u8>>());
    refused(&["check", text(&path)], "E601", "noise.cnn");
    let ascii = folder.file("ascii.cnn", noise(100_000).map(|byte| byte & 0x7f).collect::<Vec<u8>>());
    let errors = refused(&["check", text(&ascii)], "E101", "ascii.cnn");
    assert!(!errors.contains('\u{1b}') && !errors.contains('\0'), "control characters reach the terminal");
}

#[test]
fn a_line_of_a_megabyte() {
    refused_spec(&format!("model Net {{ input [N, 8]; {} }}", "Linear(8); ReLu; ".repeat(60_000)), "E201");
    refused_spec(&"x".repeat(1 << 20), "E101");
    let folder = Folder::new();
    let path =
        folder.file("long.cnn", format!("model Net {{ input [N, 8]; {}Linear(\"x\") }}", "ReLU; ".repeat(170_000)));
    let errors = refused(&["check", text(&path)], "E205", "long.cnn");
    assert!(errors.lines().all(|line| line.chars().count() <= 400), "a line is not cut");
}

#[test]
fn nested_braces() {
    refused_spec(&format!("model Net {{ {}", "{".repeat(100_000)), "E104");
    refused_spec(&format!("model Net {{ {}{} }}", "sum {".repeat(100_000), "}".repeat(100_000)), "E104");
    refused_spec(
        &format!("model Net {{ input [N, 8]; Linear({}8{}) }}", "(".repeat(100_000), ")".repeat(100_000)),
        "E104",
    );
    refused_spec(&format!("model Net {{ input [N, 8]; Linear({}8) }}", "-".repeat(100_000)), "E104");
    refused_spec(&format!("model Net {{ input [N, 8]; if {}true {{ ReLU }} }}", "not ".repeat(100_000)), "E104");
    refused_spec(&format!("model Net {{ input [N, 8]; Linear(8{}) }}", " + 1".repeat(100_000)), "E104");
}

#[test]
fn repetitions_past_any_machine() {
    refused_spec("model Net { input [N, 8]; repeat 1000000000 { ReLU } }", "E217");
    refused_spec("model Net { input [N, 8]; repeat 1000000000 { } }", "E217");
    refused_spec("model Net { input [N, 8]; for i in 0..1000000000 { let x = i } }", "E217");
    let nested = "repeat 100 { ".repeat(20) + "ReLU" + &" }".repeat(20);
    refused_spec(&format!("model Net {{ input [N, 8]; {nested} }}"), "E217");
    let empty = "repeat 100 { ".repeat(20) + &" }".repeat(20);
    refused_spec(&format!("model Net {{ input [N, 8]; {empty} }}"), "E217");
    // Thirty blocks, each of which calls the one before twice: a thousand million layers.
    let mut blocks = "block B0 { ReLU }\n".to_owned();
    for level in 1..=30 {
        blocks += &format!("block B{level} {{ B{0}; B{0} }}\n", level - 1);
    }
    refused_spec(&format!("{blocks}model Net {{ input [N, 8]; B30 }}"), "E217");
}

#[test]
fn a_long_chain_of_blocks() {
    let mut blocks = "block B0 { ReLU }\n".to_owned();
    for level in 1..=20_000 {
        blocks += &format!("block B{level} {{ B{} }}\n", level - 1);
    }
    let folder = Folder::new();
    let path = folder.file("chain.cnn", format!("{blocks}model Net {{ input [N, 8]; B20000 }}"));
    let output = cnnc(&["check", text(&path)]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{:?} {errors}", output.status);
}

#[test]
fn sizes_that_overflow() {
    refused_spec("model Net { input [N, 8]; Linear(99999999999999999999) }", "E105");
    refused_spec("model Net { input [N, 1, 4000000000, 4000000000]; Flatten }", "E309");
    refused_spec("model Net { let x = 9223372036854775807 * 2; input [N, 8]; Linear(x) }", "E214");
    refused_spec("model Net { input [N, 8, 8, 8]; Conv2d(8, kernel_size=3, padding=9223372036854775807) }", "E205");
}

#[test]
fn tensors_past_memory() {
    let folder = Folder::new();
    let path = folder.file("wide.cnn", "model Wide { input [N, 1000000]; Linear(1000000) }");
    let output = cnnc(&["check", text(&path)]);
    assert_eq!(output.status.code(), Some(0), "the shapes of so large a net are sound");
    let errors = refused(&["run", text(&path)], "E401", "");
    assert!(errors.contains("GB"), "{errors}");
    refused(&["params", text(&path), "0.weight"], "E401", "");
    let path = folder.file("image.cnn", "model Image { input [N, 3, 1000000, 1000000]; ReLU }");
    refused(&["run", text(&path)], "E401", "");
    let path = folder.file("batch.cnn", "model Batch { input [N, 8]; ReLU }");
    refused(&["run", text(&path), "--input-shape", "1000000000000,8"], "E401", "");
}

#[test]
fn recursion_and_imports_in_a_circle() {
    refused_spec("block A { A } model Net { input [N, 8]; A }", "E216");
    refused_spec("block A { B } block B { A } model Net { input [N, 8]; A }", "E216");
    refused_spec("model Net { input [N, 8]; Net }", "E216");
    refused_spec("import \"spec.cnn\"\nmodel Net { input [N, 8]; ReLU }", "E218");
    let folder = Folder::new();
    let path = folder.file("one.cnn", "import \"two.cnn\"\nmodel Net { input [N, 8]; ReLU }");
    folder.file("two.cnn", "import \"one.cnn\"\n");
    refused(&["check", text(&path)], "E218", "two.cnn");
}

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
    refused(&["run", LENET, "--input", place], "E601", place);
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
fn a_closed_pipe_ends_quietly() {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/torchvision/resnet152.cnn");
    let mut child = Command::new(env!("CARGO_BIN_EXE_cnnc"))
        .args(["summary", model])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("an end");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn wrong_usage() {
    for arguments in [
        &["check"][..],
        &["no-such-command"],
        &["summary", LENET, "--format", "html"],
        &["dump", LENET, "--stage", "sass"],
        &["run", "--set", "width"],
        &["run", "--input-shape", "1,x"],
        &["summary"],
        &[],
    ] {
        let output = cnnc(arguments);
        assert_eq!(output.status.code(), Some(2), "cnnc {arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "cnnc {arguments:?}");
    }
    let stages = String::from_utf8_lossy(&cnnc(&["dump", LENET, "--stage", "sass"]).stderr).into_owned();
    assert!(stages.contains("ast, graph, shapes, kernels, fused, plan, cuda"), "{stages}");
    let help = cnnc(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for command in ["check", "summary", "run", "params", "dump", "bench", "train", "eval", "doctor"] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
    }
    assert!(!help.contains("\n  graph "), "{help}");
}

#[test]
fn no_driver_is_one_clear_error() {
    refused(&["run", "--device", "cuda"], "E501", "");
}

#[test]
fn output_that_cannot_be_written() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("the device");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
    let output = command.args(["summary", LENET]).stdout(full).stderr(Stdio::piped()).output().expect("a process");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && errors.contains("E601"), "{errors}");
}

#[test]
fn a_spec_from_a_pipe_without_an_end_is_refused() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cnnc"))
        .args(["check", "/dev/stdin"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut input = child.stdin.take().expect("an input");
    let writer = std::thread::spawn(move || {
        let line = vec![b'#'; 1 << 20];
        (0..1 << 20).try_for_each(|_| input.write_all(&line)).is_err()
    });
    let output = child.wait_with_output().expect("an end");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(writer.join().expect("the writer"), "it read on without end");
}

/// Runs `cnnc` with arguments that need not be text, and gives its exit code, output and errors.
fn raw(arguments: &[&OsStr], output: Option<fs::File>) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
    command.args(arguments).stderr(Stdio::piped()).stdout(output.map_or_else(Stdio::piped, Stdio::from));
    let output = command.output().expect("a process");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_full_device_is_an_error_of_every_command() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let forms = ["table", "torch", "tree", "json", "yaml"].map(|form| vec!["summary", LENET, "--format", form]);
    let stages = ["ast", "graph", "shapes", "kernels", "plan"].map(|stage| vec!["dump", LENET, "--stage", stage]);
    let others = [
        vec!["--help"],
        vec!["--version"],
        vec!["run", "--help"],
        vec!["check", LENET],
        vec!["params", LENET],
        vec!["params", LENET, "0.bias"],
        vec!["run"],
    ];
    for arguments in forms.into_iter().chain(stages).chain(others) {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("the device");
        let words: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let (code, _, errors) = raw(&words, Some(full));
        assert!(code == Some(1) && errors.contains("error[E601]: cannot write the output"), "{arguments:?}: {errors}");
    }
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
fn control_characters_of_others_reach_no_terminal() {
    let folder = Folder::new();
    folder.file("labels.txt", "\u{1b}[31mred\n\u{1b}]0;title\u{7}\nback\u{8}\u{9b}2J\n\u{202e}drow\n");
    let spec = "model A { input [N, 2]; labels \"labels.txt\"; Linear(4) }";
    let path = folder.file("evil\u{1b}[2J.cnn", spec);
    let broken = folder.file("broken\u{1b}[2J.cnn", "model A { input [N, 2]; \"\u{1b}[5mx\": Nothing(\"\u{7}\") }");
    let rare = |character: char| character != '\n' && (character.is_control() || character == '\u{202e}');
    let runs: [&[&str]; 7] = [
        &["check", text(&path)],
        &["check", text(&broken)],
        &["check", "no\u{1b}[31msuch\rfile"],
        &["run", text(&path)],
        &["dump", "--stage", "graph", text(&path)],
        &["params", text(&path), "\u{1b}[31m"],
        &["summary", "\u{1b}[31m", "--format", "\u{1b}[31m"],
    ];
    for arguments in runs {
        let words: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let (_, output, errors) = raw(&words, None);
        let found = output.chars().chain(errors.chars()).find(|&character| rare(character));
        assert_eq!(found, None, "{arguments:?}\n{output:?}\n{errors:?}");
    }
}

#[test]
fn names_longer_than_a_width_may_be() {
    let folder = Folder::new();
    let long = "n".repeat(70_000);
    let spec =
        format!("block {long} {{ Linear(2) }}\nmodel M{long} {{ input [N, 2]; {long}; output {} }}", "o".repeat(150));
    let path = folder.file("long.cnn", spec);
    let lines = format!("{}\n{}\n", "a".repeat(70_000), "b".repeat(300_000));
    folder.file("lines.txt", lines);
    let labelled = folder.file("labelled.cnn", "model A { input [N, 2]; labels \"lines.txt\"; Linear(2) }");
    let depth: &[&str] = &["summary", text(&path), "--depth", "1"];
    let forms = ["table", "torch", "tree", "json", "yaml"].map(|form| vec!["summary", text(&path), "--format", form]);
    let others =
        [depth.to_vec(), vec!["check", text(&path)], vec!["params", text(&path)], vec!["run", text(&labelled)]];
    for arguments in forms.into_iter().chain(others) {
        let output = cnnc(&arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors:.500}");
    }
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

#[test]
fn what_is_foretold_is_not_allocated() {
    let folder = Folder::new();
    let wide = folder.file("wide.cnn", "model A { input [N, 1, 100000, 100000]; Flatten; Linear(10) }");
    let image = "input [N, 1, 30000, 30000]; Conv2d(6, kernel_size=5, padding=2); ReLU; MaxPool2d(2, stride=2)";
    let image = folder.file("image.cnn", format!("model A {{ {image}; Flatten; Linear(120); ReLU; Linear(10) }}"));
    for path in [&wide, &image] {
        for form in ["table", "json"] {
            let limited = "ulimit -v 600000; exec \"$0\" \"$@\"";
            let mut command = Command::new("sh");
            command.arg("-c").arg(limited).arg(env!("CARGO_BIN_EXE_cnnc"));
            let output = command.args(["summary", text(path), "--format", form]).output().expect("a process");
            let (shown, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert_eq!(output.status.code(), Some(0), "{form}: {errors}");
            assert!(shown.contains("memory"), "{shown}");
        }
    }
}
