//! The flow: joins, kept values, inputs and outputs, contracts.

mod common;
use cnnc_compiler::graph::{NodeKind, ShapedGraph};
use cnnc_compiler::resolve::Request;
use common::{check, graph, keys, model, one, request, shaped};

/// The shape of the last value.
fn output(shaped: &ShapedGraph) -> String {
    shaped.shape(shaped.graph.outputs.last().expect("an output").node).to_string()
}

fn output_of(body: &str) -> String {
    output(&shaped(&model(body)))
}

#[test]
fn a_branch_of_nothing_is_the_identity() {
    assert_eq!(output_of("concat { {}; Identity; Conv2d(4, kernel_size=1) }"), "[N, 36, 8, 8]");
    assert_eq!(output_of("sum { { if false { ReLU } }; Conv2d(16, kernel_size=1) }"), "[N, 16, 8, 8]");
}

#[test]
fn a_lone_branch_is_itself() {
    let graph = graph(&model("concat { Conv2d(4, kernel_size=1) }\nsum { if false { ReLU }; Tanh }"));
    let names: Vec<&str> = graph
        .dag
        .iter()
        .filter_map(|(_, node)| match &node.kind {
            NodeKind::Operator(op) => Some(op.name()),
            NodeKind::Input(_) => None,
        })
        .collect();
    assert_eq!(names, ["Conv2d", "Tanh"]);
}

#[test]
fn loops_add_branches() {
    assert_eq!(output_of("concat { for i in 0..3 { Conv2d(2, kernel_size=1) } }"), "[N, 6, 8, 8]");
    assert_eq!(output_of("concat(dim=2) { Identity; repeat 2 { ReLU } }"), "[N, 16, 24, 8]");
}

#[test]
fn a_join_of_no_branch_is_an_error() {
    assert_eq!(check(&model("sum { }")).codes(), ["E210 3:1"]);
    assert_eq!(check(&model("sum { if false { ReLU } }")).codes(), ["E210 3:1"]);
    assert_eq!(check(&model("sum { let x = 3 }")).codes(), ["E210 3:1"]);
}

#[test]
fn bare_braces_outside_a_join_are_an_error() {
    let outcome = check(&model("{ ReLU; Relu }"));
    assert_eq!(outcome.codes(), ["E209 3:1", "E201 3:9"]);
    assert_eq!(outcome.problems[0].fixes[0].edits[0].replacement, "Sequential ");
}

#[test]
fn one_named_input_flows_by_itself() {
    assert_eq!(
        output(&shaped("model M { input x [N, 8]; Linear(4); sum { Identity; { from x; Linear(4) } } }")),
        "[N, 4]"
    );
    assert_eq!(check("model M { input x [N, 8]; input y [N, 8]; Linear(4) }").codes(), ["E212 1:43"]);
    assert_eq!(output(&shaped("model M { input x [N, 8]; input [N, 4]; Linear(3) }")), "[N, 3]");
}

#[test]
fn a_tensor_may_have_a_computed_name() {
    let block = "block Add(other: tensor) { sum { Identity; from other } }";
    let body = "for i in 0..2 { Conv2d(16, kernel_size=1); keep \"x{i}\" }\nfor i in 0..2 { Add(\"x{1 - i}\") }";
    assert_eq!(output(&shaped(&format!("{block}\n{}", model(body)))), "[N, 16, 8, 8]");
    let unknown = check(&format!("{block}\n{}", model("keep x0\nAdd(\"x1\")")));
    assert_eq!(unknown.codes(), ["E211 5:6"]);
    let named = "for i in 0..2 { keep \"x{i}\"; ReLU }\nAdd(x1)";
    assert_eq!(output(&shaped(&format!("{block}\n{}", model(named)))), "[N, 16, 8, 8]");
}

#[test]
fn joins_broadcast_as_pytorch_does() {
    assert_eq!(output_of("product { Identity; AdaptiveAvgPool2d(1) }"), "[N, 16, 8, 8]");
    assert_eq!(output_of("product { Identity; scale: Parameter((16, 1, 1)) }"), "[N, 16, 8, 8]");
    let outcome = check(&model("sum { Conv2d(8, kernel_size=1); Identity }"));
    assert_eq!(outcome.codes(), ["E304 3:33"], "{}", outcome.said());
}

#[test]
fn kept_values_are_seen_out_of_braces_and_through_named_calls() {
    assert_eq!(
        output_of(
            "stem: { Conv2d(4, kernel_size=1); keep x; ReLU }\nConv2d(2, kernel_size=1)\nconcat { Identity; from x }"
        ),
        "[N, 6, 8, 8]"
    );
    let text = format!(
        "block B {{ Conv2d(4, kernel_size=1); keep \"x{{0}}\"; Conv2d(8, kernel_size=1) }}\n{}",
        model("g: { b: B }\nconcat { Identity; from g.b.x0 }")
    );
    assert_eq!(output(&shaped(&text)), "[N, 12, 8, 8]");
    let text = format!(
        "block Up(skip: tensor, more: tensor) {{ concat {{ Identity; from skip; from more }} }}\n{}",
        model("keep a\nConv2d(4, kernel_size=1); keep b; Up(a, more=b)")
    );
    assert_eq!(output(&shaped(&text)), "[N, 24, 8, 8]");
}

#[test]
fn what_is_wrong_with_kept_values() {
    assert_eq!(check(&model("keep x\nReLU\nkeep x")).codes(), ["E211 5:6"]);
    let outcome = check(&model("keep skip\nReLU\nfrom skyp"));
    assert_eq!(outcome.codes(), ["E211 5:6"]);
    assert_eq!(outcome.problems[0].fixes[0].edits[0].replacement, "skip");
    assert_eq!(check(&model("from x\nkeep x")).codes(), ["E211 3:6"]);
    assert_eq!(check(&model("repeat 2 { ReLU; keep x }")).codes(), ["E211 3:23"]);
    assert_eq!(check(&model("sum { ReLU; keep x; Tanh }")).codes(), ["E212 3:18"]);
    let text = format!("block B {{ ReLU; keep x }}\n{}", model("b: B\nfrom b.y"));
    assert_eq!(check(&text).codes(), ["E211 5:8"]);
    assert_eq!(check(&format!("block B {{ ReLU; keep x }}\n{}", model("b: B\nfrom x"))).codes(), ["E211 5:6"]);
    let outcome = check(&model("g: { ReLU; keep x }\nTanh\nfrom g.x"));
    assert_eq!(outcome.codes(), ["E211 5:8"]);
    assert!(outcome.problems[0].help[0].contains("from x"), "{}", outcome.said());
    assert_eq!(check(&model("keep x\nTanh\nx")).problems[0].fixes[0].edits[0].replacement, "from x");
}

#[test]
fn several_inputs_and_outputs() {
    let text = "model M {
        input left [N, 3, H, W]
        input right [N, 3, H, W]
        from left; Conv2d(4, kernel_size=1); keep a
        output first
        from right; Conv2d(4, kernel_size=1)
        sum { Identity; from a }
        output second
    }";
    let graph = graph(text);
    assert_eq!(graph.inputs.iter().map(|input| &*input.name).collect::<Vec<_>>(), ["left", "right"]);
    assert_eq!(graph.outputs.iter().map(|output| &*output.name).collect::<Vec<_>>(), ["first", "second"]);
    let outcome = check("model M {\ninput left [N, 3]\ninput right [N, 3]\nLinear(2)\n}");
    assert_eq!(outcome.codes(), ["E212 4:1"]);
    assert!(outcome.problems[0].help[0].contains("`from left`"), "{}", outcome.said());
}

#[test]
fn inputs_stand_first_and_alone() {
    assert_eq!(check("model M { input [N, 2]\nReLU\ninput [N, 2]\n}").codes(), ["E223 3:1"]);
    assert_eq!(check("model M { input [N, 2]\ninput [N, 2]\n}").codes(), ["E223 2:1"]);
    assert_eq!(check("model M { g: { input [N, 2] } }").codes(), ["E223 1:1", "E223 1:16"]);
    assert_eq!(check("model M { Linear(2) }").codes(), ["E223 1:1"]);
    assert_eq!(check("model M { input a [N, 2]; input b [N, 2] }").codes(), ["E223 1:1"]);
    assert_eq!(check("model M { input [N, 0] }").codes(), ["E223 1:21"]);
    assert_eq!(check("model M { input [N, _] }").codes(), ["E223 1:21"]);
    assert_eq!(check("block B { input x [N, 2]; ReLU }").codes(), ["E223 1:17"]);
    assert_eq!(check("block B { ReLU; output x }").codes(), ["E223 1:24"]);
    assert_eq!(check("model M { input [N, 2]; output x; ReLU; output x }").codes(), ["E208 1:48"]);
}

#[test]
fn a_block_binds_and_checks_the_sizes_of_what_comes_in() {
    let block = "block B(channels: int) { input [N, C, H, W]; Conv2d(C // 2, kernel_size=1); if C == channels { Conv2d(channels, kernel_size=1) } }";
    assert_eq!(output(&shaped(&format!("{block}\n{}", model("B(16)")))), "[N, 16, 8, 8]");
    assert_eq!(output(&shaped(&format!("{block}\n{}", model("B(15)")))), "[N, 8, 8, 8]");
    let checked = "block B(channels: int) { input [N, channels, H, H]; ReLU }";
    assert_eq!(check(&format!("{checked}\n{}", model("B(15)"))).codes(), ["E305 1:36"]);
    assert_eq!(check(&format!("{checked}\n{}", model("Flatten; B(1024)"))).codes(), ["E303 1:32"]);
    assert_eq!(output(&shaped(&format!("{checked}\n{}", model("B(16)")))), "[N, 16, 8, 8]");
    assert_eq!(check(&format!("{checked}\n{}", model("Conv2d(16, kernel_size=(3, 1)); B(16)"))).codes(), ["E305 1:49"]);
}

#[test]
fn a_model_is_called_as_a_block_and_presets_too() {
    let text = "model Inner(c: int) { input [N, 16, H, W]; Conv2d(c, kernel_size=1); output o; labels [\"a\"] }
        model Four = Inner(c=4)
        model M { input [N, 16, 8, 8]; i: Four; Conv2d(16, kernel_size=1); Inner(2); concat { Identity; from i.o } }";
    assert_eq!(output(&shaped(text)), "[N, 6, 8, 8]");
    let several = "model Two { input a [N, 2]; input b [N, 2]; sum { from a; from b } }\nmodel M { input [N, 2]; Two }";
    assert_eq!(check(several).codes(), ["E223 1:29"]);
}

#[test]
fn contracts_are_checked_and_bind_nothing() {
    assert_eq!(output_of("expect [N, 16, 2 * 4, _]\nConv2d(4, kernel_size=1)"), "[N, 4, 8, 8]");
    let outcome = check(&model("Conv2d(4, kernel_size=3)\nexpect [N, 4, 8, 8]\nRelu"));
    assert_eq!(outcome.codes(), ["E305 4:8", "E201 5:1"]);
    assert!(outcome.problems[0].message.contains("height is 6"), "{}", outcome.said());
    assert_eq!(check(&model("expect [N, 16]")).codes(), ["E305 3:8"]);
    assert_eq!(check(&model("expect [N, channels, 8, 8]")).codes(), ["E202 3:12"]);
    assert_eq!(
        check("model M { input [N, 3, H, W]; Conv2d(3, kernel_size=3); expect [N, 3, H, W] }").codes(),
        ["E305 1:64"]
    );
    let doubled = "model M { input [N, 3, H, W]; Upsample(scale_factor=2); expect [N, 3, 2 * H, W + W] }";
    assert_eq!(output(&shaped(doubled)), "[N, 3, 2*H, 2*W]");
}

#[test]
fn sizes_from_outside_are_those_that_the_spec_leaves_open() {
    let text = "model M { input [N, 3, H, W]; Conv2d(4, kernel_size=3, padding=1); expect [N, 4, _, _] }";
    let with = |shapes: &[&[usize]]| {
        let input_shapes = shapes.iter().map(|shape| shape.to_vec()).collect();
        request(&one(text), &Request { input_shapes, ..Request::default() })
    };
    assert_eq!(output(&with(&[&[2, 3, 224, 200]]).graphs[0]), "[2, 4, 224, 200]");
    assert_eq!(with(&[&[2, 1, 224, 200]]).codes(), ["E223 1:21"]);
    assert_eq!(with(&[&[2, 3]]).codes(), ["E223 1:17"]);
    assert_eq!(with(&[&[2, 3, 8, 8], &[1]]).codes(), ["E223 1:1"]);
    let two = "model M { input a [N, 3]; input b [N, 3]; sum { from a; from b } }";
    let sized = |input_shapes| request(&one(two), &Request { input_shapes, ..Request::default() });
    assert_eq!(sized(vec![vec![2, 3], vec![4, 3]]).codes(), ["E223 1:36"]);
    assert_eq!(output(&sized(vec![vec![2, 3], vec![2, 3]]).graphs[0]), "[2, 3]");
}

#[test]
fn a_block_may_call_itself_where_a_condition_ends_it() {
    let nest = "block Nest(depth: int) {
        Conv2d(4, kernel_size=1)
        if depth > 0 { inner: Nest(depth - 1) }
    }\n";
    let network = graph(&format!("{nest}{}", model("Nest(2)")));
    let weights: Vec<&str> = keys(&network).into_iter().filter(|key| key.ends_with("weight")).collect();
    assert_eq!(weights, ["0.0.weight", "0.inner.0.weight", "0.inner.inner.0.weight"]);
    assert_eq!(check(nest).kinds(), [""; 0]);
    let endless = nest.replace("depth - 1", "depth + 1");
    assert_eq!(check(&format!("{endless}{}", model("Nest(2)"))).kinds(), ["E217"]);
    let both = "block B(n: int) { if n > 0 { B(n - 1) } else { ReLU; B(n) } }";
    assert_eq!(check(both).kinds(), ["E216"]);
    let unknown = format!("{nest}{}", model("Nest(nothing)"));
    assert_eq!(check(&unknown).kinds(), ["E202"]);
    let in_turns = "block A(n: int) { ReLU; if n > 0 { B(n) } }\nblock B(n: int) { A(n - 1) }\n";
    assert_eq!(check(&format!("{in_turns}{}", model("A(3)"))).kinds(), [""; 0]);
}

#[test]
fn sizes_come_from_kept_values() {
    let body = "keep skip; MaxPool2d(2); Upsample(size=skip.shape[2:]); expect [N, 4, 8, 8]
        let (n, c, h, w) = skip.shape; Reshape((n, c, h * w)); Unflatten(2, (h, -1)); Conv2d(c * 2, kernel_size=1)
        expect [N, 8, 8, 8]";
    assert_eq!(check(&model(&format!("Conv2d(4, kernel_size=1); {body}"))).kinds(), [""; 0]);
    assert_eq!(check(&model("keep a; Upsample(size=b.shape[2:])")).kinds(), ["E211"]);
    assert_eq!(check(&model("keep a; Upsample(size=a.sizes)")).kinds(), ["E202"]);
    assert_eq!(check("block B(skip: tensor) { Upsample(size=skip.shape[2:]) }").kinds(), [""; 0]);
    let taken = "block B { keep inner; MaxPool2d(2) }
        model M { input [N, 4, H, W]; b: B; Upsample(size=b.inner.shape[2:]); expect [N, 4, H, W] }";
    assert_eq!(check(taken).kinds(), [""; 0]);
    let parameter = "model M { input [N, 4, H, W]; keep a; let (_, _, h, _) = a.shape; Conv2d(h, kernel_size=1) }";
    assert_eq!(check(parameter).kinds(), ["E215"]);
}
