//! The index from places to declarations, layers and shapes: on networks that ship, across files, and in specs in which
//! something is wrong.

mod common;

use cnnc_compiler::check::{Checked, check};
use cnnc_compiler::index::{Index, Site, Use};
use cnnc_compiler::resolve::{Request, Sources};
use cnnc_grammar::span::{FileId, Files, Span};
use common::{Disk, MODELS, one, several};
use std::path::Path;

/// A checked spec with its index.
struct Indexed {
    files: Files,
    index: Index,
    errors: usize,
}

impl Indexed {
    fn new(path: &str, sources: &dyn Sources) -> Indexed {
        let request = Request { index: true, ..Request::default() };
        let Checked { files, problems, index, .. } = check(path, &request, sources, &mut ());
        Indexed { files, index: index.expect("an index"), errors: problems.len() }
    }

    fn of(text: &str) -> Indexed {
        Indexed::new("main.cnn", &one(text))
    }

    fn model(name: &str) -> Indexed {
        let indexed = Indexed::new(&format!("{MODELS}/{name}"), &Disk);
        assert_eq!(indexed.errors, 0, "{name}");
        indexed
    }

    /// The place of `inner` in the first `text` of a file.
    fn place(&self, file: u32, text: &str, inner: &str) -> (FileId, u32) {
        let all = &self.files.get(FileId(file)).expect("the file").text;
        let start = all.find(text).unwrap_or_else(|| panic!("no {text}"));
        (FileId(file), (start + text.find(inner).expect("a part of it")) as u32)
    }

    /// File, line and text of the declaration of what stands there: `0:5 Residual`.
    fn declared(&self, text: &str, inner: &str) -> String {
        let (file, byte) = self.place(0, text, inner);
        self.index.declaration_at(file, byte).map_or("none".into(), |span| self.shown(span))
    }

    fn shown(&self, span: Span) -> String {
        let text = &self.files.get(span.file).expect("the file").text;
        let line = text[..span.start as usize].matches('\n').count() + 1;
        format!("{}:{line} {}", span.file.0, self.files.text(span))
    }

    /// Everywhere that what stands there is used.
    fn used(&self, text: &str, inner: &str) -> Vec<String> {
        let (file, byte) = self.place(0, text, inner);
        let declaration = self.index.declaration_at(file, byte).expect("a declaration");
        self.index.uses_of(declaration).map(|span| self.shown(span)).collect()
    }

    fn sites(&self, text: &str, inner: &str) -> &[Site] {
        let (file, byte) = self.place(0, text, inner);
        self.index.layers_at(file, byte)
    }

    /// What the statement there gives in the first network: how many times, and the shapes.
    fn given(&self, text: &str, inner: &str) -> (usize, String) {
        let site = &self.sites(text, inner)[0];
        (site.times, site.shapes.as_ref().map_or("unknown".into(), ToString::to_string))
    }
}

#[test]
fn names_lead_to_their_declarations_and_back() {
    let spec = Indexed::model("resnet18.cnn");
    assert_eq!(spec.declared("Residual(channels, stride=2", "Residual"), "0:5 Residual");
    assert_eq!(spec.declared("Conv2d(channels, kernel_size=3", "channels"), "0:5 channels");
    assert_eq!(spec.declared("Residual(channels, stride=2", "channels"), "0:27 channels");
    assert_eq!(spec.declared("stride=2 if", "stride"), "0:5 stride");
    assert_eq!(spec.declared("2 if shrink", "shrink"), "0:30 shrink");
    assert_eq!(spec.declared("= ResNet(arch=", "ResNet"), "0:19 ResNet");
    assert_eq!(spec.declared("ResNet(arch=[(2", "arch"), "0:19 arch");
    assert_eq!(spec.declared("[N, num_classes]", "N"), "0:20 N");
    assert_eq!(spec.declared("ReLU", "ReLU"), "none");
    let channels = ["0:8 channels", "0:11 channels", "0:14 channels"];
    assert_eq!(spec.used("block Residual(channels", "channels"), channels);
    assert_eq!(spec.used("if project", "project"), ["0:14 project", "0:31 project"]);
}

#[test]
fn statements_lead_to_their_layers_and_the_range_of_their_shapes() {
    let spec = Indexed::model("resnet18.cnn");
    assert_eq!(spec.given("conv1: Conv2d", "Conv2d"), (8, "[N, 64…512, 3…24, 3…24]".into()));
    assert_eq!(spec.given("conv3: Conv2d", "conv3"), (3, "[N, 128…512, 3…12, 3…12]".into()));
    assert_eq!(spec.given("MaxPool2d(3", "MaxPool2d"), (1, "[N, 64, 24, 24]".into()));
    assert_eq!(spec.given("Residual(channels, stride=2", "Residual"), (8, "[N, 64…512, 3…24, 3…24]".into()));
    assert_eq!(spec.given("for (i,", "for"), (1, "[N, 512, 3, 3]".into()));
    assert_eq!(spec.given("input [N, 1", "input"), (1, "[N, 1, 96, 96]".into()));
    let call = &spec.sites("Residual(channels, stride=2", "Residual")[0];
    assert_eq!((call.layers, call.unknown, &*call.network), (5 * 8 + 3 + 2 * 8, 0, "ResNet18"));
    let first = &spec.sites("MaxPool2d(3", "MaxPool2d")[0];
    assert!(first.first == first.last && first.layers == 1 && first.last < call.first);
}

#[test]
fn every_network_of_a_file_has_its_own_shapes() {
    let spec = Indexed::model("vgg.cnn");
    let sites = spec.sites("Conv2d(channels", "Conv2d");
    let all: Vec<String> = sites
        .iter()
        .map(|site| format!("{} {} {}", site.network, site.times, site.shapes.as_ref().expect("a shape")))
        .collect();
    let range = "[N, 64…512, 14…224, 14…224]";
    let small = "VGGSmall 8 [N, 16…128, 14…224, 14…224]".to_owned();
    assert_eq!(all, [format!("VGG19 16 {range}"), format!("VGG16 13 {range}"), small, format!("VGG11 8 {range}")]);
    assert_eq!(spec.given("repeat 2 {", "repeat"), (1, "[N, 4096]".into()));
}

#[test]
fn declarations_are_found_across_files() {
    let main = "import \"blocks.cnn\"\nmodel A { input [N, 4, H, W]; first: Pair(8); Pair(width=6); init Pair: ones }";
    let blocks = "\nblock Pair(width: int) { Conv2d(width, 1); Flatten }";
    let spec = Indexed::new("main.cnn", &several(&[("main.cnn", main), ("blocks.cnn", blocks)]));
    assert_eq!(spec.declared("first: Pair", "Pair"), "1:2 Pair");
    assert_eq!(spec.declared("init Pair", "Pair"), "1:2 Pair");
    assert_eq!(spec.declared("Pair(width", "width"), "1:2 width");
    assert_eq!(spec.declared("\"blocks.cnn\"", "blocks"), "1:1 ");
    let (file, byte) = spec.place(1, "Conv2d(width", "width");
    let declaration = spec.index.declaration_at(file, byte).expect("a declaration");
    assert_eq!(spec.index.uses_of(declaration).count(), 2);
    let (file, byte) = spec.place(1, "Conv2d(width", "Conv2d");
    assert_eq!(spec.index.layers_at(file, byte)[0].times, 2);
    let torchvision = Indexed::model("torchvision/resnet18.cnn");
    let other = torchvision.index.uses().iter().filter(|used| used.name.file != used.declaration.file);
    assert!(other.count() > 3);
}

#[test]
fn items_kept_values_and_parameters_are_declared_too() {
    let text = "block Down(w: int) { keep \"skip\"; Linear(w) }\nmodel A {\n input image [N, 4]\n enc: Linear(4)\n down: Down(4)\n\
                from down.skip\n tied same = Linear(4)\n same; same\n Linear(4, weight=enc.weight.T)\n keep x; from x\n}";
    let spec = Indexed::of(text);
    assert_eq!(spec.errors, 0);
    assert_eq!(spec.declared("from down.skip", "down"), "0:5 down");
    assert_eq!(spec.declared("from down.skip", "skip"), "0:1 \"skip\"");
    assert_eq!(spec.declared("weight=enc", "enc"), "0:4 enc");
    assert_eq!(spec.used("tied same", "same").len(), 2);
    assert_eq!(spec.declared("from x", "x"), "0:10 x");
}

#[test]
fn parentheses_are_no_part_of_a_name() {
    let spec = Indexed::of("model A(width: int = 3) { input [N, 4]; Linear(( width )) }");
    assert_eq!(spec.index.uses().iter().map(|used| spec.files.text(used.name)).collect::<Vec<_>>(), ["width"]);
}

#[test]
fn of_a_broken_spec_what_is_right_is_found() {
    let text = "block Two(w: int) { Linear(w); Linaer(w) }\nmodel A(w: int = 8) {\n input [N, 4]\n Linear(w)\n Two(w)\n Linear(w, foo=w)\n}\n\
                model B { input [N, 4]; repeat 2 { Linear(3) }; expect [N, 4] }\nmodel C { input [N, 6]; } }";
    let spec = Indexed::of(text);
    assert!(spec.errors >= 3, "{}", spec.errors);
    assert_eq!(spec.given("]\n Linear(w)", "Linear"), (1, "[N, 8]".into()));
    assert_eq!(spec.given(") { Linear(w)", "Linear"), (1, "[N, 8]".into()));
    assert_eq!(spec.given("repeat 2 { Linear(3)", "Linear"), (2, "[N, 3]".into()));
    assert_eq!(spec.given("Linaer", "Linaer"), (1, "unknown".into()));
    let call = &spec.sites(" Two(w)\n", "Two")[0];
    assert_eq!((call.times, call.unknown, call.layers), (1, 1, 1));
    assert_eq!(spec.declared("foo=w", "w"), "0:2 w");
    assert_eq!(spec.declared("\n Two(w)", "Two"), "0:1 Two");
    assert_eq!(spec.used("model A(w", "w").len(), 4);
}

#[test]
fn a_name_is_spelt_as_its_declaration_in_all_that_ships() {
    let mut uses = 0;
    for folder in ["", "torchvision", "operators"] {
        for entry in std::fs::read_dir(Path::new(MODELS).join(folder)).expect("the folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|ending| ending != "cnn") {
                continue;
            }
            let spec = Indexed::new(&path.display().to_string(), &Disk);
            for Use { name, declaration } in spec.index.uses() {
                let [name, declared] = [*name, *declaration].map(|span| spec.files.text(span).trim_matches('"'));
                let is_computed = declared.contains('{') || name.contains('{') || declared.is_empty();
                assert!(is_computed || name == declared, "{}: {name} is {declared}", path.display());
                uses += 1;
            }
            for site in spec.index.sites() {
                assert!(
                    site.times >= 1 && site.unknown == 0 && site.first <= site.last,
                    "{}: {site:?}",
                    path.display()
                );
            }
            assert!(!spec.index.sites().is_empty(), "{}", path.display());
        }
    }
    assert!(uses > 300, "only {uses} uses were found");
}

#[test]
fn nothing_is_gathered_unless_it_is_asked_for() {
    let checked = check("main.cnn", &Request::default(), &one("model A { input [N, 4]; Linear(3) }"), &mut ());
    assert!(checked.index.is_none() && checked.networks[0].graph.visits.is_empty());
}

#[test]
fn many_turns_of_one_statement_are_one_site() {
    let spec = Indexed::of("model A { input [N, 4]; repeat 100000 { ReLU; sum { Identity; { Tanh } } } }");
    let sites: Vec<(usize, usize)> = spec.index.sites().iter().map(|site| (site.times, site.layers)).collect();
    let many = 100_000;
    let turn = [(many, many), (many, 3 * many), (many, many), (many, many), (many, many)];
    assert_eq!(sites, [&[(1, 1), (1, 4 * many)][..], &turn].concat());
    let checked = check(
        "main.cnn",
        &Request { index: true, ..Request::default() },
        &one("model A { input [N, 4]; repeat 9 { ReLU } }"),
        &mut (),
    );
    assert!(checked.networks[0].graph.visits.iter().all(|visits| visits.values.len() == 1));
}
