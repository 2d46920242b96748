//! Specs with random faults: whatever is written, the resolver ends without a panic, and what it accepts is sound.

mod common;
use cnnc_compiler::graph::{print, verify::verify};
use common::{Memory, check_in};
use proptest::prelude::*;
use std::path::Path;

/// The specs that ship, by path below `models`.
fn shipped() -> Vec<(String, String)> {
    fn gather(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                gather(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "cnn") {
                let text = std::fs::read_to_string(&path).expect("a spec");
                found.push((path.to_string_lossy().into_owned(), text));
            }
        }
    }
    let mut found = Vec::new();
    gather(Path::new("../models"), &mut found);
    found.sort();
    found
}

/// Words, numbers, strings, spaces and single characters.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for character in text.chars() {
        let is_word = character.is_alphanumeric() || character == '_';
        match tokens.last_mut() {
            Some(last) if is_word && last.chars().all(|before| before.is_alphanumeric() || before == '_') => {
                last.push(character);
            }
            _ => tokens.push(character.to_string()),
        }
    }
    tokens
}

/// One fault: which kind, where, and with what.
type Fault = (u8, prop::sample::Index, prop::sample::Index);

const SPARE: &[&str] = &[
    "0",
    "-1",
    "2",
    "1000000",
    "9223372036854775807",
    "0.5",
    "true",
    "\"x\"",
    "\"{i}\"",
    "[1, 2]",
    "(1, 2)",
    "0..3",
    "x",
    "C",
    "H",
    "N",
    "_",
    "ReLU",
    "Conv2d(4, 3)",
    "Linear(3)",
    "keep x\n",
    "from x\n",
    "\nsum {",
    "concat {",
    "repeat 2 {",
    "for i in 0..2 {",
    "if true {",
    "} else {",
    "}",
    "{",
    "tied t = Linear(4)\n",
    "t\n",
    "a: ",
    "input [N, C, H, W]\n",
    "expect [N, _, H]\n",
    "init Conv2d: ones\n",
    "let x = C // 2\n",
    "output o\n",
    "weight=a.weight.T",
    "bias=[1]",
    "groups=2",
    "Parameter((4,))",
    "block B { ",
    "model Q = ",
    "import \"a.cnn\"\n",
    "labels [\"a\"]\n",
];

fn mutate(text: &str, faults: &[Fault]) -> String {
    let mut tokens = tokens(text);
    for (kind, at, other) in faults {
        if tokens.is_empty() {
            break;
        }
        let (at, other) = (at.index(tokens.len()), other.index(tokens.len().max(SPARE.len())));
        let spare = SPARE[other % SPARE.len()].to_owned();
        match kind % 5 {
            0 => {
                tokens.remove(at);
            }
            1 => tokens.insert(at, spare),
            2 => tokens[at] = spare,
            3 => {
                let copy = tokens[other % tokens.len()].clone();
                tokens[at] = copy;
            }
            _ => {
                let (from, to) = (at.min(other % tokens.len()), at.max(other % tokens.len()));
                let piece: Vec<String> = tokens[from..to.min(from + 30)].to_vec();
                tokens.splice(at..at, piece);
            }
        }
    }
    tokens.concat()
}

fn survives(text: String) {
    let sources = Memory([("main.cnn".to_owned(), text.clone())].into());
    let outcome = check_in(&sources);
    for shaped in &outcome.graphs {
        assert_eq!(verify(&shaped.graph), Ok(()), "{text}");
        print::print_graph(&shaped.graph);
        print::print_shapes(shaped);
    }
    for problem in &outcome.problems {
        assert_ne!(problem.code.name(), "E499", "{text}\n{}", outcome.said());
        for label in problem.labels.iter().chain(&problem.trace) {
            let file = outcome.files.get(label.span.file).expect("the file of a label");
            assert!(
                file.text.get(label.span.start as usize..label.span.end as usize).is_some(),
                "{text}\n{}",
                outcome.said()
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn faults_in_shipped_specs_are_survived(
        which: prop::sample::Index,
        faults in prop::collection::vec(any::<Fault>(), 1..6),
    ) {
        let specs = shipped();
        let (_, text) = &specs[which.index(specs.len())];
        survives(mutate(text, &faults));
    }

    #[test]
    fn random_bodies_are_survived(parts in prop::collection::vec(prop::sample::select(SPARE), 1..25)) {
        survives(format!("block B(c: int = 3) {{ input [N, C, H, W]; Conv2d(c, 1) }}\nmodel M {{ input [N, 4, H, W]\n{}\n}}", parts.join(" ")));
    }
}

/// How often loops turn, from none to more than any machine counts.
const TURNS: &[&str] = &["0", "1", "2", "7", "300", "5000", "1000000", "1000000000000"];

/// Statements in each other: loops, blocks, groups and joins around what costs time or memory.
fn nested() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "ReLU",
        "B",
        "C",
        "let x = [0] * 1000",
        "let t = \"{1}{2}{3}\"",
        "keep \"k{1}\"",
        "expect [N, _, H, W]",
        "init ReLU: ones",
        "concat(dim=2) { Identity; AvgPool2d((2, 1)) }",
        "sum { Identity; { AvgPool2d(2); Upsample(scale_factor=2) } }",
        "Conv2d(4, kernel_size=3)",
        "Unknown",
        "from nothing",
    ]);
    let turns = || prop::sample::select(TURNS);
    leaf.prop_map(str::to_owned).prop_recursive(6, 24, 3, move |inner| {
        let body = || prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join("\n"));
        prop_oneof![
            (turns(), body()).prop_map(|(turns, body)| format!("repeat {turns} {{\n{body}\n}}")),
            (turns(), body()).prop_map(|(turns, body)| format!("for i in 0..{turns} {{\n{body}\n}}")),
            body().prop_map(|body| format!("Sequential {{\n{body}\n}}")),
            body().prop_map(|body| format!("sum {{ Identity; {{\n{body}\n}} }}")),
            body().prop_map(|body| format!("if true {{\n{body}\n}}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn nestings_of_whatever_multiplies_end_in_time(body in prop::collection::vec(nested(), 1..4)) {
        let blocks = "block B { C; C }\nblock C { D; D; D }\nblock D { }\n";
        let start = std::time::Instant::now();
        survives(format!("{blocks}model M {{ input [N, 4, H, W]\n{}\n}}", body.join("\n")));
        assert!(start.elapsed().as_secs() < 60, "{:?}: {body:?}", start.elapsed());
    }
}

#[test]
fn shipped_specs_are_sound() {
    shipped().into_iter().for_each(|(_, text)| survives(text));
}
