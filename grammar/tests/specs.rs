//! Whole files: every spec that ships with the project, declarations, and what stands around them.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use cnnc_grammar::ast::{DeclarationKind, ItemKind};
use cnnc_grammar::parse;
use cnnc_grammar::span::{FileId, Files};
use common::{errors, tree};

/// All `.cnn` files under a folder.
fn specs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("the entry can be read").path());
    let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    let specs = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "cnn"));
    specs.chain(folders.iter().flat_map(|folder| self::specs(folder))).collect()
}

#[test]
fn every_model_reads_without_an_error() {
    let specs = specs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../models"));
    assert!(specs.len() >= 40, "only {} specs found", specs.len());
    for path in specs {
        let text = fs::read_to_string(&path).expect("the spec can be read");
        assert_eq!(errors(&text), Vec::<String>::new(), "{}", path.display());
    }
}

#[test]
fn a_whole_spec_prints_as_a_tree() {
    let text = r#"# A comment.
import "blocks.cnn"

block Residual(channels: int, stride: int = 1, sizes: [(int, int)] = [(1, 2)], act: layer = ReLU) {
    sum {
        {
            conv1: Conv2d(channels, kernel_size=3, stride=stride)
            act
        }
        { if stride != 1 { conv2: Conv2d(channels, stride=stride) } else { Identity } }
    }
}

model ResNet(arch: [(int, int)], num_classes: int = 10) {
    input [N, 1, 96, 96] image(resize=96, mean=[0.5])
    labels "classes.txt"
    for (i, (count, channels)) in enumerate(arch) {
        "b{i + 2}": { repeat count { Residual(channels, 2 if i > 0 else 1); keep "k{i}" } }
    }
    last: Sequential { Flatten; Linear(num_classes) }
    init Conv2d, "last.1": constant(0.0)
    expect [N, num_classes]
}
model ResNet18 = ResNet(arch=[(2, 64), (2, 128)])
"#;
    let expected = r#"import "blocks.cnn"
block Residual
  parameter channels: int
  parameter stride: int = 1
  parameter sizes: [(int, int)] = [(1, 2)]
  parameter act: layer = ReLU
  join sum
    group
      conv1: use Conv2d(channels, kernel_size=3, stride=stride)
      use act
    group
      if stride != 1
        conv2: use Conv2d(channels, stride=stride)
      else
        use Identity
model ResNet
  parameter arch: [(int, int)]
  parameter num_classes: int = 10
  input [N, 1, 96, 96] image(resize=96, mean=[0.5])
  labels "classes.txt"
  for (i, (count, channels)) in enumerate(arch)
    "b{i + 2}": sequential
      repeat count
        use Residual(channels, 2 if (i > 0) else 1)
        keep "k{i}"
  last: sequential
    use Flatten
    use Linear(num_classes)
  init Conv2d, "last.1": constant(0.0)
  expect [N, num_classes]
preset ResNet18 = ResNet(arch=[(2, 64), (2, 128)])
"#;
    assert_eq!(tree(text), expected);
}

#[test]
fn an_empty_file_reads_as_nothing() {
    for text in ["", "\n", "  \t ", "# only a comment", "\u{feff}", "\u{feff}\r\n# c\r\n", ";;\n;"] {
        let (ast, errors) = parse(text, FileId(0));
        assert_eq!((ast.items, errors), (Vec::new(), Vec::new()), "{text:?}");
    }
}

#[test]
fn line_ends_tabs_and_marks_make_no_difference() {
    let text = "block A(n: int) {\n    sum {\n        ReLU # c\n        x: Conv2d(3,\n            n)\n    }\n}\nmodel B {\n    A(1)\n}\n";
    let expected = tree(text);
    for changed in [
        text.replace('\n', "\r\n"),
        text.replace('\n', "\r"),
        text.replace("    ", "\t"),
        format!("\u{feff}{text}"),
        text.trim_end().to_owned(),
        text.replace('\n', "\n\n  # c\n"),
        text.replace("}\n", "} # é × comment"),
    ] {
        let changed = changed.replace("# é × comment", "\n# é × comment\n");
        assert_eq!(tree(&changed), expected, "{changed:?}");
    }
}

#[test]
fn declarations_may_share_a_line() {
    assert_eq!(tree("block A { ReLU } block B {}; model C = B; model D { }").lines().count(), 5);
}

#[test]
fn types_and_parameters() {
    let text = "block A(\n  a: int, # first\n  b: (int, (str, bool)) = (1, (\"x\", true)),\n  c: [layer] = [],\n  d: (int) = 1, e: (int,),\n) { }\nblock B() { }\nblock C { }\n";
    let expected = "block A\n  parameter a: int\n  parameter b: (int, (str, bool)) = (1, (\"x\", true))\n  parameter c: [layer] = []\n  parameter d: int = 1\n  parameter e: (int,)\nblock B\nblock C\n";
    assert_eq!(tree(text), expected);
}

#[test]
fn words_of_the_language_may_name_declarations() {
    assert_eq!(tree("block input { from from }\nmodel block { }\nblock model(sum: int) { }").lines().count(), 5);
}

#[test]
fn spans_cover_what_was_written() {
    let text = "model Net(n: int = 3)  {  # c\n  conv: Conv2d( n , bias = false )  # d\n  if n > 1 { ReLU } # e\n}\nmodel Big = Net( n=4 )  # f\n";
    let mut files = Files::default();
    let file = files.add("a.cnn", text);
    let (ast, problems) = parse(text, file);
    assert_eq!(problems, []);
    let kinds: Vec<_> = ast.items.iter().map(|item| &item.kind).collect();
    let [ItemKind::Declaration(net), ItemKind::Preset(big)] = kinds.as_slice() else { panic!("{ast:?}") };
    assert_eq!(net.kind, DeclarationKind::Model);
    assert_eq!(files.text(net.header), "model Net(n: int = 3)");
    assert_eq!(files.text(net.name.span), "Net");
    assert_eq!(files.text(net.parameters[0].span), "n: int = 3");
    let statements: Vec<&str> = net.body.statements.iter().map(|statement| files.text(statement.span)).collect();
    assert_eq!(statements, ["conv: Conv2d( n , bias = false )", "if n > 1 { ReLU }"]);
    assert!(files.text(net.body.span).starts_with("{  # c") && files.text(net.body.span).ends_with("# e\n}"));
    assert_eq!(files.text(big.span), "model Big = Net( n=4 )");
    assert_eq!(files.text(big.base.span), "Net( n=4 )");
}
