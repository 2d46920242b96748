//! Expressions: what they give, seen through a shape contract, and what has no result.

mod common;
use common::{check, model, shaped};

/// The number of channels that a convolution gets from an expression.
fn channels(expression: &str) -> String {
    let text = model(&format!("Conv2d({expression}, kernel_size=1)"));
    let shaped = shaped(&text);
    shaped.shape(shaped.graph.outputs[0].node)[1].to_string()
}

fn codes(expression: &str) -> Vec<String> {
    check(&model(&format!("let x = {expression}"))).codes()
}

#[test]
fn operators_have_pythons_meaning_and_precedence() {
    for (expression, expected) in [
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4", "20"),
        ("-7 // 2 + 10", "6"),
        ("-7 % 3", "2"),
        ("7 - 2 - 1", "4"),
        ("64 // 3 // 2", "10"),
        ("round(10 / 4)", "2"),
        ("1 if 2 > 3 else 5", "5"),
        ("1 if not 2 > 3 and true else 5", "1"),
        ("[1, 2, 3][-1]", "3"),
        ("(4, 5)[0]", "4"),
        ("[[1, 2], [3, 4]][1][0]", "3"),
        ("len([1, 2] + [3])", "3"),
        ("len((0..5)) + len(\"abc\")", "8"),
        ("max(1.5, 3)", "3"),
        ("min([7, 4, 9])", "4"),
        ("floor(3.9) + ceil(3.1)", "7"),
        ("make_divisible(24 * 0.75, 8)", "24"),
        ("make_divisible(value=33, divisor=8, min_value=64)", "64"),
    ] {
        assert_eq!(channels(expression), expected, "{expression}");
    }
}

#[test]
fn short_circuits_do_not_look_at_the_other_side() {
    assert_eq!(codes("false and 1 // 0 == 1"), Vec::<String>::new());
    assert_eq!(codes("1 if true else 1 // 0"), Vec::<String>::new());
    assert_eq!(codes("true and 1 // 0 == 1"), ["E214 3:18"]);
}

#[test]
fn what_has_no_result() {
    assert_eq!(codes("9223372036854775807 + 1"), ["E214 3:9"]);
    assert_eq!(codes("1 / 0"), ["E214 3:9"]);
    assert_eq!(codes("[1, 2][2]"), ["E214 3:16"]);
    assert_eq!(codes("1e308 * 10"), ["E214 3:9"]);
    assert_eq!(codes("max([])"), ["E214 3:9"]);
    assert_eq!(codes("round(1e300)"), ["E214 3:9"]);
    assert_eq!(codes("(0 - 9223372036854775807)..9223372036854775807"), ["E214 3:9"]);
}

#[test]
fn types_are_not_converted_in_silence() {
    assert_eq!(codes("1 + \"a\""), ["E213 3:11"]);
    assert_eq!(codes("1 and true"), ["E213 3:11"]);
    assert_eq!(codes("not 1"), ["E213 3:9"]);
    assert_eq!(codes("true + 1"), ["E213 3:14"]);
    assert_eq!(codes("1 == \"1\""), ["E213 3:11"]);
    assert_eq!(codes("0..2.5"), ["E213 3:12"]);
    assert_eq!(codes("[1][0.0]"), ["E213 3:13"]);
    assert_eq!(codes("2 if 1 else 3"), ["E213 3:14"]);
    assert_eq!(codes("5[0]"), ["E213 3:9"]);
    assert_eq!(codes("max(1, \"a\")"), ["E213 3:9"]);
}

#[test]
fn unknown_names_and_functions() {
    let outcome = check(&model("let width = 3\nConv2d(widht, kernel_size=1)"));
    assert_eq!(outcome.codes(), ["E202 4:8"]);
    assert_eq!(outcome.problems[0].fixes[0].edits[0].replacement, "width");
    assert_eq!(codes("lenn([1])"), ["E201 3:9"]);
    assert_eq!(codes("len()"), ["E206 3:9"]);
    assert_eq!(codes("len([1], [2])"), ["E206 3:18"]);
    assert_eq!(codes("_"), ["E202 3:9"]);
}

#[test]
fn one_mistake_gives_one_error() {
    let outcome = check(&model(
        "let a = 1 + \"x\"\nlet b = a * 2\nConv2d(b, kernel_size=a)\nrepeat b { ReLU }\nif a > b { ReLU }",
    ));
    assert_eq!(outcome.codes(), ["E213 3:11"], "{}", outcome.said());
}

#[test]
fn patterns_take_values_apart() {
    let text = model(
        "for (i, (a, _)) in enumerate([(1, 2), (3, 4)], start=5) { \"c{i}\": Conv2d(a, kernel_size=1) }\nlet (p, q) = (7, 8)\nConv2d(p * q, kernel_size=1)",
    );
    let graph = common::graph(&text);
    let weights: Vec<String> =
        graph.parameters.iter().step_by(2).map(|weight| format!("{} {}", weight.path, weight.shape[0])).collect();
    assert_eq!(weights, ["c5.weight 1", "c6.weight 3", "2.weight 56"]);
    assert_eq!(check(&model("let (a, b) = (1, 2, 3)")).codes(), ["E213 3:5"]);
    assert_eq!(check(&model("let (a, b) = 3\nConv2d(a, kernel_size=b)")).codes(), ["E213 3:5"]);
    assert_eq!(check(&model("for i in 3 { ReLU }")).codes(), ["E213 3:10"]);
}

#[test]
fn lets_end_with_their_braces_and_shadow() {
    let outcome = check(&model(
        "let a = 1\nSequential { let a = 2; Conv2d(a, kernel_size=1); let b = 3 }\nConv2d(a, kernel_size=b)",
    ));
    assert_eq!(outcome.codes(), ["E202 5:23"]);
}

#[test]
fn a_symbol_is_no_number() {
    let text = "model M {\n    input [N, 3, H, W]\n    Conv2d(H, kernel_size=3)\n    if H > 3 { ReLU }\n    let half = H // 2\n    expect [N, _, half * 2 + H % 2, _]\n}";
    let outcome = check(text);
    assert_eq!(outcome.codes(), ["E215 3:12", "E215 4:8", "E215 6:30"], "{}", outcome.said());
    assert_eq!(common::line_and_column(&outcome.files, outcome.problems[0].labels[1].span), "2:18");
    let same = "model M { input [N, 3, H, W]; if H == H and H + 1 > H { ReLU } }";
    assert_eq!(check(same).codes(), Vec::<String>::new());
}

#[test]
fn layers_are_values() {
    let text = "block B(act: layer = ReLU, norm: layer = BatchNorm2d(eps=0.5)) { norm; act; if act == ReLU { Tanh } }
        model M { input [N, 4, 8, 8]; B; B(LeakyReLU(0.1)); B(act=Inner, norm=Identity) }
        block Inner { Conv2d(2, kernel_size=1) }";
    let names: Vec<String> = common::paths(&common::graph(text));
    assert_eq!(names, ["0.0", "0.1", "0.2", "1.0", "1.1", "2.0", "2.1.0"]);
    assert_eq!(
        check(&model("let norm = BatchNorm2d(eps=0.5)\nnorm(momentum=0.2)\nnorm(eps=1, momentun=2)")).codes(),
        ["E203 5:13"]
    );
    assert_eq!(check(&model("let act = LeakyReLU(slope=1)\nact")).codes(), ["E203 3:21"]);
    assert_eq!(check(&model("let act = 3\nact")).codes(), ["E213 4:1"]);
    assert_eq!(check("block B(act: layer) { act }\nmodel M { input [N, 2]; B(3) }").codes(), ["E205 2:27"]);
}
