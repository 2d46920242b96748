//! The page of a run, as a browser shows it: pictures, tables and drawings in their places, at the width of a screen and of a
//! phone, whatever classes are called.

use super::chromium::Browser;
use super::common::text;
use super::{browser, done};
use serde_json::json;
use std::fs;
use std::path::Path;

/// Class names that would be more than names in a page which does not escape them.
const NAMES: [&str; 3] = [
    "<b>cat<img src=x onerror=bad()>",
    "\"dog' onload=bad() \"&amp;",
    "a class with a name so long that it has to go on in the next line",
];

/// A folder of pictures of three classes, a spec and a recipe.
fn trained(folder: &Path) {
    let path = |name: &str| folder.join(name);
    for (number, class) in NAMES.iter().enumerate() {
        for picture in 0..8u8 {
            let colour = [80 * number as u8, 3 * picture, 255 - 60 * number as u8];
            let file = path(&format!("pictures/{class}/{picture}.png"));
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, cnnc_runtime::input::png(12, 10, &colour.repeat(120)).expect("a picture")).expect("a file");
        }
    }
    let spec = "model M { input [N, 3, 8, 8] image(resize=8, crop=8, mean=0.5, std=0.5); Flatten; Linear(3) }";
    fs::write(path("m.cnn"), spec).expect("a spec");
    let recipe = "model: m.cnn\ndata: {format: folder, path: pictures, split: 0.5}\n\
                  optimizer: {name: sgd, lr: 0}\nbatch_size: 4\nepochs: 3\noutput: out\n";
    fs::write(path("r.yaml"), recipe).expect("a recipe");
    done(&["train", &text(&path("r.yaml"))]);
}

/// What leaves the page to the right, boxes of one row that lie on each other, pictures that are not there.
const FAULTS: &str = "(() => {
    const all = selector => [...document.querySelectorAll(selector)], faults = [];
    if (document.documentElement.scrollWidth > innerWidth) faults.push(`it is ${document.documentElement.scrollWidth} wide`);
    for (const image of all('img')) {
        if (!image.complete || !image.naturalWidth) faults.push('no picture ' + image.alt);
    }
    for (const group of ['main > *', 'figure', '.figures > div', 'figure > *', '.drawing', 'td']) {
        const boxes = all(group).map(box => [box, box.getBoundingClientRect()]);
        for (const [box, at] of boxes) for (const [other, there] of boxes) {
            const apart = at.right <= there.left + 1 || there.right <= at.left + 1 || at.bottom <= there.top + 1 || there.bottom <= at.top + 1;
            if (box !== other && !apart) faults.push(`${group}: ${box.textContent} overlaps ${other.textContent}`);
        }
    }
    return faults.slice(0, 10);
})()";

/// Shows the page at that width, in those surroundings.
fn at(browser: &mut Browser, width: u32, scheme: &str) {
    let size = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600 });
    browser.ask("Emulation.setDeviceMetricsOverride", size);
    let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
    browser.ask("Emulation.setEmulatedMedia", features);
    browser.settle();
}

#[test]
fn the_page_of_a_run_shows_what_it_is_worth() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    trained(folder.path());
    let said = done(&["eval", &text(&folder.path().join("r.yaml")), "--split", "train"]);
    assert!(said.contains("report_train.html"), "{said}");
    for page in ["report.html", "report_train.html"] {
        browser.open(&folder.path().join("out").join(page));
        let count = |selector: &str| format!("document.querySelectorAll(\"{selector}\").length");
        for (selector, expected) in
            [("script", 0), ("figure img", 12), ("figure", 12), (".drawing", 3), (".classes tr", 4), ("b b", 0)]
        {
            assert_eq!(browser.value(&count(selector)), json!(expected), "{selector} of {page}");
        }
        let names =
            browser.value("[...document.querySelectorAll('.classes td:first-child')].map(cell => cell.textContent)");
        let mut sorted: Vec<&str> = NAMES.to_vec();
        sorted.sort_unstable();
        assert_eq!(names, json!(sorted));
        let pairs = browser.value("document.querySelector('.pairs').textContent");
        assert!(pairs.as_str().is_some_and(|text| text.contains(" taken for ") && text.contains(" of 4 (")), "{pairs}");
        let first = browser.value("document.querySelector('figcaption').textContent");
        assert!(first.as_str().is_some_and(|text| text.contains("taken for ") && text.contains("\u{a0}%")), "{first}");
        for (width, scheme) in [(1300, "light"), (1300, "dark"), (360, "light"), (360, "dark")] {
            at(&mut browser, width, scheme);
            assert_eq!(browser.value(FAULTS), json!([]), "{page} at {width}, {scheme}");
            let paper = browser.value("getComputedStyle(document.body).backgroundColor");
            assert_eq!(paper == json!("rgb(255, 255, 255)"), scheme == "light", "{paper}");
        }
        at(&mut browser, 1300, "light");
    }
    assert_eq!(browser.faults, Vec::<String>::new());
}

#[test]
fn the_page_of_learnt_numbers_shows_how_far_they_are_off() {
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let mut table = "file,<i>brightness,half of it\n".to_owned();
    for number in 0..6u8 {
        let name = format!("{number}.png");
        fs::write(path(&name), cnnc_runtime::input::png(4, 4, &[40 * number; 48]).expect("a picture")).expect("a file");
        table += &format!("{name},{},{}\n", f32::from(number) / 6.0, f32::from(number) / 12.0);
    }
    fs::write(path("train.csv"), &table).expect("a table");
    fs::write(path("val.csv"), &table).expect("a table");
    fs::write(path("b.cnn"), "model B { input [N, 3, 4, 4]; Flatten; Linear(2) }").expect("a spec");
    let recipe = "model: b.cnn\ndata: {format: csv, path: .}\noptimizer: adam\nbatch_size: 3\nepochs: 2\noutput: out\n";
    fs::write(path("b.yaml"), recipe).expect("a recipe");
    done(&["train", &text(&path("b.yaml"))]);
    done(&["eval", &text(&path("b.yaml"))]);
    for page in ["report.html", "report_validation.html"] {
        browser.open(&path("out").join(page));
        let found = browser
            .value("['figure img', '.numbers tr', '.matrix', 'i'].map(one => document.querySelectorAll(one).length)");
        assert_eq!(found, json!([6, 3, 0, 0]), "{page}");
        let text = browser.value("document.body.textContent");
        let text = text.as_str().expect("a text");
        assert!(["R²", "<i>brightness", "answered "].iter().all(|word| text.contains(word)), "{text}");
        for width in [1300, 360] {
            at(&mut browser, width, "light");
            assert_eq!(browser.value(FAULTS), json!([]), "{page} at {width}");
        }
    }
    assert_eq!(browser.faults, Vec::<String>::new());
}
