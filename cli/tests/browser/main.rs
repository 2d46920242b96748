//! The page of `cnnc graph`, as somebody uses it: a browser opens blocks, moves sizes, searches and points, and what it then
//! shows is held to what `cnnc summary` says. Pictures are measured in it too, and so is the page of a run (`report.rs`).
//!
//! Where there is no Chromium the tests say that they are skipped, unless `CNNC_TEST_BROWSER=required`.

mod chromium;
#[path = "../common/mod.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod common;
mod report;

use chromium::Browser;
use common::{MODELS, done};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

/// A browser, or `None` where it may be missing.
fn browser() -> Option<Browser> {
    let browser = Browser::start();
    if browser.is_none() {
        let required = std::env::var("CNNC_TEST_BROWSER").is_ok_and(|value| value == "required");
        assert!(!required, "no Chromium");
        // Not by a macro, whose text is kept back where a test succeeds: what is skipped must be seen.
        let _ = std::io::stderr().write_all(b"skipped: no Chromium\n");
    }
    browser
}

/// Draws a model into a folder.
fn drawn(model: &str, folder: &Path, ending: &str, more: &[&str]) -> std::path::PathBuf {
    let file = folder.join(format!("{}.{ending}", model.replace('/', "_")));
    done(&[&["graph", &format!("{MODELS}/{model}.cnn"), "-o", &common::text(&file)], more].concat());
    file
}

/// Every layer's path, name and shape as the page has it now.
const LAYERS: &str = "all('.layer').map(layer => [layer.dataset.path, layer.querySelector('b').textContent, \
                      shapeAt(layer.dataset.value, sizesOf(chosen))])";

/// The same of a summary, at a size of the input.
fn summary(model: &str, shape: &str) -> Vec<Value> {
    let file = format!("{MODELS}/{model}.cnn");
    let text = done(&["summary", &file, "--format", "json", "--input-shape", shape]);
    let summary: Value = serde_json::from_str(&text).expect("JSON");
    let row = |row: &Value| {
        let sizes: Vec<String> = row["output_shape"].as_array().expect("sizes").iter().map(Value::to_string).collect();
        json!([row["path"], row["layer"], format!("[{}]", sizes.join(", "))])
    };
    let mut rows: Vec<Value> = summary["rows"].as_array().expect("rows").iter().map(row).collect();
    rows.sort_by_key(Value::to_string);
    rows
}

/// Holds the page's shapes to the summary's.
fn held(browser: &mut Browser, model: &str, shape: &str) {
    let mut layers = browser.value(LAYERS).as_array().expect("layers").clone();
    layers.sort_by_key(Value::to_string);
    assert_eq!(layers, summary(model, shape), "{model} at {shape}");
}

#[test]
fn blocks_open_and_close() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    browser.open(&drawn("torchvision/resnet152", folder.path(), "html", &[]));
    let visible = "all('.layer').filter(layer => layer.checkVisibility()).length";
    assert_eq!(browser.value(visible), json!(7));
    browser.click("summary[data-path='layer3']");
    assert_eq!(
        browser.value("document.querySelector(\"summary[data-path='layer3']\").parentElement.open"),
        json!(true)
    );
    let closed_lines = browser.value("all('.body path').filter(path => path.checkVisibility()).length");
    browser.click("summary[data-path='layer3[1…35]']");
    let blocks = browser.value(
        "all('summary').filter(block => block.checkVisibility() && /^layer3\\.\\d+$/.test(block.dataset.path)).length",
    );
    assert_eq!(blocks, json!(36));
    let lines = browser.value("all('.body path').filter(path => path.checkVisibility()).length");
    assert!(lines.as_u64() >= closed_lines.as_u64().map(|count| count + 35), "{closed_lines} and then {lines}");
    browser.click("summary[data-path='layer3.17']");
    assert_eq!(browser.value(visible), json!(7 + 10));
    // By the keyboard: a block that has the focus closes at the space bar.
    browser.value("document.querySelector(\"summary[data-path='layer3.17']\").focus()");
    browser.press(" ", 32, " ");
    assert_eq!(browser.value(visible), json!(7));
    browser.click("#open");
    assert_eq!(browser.value(&format!("{visible} === all('.layer').length")), json!(true));
    browser.click("#close");
    assert_eq!(browser.value(visible), json!(7));
    assert_eq!(browser.faults, Vec::<String>::new());
}

#[test]
fn sizes_move_and_shapes_with_them() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    browser.open(&drawn("torchvision/resnet18", folder.path(), "html", &[]));
    held(&mut browser, "torchvision/resnet18", "1,3,224,224");
    // The slider of H, by the arrow keys.
    browser.value("document.querySelector(\"input[type=range][aria-label=H]\").focus()");
    browser.press("ArrowRight", 39, "");
    assert_eq!(browser.value("document.querySelector(\"input[aria-label='H as a number']\").value"), json!("225"));
    held(&mut browser, "torchvision/resnet18", "1,3,225,224");
    let shown = "document.querySelector('.item .shape').textContent";
    assert_eq!(browser.value(shown), json!("[1, 3, 225, 224]"));
    for (height, width) in [("1", "1"), ("97", "640"), ("1000", "33")] {
        browser.write("input[aria-label='H as a number']", height);
        browser.write("input[aria-label='W as a number']", width);
        held(&mut browser, "torchvision/resnet18", &format!("1,3,{height},{width}"));
    }
    for (model, shapes) in [
        ("torchvision/inception_v3", [["N", "2"], ["H", "320"], ["W", "75"]]),
        ("torchvision/densenet121", [["N", "7"], ["H", "61"], ["W", "301"]]),
        ("torchvision/googlenet", [["N", "1"], ["H", "96"], ["W", "643"]]),
    ] {
        browser.open(&drawn(model, folder.path(), "html", &[]));
        for [symbol, size] in shapes {
            browser.write(&format!("input[aria-label='{symbol} as a number']"), size);
        }
        let [batch, height, width] = shapes.map(|[_, size]| size);
        held(&mut browser, model, &format!("{batch},3,{height},{width}"));
        assert_eq!(browser.value("one('refusal').hidden"), json!(true), "{model}");
    }
    // Where a spec cannot be without a size, the page says why.
    browser.open(&drawn("yolov8n", folder.path(), "html", &[]));
    let rule = browser.value("document.querySelector('.rule').textContent");
    assert!(
        rule.as_str().is_some_and(|rule| rule.contains("cannot be changed") && rule.contains("yolov8n.cnn:")),
        "{rule}"
    );
    assert_eq!(browser.faults, Vec::<String>::new());
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    browser.open(&drawn("unet", folder.path(), "html", &[]));
    assert_eq!(browser.value("one('refusal').hidden"), json!(true));
    browser.write("input[aria-label='H as a number']", "231");
    let refusal = browser.value("one('refusal').innerText");
    let refusal = refusal.as_str().expect("a text");
    for part in ["H = 231", "must equal", "any multiple of 16 from 16 up", "H = 224", "H = 240"] {
        assert!(refusal.contains(part), "{part} in {refusal}");
    }
    assert_eq!(browser.value("main.classList.contains('refused')"), json!(true));
    browser.click("#refusal button:last-of-type");
    assert_eq!(browser.value("one('refusal').hidden"), json!(true));
    held(&mut browser, "unet", "1,3,240,224");
    assert_eq!(browser.faults, Vec::<String>::new());
}

#[test]
fn search_leads_to_what_is_closed() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    browser.open(&drawn("torchvision/resnet152", folder.path(), "html", &[]));
    // The slash leads to the field.
    browser.press("/", 191, "/");
    assert_eq!(browser.value("document.activeElement.id"), json!("search"));
    browser.ask("Input.insertText", json!({ "text": "layer3.17.conv2" }));
    browser.settle();
    assert_eq!(browser.value("one('found').textContent"), json!("1 found"));
    assert_eq!(
        browser
            .value("document.querySelector(\"summary[data-path='layer3']\").parentElement.classList.contains('holds')"),
        json!(true)
    );
    browser.press("Enter", 13, "\r");
    let here = "document.querySelector('.here')";
    assert_eq!(browser.value(&format!("{here}.dataset.path")), json!("layer3.17.conv2"));
    let seen = format!(
        "{here}.checkVisibility() && (at => at.top > 0 && at.bottom < innerHeight)({here}.getBoundingClientRect())"
    );
    assert_eq!(browser.value(&seen), json!(true));
    browser.write("#search", "nowhere");
    assert_eq!(browser.value("one('found').textContent"), json!("nothing found"));
    browser.write("#search", "maxpool");
    browser.press("Escape", 27, "");
    assert_eq!(browser.value("[one('search').value, all('.hit').length]"), json!(["", 0]));
    assert_eq!(browser.faults, Vec::<String>::new());
}

#[test]
fn pointing_tells_what_the_editor_tells() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    browser.open(&drawn("torchvision/resnet18", folder.path(), "html", &["--depth", "3"]));
    browser.point(".layer[data-path='conv1']");
    let told = browser.value("one('told').innerText");
    assert_eq!(
        told,
        json!(
            "conv1\noutput [N, 64, (H - 1)//2 + 1, (W - 1)//2 + 1] = [1, 64, 112, 112]\n\
             Conv2d(3, 64, kernel_size=(7, 7), stride=(2, 2), padding=(3, 3), bias=False)\n\
             height: ⌊(H + 2·3 − 1·(7 − 1) − 1) / 2⌋ + 1 = (H - 1)//2 + 1\n\
             width: ⌊(W + 2·3 − 1·(7 − 1) − 1) / 2⌋ + 1 = (W - 1)//2 + 1\n\
             9,408 parameters, 118,013,952 MACs, receptive field 7×7"
        )
    );
    browser.point("summary[data-path='layer4']");
    let told = browser.value("one('told').innerText");
    assert!(
        told.as_str()
            .is_some_and(|told| told.contains("BasicStage\n16 layers, 8,393,728 parameters, 411,041,792 MACs")),
        "{told}"
    );
    assert_eq!(browser.faults, Vec::<String>::new());
}

/// Boxes that overlap, texts that leave their box, and lines that end at no box, among what is on view.
const FAULTS: &str = "(() => {
    const faults = [], visible = element => element.checkVisibility();
    const boxes = all('.box, .block:not([open]) > summary').filter(visible).map(box => [box, box.getBoundingClientRect()]);
    for (const [box, at] of boxes) {
        if (box.scrollWidth > box.clientWidth + 1) faults.push('a text leaves ' + box.textContent);
        for (const [other, there] of boxes) {
            const apart = at.right <= there.left || there.right <= at.left || at.bottom <= there.top || there.bottom <= at.top;
            if (box !== other && !apart) faults.push(box.textContent + ' overlaps ' + other.textContent);
        }
    }
    for (const shape of all('.shape').filter(visible).map(shape => shape.getBoundingClientRect())) {
        if (boxes.some(([, at]) => shape.left < at.right && at.left < shape.right && shape.top < at.bottom && at.top < shape.bottom)) {
            faults.push('a shape lies on a box');
        }
    }
    for (const path of all('.body path[marker-end]').filter(visible)) {
        const frame = path.ownerSVGElement.getBoundingClientRect(), end = path.getPointAtLength(path.getTotalLength());
        const [x, y] = [frame.left + end.x, frame.top + end.y];
        if (!boxes.some(([, at]) => Math.abs(at.top - y) < 2 && at.left - 1 < x && x < at.right + 1)) faults.push(`a line ends at ${x} ${y}`);
    }
    // A line within an open block that comes from its edge goes on one that ends there, and the other way round.
    const ends = path => {
        const frame = path.ownerSVGElement.getBoundingClientRect();
        return [0, path.getTotalLength()].map(length => path.getPointAtLength(length)).map(at => [frame.left + at.x, frame.top + at.y]);
    };
    const lines = all('.body path').filter(path => visible(path)).map(path => [path.ownerSVGElement.parentElement.parentElement, ends(path)]);
    const near = ([a, b], [c, d]) => Math.abs(a - c) < 2 && Math.abs(b - d) < 2;
    for (const [block, [start, end]] of lines.filter(([block]) => block !== main)) {
        const frame = block.getBoundingClientRect();
        const enters = Math.abs(start[1] - frame.top) < 2, leaves = Math.abs(end[1] - frame.bottom) < 2;
        if (enters && !lines.some(([other, [, to]]) => other !== block && near(to, start))) faults.push(`nothing leads to ${start}`);
        if (leaves && !lines.some(([other, [from]]) => other !== block && near(from, end))) faults.push(`nothing goes on from ${end}`);
    }
    return [boxes.length, faults.slice(0, 10)];
})()";

#[test]
fn nothing_overlaps_in_any_state() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    for model in
        ["torchvision/googlenet", "torchvision/shufflenet_v2_x1_0", "unet", "yolov5n", "torchvision/densenet121"]
    {
        browser.open(&drawn(model, folder.path(), "html", &[]));
        for state in
            ["", "one('open').click()", "all('details').forEach((block, number) => { block.open = number % 3 > 0 })"]
        {
            browser.value(state);
            browser.settle();
            browser.settle();
            let found = browser.value(FAULTS);
            assert_eq!(found[1], json!([]), "{model}, {state}");
            assert!(found[0].as_u64() > Some(4), "{model}: {found}");
        }
    }
    assert_eq!(browser.faults, Vec::<String>::new());
}

#[test]
fn what_a_spec_says_is_text_and_nothing_else() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let spec = folder.path().join("net.cnn");
    let name = "</script><img src=x onerror=bad()>'&amp;";
    let text = format!(
        "block Inner {{ \"{name}\": Conv2d(4, kernel_size=3); ReLU }}\n\
         model Net {{\n    input [N, 1, H, W]\n    \"<b>{name}\": Inner\n    \"{name}2\": Inner\n}}\n"
    );
    std::fs::write(&spec, text).expect("a spec");
    let page = folder.path().join("net.html");
    done(&["graph", &common::text(&spec), "--depth", "3", "-o", &common::text(&page)]);
    browser.open(&page);
    assert_eq!(browser.value("[all('img').length, all('script').length, all('b b').length]"), json!([0, 1, 0]));
    let paths = browser.value("all('.layer').map(layer => layer.dataset.path)");
    assert_eq!(paths[0], json!(format!("<b>{name}.{name}")));
    let shown = browser.value("document.querySelector('.layer .name').textContent");
    assert_eq!(shown, json!(name));
    assert_eq!(browser.faults, Vec::<String>::new());
}

#[test]
fn the_summarys_page_opens_searches_and_counts_too() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("summary.html");
    let model = "torchvision/resnet152";
    std::fs::write(&page, done(&["summary", &format!("{MODELS}/{model}.cnn"), "--format", "html"])).expect("a page");
    browser.open(&page);
    held(&mut browser, model, "1,3,224,224");
    let visible = "all('.layer').filter(layer => layer.checkVisibility()).length";
    assert_eq!(browser.value(visible), json!(7));
    browser.click("summary[data-path='layer2']");
    browser.click("summary[data-path='layer2.0']");
    assert_eq!(browser.value(visible), json!(7 + 10));
    // The branch that is a block of its own stays closed: its row has what it comes to.
    let cells = "[...document.querySelector(\"summary[data-path='layer2.0.downsample']\").children].map(cell => cell.textContent)";
    assert_eq!(
        browser.value(cells),
        json!(["downsample", "Shortcut", "[1, 512, 28, 28]", "132,096", "102,760,448", "3.2 MB", "35×35"])
    );
    browser.write("input[aria-label='W as a number']", "97");
    held(&mut browser, model, "1,3,224,97");
    browser.write("#search", "layer3.35.conv3");
    browser.press("Enter", 13, "\r");
    assert_eq!(browser.value("document.querySelector('.here').checkVisibility()"), json!(true));
    assert_eq!(browser.faults, Vec::<String>::new());
}

/// Texts of an SVG that are wider here than they were reckoned to be: beyond their own box, or over another text.
const MEASURED: &str = "(() => {
    const faults = [], texts = [...document.querySelectorAll('text')].map(text => [text, text.getBBox()]);
    for (const [text, at] of texts) {
        const box = text.parentNode.querySelector('rect');
        if (text.parentNode.classList.contains('in') && box) {
            const around = box.getBBox();
            const inside = at.x >= around.x && at.x + at.width <= around.x + around.width && at.y >= around.y && at.y + at.height <= around.y + around.height + 1;
            if (!inside) faults.push(text.textContent + ' leaves its box');
        }
        for (const [other, there] of texts) {
            const apart = at.x + at.width <= there.x || there.x + there.width <= at.x || at.y + at.height <= there.y + 2 || there.y + there.height <= at.y + 2;
            if (text !== other && !apart) faults.push(text.textContent + ' overlaps ' + other.textContent);
        }
    }
    return [texts.length, faults];
})()";

#[test]
fn texts_of_pictures_fit_in_a_browsers_own_letters() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    for (model, depth) in
        [("torchvision/googlenet", "3"), ("torchvision/resnet152", "4"), ("unet", "2"), ("yolov8n", "3")]
    {
        browser.open(&drawn(model, folder.path(), "svg", &["--depth", depth]));
        let found = browser.value(MEASURED);
        assert_eq!(found[1], json!([]), "{model}");
        assert!(found[0].as_u64() > Some(20), "{model}: {found}");
    }
}
