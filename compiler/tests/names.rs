//! Names, positions and paths: what a `state_dict` has as keys.

mod common;
use common::{check, graph, keys, model, paths};

#[test]
fn positions_count_all_siblings() {
    let graph = graph(&model(
        "stem: { conv: Conv2d(8, kernel_size=1); ReLU }\nConv2d(4, kernel_size=1); last: ReLU; Flatten; Linear(2)",
    ));
    assert_eq!(keys(&graph), ["stem.conv.weight", "stem.conv.bias", "1.weight", "1.bias", "4.weight", "4.bias"]);
    assert_eq!(paths(&graph), ["stem.conv", "stem.1", "1", "last", "3", "4"]);
}

#[test]
fn transparent_statements_take_no_position() {
    let body = "let n = 2
        repeat n { Conv2d(4, kernel_size=1) }
        keep x
        if n == 2 { ReLU } else { Tanh }
        for i in 0..1 { \"named{i}\": ReLU }
        sum { Identity; { Conv2d(4, kernel_size=1); ReLU }; from x }
        expect [N, 4, 8, 8]
        init Conv2d: ones
        Sequential { Conv2d(4, kernel_size=1) }";
    let graph = graph(&model(body));
    assert_eq!(paths(&graph), ["0", "1", "2", "named0", "4", "5", "6", "", "7.0"]);
}

#[test]
fn a_number_behind_a_loop_is_held_to_the_positions_that_its_turns_make() {
    let layer = "Conv2d(4, kernel_size=1, bias=false)";
    // Where turns are not written out, the last layer would stand at position 3.
    let graph = graph(&model(&format!("{layer}\nrepeat 2 {{ {layer} }}\n\"3\": {layer}\n{layer}")));
    assert_eq!(keys(&graph), ["0.weight", "1.weight", "2.weight", "3.weight", "4.weight"]);
}

#[test]
fn a_named_join_is_a_module_and_an_unnamed_one_is_not() {
    let text = model(
        "mix: concat { a: Conv2d(2, kernel_size=1); Conv2d(2, kernel_size=1) }\nsum { Conv2d(4, kernel_size=1); Identity }",
    );
    let graph = graph(&text);
    assert_eq!(keys(&graph), ["mix.a.weight", "mix.a.bias", "mix.1.weight", "mix.1.bias", "1.weight", "1.bias"]);
    assert_eq!(paths(&graph), ["mix.a", "mix.1", "mix", "1", "2", ""]);
}

#[test]
fn block_calls_are_modules() {
    let text =
        format!("block B(c: int) {{ conv: Conv2d(c, kernel_size=1); ReLU }}\n{}", model("B(4)\nnamed: B(8)\nB(2)"));
    let weights: Vec<String> = keys(&graph(&text)).iter().step_by(2).map(|key| (*key).to_owned()).collect();
    assert_eq!(weights, ["0.conv.weight", "named.conv.weight", "2.conv.weight"]);
}

#[test]
fn buffers_are_keys_in_pytorchs_order() {
    let graph = graph(&model("bn: BatchNorm2d"));
    let expected = ["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "bn.num_batches_tracked"];
    assert_eq!(keys(&graph), expected);
    let trainable: Vec<bool> = graph.parameters.iter().map(|parameter| parameter.trainable).collect();
    assert_eq!(trainable, [true, true, false, false, false]);
}

#[test]
fn words_of_the_language_and_texts_are_names() {
    let body = "block: Conv2d(4, kernel_size=1)\ninput: ReLU\n\"block {1 + 1}\": Conv2d(4, kernel_size=1)\nsum: ReLU";
    let graph = graph(&model(body));
    assert_eq!(paths(&graph), ["block", "input", "block 2", "sum"]);
}

#[test]
fn labels_and_values_are_separate_namespaces() {
    let text = format!("block B(squeeze: int) {{ squeeze: Conv2d(squeeze, kernel_size=1) }}\n{}", model("B(4)"));
    assert_eq!(keys(&graph(&text)), ["0.squeeze.weight", "0.squeeze.bias"]);
}

#[test]
fn bare_tensors_come_before_the_layers_beside_them() {
    let body = "block: { sum { Identity; product { { Conv2d(16, kernel_size=1); ReLU }; layer_scale: Parameter((16, 1, 1), value=0.5) } } }
        Conv2d(4, kernel_size=1)";
    let graph = graph(&model(body));
    assert_eq!(keys(&graph), ["block.layer_scale", "block.1.weight", "block.1.bias", "1.weight", "1.bias"]);
    assert_eq!(graph.parameters[0].shape, [16, 1, 1]);
}

#[test]
fn two_of_one_name_are_refused_with_both_places() {
    let outcome = check(&model("a: PReLU\nConv2d(4, kernel_size=1)\na: PReLU"));
    assert_eq!(outcome.codes(), ["E208 5:1"]);
    assert_eq!(common::line_and_column(&outcome.files, outcome.problems[0].labels[1].span), "3:1");
    assert_eq!(check(&model("for i in 0..3 { conv: PReLU }")).problems[0].fixes[0].edits[0].replacement, "\"conv{i}\"");
    assert_eq!(check(&model("PReLU\n\"0\": PReLU")).codes(), ["E208 4:1"]);
    assert_eq!(check(&model("repeat 2 { a: PReLU }")).codes(), ["E208 3:12"]);
    assert_eq!(check(&model("if true { a: ReLU } else { a: Tanh }")).codes(), Vec::<String>::new());
}

#[test]
fn names_that_cannot_be_used() {
    assert_eq!(check(&model("\"a.b\": ReLU\n\"\": ReLU")).codes(), ["E220 3:1", "E220 4:1"]);
    let long = "x".repeat(300);
    assert_eq!(check(&model(&format!("{long}: ReLU"))).codes(), ["E220 3:1"]);
    assert_eq!(check("block Conv2d { ReLU }\nmodel M { input [N, 2]; ReLU }").codes(), ["E220 1:7"]);
    assert_eq!(check("block B { ReLU }\nblock B { Tanh }\nmodel M { input [N, 2]; B }").codes(), ["E208 2:7"]);
    assert_eq!(check("model M(a: int = 1, a: int = 2) { input [N, 2]; ReLU }").codes(), ["E208 1:21"]);
}

#[test]
fn the_module_tree_knows_calls_groups_and_joins() {
    let text = format!(
        "block B {{ Conv2d(4, kernel_size=1) }}\n{}",
        model("a: B\nSequential { ReLU }\nj: sum { ReLU; Tanh }")
    );
    let graph = graph(&text);
    let kinds: Vec<String> = graph.modules.iter().map(|module| format!("{}={:?}", module.path, module.kind)).collect();
    assert_eq!(kinds[0], "=Call(\"M\")");
    assert_eq!(kinds[1], "a=Call(\"B\")");
    assert_eq!(kinds[3], "1=Sequential");
    assert_eq!(kinds[5], "j=Join(\"sum\")");
    assert_eq!(graph.modules[0].children.len(), 3);
}

#[test]
fn items_of_one_group_may_stand_apart() {
    let body = "for i in 0..2 { convs[i]: Conv2d(4, kernel_size=1); norms[i]: BatchNorm2d(affine=false); ReLU }
        blocks: { Conv2d(4, kernel_size=1) }
        blocks[1]: { conv: Conv2d(2, kernel_size=1) }
        Flatten; Linear(3)";
    let graph = graph(&model(body));
    let weights: Vec<&str> = keys(&graph).into_iter().filter(|key| key.ends_with("weight")).collect();
    assert_eq!(weights, ["convs.0.weight", "convs.1.weight", "blocks.0.weight", "blocks.1.conv.weight", "6.weight"]);
    assert_eq!(check(&model("Flatten; a[0]: Linear(8); a[0]: Linear(8)")).kinds(), ["E208"]);
    assert_eq!(check(&model("Flatten; a: Linear(8); a[0]: Linear(8)")).kinds(), ["E208"]);
    assert_eq!(check(&model("Flatten; a[0]: Linear(8); a: { Linear(8) }")).kinds(), ["E208"]);
    assert_eq!(check(&model("Flatten; a[0.5]: Linear(8)")).kinds(), ["E220"]);
}

#[test]
fn items_without_parameters_never_clash() {
    let body = "relu: ReLU; conv: Conv2d(4, kernel_size=1); relu: Tanh; \"4\": Conv2d(4, kernel_size=1); ReLU";
    let graph = graph(&model(body));
    assert_eq!(paths(&graph), ["relu", "conv", "relu", "4", "4"]);
    assert_eq!(keys(&graph), ["conv.weight", "conv.bias", "4.weight", "4.bias"]);
    let tied = "pair: ReLU; pair: Linear(8, bias=false); Linear(8, bias=false, weight=pair.weight.T)";
    // A warning alone: of an image each row is seen for itself.
    assert_eq!(check(&model(tied)).kinds(), ["E303"]);
    assert_eq!(check("block B { a: Linear(2); a: Linear(2) }").kinds(), ["E208"]);
    assert_eq!(check("block B { a: ReLU; a: Linear(2); a: Dropout }").kinds(), [""; 0]);
}
