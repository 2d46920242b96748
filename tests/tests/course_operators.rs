//! The operators of the course (*Dive into Deep Learning*, chapters 7 and 8) with their exact numbers, from the specs that ship.

use cnnc_compiler::graph::ShapedGraph;
use cnnc_runtime::{Parameters, Tensor};
use cnnc_tests::{answer, answers, network, tensor};

fn operator(file: &str, model: Option<&str>) -> ShapedGraph {
    network(&format!("../models/operators/{file}.cnn"), model)
}

/// 0, 1, 2, … in a shape.
fn counting(shape: &[usize]) -> Tensor {
    let elements: usize = shape.iter().product();
    tensor(shape, (0..elements).map(|number| number as f32))
}

/// 0..8 as 3×3, and the same plus one as a second channel.
fn two_channels(side: usize) -> Tensor {
    let plane = side * side;
    tensor(&[1, 2, side, side], (0..2 * plane).map(|index| (index % plane + index / plane) as f32))
}

#[test]
fn cross_correlation() {
    let answer = answer(&operator("cross_correlation", None), &counting(&[1, 1, 3, 3]));
    assert_eq!(answer, tensor(&[1, 1, 2, 2], [19.0, 25.0, 37.0, 43.0]));
}

/// 6×8 of ones with columns 2 to 5 zero, and its transpose.
fn striped() -> [Tensor; 2] {
    let pixel = |column: usize| if (2..6).contains(&column) { 0.0 } else { 1.0 };
    [
        tensor(&[1, 1, 6, 8], (0..48).map(|index| pixel(index % 8))),
        tensor(&[1, 1, 8, 6], (0..48).map(|index| pixel(index / 6))),
    ]
}

#[test]
fn the_edge_detector_finds_vertical_edges_alone() {
    let detector = operator("edge_detector", None);
    let [image, transposed] = striped();
    let row = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0];
    assert_eq!(answer(&detector, &image), tensor(&[1, 1, 6, 7], (0..42).map(|index| row[index % 7])));
    assert_eq!(answer(&detector, &transposed), tensor(&[1, 1, 8, 5], [0.0; 40]));
    let horizontal = operator("edge_detector", Some("HorizontalEdgeDetector"));
    assert_eq!(answer(&horizontal, &transposed), tensor(&[1, 1, 7, 6], (0..42).map(|index| row[index / 6])));
}

#[test]
fn the_edge_detector_on_diagonals() {
    let pixel = |row: usize, column: usize| if column == row || column == row + 1 { 0.0 } else { 1.0 };
    let image = tensor(&[1, 1, 6, 8], (0..48).map(|index| pixel(index / 8, index % 8)));
    let edges = answer(&operator("edge_detector", None), &image);
    // What the two zeros of row `row` give: an edge before them and one behind.
    let edge =
        |row: usize, column: usize| f32::from(u8::from(column + 1 == row)) - f32::from(u8::from(column == row + 1));
    assert_eq!(edges, tensor(&[1, 1, 6, 7], (0..42).map(|index| edge(index / 7, index % 7))));
    assert_eq!(edges.data()[..7], [0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(edges.data()[7..14], [1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0]);

    let transposed = tensor(&[1, 1, 8, 6], (0..48).map(|index| pixel(index % 6, index / 6)));
    let horizontal = answer(&operator("edge_detector", Some("HorizontalEdgeDetector")), &transposed);
    assert_eq!(horizontal, tensor(&[1, 1, 7, 6], (0..42).map(|index| edge(index % 6, index / 6))));
}

#[test]
fn a_convolution_adds_its_bias() {
    let layer = operator("convolution", None);
    let mut parameters = Parameters::draw(&layer.graph, 0).expect("parameters");
    parameters.insert("0.weight", counting(&[1, 1, 2, 2]));
    parameters.insert("0.bias", tensor(&[1], [0.5]));
    let answers = answers(&layer, &parameters, &[counting(&[1, 1, 3, 3])]);
    assert_eq!(answers, [tensor(&[1, 1, 2, 2], [19.5, 25.5, 37.5, 43.5])]);
}

#[test]
fn true_convolution_flips_its_kernel() {
    let answer = answer(&operator("true_convolution", None), &counting(&[1, 1, 3, 3]));
    // 3·x[i][j] + 2·x[i][j+1] + 1·x[i+1][j] + 0·x[i+1][j+1]
    assert_eq!(answer, tensor(&[1, 1, 2, 2], [5.0, 11.0, 23.0, 29.0]));
}

#[test]
fn padding_and_stride() {
    let side = |model: &str| {
        let answer = answer(&operator("padding_and_stride", Some(model)), &counting(&[1, 1, 8, 8]));
        [answer.shape()[2], answer.shape()[3]]
    };
    assert_eq!(side("Padding"), [8, 8]);
    assert_eq!(side("UnequalPadding"), [8, 8]);
    assert_eq!(side("Stride"), [4, 4]);
    assert_eq!(side("UnequalStride"), [2, 2]);
}

#[test]
fn convolution_shapes() {
    let shape = |model: &str, channels: usize| {
        answer(&operator("convolution_shapes", Some(model)), &counting(&[1, channels, 28, 28])).shape().to_vec()
    };
    assert_eq!(shape("PlainConvolution", 1), [1, 1, 26, 26]);
    assert_eq!(shape("StridedConvolution", 1), [1, 1, 14, 14]);
    assert_eq!(shape("ColourConvolution", 3), [1, 1, 26, 26]);
}

#[test]
fn many_input_channels_are_summed() {
    let answer = answer(&operator("many_input_channels", None), &two_channels(3));
    assert_eq!(answer, tensor(&[1, 1, 2, 2], [56.0, 72.0, 104.0, 120.0]));
}

#[test]
fn many_output_channels_have_a_kernel_each() {
    let answer = answer(&operator("many_output_channels", None), &two_channels(3));
    let numbers = [56.0, 72.0, 104.0, 120.0, 76.0, 100.0, 148.0, 172.0, 96.0, 128.0, 192.0, 224.0];
    assert_eq!(answer, tensor(&[1, 3, 2, 2], numbers));
}

#[test]
fn a_one_by_one_convolution_is_a_matrix_product() {
    let convolution = operator("one_by_one", None);
    let product = operator("one_by_one", Some("MatrixProduct"));
    let parameters = Parameters::draw(&convolution.graph, 0).expect("parameters");
    let weight = parameters.iter().next().expect("a weight").1.expect("a weight");
    let mut same = Parameters::draw(&product.graph, 0).expect("parameters");
    let key = product.graph.parameters.first().expect("a weight").path.clone();
    same.insert(key, tensor(&[2, 3], weight.data().iter().copied()));
    let input = cnnc_runtime::random::input("x", &[1, 3, 3, 3], 1);
    let [left, right] = [
        answers(&convolution, &parameters, std::slice::from_ref(&input)).remove(0),
        answers(&product, &same, &[input]).remove(0),
    ];
    let difference: f32 = left.data().iter().zip(right.data()).map(|(a, b)| (a - b).abs()).sum();
    assert!(left.shape() == [1, 2, 3, 3] && right.shape() == [1, 2, 3, 3] && difference < 1e-6, "{difference}");
}

#[test]
fn pooling() {
    let input = counting(&[1, 1, 3, 3]);
    let most = answer(&operator("pooling", Some("MaxPooling")), &input);
    assert_eq!(most, tensor(&[1, 1, 2, 2], [4.0, 5.0, 7.0, 8.0]));
    let mean = answer(&operator("pooling", Some("AveragePooling")), &input);
    assert_eq!(mean, tensor(&[1, 1, 2, 2], [2.0, 3.0, 5.0, 6.0]));
}

#[test]
fn pooling_with_padding_and_stride() {
    let of = |model: &str| answer(&operator("pooling_padding_and_stride", Some(model)), &counting(&[1, 1, 4, 4]));
    assert_eq!(of("WindowStride"), tensor(&[1, 1, 1, 1], [10.0]));
    assert_eq!(of("StridedPooling"), tensor(&[1, 1, 2, 2], [5.0, 7.0, 13.0, 15.0]));
    assert_eq!(of("UnequalPooling"), tensor(&[1, 1, 2, 2], [5.0, 7.0, 13.0, 15.0]));
    let halved = answer(&operator("pooling_padding_and_stride", Some("HalvedBy2x2")), &counting(&[1, 1, 28, 28]));
    assert_eq!(halved.shape(), [1, 1, 14, 14]);
}

#[test]
fn pooling_per_channel() {
    let answer = answer(&operator("pooling_per_channel", None), &two_channels(4));
    assert_eq!(answer, tensor(&[1, 2, 2, 2], [5.0, 7.0, 13.0, 15.0, 6.0, 8.0, 14.0, 16.0]));
}

#[test]
fn average_pooling_is_a_convolution() {
    let input = cnnc_runtime::random::input("x", &[1, 1, 4, 4], 0);
    let pooled = answer(&operator("average_pooling_as_convolution", Some("AveragePooling")), &input);
    let convolved = answer(&operator("average_pooling_as_convolution", Some("PoolingAsConvolution")), &input);
    for (a, b) in pooled.data().iter().zip(convolved.data()) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn fully_connected() {
    let layer = operator("fully_connected", None);
    let weight = layer.graph.parameters.first().expect("a weight");
    assert_eq!(weight.shape, [128, 784]);
    assert_eq!(answer(&layer, &counting(&[1, 784])).shape(), [1, 128]);
}

#[test]
fn a_fractional_stride_doubles_height_and_width() {
    let answer = answer(&operator("fractional_stride", None), &counting(&[1, 1, 5, 7]));
    assert_eq!(answer.shape(), [1, 1, 10, 14]);
}

#[test]
fn softmax_pooling_lies_between_average_and_maximum() {
    let input = cnnc_runtime::random::input("x", &[1, 1, 4, 4], 3);
    let pooled = answer(&operator("softmax_pooling", None), &input);
    for (index, &value) in pooled.data().iter().enumerate() {
        let corner = index / 2 * 8 + index % 2 * 2;
        let window = [0, 1, 4, 5].map(|offset| input.data()[corner + offset]);
        let most = window.into_iter().fold(f32::MIN, f32::max);
        let mean = window.iter().sum::<f32>() / 4.0;
        assert!(mean < value && value < most, "{mean} {value} {most}");
    }
}
