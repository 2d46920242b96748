//! Closed forms held to numbers: of every model of every spec that ships, at sizes at random and with other values of the model's
//! own parameters, against plain summaries.

use cnnc_compiler::check::{Spec, check};
use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::resolve::Request;
use cnnc_compiler::summary::symbolic::{Form, Setting, symbolic};
use cnnc_compiler::summary::{outline, summarize};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_grammar::ast::{ExprKind, ItemKind, TypeKind};
use cnnc_runtime::Disk;
use cnnc_tests::specs;
use std::path::Path;

/// Layers of a network; of larger ones the forms take long.
const MOST_LAYERS: usize = 400;

/// A network with values for some of its parameters.
fn network(path: &str, model: &str, values: &[Setting]) -> Option<ShapedGraph> {
    let settings = values.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let request = Request { model: Some(model.into()), settings, ..Request::default() };
    Spec::read(path, &Disk, &mut ()).plain_network(&request)
}

/// Whole numbers that a model has by default, as literals.
fn settings(path: &str, model: &str) -> Vec<Setting> {
    let spec = Spec::read(path, &Disk, &mut ());
    let items = spec.loaded.trees.iter().flat_map(|(_, tree)| &tree.items);
    let declared = items.filter_map(|item| match &item.kind {
        ItemKind::Declaration(declaration) if declaration.name.text == model => Some(declaration),
        _ => None,
    });
    let parameters = declared.flat_map(|declaration| &declaration.parameters).filter_map(|parameter| {
        let is_int = matches!(&parameter.ty.kind, TypeKind::Named(name) if name == "int");
        match &parameter.default.as_ref().filter(|_| is_int)?.kind {
            ExprKind::Int(number) => Some((parameter.name.text.as_str().into(), number.value)),
            _ => None,
        }
    });
    parameters.collect()
}

/// Sizes for all symbols that the network takes, a few steps up from the smallest or the usual one.
fn sizes(shaped: &ShapedGraph, turn: i64) -> Option<Bindings> {
    let bindings: Bindings = shaped
        .sizes
        .symbols
        .iter()
        .enumerate()
        .map(|(place, symbol)| {
            let size = symbol.start + symbol.step * (turn + 2 * place as i64 + if symbol.start < 8 { 3 } else { 0 });
            (symbol.name.to_string(), symbol.last.map_or(size, |last| size.min(last)) as usize)
        })
        .collect();
    let at = |name: &str| bindings.get(name).and_then(|&size| i64::try_from(size).ok());
    shaped.broken_at(&at).is_empty().then_some(bindings)
}

/// Holds the forms of a network to its numbers; gives how many were held.
fn holds(path: &str, model: &str, shaped: &ShapedGraph) -> usize {
    let settings = settings(path, model);
    let forms = symbolic(shaped, &settings, &|values| network(path, model, values));
    let mut held = 0;
    for turn in 0..3 {
        let values: Vec<Setting> = forms.kept.iter().map(|(name, value)| (name.clone(), value * (1 + turn))).collect();
        let Some(other) = (if values.is_empty() { Some(shaped.clone()) } else { network(path, model, &values) }) else {
            continue;
        };
        let Some(bindings) = sizes(&other, turn) else { continue };
        let value = |name: &str| {
            let kept = values.iter().find(|(known, _)| **known == *name).map(|(_, value)| *value);
            kept.or_else(|| bindings.get(name).and_then(|&size| i64::try_from(size).ok()))
        };
        let same = |what: &str, form: &Option<Form>, number: Option<u64>| {
            let Some(form) = form else { panic!("{path} {model}: {what} has no form") };
            let found = form.at(&value);
            assert_eq!(found, number.map(i128::from), "{path} {model} {what}: {form} at {bindings:?} {values:?}");
            1
        };
        let summary = summarize(&other, &bindings, None);
        let cost = summary.totals.cost;
        held += same("parameters", &forms.totals.parameters, Some(cost.parameters));
        held += same("buffers", &forms.totals.buffers, Some(cost.buffers));
        held += same("MACs", &forms.totals.macs, cost.macs);
        held += same("activation bytes", &forms.totals.activation_bytes, cost.activation_bytes);
        let rows = outline(&other, &bindings);
        assert_eq!(rows.len(), forms.rows.len());
        for (row, found) in rows.iter().zip(&forms.rows) {
            held += same(&row.path, &found.cost.macs, row.cost.macs);
            held += same(&row.path, &found.cost.parameters, Some(row.cost.parameters));
            let shape: Option<Vec<i128>> = found.output.iter().map(|size| size.at(&value)).collect();
            let expected: Option<Vec<i128>> = row.output.iter().map(|size| size.at(&value).map(i128::from)).collect();
            assert_eq!(shape, expected, "{path} {model} {}", row.path);
        }
    }
    held
}

#[test]
fn forms_are_the_numbers_of_every_model() {
    let (mut models, mut held, mut kept) = (0, 0, 0);
    for path in specs(Path::new("../models")) {
        let path = path.to_str().expect("a path").to_owned();
        let checked = check(&path, &Request::default(), &Disk, &mut ());
        for shaped in checked.networks.iter().filter(|shaped| shaped.graph.dag.len() <= MOST_LAYERS) {
            let model = shaped.graph.name.to_string();
            held += holds(&path, &model, shaped);
            models += 1;
            kept += usize::from(!settings(&path, &model).is_empty());
        }
    }
    assert!(models >= 60 && held >= 10_000 && kept >= 10, "{models} models, {held} forms, {kept} with parameters");
}

#[test]
fn parameters_become_symbols_where_the_structure_allows_it() {
    let text = "block Pair(channels: int) { Conv2d(channels, kernel_size=3, padding=1); ReLU }
        model Net(width: int = 16, depth: int = 2, classes: int = 10) {
            input [N, 3, H, W]
            Pair(width)
            repeat depth { Pair(2 * width) }
            AdaptiveAvgPool2d(1); Flatten
            Linear(classes)
        }";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("net.cnn");
    std::fs::write(&path, text).expect("a file");
    let path = path.to_str().expect("a path");
    let shaped = network(path, "Net", &[]).expect("the network");
    let forms = symbolic(&shaped, &settings(path, "Net"), &|values| network(path, "Net", values));
    let kept: Vec<&str> = forms.kept.iter().map(|(name, _)| &**name).collect();
    let bound: Vec<(&str, &str)> = forms.bound.iter().map(|((name, _), reason)| (&**name, *reason)).collect();
    assert_eq!(kept, ["width", "classes"]);
    assert_eq!(bound, [("depth", "the structure depends on it")]);
    // 27w + w, 18w² + 2w, 36w² + 2w, 2wc + c
    let parameters = forms.totals.parameters.expect("a form").to_string();
    assert_eq!(parameters, "2·classes·width + 54·width² + classes + 32·width");
    let macs = forms.totals.macs.expect("a form").to_string();
    assert_eq!(macs, "54·H·N·W·width² + 27·H·N·W·width + 2·N·classes·width");
}
