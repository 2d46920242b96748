//! Any text at all: the parser never panics, every place it names lies in the text, and nothing is lost in silence.

use cnnc_grammar::error::{SyntaxError, SyntaxErrorKind};
use cnnc_grammar::span::FileId;
use cnnc_grammar::{format_text, parse};
use proptest::prelude::*;

/// A spec with every construct, to be damaged.
const SPEC: &str = r#"import "blocks.cnn" # é
block Residual(channels: int, sizes: [(int, int)] = [(1, 2)], act: layer = ReLU) {
    input [N, C, H, W]
    let (a, b) = sizes[0] if not C // 2 == 1.5e-3 and true else (1, -2)
    sum {
        { conv1: Conv2d(channels, kernel_size=3); act }
        if C != channels { "conv {a + 1}": Conv2d(channels, bias=false) } else if b { } else { Identity }
    }
    tied shared = Linear(8)
    layer_scale: Parameter((C, 1, 1), value=1e-6)
}
model ResNet(num_classes: int = 10) {
    input left [N, 1, 96, 96] image(resize=96, mean=[0.5])
    labels ["cat", "dog"]
    for (i, n) in enumerate([1, 2,
        3]) { repeat n { Residual(64 * 2, act=GELU); keep "k{i}" } }
    concat(dim=1) { from k1; from left.x; Identity }
    net: Sequential { Flatten; Linear(num_classes, weight=net.a.T) }
    init Conv2d, "net.1": constant(0.0)
    output large; expect [_, num_classes]
}
model ResNet18 = ResNet(num_classes=100)
"#;

/// Words, signs and characters of which damage is made.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    ",",
    ";",
    ":",
    "=",
    "==",
    "..",
    ".",
    "-",
    "+",
    "//",
    "<",
    "#",
    "\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    "not ",
    " if ",
    " else ",
    " and ",
    "for ",
    " in ",
    "let ",
    "sum ",
    "model X {",
    "block Y(",
    "import \"",
    "true",
    "x",
    "ReLU",
    "12",
    "1e999",
    "0.5",
    "é",
    "×",
    "\u{a0}",
    "\u{feff}",
    "\u{1f600}",
    "'",
    "labels ",
    "input ",
    "\0",
];

/// Checks what must hold of any text.
fn check(text: &str) -> Result<(), TestCaseError> {
    let (ast, errors) = parse(text, FileId(3));
    for error in &errors {
        check_error(text, error)?;
    }
    prop_assert!(errors.is_sorted_by_key(|error| error.span.start), "{:?}", errors);
    prop_assert_eq!(format_text(text).is_ok(), errors.is_empty());
    let tree = ast.to_string();
    prop_assert!(!errors.is_empty() || !tree.contains("unreadable"), "unreadable without an error:\n{tree}");
    check_spans(text, &format!("{ast:?}"))?;
    Ok(())
}

fn check_error(text: &str, error: &SyntaxError) -> Result<(), TestCaseError> {
    prop_assert_eq!(error.span.file, FileId(3));
    let source = text.get(error.span.start as usize..error.span.end as usize);
    prop_assert!(source.is_some(), "{:?}", error);
    match &error.kind {
        SyntaxErrorKind::Unexpected { found, expected } => {
            prop_assert!(!found.is_empty() && found.chars().count() < 60, "{:?}", error);
            prop_assert!(!expected.is_empty() && expected.len() <= 6, "{:?}", error);
        }
        SyntaxErrorKind::Mistaken { found, meant } => {
            prop_assert_eq!(Some(found.as_str()), source);
            prop_assert_ne!(found, meant);
        }
        SyntaxErrorKind::Unclosed { open: bracket } | SyntaxErrorKind::Unopened { close: bracket } => {
            prop_assert_eq!(source.map(str::to_owned), Some(bracket.to_string()));
        }
        _ => {}
    }
    Ok(())
}

/// Every span of the tree lies on the characters of the text; its debug form shows all of them.
fn check_spans(text: &str, debug: &str) -> Result<(), TestCaseError> {
    for span in debug.split("Span { file: FileId(").skip(1) {
        let numbers: Vec<usize> = span
            .split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|digits| digits.parse().ok())
            .take(3)
            .collect();
        let [3, start, end] = numbers.as_slice() else { panic!("a span in the debug form: {}", &span[..40]) };
        prop_assert!(text.get(*start..*end).is_some(), "{start}..{end} of {} bytes", text.len());
    }
    Ok(())
}

/// Where to damage the spec (a share of its length), how many bytes to take out, and what to put there.
fn damage() -> impl Strategy<Value = Vec<(f64, usize, String)>> {
    let pieces = prop::collection::vec(prop::sample::select(PIECES), 0..3).prop_map(|pieces| pieces.concat());
    prop::collection::vec((0.0..1.0f64, 0usize..8, pieces), 1..6)
}

fn damaged(text: &str, damage: &[(f64, usize, String)]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (share, count, piece) in damage {
        let start = ((bytes.len() as f64 * share) as usize).min(bytes.len());
        let end = (start + count).min(bytes.len());
        bytes.splice(start..end, piece.bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn the_spec_itself_has_no_error() {
    assert_eq!(parse(SPEC, FileId(3)).1, []);
}

#[test]
fn a_spec_cut_anywhere_is_read() {
    for (cut, _) in SPEC.char_indices().step_by(3) {
        check(&SPEC[..cut]).expect(&SPEC[..cut]);
        check(&SPEC[cut..]).expect(&SPEC[cut..]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(text in "\\PC*") {
        check(&text)?;
    }

    #[test]
    fn any_statements_are_read(text in "[ -~\n]{0,80}") {
        check(&format!("model M {{\n{text}\n}}\n"))?;
    }

    #[test]
    fn any_sequence_of_pieces_is_read(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check(&pieces.concat())?;
        check(&format!("model M {{ {} }}", pieces.concat()))?;
    }

    #[test]
    fn a_damaged_spec_is_read(damage in damage()) {
        check(&damaged(SPEC, &damage))?;
    }
}
