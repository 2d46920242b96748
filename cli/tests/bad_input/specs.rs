//! Specs that are broken, endless, or ask for more than any machine has.

use super::{Folder, cnnc, refused, refused_spec, text};
use cnnc_runtime::cpu::InstructionSet;
use std::io::Write;
use std::process::Command;
use std::process::Stdio;

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
fn what_is_foretold_is_not_allocated() {
    let folder = Folder::new();
    let image = "input [N, 1, 30000, 30000]; Conv2d(6, kernel_size=5, padding=2); ReLU; MaxPool2d(2, stride=2)";
    for (name, layers) in [
        ("wide.cnn", "input [N, 1, 100000, 100000]; Flatten; Linear(10)"),
        ("lenet.cnn", &format!("{image}; Flatten; Linear(120); ReLU; Linear(10)")),
        ("mean.cnn", "input [N, 1, 30000, 30000]; AvgPool2d(3, stride=1, padding=1)"),
        ("larger.cnn", "input [N, 3, 10000, 10000]; Upsample(scale_factor=3, mode=\"bilinear\", align_corners=false)"),
        ("blocks.cnn", "input [N, 32, 9000, 9000]; Conv2d(32, kernel_size=3); MaxPool2d(2, stride=1); SoftPool2d(2)"),
        (
            "adaptive.cnn",
            "input [N, 32, 20000, 20000]; AdaptiveAvgPool2d(10000); AdaptiveMaxPool2d(7); Flatten; Linear(9)",
        ),
    ] {
        let path = folder.file(name, format!("model A {{ {layers} }}"));
        for instructions in InstructionSet::available() {
            for form in ["table", "json"] {
                let limited = "ulimit -v 600000; exec \"$0\" \"$@\"";
                let mut command = Command::new("sh");
                command.arg("-c").arg(limited).arg(env!("CARGO_BIN_EXE_cnnc"));
                command.env("CNNC_INSTRUCTIONS", instructions.name());
                let output = command.args(["summary", text(&path), "--format", form]).output().expect("a process");
                let (shown, errors) =
                    (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
                let of = format!("{name}, {}, {form}", instructions.name());
                assert_eq!(output.status.code(), Some(0), "{of}: {errors}");
                assert!(shown.contains("memory"), "{of}: {shown}");
            }
        }
    }
}
