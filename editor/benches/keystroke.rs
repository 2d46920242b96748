//! The time from a keystroke to all hints of a ResNet-152 that is unrolled by hand, a line a layer, 2,000 lines: the change, the
//! check, the hints and the diagnostics. `cargo bench -p cnnc-editor`

use cnnc_compiler::resolve::Sources;
use lsp_server::{Connection, Message, Notification, Request};
use serde_json::{Value, json};

/// What is not open is not there.
struct Nothing;

impl Sources for Nothing {
    fn read(&self, _: &str, _: Option<&str>) -> Result<(String, String), String> {
        Err("there is no such file".into())
    }
}

/// ResNet-152 without blocks and loops, each layer with a comment before it and a contract behind it, as people who write so do.
fn unrolled() -> String {
    let mut lines: Vec<String> = [
        "model ResNet152 {",
        "    input [N, 3, 224, 224]",
        "    conv1: Conv2d(64, kernel_size=7, stride=2, padding=3, bias=false)",
    ]
    .map(str::to_owned)
    .into();
    lines.extend(["    bn1: BatchNorm2d", "    ReLU", "    MaxPool2d(3, stride=2, padding=1)"].map(str::to_owned));
    let mut number = 0;
    for (stage, blocks) in [3, 8, 36, 3].into_iter().enumerate() {
        let (width, size) = (64 << stage, 56 >> stage);
        for block in 0..blocks {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let wide = if stride == 2 { size * 2 } else { size };
            let layers = [
                (format!("conv1: Conv2d({width}, kernel_size=1, bias=false)"), width, wide),
                ("bn1: BatchNorm2d".into(), width, wide),
                ("relu1: ReLU".into(), width, wide),
                (format!("conv2: Conv2d({width}, kernel_size=3, stride={stride}, padding=1, bias=false)"), width, size),
                ("bn2: BatchNorm2d".into(), width, size),
                ("relu2: ReLU".into(), width, size),
                (format!("conv3: Conv2d({}, kernel_size=1, bias=false)", 4 * width), 4 * width, size),
                ("bn3: BatchNorm2d".into(), 4 * width, size),
            ];
            lines.push(format!("    block{number}: {{\n        sum {{\n            {{"));
            for (layer, channels, size) in layers {
                lines.push(format!("                # {channels} channels of {size} by {size}"));
                lines.push(format!("                {layer}"));
                lines.push(format!("                expect [N, {channels}, {size}, {size}]"));
            }
            lines.push("            }\n            # Beside it the sum's other branch:\n            # what came in, as it is,\n            # or projected where shapes differ.\n            {".into());
            if block == 0 {
                lines.push(format!(
                    "                down: Conv2d({}, kernel_size=1, stride={stride}, bias=false)",
                    4 * width
                ));
                lines.push("                norm: BatchNorm2d".into());
            }
            lines.push("            }\n        }\n        relu: ReLU\n        # The sum goes on.".into());
            lines.push(format!("        expect [N, {}, {size}, {size}]\n    }}\n", 4 * width));
            number += 1;
        }
    }
    lines.push("    AdaptiveAvgPool2d(1)\n    Flatten\n    fc: Linear(1000)\n}\n".into());
    lines.join("\n")
}

const ADDRESS: &str = "file:///resnet152.cnn";

fn notify(client: &Connection, method: &str, params: Value) {
    client.sender.send(Notification { method: method.into(), params }.into()).expect("a server");
}

/// Asks and waits.
fn ask(client: &Connection, method: &str, params: Value) -> Value {
    client.sender.send(Request { id: 1.into(), method: method.into(), params }.into()).expect("a server");
    loop {
        if let Message::Response(response) = client.receiver.recv().expect("an answer") {
            return response.result.expect("a result");
        }
    }
}

fn main() {
    let text = unrolled();
    let lines = text.lines().count();
    assert!((1900..2300).contains(&lines), "{lines} lines");
    divan::main();
}

/// One character typed into a comment in the middle, another taken away, and the hints of `lines` lines around it each time.
fn keystroke(bencher: divan::Bencher<'_, '_>, lines: std::ops::Range<u32>) {
    let (server, client) = Connection::memory();
    let text = unrolled();
    std::thread::scope(|scope| {
        scope.spawn(|| cnnc_editor::serve(&Nothing, &server));
        ask(&client, "initialize", json!({ "capabilities": {} }));
        let document = json!({ "uri": ADDRESS, "languageId": "cnn", "version": 0, "text": text });
        notify(&client, "textDocument/didOpen", json!({ "textDocument": document }));
        let place = |character: u32| json!({ "line": 2, "character": character });
        let mut version = 0;
        bencher.bench_local(|| {
            version += 1;
            // `stride=2` becomes `stride=22`, which is another network, and `stride=2` again.
            let column = 45;
            let (end, typed) = if version % 2 == 1 { (column, " ") } else { (column + 1, "") };
            let change = json!({ "range": { "start": place(column), "end": place(end) }, "text": typed });
            let document = json!({ "uri": ADDRESS, "version": version });
            notify(&client, "textDocument/didChange", json!({ "textDocument": document, "contentChanges": [change] }));
            let range = json!({ "start": { "line": lines.start, "character": 0 }, "end": { "line": lines.end, "character": 0 } });
            let hints = ask(&client, "textDocument/inlayHint", json!({ "textDocument": { "uri": ADDRESS }, "range": range }));
            assert!(!hints.as_array().expect("hints").is_empty());
        });
        ask(&client, "shutdown", Value::Null);
        notify(&client, "exit", Value::Null);
    });
}

#[divan::bench(sample_count = 200)]
fn hints_of_a_screen(bencher: divan::Bencher) {
    keystroke(bencher, 0..60);
}

#[divan::bench(sample_count = 200)]
fn hints_of_the_whole_file(bencher: divan::Bencher) {
    keystroke(bencher, 0..5000);
}
