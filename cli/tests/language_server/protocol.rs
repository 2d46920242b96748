//! The protocol's own rules: order, cancelling, units of columns, and messages at random.

use crate::client::{Client, position};
use lsp_server::{ErrorCode, Message, Notification, Request};
use lsp_types::request::{DocumentSymbolRequest, FoldingRangeRequest, HoverRequest, InlayHintRequest};
use lsp_types::{Position, PositionEncodingKind, Range};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const SMALL: &str = "model A {\n    input [N, 3, 8, 8]\n    Conv2d(4, kernel_size=3)\n}\n";

#[test]
fn what_comes_too_early_or_too_late_is_refused() {
    let mut client = Client::start();
    let refused = |client: &mut Client, method: &str, params: Value| {
        let id = client.request(method, params);
        client.response(&id).error.map(|error| error.code)
    };
    client.send(Notification::new("textDocument/didOpen".into(), json!({})).into());
    let hover = json!({ "textDocument": { "uri": "file:///a.cnn" }, "position": { "line": 0, "character": 0 } });
    assert_eq!(refused(&mut client, "textDocument/hover", hover.clone()), Some(ErrorCode::ServerNotInitialized as i32));
    assert_eq!(refused(&mut client, "initialize", json!(3)), Some(ErrorCode::InvalidParams as i32));
    assert_eq!(refused(&mut client, "initialize", json!({ "capabilities": {} })), None);
    assert_eq!(
        refused(&mut client, "initialize", json!({ "capabilities": {} })),
        Some(ErrorCode::InvalidRequest as i32)
    );
    assert_eq!(refused(&mut client, "textDocument/hover", json!([])), Some(ErrorCode::InvalidParams as i32));
    assert_eq!(refused(&mut client, "textDocument/nothing", json!({})), Some(ErrorCode::MethodNotFound as i32));
    assert_eq!(
        refused(&mut client, "textDocument/hover", hover.clone()),
        None,
        "of a closed document nothing is known"
    );
    assert_eq!(refused(&mut client, "shutdown", Value::Null), None);
    assert_eq!(refused(&mut client, "textDocument/hover", hover), Some(ErrorCode::InvalidRequest as i32));
    assert!(client.exit().success());
}

#[test]
fn an_exit_without_a_shutdown_leaves_a_one() {
    let (mut client, _) = Client::initialized(json!({}));
    assert_eq!(client.exit().code(), Some(1));
}

#[test]
fn columns_are_bytes_where_the_client_offers_that() {
    let text = "# 😀\nmodel A { input [N, 3, 8, 8]; \"😀\": Nonsense }\n";
    let line = text.lines().nth(1).expect("a line");
    let start = line.find("Nonsense").expect("it");
    for (offered, kind, column) in [
        (json!(["utf-8", "utf-16"]), PositionEncodingKind::UTF8, start),
        (json!(["utf-16"]), PositionEncodingKind::UTF16, start - 2),
    ] {
        let (mut client, result) = Client::initialized(json!({ "general": { "positionEncodings": offered } }));
        assert_eq!(result.capabilities.position_encoding, Some(kind));
        let uri = client.open("/nowhere/encoded.cnn", text);
        client.wait_for(&uri, |now| !now.is_empty());
        assert_eq!(client.told[uri.as_str()][0].range.start, Position::new(1, column as u32));
    }
}

#[test]
fn a_file_of_a_megabyte_is_answered() {
    let line = "    # a comment as long as a line that people write, so that the file is large\n    Identity\n";
    let text = format!("model A {{\n    input [N, 8, H, W]\n{}}}\n", line.repeat((1 << 20) / line.len()));
    assert!(text.len() > 1_000_000);
    let (mut client, uri) = Client::with("/nowhere/megabyte.cnn", &text);
    let end = position(&text, text.len() - 2);
    for version in 1..4 {
        client.change(&uri, version, Some(Range::new(end, end)), "ReLU;");
        let range = Range::new(Position::new(0, 0), Position::new(60, 0));
        let start = Instant::now();
        let hints = client.ask_json::<InlayHintRequest>(json!({ "textDocument": { "uri": uri }, "range": range }));
        assert!(hints.is_some_and(|hints| hints.len() > 20));
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }
    assert!(client.ask_json::<FoldingRangeRequest>(json!({ "textDocument": { "uri": uri } })).is_some());
    assert!(client.finish().success());
}

/// Numbers that differ from seed to seed and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end.max(1)
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

const METHODS: [&str; 17] = [
    "textDocument/hover",
    "textDocument/inlayHint",
    "textDocument/completion",
    "completionItem/resolve",
    "textDocument/signatureHelp",
    "textDocument/definition",
    "textDocument/references",
    "textDocument/documentHighlight",
    "textDocument/prepareRename",
    "textDocument/rename",
    "textDocument/codeAction",
    "textDocument/formatting",
    "textDocument/documentSymbol",
    "textDocument/foldingRange",
    "textDocument/semanticTokens/full",
    "textDocument/codeLens",
    "initialize",
];

const PIECES: [&str; 24] = [
    "model A {\n",
    "block B(c: int) {\n",
    "}",
    "{",
    "(",
    ")",
    "[",
    "\"",
    "# é😀\n",
    "\n",
    "input [N, 3, 8, 8]\n",
    "Conv2d(4, kernel_size=3)\n",
    "sum {",
    "; ",
    "B(4)\n",
    "from ",
    "keep k\n",
    "let x = 3\n",
    "import \"b.cnn\"\n",
    "x",
    "é",
    "😀",
    "\r\n",
    "repeat 3 {",
];

/// A message that a client could send, or could not.
fn message(random: &mut Random, id: i32) -> Message {
    let uri =
        *random.one_of(&["file:///nowhere/a.cnn", "file:///nowhere/b.cnn", "untitled:one", "file://%zz", "no address"]);
    let mut place = || json!({ "line": random.below(12), "character": random.below(40) });
    let (position, start, end) = (place(), place(), place());
    let text = (0..random.below(12)).map(|_| *random.one_of(&PIECES)).collect::<String>();
    let range = json!({ "start": start, "end": end });
    let document = json!({ "uri": uri, "version": id, "languageId": "cnn", "text": text });
    match random.below(8) {
        0 => Notification::new("textDocument/didOpen".into(), json!({ "textDocument": document })).into(),
        1 | 2 => {
            let change =
                if random.below(4) == 0 { json!({ "text": text }) } else { json!({ "range": range, "text": text }) };
            let params = json!({ "textDocument": document, "contentChanges": [change] });
            Notification::new("textDocument/didChange".into(), params).into()
        }
        3 if random.below(3) == 0 => {
            Notification::new("textDocument/didClose".into(), json!({ "textDocument": document })).into()
        }
        3 => Notification::new("$/cancelRequest".into(), json!({ "id": random.below(id as usize + 2) })).into(),
        _ => {
            let params = json!({
                "textDocument": document, "position": position, "range": range, "newName": random.one_of(&["y", "sum", "é"]),
                "context": { "includeDeclaration": true, "diagnostics": [] }, "options": { "tabSize": 4, "insertSpaces": true },
                "label": "Conv2d", "kind": 7, "capabilities": {},
            });
            let params = if random.below(20) == 0 { json!(["nonsense"]) } else { params };
            Request { id: id.into(), method: (*random.one_of(&METHODS)).into(), params }.into()
        }
    }
}

#[test]
fn messages_at_random_are_each_answered_once() {
    let mut answered = 0;
    for seed in 0..12 {
        let mut random = Random(seed);
        let (mut client, _) = Client::initialized(json!({}));
        let mut asked = BTreeSet::new();
        for id in 1000..1250 {
            let message = message(&mut random, id);
            if matches!(message, Message::Request(_)) {
                asked.insert(id.to_string());
            }
            client.send(message);
        }
        while !asked.is_empty() {
            if let Message::Response(response) = client.receive().expect("an answer") {
                let internal = response.error.filter(|error| error.code == ErrorCode::InternalError as i32);
                assert!(internal.is_none(), "seed {seed}: {internal:?}");
                assert!(asked.remove(&response.id.to_string()), "seed {seed}: {} was answered twice", response.id);
                answered += 1;
            }
        }
        assert!(client.finish().success(), "seed {seed}");
    }
    assert!(answered > 1000, "only {answered} requests were asked");
}

#[test]
fn a_document_that_is_closed_is_forgotten() {
    let (mut client, uri) = Client::with("/nowhere/closed.cnn", "model A {\n    Nonsense\n}\n");
    client.wait_for(&uri, |now| !now.is_empty());
    client.tell::<lsp_types::notification::DidCloseTextDocument>(
        serde_json::from_value(json!({ "textDocument": { "uri": uri } })).expect("parameters"),
    );
    client.wait_for(&uri, <[_]>::is_empty);
    let asked = json!({ "textDocument": { "uri": uri } });
    assert!(client.ask_json::<DocumentSymbolRequest>(asked).is_none());
    let uri = client.open("/nowhere/closed.cnn", SMALL);
    let hover = json!({ "textDocument": { "uri": uri }, "position": { "line": 2, "character": 6 } });
    assert!(client.ask_json::<HoverRequest>(hover).is_some());
}
