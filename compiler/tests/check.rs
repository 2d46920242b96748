//! A check as a whole: what is right is found beside what is wrong, and warnings beside networks.

mod common;

use cnnc_compiler::check::{Spec, check};
use cnnc_compiler::diagnostic::Severity;
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
}
