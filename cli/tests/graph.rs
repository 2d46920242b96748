//! `cnnc graph` as a command: the terminal's drawing, text for Graphviz, and what is refused. Pictures are measured in
//! `src/graph/tests.rs`, pages in `tests/browser/`.

mod common;

use common::{MODELS, cnnc, done, refused, text};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// All specs in a folder and in those in it that have a model to draw.
fn specs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let is_library = |path: &Path| path.ends_with("blocks");
    let all = entries.filter(|path| !is_library(path));
    let mut found: Vec<PathBuf> = all.flat_map(|path| if path.is_dir() { specs(&path) } else { vec![path] }).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "cnn"));
    found.sort();
    found
}

/// What a drawing in a terminal of so many columns is.
fn drawn(columns: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cnnc"));
    let output = command.arg("graph").args(arguments).env("COLUMNS", columns).output().expect("a process");
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn rails_part_and_meet() {
    let unet = drawn("80", &[&format!("{MODELS}/unet.cnn")]);
    let expected = "\
UNet  31.0 M params · 36.9 G MACs  (MACs at H = 224, W = 224)

●         input            [N, 3, H, W]
●         inc DoubleConv   [N, 64, H, W]            1.94 G MACs
├─╮
● │       down1 Down       [N, 128, H//2, W//2]     2.77 G MACs
├─│─╮
● │ │     down2 Down       [N, 256, H//4, W//4]     2.77 G MACs
├─│─│─╮
● │ │ │   down3 Down       [N, 512, H//8, W//8]     2.77 G MACs
├─│─│─│─╮
● │ │ │ │ down4 Down       [N, 1024, H//16, W//16]  2.77 G MACs
├─│─│─│─╯
● │ │ │   up1 Up           [N, 512, H//8, W//8]     5.96 G MACs
├─│─│─╯
● │ │     up2 Up           [N, 256, H//4, W//4]     5.96 G MACs
├─│─╯
● │       up3 Up           [N, 128, H//2, W//2]     5.96 G MACs
├─╯
●         up4 Up           [N, 64, H, W]            5.96 G MACs
●         outc Sequential  [N, 2, H, W]             6.42 M MACs
●         output           [N, 2, H, W]
";
    assert_eq!(unet, expected);
    let inception = drawn("80", &[&format!("{MODELS}/inception_block.cnn"), "--depth", "2"]);
    for row in ["├─╮", "│ ├─╮", "│ │ ├─╮", "├─┴─┴─╯"] {
        assert!(inception.lines().any(|line| line == row), "{row} in\n{inception}");
    }
    // Of a run the first block is shown, and what passes through it, once.
    let shuffled = drawn("80", &[&format!("{MODELS}/torchvision/shufflenet_v2_x1_0.cnn"), "--depth", "3"]);
    assert_eq!(shuffled.matches("[1…7] Unit ×7").count(), 1, "{shuffled}");
    assert!(!shuffled.contains("and takes"), "{shuffled}");
}

#[test]
fn every_model_fits_eighty_columns() {
    let models = specs(Path::new(MODELS));
    assert!(models.len() > 60, "only {} models", models.len());
    for model in models {
        for depth in [&[] as &[&str], &["--depth", "9"]] {
            let drawing = drawn("80", &[&[text(&model).as_str()], depth].concat());
            assert!(drawing.contains("● "), "{drawing}");
            if let Some(line) = drawing.lines().find(|line| line.chars().count() > 80) {
                panic!("{}, {depth:?}: {line}", model.display());
            }
        }
    }
}

/// Graphviz's text, as far as it has to be understood here: the boxes, and the lines between them.
fn boxes_and_lines(dot: &str) -> (BTreeSet<String>, Vec<[String; 2]>) {
    let (mut boxes, mut lines, mut open) = (BTreeSet::new(), Vec::new(), 0);
    for line in dot.lines().map(str::trim) {
        // What a spec says stands between quotes.
        let outside = line.replace("\\\\", "").replace("\\\"", "");
        let outside: String = outside.split('"').step_by(2).collect();
        open += outside.matches('{').count();
        open -= outside.matches('}').count();
        let is_box = |word: &&str| word.strip_prefix('n').is_some_and(|number| number.parse::<u32>().is_ok());
        let words: Vec<&str> = outside.split_whitespace().take(3).filter(is_box).collect();
        match words.as_slice() {
            [from, to] => lines.push([from.to_string(), to.to_string()]),
            [one] => assert!(boxes.insert(one.to_string()), "{one} twice in\n{dot}"),
            _ => {}
        }
    }
    assert_eq!(open, 0, "{dot}");
    (boxes, lines)
}

#[test]
fn text_for_graphviz_has_every_box_and_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = text(&folder.path().join("net.dot"));
    for model in specs(Path::new(MODELS)) {
        done(&["graph", &text(&model), "--depth", "3", "-o", &file]);
        let dot = fs::read_to_string(&file).expect("a file");
        let (boxes, lines) = boxes_and_lines(&dot);
        assert!(boxes.len() > 1 && lines.len() + 1 >= boxes.len(), "{}\n{dot}", model.display());
        assert!(lines.iter().flatten().all(|end| boxes.contains(end)), "{dot}");
    }
    let spec = folder.path().join("net.cnn");
    fs::write(&spec, "model Net { input [N, 4]\n \"a]; b\\\": Linear(3) }").expect("a spec");
    done(&["graph", &text(&spec), "-o", &file]);
    let dot = fs::read_to_string(&file).expect("a file");
    assert_eq!(boxes_and_lines(&dot).0.len(), 3, "{dot}");
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| text(&folder.path().join(name));
    let spec = at("net.cnn");
    fs::write(&spec, "model Net { input [N, 4]\n repeat 6000 { Linear(4) } }").expect("a spec");
    assert!(refused(&["graph", &spec, "-o", &spec]).contains("E601"));
    assert!(refused(&["graph", &spec, "-o", &at("net.png")]).contains("a picture is .svg, .html or .dot"));
    let lenet = format!("{MODELS}/lenet.cnn");
    assert!(refused(&["graph", &lenet, "-o", &at("nowhere/net.svg")]).contains("E601"));
    let many = refused(&["graph", &spec, "-o", &at("net.svg")]);
    assert!(many.contains("E217") && many.contains("6,002"), "{many}");
    assert!(!folder.path().join("net.svg").exists());
    // A page and a list have room for more.
    done(&["graph", &spec, "-o", &at("net.html")]);
    assert_eq!(drawn("80", &[&spec]).lines().filter(|line| line.starts_with('●')).count(), 6_002);
    assert_eq!(cnnc(&["graph", &spec, "--depth", "0"]).status.code(), Some(2));
    let blocks = format!("{MODELS}/torchvision/blocks/vgg.cnn");
    assert!(refused(&["graph", &blocks]).contains("E219"));
}
