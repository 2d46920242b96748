//! The reference of the language: its layers are what the sources say, and every example of it compiles.

use cnnc_compiler::diagnostic::{Code, Problems};
use cnnc_compiler::infer::infer;
use cnnc_compiler::kernels::verify;
use cnnc_compiler::ops::{JOINS, LAYERS, LayerEntry, manual};
use cnnc_compiler::resolve::{Request, Sources, load, resolve};
use cnnc_compiler::write_kernels::{Bindings, write_kernels};
use cnnc_grammar::span::Files;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/language.md");

/// The documentation of a layer as one text.
fn documentation(entry: &LayerEntry) -> String {
    entry.signature.documentation.iter().map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect()
}

/// What stands under a heading.
fn section(entry: &LayerEntry, heading: &str) -> Option<String> {
    let text = documentation(entry);
    let (_, after) = text.split_once(&format!("# {heading}\n"))?;
    Some(after.split("\n# ").next().unwrap_or(after).trim().to_owned())
}

/// The page, and where its generated half begins.
fn page() -> (String, usize) {
    let page = std::fs::read_to_string(PATH).expect("the page is there");
    let start = page.find("# Layers\n").expect("the half about layers begins with `# Layers`");
    (page, start)
}

#[test]
fn the_page_of_layers_is_up_to_date() {
    let (page, start) = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PATH, page[..start].to_owned() + &manual()).unwrap();
        return;
    }
    let stale = "docs/language.md is stale: UPDATE_DOCS=1 cargo test -p cnnc-compiler --test manual";
    assert!(page[start..] == manual(), "{stale}");
}

#[test]
fn every_example_of_the_language_compiles() {
    let (page, start) = page();
    let examples: Vec<&str> =
        page[..start].split("```cnn\n").skip(1).filter_map(|text| text.split("```").next()).collect();
    assert!(examples.len() >= 13, "{} examples are found", examples.len());
    for example in examples {
        let wrapped = format!("model Example {{\n{example}\n}}\n");
        compile(if example.starts_with("input ") { &wrapped } else { example })
            .unwrap_or_else(|why| panic!("{why}\n{example}"));
    }
}

#[test]
fn every_layer_and_argument_is_explained() {
    for entry in LAYERS.iter().chain(JOINS) {
        let name = entry.signature.name;
        for heading in ["Shape", "Source", "Example"] {
            assert!(
                section(entry, heading).is_some_and(|text| !text.is_empty()),
                "{name} says nothing of its {heading}"
            );
        }
        for parameter in entry.parameters {
            let told = section(entry, "Parameters").is_some_and(|text| text.contains(parameter));
            assert!(told, "{name} does not say what its {parameter} is");
        }
        for argument in entry.signature.arguments {
            assert!(!argument.documentation.is_empty(), "{name} does not say what {} means", argument.name);
        }
    }
}

#[test]
fn every_error_that_is_promised_exists() {
    for entry in LAYERS.iter().chain(JOINS) {
        for error in section(entry, "Errors").iter().flat_map(|text| text.split("; ")) {
            let code = error.split_whitespace().next().unwrap_or_default();
            assert!(Code::ALL.iter().any(|known| known.name() == code), "{}: {error:?}", entry.signature.name);
        }
    }
}

#[test]
fn every_example_is_a_body_that_uses_its_layer_and_compiles() {
    for entry in LAYERS.iter().chain(JOINS) {
        let name = entry.signature.name;
        let example = section(entry, "Example").unwrap_or_default();
        let body = example.strip_prefix("```cnn\n").and_then(|text| text.strip_suffix("\n```"));
        let body = body.unwrap_or_else(|| panic!("{name}: {example:?} is not fenced as ```cnn"));
        assert!(body.starts_with("input [") && body.contains(name), "{name}: {body}");
        compile(&format!("model Example {{\n{body}\n}}\n")).unwrap_or_else(|why| panic!("{name}: {why}\n{body}"));
    }
}

/// One file in memory.
struct Text<'t>(&'t str);

impl Sources for Text<'_> {
    fn read(&self, path: &str, _importer: Option<&str>) -> Result<(String, String), String> {
        Ok((path.into(), self.0.into()))
    }
}

/// Everything up to kernels, at small sizes for the symbols; or what is wrong.
fn compile(text: &str) -> Result<(), String> {
    let (mut files, mut problems) = (Files::default(), Problems::default());
    let loaded = load("example.cnn", &Text(text), &mut files, &mut problems);
    let graph = resolve(&loaded, &Request::default(), &mut files, &Text(text), &mut problems);
    let shaped = graph.ok().and_then(|graph| infer(graph, &mut problems).ok());
    let Some(shaped) = shaped.filter(|_| problems.is_empty()) else {
        return Err(format!("{:?}", problems.into_sorted()));
    };
    let sizes = Bindings::from([("N".into(), 2), ("H".into(), 8), ("W".into(), 8)]);
    let kernels = write_kernels(&shaped, &sizes).map_err(|error| error.message)?;
    verify(&kernels)
}
