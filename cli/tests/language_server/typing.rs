//! A spec is typed character by character: no crash, no stale diagnostic, hints right at every stop.

use crate::client::{Client, at, position};
use cnnc_compiler::check::{Checked, check};
use cnnc_compiler::resolve::{Request, Sources};
use lsp_types::request::{
    Completion, DocumentSymbolRequest, HoverRequest, InlayHintRequest, SemanticTokensFullRequest, SignatureHelpRequest,
};
use lsp_types::{Diagnostic, InlayHintLabel, Position, Range};
use serde_json::json;

/// Forty lines with blocks, loops, joins, kept values, presets, comments past ASCII, and every kind of bracket.
const SPEC: &str = r#"# Größe × Breite 😀: a small network of many forms.
block Residual(channels: int, stride: int = 1, project: bool = false) {
    sum {
        {
            conv1: Conv2d(channels, kernel_size=3, padding=1, stride=stride)
            bn1:   BatchNorm2d
            ReLU
            conv2: Conv2d(channels, kernel_size=3, padding=1)
            bn2:   BatchNorm2d
        }
        { if project { conv3: Conv2d(channels, kernel_size=1, stride=stride) } }
    }
    ReLU
}

block Gate(ratio: int = 4) {
    input [N, C, H, W]
    product {
        Identity
        { AdaptiveAvgPool2d(1); Conv2d(C // ratio, 1); ReLU; Conv2d(C, 1); Sigmoid }
    }
}

model Net(widths: [int], num_classes: int = 10) {
    input [N, 3, 64, 64]
    let first = widths[0]
    Conv2d(first, kernel_size=7, stride=2, padding=3); BatchNorm2d; ReLU
    keep stem
    for (i, width) in enumerate(widths) {
        "stage {i}": {
            Residual(width, stride=2, project=true)
            repeat 2 { Residual(width) }
            Gate(ratio=8)
        }
    }
    AdaptiveAvgPool2d((1, 1)); Flatten
    Linear(num_classes)  # "scores"
    init Conv2d, Linear: kaiming_normal(mode="fan_out")
    expect [N, num_classes]
}
model Small = Net(widths=[16, 32])
model Large = Net(widths=[64, 128, 256])
"#;

const PATH: &str = "/nowhere/typed.cnn";

/// One text under its own name.
struct Typed<'t>(&'t str);

impl Sources for Typed<'_> {
    fn read(&self, path: &str, importer: Option<&str>) -> Result<(String, String), String> {
        if importer.is_some() { Err("no such file".into()) } else { Ok((path.into(), self.0.into())) }
    }
}

fn checked(text: &str) -> Checked {
    check(PATH, &Request { index: true, ..Request::default() }, &Typed(text), &mut ())
}

/// What must be told of a text: severity, code, sentence and place of everything.
fn expected(text: &str) -> Vec<String> {
    let Checked { problems, .. } = checked(text);
    let shown = problems.iter().map(|problem| {
        let span = problem.labels.first().map(|label| label.span).unwrap_or_default();
        let (start, end) = (position(text, span.start as usize), position(text, span.end as usize));
        format!("{} {} {}", problem.code, problem.message, place(Range::new(start, end)))
    });
    shown.collect()
}

fn place(Range { start, end }: Range) -> String {
    format!("{}:{}-{}:{}", start.line, start.character, end.line, end.character)
}

fn told(diagnostics: &[Diagnostic]) -> Vec<String> {
    let shown = diagnostics.iter().map(|diagnostic| {
        let code = match &diagnostic.code {
            Some(lsp_types::NumberOrString::String(code)) => code.as_str(),
            other => panic!("a code is {other:?}"),
        };
        format!("{code} {} {}", diagnostic.message.lines().next().unwrap_or_default(), place(diagnostic.range))
    });
    shown.collect()
}

#[test]
fn a_spec_is_typed_character_by_character() {
    assert!(SPEC.lines().count() >= 40);
    let (mut client, uri) = Client::with(PATH, "");
    let document = json!({ "uri": uri });
    let mut by_version = vec![expected("")];
    let mut hints = 0;
    let ends = SPEC.char_indices().map(|(start, character)| (start, start + character.len_utf8()));
    for (version, (start, end)) in (1..).zip(ends) {
        let (text, here) = (&SPEC[..end], position(SPEC, start));
        client.change(&uri, version, Some(Range::new(here, here)), &SPEC[start..end]);
        by_version.push(expected(text));

        let whole = Range::new(Position::new(0, 0), Position::new(1000, 0));
        let given = client.ask_json::<InlayHintRequest>(json!({ "textDocument": document, "range": whole }));
        hints += assert_hints(text, &given.expect("hints"));

        let cursor = json!(at(&uri, position(text, text.len())));
        client.ask_json::<HoverRequest>(cursor.clone());
        client.ask_json::<Completion>(cursor.clone());
        client.ask_json::<SignatureHelpRequest>(cursor);
        client.ask_json::<SemanticTokensFullRequest>(json!({ "textDocument": document }));
        client.ask_json::<DocumentSymbolRequest>(json!({ "textDocument": document }));
        let wanted = by_version.last().cloned().expect("an expectation");
        client.wait_for(&uri, |now| told(now) == wanted);
    }
    assert!(hints > 1000, "only {hints} hints were looked at");
    assert_eq!(by_version.last(), Some(&Vec::new()), "the finished spec is right");
    for told_once in &client.all_told {
        let version = told_once.version.expect("a version of an open document") as usize;
        assert_eq!(told(&told_once.diagnostics), by_version[version], "told of version {version}");
    }
    assert!(client.finish().success());
}

/// Every hint of a shape is what the compiler says of an item that ends there, and every item on whose line none says the same
/// has one.
fn assert_hints(text: &str, hints: &[lsp_types::InlayHint]) -> usize {
    let checked = checked(text);
    let index = checked.index.as_ref().expect("an index");
    let label = |hint: &lsp_types::InlayHint| match &hint.label {
        InlayHintLabel::String(label) => label.clone(),
        InlayHintLabel::LabelParts(_) => panic!("a label of parts"),
    };
    let shapes: Vec<_> = hints.iter().filter(|hint| !label(hint).contains("parameters")).collect();
    for hint in &shapes {
        let ends_here =
            |site: &&cnnc_compiler::index::Site| position(text, site.statement.end as usize) == hint.position;
        let mut sites: Vec<_> = index.sites().iter().filter(ends_here).collect();
        let innermost = sites.iter().map(|site| site.statement.start).max().expect("an item ends where a hint stands");
        sites.retain(|site| site.statement.start == innermost);
        let mut known = sites.iter().filter_map(|site| site.shapes.clone());
        let mut all = known.next().expect("a shape");
        known.for_each(|shapes| all.merge(&shapes));
        assert_eq!(label(hint), all.to_string(), "at {:?} of\n{text}", hint.position);
    }
    let says = |site: &&cnnc_compiler::index::Site| {
        text[site.statement.start as usize..site.statement.end as usize].starts_with("input ")
    };
    for site in index.sites().iter().filter(|site| site.shapes.is_some() && !says(site)) {
        let end = position(text, site.statement.end as usize);
        let line = shapes.iter().any(|hint| hint.position.line == end.line && hint.position >= end);
        assert!(line, "no hint on line {} of\n{text}", end.line);
    }
    let totals = hints.len() - shapes.len();
    assert_eq!(totals, checked.networks.len(), "each model that is right has its totals");
    hints.len()
}
