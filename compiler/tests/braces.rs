//! Items in braces behind a block's call: a layer that the block places.

mod common;
use common::{check, graph, model, shaped};

const RESIDUAL: &str = "block Residual(body: layer) { sum { body; Identity } }\n";

fn codes(text: &str) -> Vec<String> {
    check(text).codes()
}

fn keys(text: &str) -> Vec<String> {
    common::keys(&graph(text)).into_iter().map(str::to_owned).collect()
}

#[test]
fn braces_are_a_group_wherever_the_block_places_them() {
    let text = format!("{RESIDUAL}{}", model("Residual { Conv2d(16, 3, padding=1); BatchNorm2d; ReLU }"));
    let bare = "model M { input [N, 16, 8, 8]\nres: Residual { Conv2d(16, 1, bias=false) } }";
    assert_eq!(keys(&format!("{RESIDUAL}{bare}")), ["res.0.0.weight"]);
    let all = keys(&text);
    assert_eq!(all.first().map(String::as_str), Some("0.0.0.weight"));
    assert!(all.contains(&"0.0.1.running_var".to_owned()), "{all:?}");
    // Named by the block, as PyTorch's `self.fn = fn` names it.
    let named = "block Wrapped(fn: layer) { sum { fn: fn; Identity } }\nmodel M { input [N, 16, 8, 8]\nWrapped { Conv2d(16, 1, bias=false) } }";
    assert_eq!(keys(named), ["0.fn.0.weight"]);
}

#[test]
fn each_use_is_new_and_braces_nest() {
    let twice = "block Twice(body: layer) { body; body }\n";
    let text = format!(
        "{RESIDUAL}{twice}{}",
        "model M { input [N, 4, 8, 8]\nTwice { Residual { Conv2d(4, 1, bias=false) } } }"
    );
    assert_eq!(keys(&text), ["0.0.0.0.0.weight", "0.1.0.0.0.weight"]);
    // A block hands the items that it was given on to another.
    let outer = "block Outer(items: layer) { Residual(items); Residual { items; items } }\n";
    let text = format!("{RESIDUAL}{outer}{}", "model M { input [N, 4, 8, 8]\nOuter { Conv2d(4, 1, bias=false) } }");
    assert_eq!(keys(&text), ["0.0.0.0.weight", "0.1.0.0.0.weight", "0.1.0.1.0.weight"]);
}

#[test]
fn values_are_those_of_the_place_where_the_braces_stand() {
    let text = "block Deep(width: int, body: layer) { let inner = 99\nbody }\nmodel M { input [N, 4, H, W]\nlet width = 6\n\
                for k in [1, 3] { Deep(7) { Conv2d(width, k, bias=false) } } }";
    let shaped = shaped(text);
    let sizes: Vec<Vec<usize>> = shaped.graph.parameters.iter().map(|parameter| parameter.shape.clone()).collect();
    assert_eq!(sizes, [vec![6, 4, 1, 1], vec![6, 6, 3, 3]]);
    let hidden =
        "block Deep(body: layer) { let inner = 5\nbody }\nmodel M { input [N, 4, 8, 8]\nDeep { Conv2d(inner, 1) } }";
    assert_eq!(codes(hidden), ["E202 4:15"]);
}

#[test]
fn sizes_of_the_value_and_kept_values_are_those_within() {
    let text = format!(
        "{RESIDUAL}model M {{ input [N, 4, 8, 8]\nResidual {{ input [B, C, H, W]\nConv2d(2 * C, 1); keep wide\nConv2d(C, 1); \
         concat {{ Identity; from wide }}\nConv2d(C, 1) }} }}"
    );
    assert_eq!(check(&text).codes(), [] as [&str; 0]);
    let outside =
        format!("{RESIDUAL}model M {{ input [N, 4, 8, 8]\nkeep x\nResidual {{ sum {{ Identity; from x }} }} }}");
    assert_eq!(codes(&outside), ["E211 4:33"]);
}

#[test]
fn braces_where_none_are_taken() {
    assert_eq!(codes(&model("Conv2d(8, 1) { ReLU }")), ["E207 3:14"]);
    let plain = "block Plain(channels: int) { Conv2d(channels, 1) }\n";
    assert_eq!(codes(&format!("{plain}{}", model("Plain(8) { ReLU }"))), ["E207 4:10"]);
    assert_eq!(codes(&format!("{RESIDUAL}{}", model("Residual(ReLU) { Tanh }"))), ["E207 4:16"]);
    assert_eq!(codes(&format!("{RESIDUAL}{}", model("Residul { ReLU }"))), ["E201 4:1"]);
    // What stands within is checked all the same.
    assert_eq!(codes(&format!("{RESIDUAL}{}", model("Residual { Relu }"))), ["E201 4:12"]);
    assert_eq!(codes(&model("Conv2d(8, 1) { Relu }")), ["E207 3:14", "E201 3:16"]);
    let with_arguments = "block B(body: layer) { body(3) }\n";
    assert_eq!(codes(&format!("{with_arguments}{}", model("B { ReLU }"))), ["E207 1:24"]);
}

#[test]
fn names_are_checked_where_no_block_is_written_out() {
    let unset = format!("{RESIDUAL}model M(width: int) {{ input [N, 4, 8, 8]\nResidual {{ Conv2d(widht, 1) }} }}");
    let outcome = check(&unset);
    assert!(outcome.codes().contains(&"E202 3:19".to_owned()), "{:?}", outcome.codes());
}

#[test]
fn a_block_that_gives_itself_on_without_end_is_refused() {
    let text = format!("{RESIDUAL}block Again {{ Residual {{ Again }} }}\n{}", model("Again"));
    let codes = codes(&text);
    assert!(codes.iter().any(|code| code.starts_with("E217") || code.starts_with("E216")), "{codes:?}");
}
