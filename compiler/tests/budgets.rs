//! Budgets: what each measures, at which sizes, where it may stand, and that the changes that are offered do what is said of
//! them.

mod common;

use cnnc_compiler::diagnostic::{Code, mended};
use cnnc_compiler::resolve::Request;
use common::{Outcome, check, check_in, one, request};

/// 16·3·49 + 16 = 2,368 and 16·16·9 + 16 = 2,320 parameters; at 32×32 the first gives 16×16, so that both are taken 256 times.
const NET: &str = "model Net(width: int = 16) {
    input [N, 3, H, W]
    stem: Conv2d(width, kernel_size=7, stride=2, padding=3); ReLU; keep early
    body: { Conv2d(width, kernel_size=3, padding=1); ReLU }
    BUDGET
}
";

fn with(budget: &str) -> Outcome {
    check(&NET.replace("BUDGET", budget))
}

fn codes(outcome: &Outcome) -> Vec<Code> {
    outcome.problems.iter().map(|problem| problem.code).collect()
}

#[test]
fn every_comparison_is_held_on_both_sides_of_the_number() {
    let macs = 2352 * 256 + 2304 * 256;
    // Parameters 4,688·4, the input 3·32·32·4, and two values of 16·16·16·4 at once: that of the stem and of the body.
    let memory = 4688 * 4 + 12_288 + 2 * 16_384;
    let measures = [
        ("params", 4688),
        ("macs(H=32, W=32)", macs),
        ("macs(N=2, H=32, W=32)", 2 * macs),
        ("memory(H=32, W=32)", memory),
        ("receptive_field(early)", 7),
        ("receptive_field(stem)", 7),
        ("receptive_field(\"body.0\")", 11),
        ("receptive_field", 11),
    ];
    for (measure, number) in measures {
        for (relation, below, same, above) in [
            ("<=", false, true, true),
            ("<", false, false, true),
            (">=", true, true, false),
            (">", true, false, false),
            ("==", false, true, false),
        ] {
            for (bound, is_kept) in [(number - 1, below), (number, same), (number + 1, above)] {
                let outcome = with(&format!("assert {measure} {relation} {bound}"));
                let expected = if is_kept { vec![] } else { vec![Code::E311] };
                assert_eq!(codes(&outcome), expected, "{measure} {relation} {bound}: {}", outcome.said());
            }
        }
    }
}

#[test]
fn amounts_are_numbers() {
    for (amount, number) in [("4.688k", 4688), ("0.004688M", 4688), ("0.000004688G", 4688)] {
        assert!(with(&format!("assert params == {amount}")).problems.is_empty(), "{amount} is {number}");
    }
    assert!(with("assert memory(H=32, W=32) <= 63KiB").problems.is_empty());
    assert_eq!(codes(&with("assert memory(H=32, W=32) <= 62KiB")), [Code::E311]);
    assert!(with("assert params <= 293 * width").problems.is_empty());
}

#[test]
fn what_cannot_be_measured_is_an_error() {
    for budget in [
        "assert macs <= 1G",
        "assert macs(H=32) <= 1G",
        "assert memory <= 1GiB",
        "assert macs(h=32, W=32) <= 1G",
        "assert macs(32, 32) <= 1G",
        "assert macs(H=0, W=32) <= 1G",
        "assert params(H=32) <= 1G",
        "assert parameters <= 1G",
        "assert receptive_field(nowhere) >= 1",
        "assert receptive_field(stem, body) >= 1",
        "assert receptive_field(1) >= 1",
        "Sequential { assert params <= 1G; ReLU }",
        "sum { assert params <= 1G; Identity }",
    ] {
        let outcome = with(budget);
        assert_eq!(codes(&outcome), [Code::E226], "{budget}: {}", outcome.said());
    }
    let kept_elsewhere = "from early; ReLU; keep body\n    assert receptive_field(body) >= 1";
    assert_eq!(codes(&with(kept_elsewhere)), [Code::E226]);
    assert_eq!(codes(&with("assert params <= \"many\"")), [Code::E213]);
    assert_eq!(codes(&with("assert params <= H")), [Code::E215]);
    let flat = check("model M {\n    input [N, 8]\n    Linear(4)\n    assert receptive_field >= 1\n}\n");
    assert_eq!(codes(&flat), [Code::E226]);
}

#[test]
fn what_depends_on_open_sizes_is_not_taken_for_the_whole() {
    let whole = "AdaptiveAvgPool2d(1)\n    assert receptive_field";
    assert_eq!(codes(&with(&format!("{whole} >= 11"))), [Code::E226]);
    assert!(with(&format!("{whole}(H=32, W=32) >= 11")).problems.is_empty());
    assert_eq!(codes(&with(&format!("{whole}(H=32, W=32) <= 1G"))), [Code::E311]);
}

#[test]
fn a_budget_is_that_of_the_network_that_is_asked_for() {
    let spec = NET.replace("BUDGET", "assert params <= 4688\n    if width > 16 { assert params <= 20k }");
    let as_block = format!("{spec}model Outer {{\n    input [N, 3, H, W]\n    Net(width=64)\n}}\n");
    let outer = request(&one(&as_block), &Request::default());
    assert!(outer.problems.is_empty(), "{}", outer.said());
    let preset = format!("{spec}model Wide = Net(width=64)\n");
    assert_eq!(codes(&request(&one(&preset), &Request::default())), [Code::E311, Code::E311]);
    let narrow = Request { model: Some("Net".into()), ..Request::default() };
    assert!(request(&one(&preset), &narrow).problems.is_empty());
    let set = Request { settings: vec![("width".into(), "17".into())], ..narrow };
    assert_eq!(codes(&request(&one(&preset), &set)), [Code::E311]);
}

#[test]
fn sizes_of_a_command_do_not_move_a_budget() {
    let fixed = NET.replace("[N, 3, H, W]", "[N, 3, 32, 32]").replace("BUDGET", "assert macs <= 1191936");
    let open = NET.replace("BUDGET", "assert macs(H=32, W=32) < 1191936");
    let large = Request { input_shapes: vec![vec![1, 3, 64, 64]], ..Request::default() };
    let outcome = request(&one(&fixed), &large);
    assert!(outcome.problems.iter().all(|problem| !problem.is_error()), "{}", outcome.said());
    assert_eq!(codes(&request(&one(&open), &large)), [Code::E311]);
    let opened = Request { open: true, ..Request::default() };
    assert!(request(&one(&fixed), &opened).problems.is_empty());
}

#[test]
fn changes_do_what_is_said_of_them() {
    let texts = [
        NET.replace("BUDGET", "assert params <= 3k"),
        NET.replace("BUDGET", "assert macs(H=32, W=32) <= 1M\n    assert receptive_field >= 11"),
        NET.replace("BUDGET", "assert receptive_field >= 15"),
        NET.replace(
            "BUDGET",
            "repeat 6 { Conv2d(16, kernel_size=3, padding=1) }\n    assert memory(H=32, W=32) <= 90KiB",
        ),
    ];
    let mut changes = 0;
    for text in texts {
        let outcome = check(&text);
        let [problem] = outcome.problems.as_slice() else { panic!("{}", outcome.said()) };
        assert!(!problem.fixes.is_empty() && problem.fixes.len() == problem.help.len(), "{}", outcome.said());
        for (fix, help) in problem.fixes.iter().zip(&problem.help) {
            changes += 1;
            let changed = mended(&outcome.files, &[fix]).into_values().next().expect("a text");
            let said = help.split(" gives ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a number");
            let number = said.replace(',', "").split('×').next().expect("a number").to_owned();
            let measure =
                changed.split("assert ").nth(1).and_then(|rest| rest.split([' ', ')']).next()).expect("a measure");
            let measure = if measure.contains('(') { changed_measure(&changed) } else { measure.to_owned() };
            let again = check(&changed);
            assert!(again.problems.is_empty(), "{help}\n{}", again.said());
            let exact = changed.replace("\n}\n", &format!("\n    assert {measure} == {number}\n}}\n"));
            let exact = check_in(&one(&exact));
            assert!(exact.problems.is_empty(), "{help}\n{}", exact.said());
        }
    }
    assert!(changes >= 8, "only {changes} changes are offered");
}

/// The first measure of a text, with its sizes.
fn changed_measure(text: &str) -> String {
    let rest = text.split("assert ").nth(1).expect("a budget");
    rest.get(..=rest.find(')').expect("its end")).expect("a measure").to_owned()
}
