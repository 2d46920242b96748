//! The pictures of the README and of the pages: what the command line prints and the language server answers, drawn as SVG, held
//! to what they say today.
//!
//! `UPDATE_DOCS=1 cargo test -p cnnc-tests --test pictures` draws them anew.

use anstyle_svg::Term;
use cnnc::Console;
use cnnc_runtime::Disk;
use lsp_server::{Connection, Message, Notification, Request};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a command line prints on a terminal with colours, output before errors.
fn printed(arguments: &[&str]) -> String {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let mut console = Console::plain(&mut output, &mut errors);
    console.color = true;
    console.color_errors = true;
    cnnc::run(["cnnc"].iter().chain(arguments).map(OsString::from), console);
    [output, errors].map(|bytes| String::from_utf8(bytes).expect("the output is text")).concat()
}

fn hold(name: &str, arguments: &[&str]) {
    let text = format!("\u{1b}[2m$\u{1b}[0m cnnc {}\n\n{}", arguments.join(" "), printed(arguments).trim_end());
    hold_text(name, &text);
}

/// A text with colours as a picture.
fn hold_text(name: &str, text: &str) {
    hold_picture(name, &Term::new().render_svg(text));
}

fn hold_picture(name: &str, picture: &str) {
    let path = root().join("docs/pictures").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, picture).expect("the picture can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(picture == committed, "{} is stale; UPDATE_DOCS=1 draws it anew", path.display());
}

/// What a summary foretells depends on the instructions, so it is drawn by a process that has those which every machine has.
#[test]
fn pictures_show_what_is_printed() {
    const INSTRUCTIONS: (&str, &str) = ("CNNC_INSTRUCTIONS", "portable");
    if std::env::var(INSTRUCTIONS.0).as_deref() != Ok(INSTRUCTIONS.1) {
        let mut again = Command::new(std::env::current_exe().expect("this program"));
        again.args(["--exact", "pictures_show_what_is_printed"]).env(INSTRUCTIONS.0, INSTRUCTIONS.1);
        let output = again.output().expect("a process");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    std::env::set_current_dir(root()).expect("the root is a folder");
    hold("summary.svg", &["summary", "models/lenet.cnn", "--threads", "2"]);
    hold("error.svg", &["check", "tests/cases/broken/E302_kernel_too_large.cnn"]);
    hold("trace.svg", &["check", "tests/cases/broken/E302_inside_blocks.cnn"]);
}

/// What the language server answers to requests about one document, each a method and its parameters beside the document.
fn answers(address: &str, text: &str, requests: &[(&str, Value)]) -> Vec<Value> {
    let (server, client) = Connection::memory();
    let send = |message: Message| client.sender.send(message).expect("a server");
    let ask = |method: &str, params: Value| {
        send(Request { id: 1.into(), method: method.into(), params }.into());
        loop {
            if let Message::Response(response) = client.receiver.recv().expect("an answer") {
                return response.result.expect("a result");
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| cnnc_editor::serve(&Disk, &server));
        ask("initialize", json!({ "capabilities": {} }));
        let document = json!({ "uri": address, "languageId": "cnn", "version": 0, "text": text });
        send(
            Notification { method: "textDocument/didOpen".into(), params: json!({ "textDocument": document }) }.into(),
        );
        let about = |(method, params): &(&str, Value)| {
            let mut params = params.clone();
            params["textDocument"] = json!({ "uri": address });
            ask(method, params)
        };
        let answers = requests.iter().map(about).collect();
        send(Notification { method: "exit".into(), params: Value::Null }.into());
        answers
    })
}

/// Hints stand where an editor draws them, dimmed; what a hover says stands below, up to the manual's table.
#[test]
fn the_editors_picture_shows_what_the_server_answers() {
    let text = std::fs::read_to_string(root().join("models/resnet18.cnn")).expect("a model");
    let place = |line: &str| line.find("MaxPool2d(");
    let pooling = text.lines().enumerate().find_map(|(number, line)| Some((number, place(line)?)));
    let (line, column) = pooling.expect("a pooling");
    let whole = json!({ "range": { "start": { "line": 0, "character": 0 }, "end": { "line": 999, "character": 0 } } });
    let pooling = json!({ "position": { "line": line, "character": column } });
    let asked = [("textDocument/inlayHint", whole), ("textDocument/hover", pooling)];
    let root = root().canonicalize().expect("the root");
    let answers = answers(&format!("file://{}/models/resnet18.cnn", root.display()), &text, &asked);
    let mut drawn: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut hints: Vec<&Value> = answers[0].as_array().expect("hints").iter().collect();
    hints.sort_by_key(|hint| std::cmp::Reverse(hint["position"]["character"].as_u64()));
    for hint in hints {
        let at = |key: &str| hint["position"][key].as_u64().expect("a number") as usize;
        let label = hint["label"].as_str().expect("a label");
        // The line is of ASCII up to there.
        drawn[at("line")].insert_str(at("character"), &format!("  \u{1b}[36m{label}\u{1b}[0m"));
    }
    let hover = answers[1]["contents"]["value"].as_str().expect("a text");
    let hover: Vec<&str> = hover.lines().take_while(|line| !line.starts_with('|')).map(str::trim_end).collect();
    let bar = "\u{1b}[2m──── hover over MaxPool2d ────\u{1b}[0m";
    hold_text("editor.svg", &format!("{}\n\n{bar}\n{}", drawn.join("\n"), hover.join("\n").trim_end()));
}

#[test]
fn networks_are_drawn_as_they_are_now() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, model) in
        [("resnet152", "torchvision/resnet152"), ("googlenet", "torchvision/googlenet"), ("unet", "unet")]
    {
        let drawn = folder.path().join(format!("{name}.svg"));
        let model = root().join(format!("models/{model}.cnn"));
        printed(&["graph", &model.to_string_lossy(), "-o", &drawn.to_string_lossy()]);
        let drawn = std::fs::read_to_string(drawn).expect("a picture");
        hold_picture(&format!("graph_{name}.svg"), &drawn);
    }
    let model = root().join("models/unet.cnn");
    let text = printed(&["graph", &model.to_string_lossy()]);
    hold_text("graph_terminal.svg", &format!("\u{1b}[2m$\u{1b}[0m cnnc graph models/unet.cnn\n\n{}", text.trim_end()));
}
