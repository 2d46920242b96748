//! A check as a whole: what is right is found beside what is wrong, and warnings beside networks.

mod common;

use cnnc_compiler::check::{Checked, Spec, check};
use cnnc_compiler::diagnostic::Severity;
use cnnc_compiler::graph::PartialGraph;
use cnnc_compiler::resolve::Request;
use common::{one, several};

#[test]
fn a_network_is_found_beside_the_errors_of_another() {
    let text =
        "model A { input [N, 4]; Linear(3) }\nmodel B { input [N, 4]; Linaer(3) }\nmodel C { input [N, 4]; ReLU }";
    let checked = check("main.cnn", &Request::default(), &one(text), &mut ());
    let names: Vec<&str> = checked.networks.iter().map(|network| &*network.graph.name).collect();
    assert_eq!((names, checked.has_errors(), checked.problems.len()), (vec!["A", "C"], true, 1));
}

#[test]
fn warnings_come_behind_errors_and_alone_are_no_faults() {
    let good = "model A {\n    input [N, 4]\n    Linear(3)\n    init Conv2d, PReLU: ones\n}\n";
    let checked = check("main.cnn", &Request::default(), &one(good), &mut ());
    assert_eq!((checked.networks.len(), checked.has_errors(), checked.problems.len()), (1, false, 2));
    assert!(checked.problems.iter().all(|problem| problem.severity == Severity::Warning));
    let both = format!("{good}model B {{ input [N, 4]; Linaer(3) }}\n");
    let checked = check("main.cnn", &Request::default(), &one(&both), &mut ());
    let severities: Vec<Severity> = checked.problems.iter().map(|problem| problem.severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Warning, Severity::Warning]);
}

/// A spec of one model, in which something is wrong; how many errors are found, and what is right.
fn partial(text: &str) -> (usize, PartialGraph) {
    let Checked { problems, networks, mut partial, .. } = check("main.cnn", &Request::default(), &one(text), &mut ());
    assert!(networks.is_empty() && partial.len() == 1, "{text}");
    (problems.len(), partial.remove(0))
}

/// The values whose shape is known, each with its path: `a [N, 3]`.
fn known(partial: &PartialGraph) -> Vec<String> {
    partial.nodes().map(|(_, node)| format!("{} {}", node.path, node.shape)).collect()
}

#[test]
fn what_is_right_is_kept_before_and_beside_what_is_wrong() {
    for wrong in ["b: Linaer(5)", "b: Linear(5, bais=false)", "b: Missing", "b: Linear(0.5)", "b: Conv2d(4, 3)"] {
        let (errors, graph) = partial(&format!("model A {{ input [N, 4]; a: Linear(3); {wrong}; c: Linear(2) }}"));
        assert_eq!((errors, known(&graph)), (1, vec!["input [N, 4]".into(), "a [N, 3]".into()]), "{wrong}");
        let modules = graph.modules().iter().map(|module| (module.name(), module.output.is_some()));
        assert_eq!(modules.collect::<Vec<_>>(), [("", false), ("a", true), ("b", false), ("c", false)], "{wrong}");
    }
}

#[test]
fn what_follows_is_checked_where_the_flow_is_known_again() {
    let text =
        "model A {\n input [N, 4]\n keep x\n Linaer(3)\n from x\n b: Linear(2)\n expect [N, 3]\n c: Conv2d(8, 3)\n}";
    let (errors, graph) = partial(text);
    assert_eq!((errors, known(&graph)), (3, vec!["input [N, 4]".into(), "b [N, 2]".into()]));
    let argument = graph.nodes().last().map(|(node, _)| graph.arguments(node).len());
    assert_eq!(argument, Some(1));
}

#[test]
fn a_broken_block_costs_what_takes_its_value() {
    let block = "block Pair { p: Linear(6); q: Linear(0) }\n";
    let (_, graph) = partial(&format!("{block}model A {{ input [N, 4]; sum {{ Pair; Linear(6) }}; c: ReLU }}"));
    assert_eq!(known(&graph), ["input [N, 4]", "0.p [N, 6]", "1 [N, 6]"]);
}

#[test]
fn a_broken_contract_costs_no_shape() {
    let (errors, graph) = partial("model A { input [N, 4]; a: Linear(3); expect [N, 4]; b: Linear(2) }");
    assert_eq!((errors, known(&graph).len()), (1, 3));
    let halved = "MaxPool2d(2); Upsample(scale_factor=2); expect [N, 8, H + 1, W]";
    let (errors, graph) = partial(&format!("model A {{ input [N, 8, H, W]; {halved} }}"));
    assert_eq!((errors, known(&graph).len()), (1, 3));
}

#[test]
fn one_network_is_there_or_its_errors_are() {
    let blocks = "block Pair { Linear(4); ReLU }";
    let sources =
        several(&[("main.cnn", "import \"blocks.cnn\"\nmodel A { input [N, 4]; Pair }"), ("blocks.cnn", blocks)]);
    let request = |model: &str| Request { model: Some(model.into()), ..Request::default() };
    let read = || Spec::read("main.cnn", &sources, &mut ());
    let found = read().network(&request("A"), &mut ());
    assert_eq!((found.networks.len(), found.problems.len(), found.files.iter().count()), (1, 0, 2));
    let missing = read().network(&request("B"), &mut ());
    assert_eq!((missing.networks.len(), missing.has_errors()), (0, true));
    assert!(missing.partial.is_empty());
}
