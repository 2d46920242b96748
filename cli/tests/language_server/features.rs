//! What editors ask, one by one, on specs small enough to see all of.

use crate::client::{Client, at, behind};
use lsp_types::request::{
    CodeActionRequest, CodeLensRequest, Completion, DocumentSymbolRequest, FoldingRangeRequest, Formatting,
    GotoDefinition, HoverRequest, InlayHintRequest, References, Rename, ResolveCompletionItem,
    SemanticTokensFullRequest, SignatureHelpRequest,
};
use lsp_types::{
    CodeActionOrCommand, CompletionResponse, DocumentSymbolResponse, GotoDefinitionResponse, HoverContents,
    InlayHintLabel, ParameterLabel, Position, SemanticTokensResult, TextEdit, Uri, WorkspaceEdit,
};
use serde_json::{Value, json};

const BLOCKS: &str = "\
# Two convolutions.
block Pair(channels: int, act: layer = ReLU) {
    conv1: Conv2d(channels, kernel_size=3, padding=1); act
    conv2: Conv2d(channels, kernel_size=3, padding=1)
    keep middle
    act
}
";

const MAIN: &str = "\
import \"blocks.cnn\"

model Net(classes: int = 10) {
    input [N, 3, 32, 32]
    first: Pair(16)
    MaxPool2d(2)
    for width in [32, 64] { Pair(width); MaxPool2d(2) }
    Flatten
    Linear(classes)
}
";

/// A folder with both files, of which the main one is open.
fn opened() -> (tempfile::TempDir, Client, Uri) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("blocks.cnn"), BLOCKS).expect("written");
    std::fs::write(folder.path().join("main.cnn"), MAIN).expect("written");
    let path = folder.path().join("main.cnn");
    let (client, uri) = Client::with(path.to_str().expect("a path"), MAIN);
    (folder, client, uri)
}

fn hints(client: &mut Client, uri: &Uri) -> Vec<(u32, String)> {
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let hints = client.ask_json::<InlayHintRequest>(json!({ "textDocument": { "uri": uri }, "range": range }));
    let label = |label| match label {
        InlayHintLabel::String(label) => label,
        InlayHintLabel::LabelParts(_) => panic!("parts"),
    };
    hints.unwrap_or_default().into_iter().map(|hint| (hint.position.line, label(hint.label))).collect()
}

fn labels(client: &mut Client, uri: &Uri, position: Position) -> Vec<String> {
    let items = match client.ask_json::<Completion>(json!(at(uri, position))) {
        Some(CompletionResponse::Array(items)) => items,
        other => panic!("{other:?}"),
    };
    items.into_iter().map(|item| item.insert_text.unwrap_or(item.label)).collect()
}

fn hover(client: &mut Client, uri: &Uri, position: Position) -> String {
    match client.ask_json::<HoverRequest>(json!(at(uri, position))).map(|hover| hover.contents) {
        Some(HoverContents::Markup(markup)) => markup.value,
        other => panic!("{other:?}"),
    }
}

/// A text after some edits of one file.
fn edited(text: &str, edits: &[TextEdit]) -> String {
    let byte = |position: Position| {
        let line: usize = text.split_inclusive('\n').take(position.line as usize).map(str::len).sum();
        line + position.character as usize
    };
    let mut edits: Vec<&TextEdit> = edits.iter().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.range.start));
    let mut text = text.to_owned();
    let places: Vec<_> =
        edits.iter().map(|edit| (byte(edit.range.start), byte(edit.range.end), &edit.new_text)).collect();
    places.into_iter().for_each(|(start, end, new)| text.replace_range(start..end, new));
    text
}

fn edits_of<'e>(edit: &'e WorkspaceEdit, uri: &Uri) -> &'e [TextEdit] {
    #[allow(clippy::mutable_key_type, reason = "the protocol's own map")]
    let changes = edit.changes.as_ref().expect("changes");
    changes.iter().find(|(changed, _)| changed.as_str() == uri.as_str()).map_or(&[], |(_, edits)| edits)
}

#[test]
fn hints_have_ranges_where_calls_and_loops_pass() {
    let (folder, mut client, uri) = opened();
    let shapes = hints(&mut client, &uri);
    let line = |line: u32| -> Vec<&str> {
        shapes.iter().filter(|(at, _)| *at == line).map(|(_, text)| text.as_str()).collect()
    };
    // 448 + 2,320 + 4,640 + 9,248 + 18,496 + 36,928 + 10,250 parameters; 442,368 + 3·2,359,296 + 2·1,179,648 + 10,240 MACs.
    assert_eq!(line(2), ["82,330 parameters, 9,889,792 MACs, output [N, 10]"]);
    assert_eq!(line(4), ["[N, 16, 32, 32]"]);
    assert_eq!(line(5), ["[N, 16, 16, 16]"]);
    assert_eq!(line(6), ["[N, 32…64, 8…16, 8…16]", "[N, 32…64, 4…8, 4…8]", "[N, 64, 4, 4]"]);
    assert_eq!(line(7), ["[N, 1024]"]);
    // The file of blocks alone has the shapes that the open document calls its blocks with.
    let blocks = client.open(folder.path().join("blocks.cnn").to_str().expect("a path"), BLOCKS);
    let shapes = hints(&mut client, &blocks);
    assert!(shapes.contains(&(3, "[N, 16…64, 8…32, 8…32]".into())), "{shapes:?}");
}

#[test]
fn an_import_that_is_not_saved_counts() {
    let (folder, mut client, uri) = opened();
    client.wait_for(&uri, <[_]>::is_empty);
    let blocks = client.open(folder.path().join("blocks.cnn").to_str().expect("a path"), BLOCKS);
    client.change(&blocks, 1, None, &BLOCKS.replace("block Pair", "block Couple"));
    client.wait_for(&uri, |now| now.iter().any(|told| told.message.contains("Pair")));
    client.change(&blocks, 2, None, &BLOCKS.replace("padding=1", "paddin=1"));
    client.wait_for(&uri, <[_]>::is_empty);
    client.wait_for(&blocks, |now| now.len() == 2);
    client.change(&blocks, 3, None, BLOCKS);
    client.wait_for(&blocks, <[_]>::is_empty);
}

#[test]
fn hover_tells_numbers_and_the_manual() {
    let (folder, mut client, uri) = opened();
    let text = hover(&mut client, &uri, behind(MAIN, "MaxPool2d(2)", "Max"));
    assert!(text.contains("`[N, 16, 16, 16]`") && text.contains("receptive field 6×6"), "{text}");
    assert!(text.contains("## MaxPool2d") && text.contains("**Shape.**"), "{text}");
    assert!(text.contains("height, width: ⌊(32 + 2·0 − 1·(2 − 1) − 1) / 2⌋ + 1 = 16  \n"), "{text}");
    let text = hover(&mut client, &uri, behind(MAIN, "Pair(width)", "Pa"));
    assert!(!text.contains("height, width:"), "{text}");
    assert!(text.contains("2 times") && text.contains("[N, 32…64, 8…16, 8…16]"), "{text}");
    assert!(
        text.contains("block Pair(channels: int, act: layer = ReLU)") && text.contains("Two convolutions."),
        "{text}"
    );
    // 3·3·16·32 + 32, 3·3·32·32 + 32, 3·3·32·64 + 64, 3·3·64·64 + 64
    assert!(text.contains("69,312 parameters"), "{text}");
    let blocks = client.open(folder.path().join("blocks.cnn").to_str().expect("a path"), BLOCKS);
    for inner in ["(channels", "Conv2d(channels"] {
        let text = hover(&mut client, &blocks, behind(BLOCKS, inner, &inner[..inner.len() - 4]));
        assert!(text.contains("**Net**, 3 times: `16, 32, 64`"), "{text}");
    }
    let text = hover(&mut client, &blocks, behind(BLOCKS, "act: layer", "ac"));
    assert!(text.contains("**Net**, 3 times: `ReLU`"), "{text}");
    let text = hover(&mut client, &uri, behind(MAIN, "Pair(width)", "Pair(wi"));
    assert!(text.contains("**Net**, 2 times: `32, 64`"), "{text}");
    let text = hover(&mut client, &blocks, behind(BLOCKS, "kernel_size=3", "ker"));
    assert!(text.contains("Height and width"), "{text}");
}

#[test]
fn hover_tells_what_a_budget_measures() {
    let (_folder, mut client, uri) = opened();
    let text = "model M {\n    input [N, 3, H, W]\n    Conv2d(8, kernel_size=3)\n    assert params <= 1k\n}\n";
    client.change(&uri, 1, None, text);
    let told = hover(&mut client, &uri, behind(text, "params", "par"));
    assert_eq!(told, "**M**: 224 parameters, 776 under the budget");
}

#[test]
fn completion_offers_what_can_stand_there() {
    let (_folder, mut client, uri) = opened();
    let mut typed = |typed: &str| {
        let text = MAIN.replace("    Flatten\n", &format!("    {typed}\n"));
        client.change(&uri, 1, None, &text);
        let line = text.lines().position(|line| line == format!("    {typed}")).expect("the line");
        labels(&mut client, &uri, Position::new(line as u32, 4 + typed.len() as u32))
    };
    let has = |all: &[String], one: &str| all.iter().any(|label| label == one);
    let items = typed("Con");
    assert!(["Conv2d", "concat", "Pair", "repeat", "from"].iter().all(|word| has(&items, word)), "{items:?}");
    let arguments = typed("Conv2d(8, kernel_size=3, pad");
    assert!(
        has(&arguments, "padding=") && has(&arguments, "classes") && !has(&arguments, "kernel_size="),
        "{arguments:?}"
    );
    assert!(!has(&arguments, "out_channels="), "{arguments:?}");
    assert!(has(&typed("Pair("), "channels="));
    assert_eq!(typed("from fi"), ["first."]);
    assert_eq!(typed("from first."), ["middle"]);
    assert_eq!(typed("from first.mid"), ["middle"]);
    assert!(typed("from second.").is_empty());
    assert!(has(&typed("init Conv2d: "), "xavier_uniform"));
    let measures = typed("assert ");
    assert!(has(&measures, "macs") && has(&measures, "receptive_field"), "{measures:?}");
    assert!(has(&typed("ass"), "assert"));
    assert!(typed("# Con").is_empty());
    client.change(&uri, 2, None, "import \"\n");
    assert!(has(&labels(&mut client, &uri, Position::new(0, 8)), "blocks.cnn"));
    client.change(&uri, 4, None, "model A(width: ");
    assert!(has(&labels(&mut client, &uri, Position::new(0, 15)), "int"));
}

#[test]
fn documentation_comes_when_it_is_asked_for() {
    let (_folder, mut client, _) = opened();
    let item = client.ask_json::<ResolveCompletionItem>(json!({ "label": "Conv2d", "kind": 7 }));
    let text = serde_json::to_string(&item.documentation).expect("JSON");
    assert!(text.contains("## Conv2d") && text.contains("kernel_size"), "{text}");
}

#[test]
fn the_argument_that_is_typed_is_marked() {
    let (_folder, mut client, uri) = opened();
    for (typed, marked) in
        [("Conv2d(8, ", "kernel_size"), ("Conv2d(8, stride=", "stride=1"), ("Pair(", "channels: int")]
    {
        let text = MAIN.replace("    Flatten\n", &format!("    {typed}\n"));
        client.change(&uri, 1, None, &text);
        let line = text.lines().position(|line| line == format!("    {typed}")).expect("the line");
        let position = Position::new(line as u32, 4 + typed.len() as u32);
        let help = client.ask_json::<SignatureHelpRequest>(json!(at(&uri, position))).expect("a signature");
        let signature = &help.signatures[0];
        let parameter =
            &signature.parameters.as_ref().expect("parameters")[help.active_parameter.expect("one") as usize];
        let ParameterLabel::LabelOffsets([start, end]) = parameter.label else { panic!("offsets") };
        assert_eq!(&signature.label[start as usize..end as usize], marked, "{}", signature.label);
    }
}

#[test]
fn definitions_and_references_cross_imports() {
    let (_folder, mut client, uri) = opened();
    let asked = json!(at(&uri, behind(MAIN, "Pair(width)", "Pa")));
    let Some(GotoDefinitionResponse::Scalar(place)) = client.ask_json::<GotoDefinition>(asked) else {
        panic!("a place")
    };
    assert!(place.uri.as_str().ends_with("/blocks.cnn"));
    assert_eq!(place.range.start, Position::new(1, 6));
    let asked = json!(at(&uri, behind(MAIN, "\"blocks.cnn\"", "blo")));
    let Some(GotoDefinitionResponse::Scalar(place)) = client.ask_json::<GotoDefinition>(asked) else {
        panic!("a place")
    };
    assert!(place.uri.as_str().ends_with("/blocks.cnn") && place.range.start == Position::new(0, 0));
    let mut asked: Value = json!(at(&uri, behind(MAIN, "Pair(16)", "Pa")));
    asked["context"] = json!({ "includeDeclaration": true });
    let places = client.ask_json::<References>(asked).expect("places");
    let mut lines: Vec<u32> = places.iter().map(|place| place.range.start.line).collect();
    lines.sort_unstable();
    assert_eq!(lines, [1, 4, 6]);
}

#[test]
fn a_rename_reaches_all_files_and_breaks_none() {
    let (folder, mut client, uri) = opened();
    let blocks = client.open(folder.path().join("blocks.cnn").to_str().expect("a path"), BLOCKS);
    let mut rename = |place: &Uri, position: Position, new: &str| {
        let mut asked = json!(at(place, position));
        asked["newName"] = json!(new);
        client.try_ask::<Rename>(serde_json::from_value(asked).expect("parameters"))
    };
    let edit = rename(&uri, behind(MAIN, "Pair(16)", "Pa"), "Two").expect("an edit").expect("changes");
    assert_eq!(edited(MAIN, edits_of(&edit, &uri)), MAIN.replace("Pair", "Two"));
    assert_eq!(edited(BLOCKS, edits_of(&edit, &blocks)), BLOCKS.replace("Pair", "Two"));
    let edit = rename(&blocks, behind(BLOCKS, "Conv2d(channels", "chan"), "width").expect("an edit").expect("changes");
    assert_eq!(edited(BLOCKS, edits_of(&edit, &blocks)), BLOCKS.replace("channels", "width"));
    for new in ["Conv2d", "Net", "sum", "two words", ""] {
        let refused = rename(&uri, behind(MAIN, "Pair(16)", "Pa"), new);
        assert!(refused.as_ref().is_err_and(|why| why.contains("cannot be")), "{new}: {refused:?}");
    }
    assert!(rename(&uri, behind(MAIN, "Flatten", "Fla"), "x").is_err());
}

#[test]
fn faults_can_be_mended_by_a_key() {
    let text = "model A {\n    input [N, 3, 8, 8]\n    Conv2d(4, kernel_sise=3)\n}\n";
    let (mut client, uri) = Client::with("/nowhere/faulty.cnn", text);
    let range = json!({ "start": behind(text, "kernel_sise", "kern"), "end": behind(text, "kernel_sise", "kern") });
    let asked = json!({ "textDocument": { "uri": uri }, "range": range, "context": { "diagnostics": [] } });
    let actions = client.ask_json::<CodeActionRequest>(asked).expect("actions");
    let mended = actions.iter().filter_map(|action| match action {
        CodeActionOrCommand::CodeAction(action) => action.edit.as_ref(),
        CodeActionOrCommand::Command(_) => None,
    });
    let mended: Vec<String> = mended.map(|edit| edited(text, edits_of(edit, &uri))).collect();
    assert!(mended.contains(&text.replace("sise", "size")), "{mended:?}");
}

#[test]
fn all_that_is_safe_is_mended_at_once() {
    let text = "model A {
    input [N, 3, 8, 8]
    Conv2d(4, kernel_size=3, bias=False)
    Conv2d(4.0, kernel_size=3.0)
    Conv2d(4, kernel_sise=3)
}
";
    let (mut client, uri) = Client::with("/nowhere/faulty.cnn", text);
    let start = Position::new(0, 0);
    let mut asked = |only: &str| {
        let context = json!({ "diagnostics": [], "only": [only] });
        let range = json!({ "start": start, "end": start });
        let asked = json!({ "textDocument": { "uri": uri }, "range": range, "context": context });
        client.ask_json::<CodeActionRequest>(asked).expect("actions")
    };
    let all = asked("source.fixAll");
    let [CodeActionOrCommand::CodeAction(action)] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(action.kind.as_ref().map(|kind| kind.as_str()), Some("source.fixAll"));
    let mended = edited(text, edits_of(action.edit.as_ref().expect("an edit"), &uri));
    let expected = text.replace("False", "false").replace("4.0", "4").replace("3.0", "3");
    // A name that is only like another one is left: that it was meant is a guess.
    assert_eq!(mended, expected);
    assert_eq!(asked("source"), all);
    assert!(asked("refactor").is_empty());
}

#[test]
fn formatting_changes_the_lines_that_differ() {
    let text = "model A {\n    input [N, 3, 8, 8]\n    Conv2d( 4,kernel_size = 3 )\n    ReLU\n}\n";
    let (mut client, uri) = Client::with("/nowhere/crooked.cnn", text);
    let asked = json!({ "textDocument": { "uri": uri }, "options": { "tabSize": 4, "insertSpaces": true } });
    let edits = client.ask_json::<Formatting>(asked.clone()).expect("edits");
    assert_eq!(edits.len(), 1);
    assert_eq!((edits[0].range.start.line, edits[0].range.end.line), (2, 3));
    let formatted = edited(text, &edits);
    assert_eq!(Ok(formatted.clone()), cnnc_grammar::format_text(text));
    client.change(&uri, 1, None, &formatted);
    assert_eq!(client.ask_json::<Formatting>(asked.clone()), Some(Vec::new()));
    client.change(&uri, 2, None, "model A {\n  Conv2d(\n");
    assert_eq!(client.ask_json::<Formatting>(asked), None);
}

#[test]
fn outline_folds_colours_and_lenses() {
    let (_folder, mut client, uri) = opened();
    let document = json!({ "textDocument": { "uri": uri } });
    let Some(DocumentSymbolResponse::Nested(symbols)) = client.ask_json::<DocumentSymbolRequest>(document.clone())
    else {
        panic!("an outline");
    };
    let names: Vec<&str> = symbols.iter().map(|symbol| symbol.name.as_str()).collect();
    assert_eq!(names, ["blocks.cnn", "Net"]);
    let inner: Vec<&str> = symbols[1].children.iter().flatten().map(|symbol| symbol.name.as_str()).collect();
    assert_eq!(inner, ["classes", "first"]);

    let folds = client.ask_json::<FoldingRangeRequest>(document.clone()).expect("folds");
    assert!(folds.iter().any(|fold| (fold.start_line, fold.end_line) == (2, 8)), "{folds:?}");

    let Some(SemanticTokensResult::Tokens(tokens)) = client.ask_json::<SemanticTokensFullRequest>(document.clone())
    else {
        panic!("tokens");
    };
    let (mut line, mut column, mut seen) = (0, 0, Vec::new());
    for token in tokens.data {
        column = if token.delta_line == 0 { column + token.delta_start } else { token.delta_start };
        line += token.delta_line;
        let text = MAIN.lines().nth(line as usize).expect("a line");
        seen.push((text[column as usize..(column + token.length) as usize].to_owned(), token.token_type));
    }
    for (word, kind) in [("Net", 2), ("classes", 3), ("Pair", 1), ("MaxPool2d", 0), ("width", 4)] {
        let here: Vec<_> = seen.iter().filter(|(text, _)| text == word).collect();
        assert!(!here.is_empty() && here.iter().all(|(_, seen)| *seen == kind), "{word}: {seen:?}");
    }

    let lenses = client.ask_json::<CodeLensRequest>(document).expect("lenses");
    let titles: Vec<_> = lenses.iter().filter_map(|lens| Some(lens.command.as_ref()?.title.as_str())).collect();
    assert_eq!(titles, ["check sizes", "run"]);
    // The command lines are ones that `cnnc` takes.
    for lens in &lenses {
        let line = &lens.command.as_ref().expect("a command").arguments.as_ref().expect("arguments")[0];
        let words: Vec<String> = serde_json::from_value(line.clone()).expect("words");
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_cnnc")).args(words).output().expect("cnnc runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}
