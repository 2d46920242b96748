//! Softmax pooling, which ONNX has no operator for, in the forms that it is written in.

use super::*;

#[test]
fn a_quotient_of_means_is_a_softmax_pooling() {
    let nodes = |below: &'static str| {
        [
            "Exp x -> a",
            "Mul a x -> b",
            "AveragePool b -> c kernel_shape=3,2 strides=2,2 pads=1,0,1,0",
            below,
            "Div c d -> y",
        ]
    };
    let same = "AveragePool a -> d kernel_shape=3,2 strides=2,2 pads=1,0,1,0";
    let text = spec(&file(13, "N,2,6,7", &nodes(same), Vec::new()));
    assert!(text.contains("SoftPool2d((3, 2), stride=2, padding=(1, 0))"), "{text}");
    let other = "AveragePool a -> d kernel_shape=3,2 strides=2,2 pads=1,0,1,0 count_include_pad=1";
    let text = spec(&file(13, "N,2,6,7", &nodes(other), Vec::new()));
    assert!(!text.contains("SoftPool2d"), "{text}");
}
