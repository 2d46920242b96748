//! How layer graphs are printed.

mod common;
use cnnc_compiler::graph::print::{print_graph, print_shapes};
use common::shaped;

const SPEC: &str = "
block Residual {
    input [N, C, H, W]
    sum { { Conv2d(C, kernel_size=3, padding=1, bias=false); BatchNorm2d }; Identity }
    ReLU
}

model Net {
    input [N, 3, H, W] image(resize=32, mean=0.5)
    labels [\"cat\", \"dog\"]
    stem: Conv2d(4, kernel_size=2, stride=2)
    for i in 0..2 { \"res{i}\": Residual }
    tied mix = Conv2d(4, kernel_size=1, bias=false)
    concat { mix; second: mix; product { Identity; gate: Parameter((4, 1, 1), value=2) } }
    expect [N, 12, H // 2, W // 2]
    AdaptiveAvgPool2d(1); Flatten
    head: Linear(2, weight=[[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
    init \"stem\": normal(std=0.1, bias=0)
}
";

#[test]
fn a_graph_is_printed_by_paths() {
    insta::assert_snapshot!(print_graph(&shaped(SPEC).graph));
}

#[test]
fn shapes_are_printed_with_what_symbols_need() {
    insta::assert_snapshot!(print_shapes(&shaped(SPEC)));
}
