"""Small ONNX files with an input and the output that ONNX Runtime gives, for `cargo test`.

    python3 tests/onnx/cases.py

Writes `tests/onnx/cases/NAME.onnx` and `NAME.safetensors`, which has input and output, a case a row below: nodes in the one-line form
`Operator arguments -> results attribute=value …`, the operator set, the input's sizes as the file has them and as they are run, and
weights drawn from a seed. Made with onnx 1.23.2 and onnxruntime 1.32.0.
"""

import pathlib

import numpy
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).parent / "cases"

# name: (operator set, sizes in the file, sizes that are run, nodes, weights: name -> sizes or values)
CASES = {
    "conv_pads": (13, ["N", 3, "H", "W"], [2, 3, 9, 8], ["Conv x w b -> y pads=1,2,1,2 strides=2,1 dilations=1,2"], {"w": [4, 3, 3, 3], "b": [4]}),
    "conv_same_upper": (9, [1, 3, 8, 7], [1, 3, 8, 7], ["Conv x w -> y auto_pad=SAME_UPPER strides=2,2"], {"w": [4, 3, 3, 3]}),
    "conv_same_lower": (9, [1, 3, 8, 7], [1, 3, 8, 7], ["Conv x w -> y auto_pad=SAME_LOWER strides=2,2"], {"w": [4, 3, 3, 3]}),
    "conv_asymmetric": (11, ["N", 4, 6, 6], [1, 4, 6, 6], ["Conv x w -> y pads=0,1,2,0 group=2"], {"w": [6, 2, 3, 3]}),
    "conv_7x5": (13, [1, 1, 7, 5], [1, 1, 7, 5], ["Conv x w -> y pads=1,0,1,0 strides=2,2 kernel_shape=3,3"], {"w": [1, 1, 3, 3]}),
    "conv1d": (13, ["N", 2, "L"], [2, 2, 11], ["Conv x w b -> y pads=2,2 dilations=2"], {"w": [3, 2, 3], "b": [3]}),
    "conv3d": (13, ["N", 2, 4, 5, 6], [1, 2, 4, 5, 6], ["Conv x w -> y pads=1,1,1,1,1,1"], {"w": [3, 2, 3, 3, 3]}),
    "transposed": (11, ["N", 4, 5, 5], [2, 4, 5, 5], ["ConvTranspose x w b -> y strides=2,2 pads=1,1,1,1 output_padding=1,1"], {"w": [4, 3, 3, 3], "b": [3]}),
    "transposed_cut": (11, [1, 2, 5, 5], [1, 2, 5, 5], ["ConvTranspose x w -> y strides=3,3 pads=0,2,1,0"], {"w": [2, 3, 4, 4]}),
    "transposed_output_shape": (11, [1, 1, 3, 3], [1, 1, 3, 3], ["ConvTranspose x w -> y strides=3,2 output_shape=10,8"], {"w": [1, 2, 3, 3]}),
    "transposed_same": (11, [1, 1, 3, 3], [1, 1, 3, 3], ["ConvTranspose x w -> y strides=2,2 auto_pad=SAME_UPPER"], {"w": [1, 2, 3, 3]}),
    "max_pool_ceil": (12, ["N", 2, "H", "W"], [1, 2, 7, 8], ["MaxPool x -> y kernel_shape=3,3 strides=2,2 pads=1,1,1,1 ceil_mode=1"], {}),
    "max_pool_asymmetric": (12, [1, 2, 7, 8], [1, 2, 7, 8], ["MaxPool x -> y kernel_shape=3,3 strides=2,2 pads=0,0,1,1"], {}),
    "max_pool_dilated": (12, [1, 2, 9, 9], [1, 2, 9, 9], ["MaxPool x -> y kernel_shape=3,3 dilations=2,2"], {}),
    "average_ceil": (19, [1, 1, 5, 5], [1, 1, 5, 5], ["AveragePool x -> y kernel_shape=2,2 strides=2,2 ceil_mode=1"], {}),
    "average_counts": (19, ["N", 2, 6, 6], [2, 2, 6, 6], ["AveragePool x -> y kernel_shape=3,3 strides=2,2 pads=1,1,1,1 count_include_pad=1"], {}),
    "average_counts_not": (11, ["N", 2, 6, 6], [2, 2, 6, 6], ["AveragePool x -> y kernel_shape=3,3 pads=1,1,1,1"], {}),
    "average_asymmetric": (11, [1, 2, 6, 6], [1, 2, 6, 6], ["AveragePool x -> y kernel_shape=2,2 pads=1,0,0,1 count_include_pad=1"], {}),
    "average_asymmetric_counts_not": (11, ["N", 2, 6, 7], [2, 2, 6, 7], ["AveragePool x -> y kernel_shape=3,3 strides=2,2 pads=0,1,2,1"], {}),
    "lp_pool": (18, [1, 2, 6, 6], [1, 2, 6, 6], ["LpPool x -> y kernel_shape=2,2 strides=2,2 p=2"], {}),
    "lp_pool_odd": (18, [1, 2, 6, 6], [1, 2, 6, 6], ["LpPool x -> y kernel_shape=3,2 strides=2,1 pads=1,0,1,0 p=3"], {}),
    "selu_of_others": (13, ["N", 9], [2, 9], ["Selu x -> y alpha=2.0 gamma=3.0"], {}),
    "global_pools": (13, ["N", 3, 5, 5], [2, 3, 5, 5], ["GlobalAveragePool x -> a", "GlobalMaxPool x -> b", "Concat a b -> y axis=1"], {}),
    "batch_norm": (15, ["N", 3, "H", "W"], [2, 3, 4, 4], ["BatchNormalization x s b m v -> y epsilon=0.001"], {"s": [3], "b": [3], "m": [3], "v": numpy.array([0.5, 1.5, 2.0], "f4")}),
    "batch_norm_flat": (9, ["N", 3], [2, 3], ["BatchNormalization x s b m v -> y"], {"s": [3], "b": [3], "m": [3], "v": numpy.array([0.5, 1.5, 2.0], "f4")}),
    "conv_relu_batch_norm": (13, [1, 3, 5, 5], [1, 3, 5, 5], ["Conv x w -> a", "Relu a -> c", "BatchNormalization c s b m v -> y"], {"w": [4, 3, 3, 3], "s": [4], "b": [4], "m": [4], "v": numpy.array([0.5, 1.5, 2.0, 1.0], "f4")}),
    "instance_norm": (13, ["N", 3, 6, 6], [2, 3, 6, 6], ["InstanceNormalization x s b -> y epsilon=0.01"], {"s": [3], "b": [3]}),
    "layer_norm": (17, ["N", 5, 8], [2, 5, 8], ["LayerNormalization x s b -> y axis=-1"], {"s": [8], "b": [8]}),
    "layer_norm_of_two": (17, ["N", 5, 8], [2, 5, 8], ["LayerNormalization x s b -> y axis=1 epsilon=0.0001"], {"s": [5, 8], "b": [5, 8]}),
    "group_norm": (21, ["N", 4, 3, 3], [2, 4, 3, 3], ["GroupNormalization x s b -> y num_groups=2"], {"s": [4], "b": [4]}),
    "group_norm_by_parts": (13, [2, 4, 3, 3], [2, 4, 3, 3], ["Reshape x apart -> a", "InstanceNormalization a one nil -> b", "Reshape b back -> c", "Mul c s -> d", "Add d t -> y"], {"apart": numpy.array([0, 2, -1]), "back": numpy.array([2, 4, 3, 3]), "one": numpy.ones(2, "f4"), "nil": numpy.zeros(2, "f4"), "s": [4, 1, 1], "t": [4, 1, 1]}),
    "lrn": (13, [1, 6, 4, 4], [1, 6, 4, 4], ["LRN x -> y size=5 alpha=0.01 beta=0.6 bias=1.5"], {}),
    "gemm": (13, ["N", 6], [3, 6], ["Gemm x w b -> y transB=1"], {"w": [4, 6], "b": [4]}),
    "gemm_factors": (11, ["N", 6], [3, 6], ["Gemm x w b -> y alpha=0.5 beta=2.0"], {"w": [6, 4], "b": [1, 4]}),
    "gemm_turned": (13, [6, 3], [6, 3], ["Gemm x w b -> y transA=1 transB=1"], {"w": [4, 6], "b": [3, 4]}),
    "matmul_bias": (13, ["N", 5, 6], [2, 5, 6], ["MatMul x w -> a", "Add b a -> y"], {"w": [6, 20], "b": [20]}),
    "matmul_of_values": (13, ["N", 5, 6], [2, 5, 6], ["Transpose x -> t perm=0,2,1", "MatMul x t -> y"], {}),
    "softmax": (13, ["N", 4, 3], [2, 4, 3], ["Softmax x -> y axis=1"], {}),
    "softmax_of_many": (11, [2, 4, 3], [2, 4, 3], ["Softmax x -> y"], {}),
    "clips": (11, ["N", 9], [2, 9], ["Clip x low high -> a", "Clip a low -> y"], {"low": numpy.array(-0.3, "f4"), "high": numpy.array(0.4, "f4")}),
    "activations": (14, ["N", 8], [2, 8], ["LeakyRelu x -> a alpha=0.2", "Elu a -> b alpha=0.7", "Softplus b -> c", "HardSigmoid c -> d", "Selu d -> e", "Tanh e -> f", "ThresholdedRelu f -> g alpha=0.1", "Sigmoid g -> y"], {}),
    "prelu": (9, ["N", 3, 4, 4], [2, 3, 4, 4], ["PRelu x s -> y"], {"s": [3, 1, 1]}),
    "gelu": (20, ["N", 9], [2, 9], ["Gelu x -> a", "Gelu a -> y approximate=tanh"], {}),
    "gelu_by_parts": (13, ["N", 9], [2, 9], ["Div x root -> a", "Erf a -> b", "Add b one -> c", "Mul x c -> d", "Mul d half -> y"], {"root": numpy.array(1.4142135, "f4"), "one": numpy.array(1.0, "f4"), "half": numpy.array(0.5, "f4")}),
    "swishes": (14, ["N", 9], [2, 9], ["Sigmoid x -> a", "Mul a x -> b", "HardSwish b -> c", "Add c three -> d", "Clip d nil six -> e", "Mul c e -> f", "Div f six -> y"], {"three": numpy.array(3.0, "f4"), "nil": numpy.array(0.0, "f4"), "six": numpy.array(6.0, "f4")}),
    "arithmetic": (13, ["N", 3, 4, 4], [2, 3, 4, 4], ["Mul x k -> a", "Sub a x -> b", "Div b two -> c", "Neg c -> d", "Abs d -> e", "Pow e squared -> f", "Max f x -> g", "Min g one -> y"], {"k": [3, 1, 1], "two": numpy.array([2.0], "f4"), "squared": numpy.array(2.0, "f4"), "one": numpy.array(1.0, "f4")}),
    "large_constant": (13, ["N", 3, 4, 4], [2, 3, 4, 4], ["Add x k -> a", "Relu a -> b", "Mul b k -> y"], {"k": [3, 4, 4]}),
    "squeeze_and_excite": (13, ["N", 8, "H", "W"], [2, 8, 5, 4], ["Conv x w -> a pads=1,1,1,1", "ReduceMean a -> b axes=2,3 keepdims=1", "Conv b u -> c", "Relu c -> d", "Conv d v -> e", "Sigmoid e -> f", "Mul f a -> y"], {"w": [8, 8, 3, 3], "u": [2, 8, 1, 1], "v": [8, 2, 1, 1]}),
    "shuffle": (13, ["N", 6, "H", "W"], [2, 6, 3, 4], ["Shape x -> s", "Slice s nil one -> n", "Slice s two four -> p", "Concat n parts p -> t axis=0", "Reshape x t -> a", "Transpose a -> b perm=0,2,1,3,4", "Reshape b s -> y"], {"nil": numpy.array([0]), "one": numpy.array([1]), "two": numpy.array([2]), "four": numpy.array([4]), "parts": numpy.array([3, 2])}),
    "flatten_by_shape": (13, ["N", 3, 4, 4], [2, 3, 4, 4], ["Shape x -> s", "Gather s nil -> n axis=0", "Unsqueeze n axes -> u", "Concat u rest -> t axis=0", "Reshape x t -> y"], {"nil": numpy.array(0), "axes": numpy.array([0]), "rest": numpy.array([-1])}),
    "depth_to_space": (13, ["N", 8, 3, 4], [2, 8, 3, 4], ["DepthToSpace x -> a blocksize=2 mode=CRD", "SpaceToDepth a -> b blocksize=2", "DepthToSpace b -> y blocksize=2"], {}),
    "resize_twice": (13, ["N", 3, "H", "W"], [1, 3, 4, 5], ["Resize x _ k -> y mode=nearest coordinate_transformation_mode=asymmetric nearest_mode=floor"], {"k": numpy.array([1, 1, 2, 2], "f4")}),
    "resize_linear": (13, [1, 3, 5, 4], [1, 3, 5, 4], ["Resize x _ _ s -> y mode=linear coordinate_transformation_mode=pytorch_half_pixel"], {"s": numpy.array([1, 3, 9, 7])}),
    "resize_cubic": (13, [1, 3, 5, 4], [1, 3, 5, 4], ["Resize x _ _ s -> y mode=cubic coordinate_transformation_mode=align_corners"], {"s": numpy.array([1, 3, 9, 7])}),
    "upsample": (9, ["N", 3, 4, 5], [1, 3, 4, 5], ["Upsample x k -> y mode=nearest"], {"k": numpy.array([1, 1, 2, 3], "f4")}),
    "pads": (13, ["N", 3, 5, 4], [1, 3, 5, 4], ["Pad x zeros -> a", "Pad a mirrored -> y mode=reflect"], {"zeros": numpy.array([0, 1, 1, 0, 0, 0, 2, 1]), "mirrored": numpy.array([0, 0, 1, 1, 0, 0, 0, 2])}),
    "pad_edge": (10, [1, 3, 5, 4], [1, 3, 5, 4], ["Pad x -> a mode=edge pads=0,0,1,1,0,0,2,0", "Pad a -> y pads=0,0,0,1,0,0,0,0 value=0.5"], {}),
    "slices": (13, ["N", 6, 7, "W"], [2, 6, 7, 5], ["Slice x starts ends axes steps -> a", "Gather a at -> b axis=1", "Gather b place -> y axis=1"], {"starts": numpy.array([1, -6]), "ends": numpy.array([6, 2**31]), "axes": numpy.array([1, 2]), "steps": numpy.array([1, 2]), "at": numpy.array([0, 2, 3]), "place": numpy.array(1)}),
    "splits": (13, ["N", 6, 4], [2, 6, 4], ["Split x sizes -> a,b axis=1", "Relu a -> c", "Concat b c -> d axis=1", "Split d -> e,f axis=2", "Sub e f -> y"], {"sizes": numpy.array([2, 4])}),
    "expand_and_tile": (13, ["N", 1, 4], [2, 1, 4], ["Expand x sizes -> a", "Tile a often -> b", "Squeeze first ax -> z", "Add b z -> y"], {"sizes": numpy.array([1, 3, 4]), "often": numpy.array([1, 2, 1]), "first": [1, 1, 4], "ax": numpy.array([0])}),
    "reductions": (13, ["N", 3, 4, 4], [2, 3, 4, 4], ["ReduceMean x -> a axes=1 keepdims=1", "ReduceMax x -> b axes=1 keepdims=1", "Concat a b -> c axis=1", "ReduceSum c ax -> d keepdims=0", "ReduceMin d -> y axes=1 keepdims=0"], {"ax": numpy.array([-1])}),
    "dropped": (13, ["N", 5], [2, 5], ["Dropout x share -> a,mask", "Identity a -> b", "Relu b -> y"], {"share": numpy.array(0.3, "f4")}),
    "shared_weight": (13, ["N", 4, 4, 4], [1, 4, 4, 4], ["Conv x w b -> a pads=1,1,1,1", "Relu a -> c", "Conv c w b -> d pads=1,1,1,1", "Add d x -> y"], {"w": [4, 4, 3, 3], "b": [4]}),
    "unet": (13, ["N", 2, "H", "W"], [1, 2, 8, 8], ["Conv x w -> a pads=1,1,1,1", "MaxPool a -> b kernel_shape=2,2 strides=2,2", "Conv b w -> c pads=1,1,1,1", "ConvTranspose c u -> d strides=2,2", "Concat a d -> e axis=1", "Conv e v -> y"], {"w": [2, 2, 3, 3], "u": [2, 3, 2, 2], "v": [1, 5, 1, 1]}),
    "nhwc": (13, ["N", "H", "W", 3], [1, 6, 5, 3], ["Transpose x -> a perm=0,3,1,2", "Conv a w -> b pads=1,1,1,1", "Transpose b -> c perm=0,2,3,1", "Transpose c -> d perm=0,3,1,2", "Relu d -> e", "Transpose e -> y perm=0,2,3,1"], {"w": [4, 3, 3, 3]}),
    "functions": (13, ["N", 6], [2, 6], ["Abs x -> a", "Sqrt a -> b", "Neg b -> c", "Exp c -> d", "Log d -> e", "Erf e -> f", "Abs f -> g", "Pow g power -> h", "Pow h cube -> y"], {"power": numpy.array(1.5, "f4"), "cube": numpy.array(3.0, "f4")}),
    "reductions_of_powers": (13, ["N", 3, 4, 4], [2, 3, 4, 4], ["ReduceL2 x -> a axes=2,3 keepdims=1", "ReduceLogSumExp x -> b axes=2,3 keepdims=1", "Abs x -> z", "ReduceLogSum z -> c axes=2,3 keepdims=1", "ReduceL1 x -> d axes=2,3", "Concat a b c d -> e axis=1", "ReduceLogSumExp e -> y axes=1 keepdims=0"], {}),
    "standardised_weights": (15, ["N", 3, 6, 6], [2, 3, 6, 6], ["Reshape w flat -> a", "BatchNormalization a gain nil m v -> b,means,variances training_mode=1 epsilon=0.0001", "Reshape b back -> c", "Conv x c -> y"], {"w": [4, 3, 3, 3], "flat": numpy.array([1, 4, -1]), "back": numpy.array([4, 3, 3, 3]), "gain": [4], "nil": numpy.zeros(4, "f4"), "m": numpy.zeros(4, "f4"), "v": numpy.ones(4, "f4")}),
    "standardised_by_parts": (13, ["N", 3, 6, 6], [2, 3, 6, 6], ["ReduceMean w -> m axes=1,2,3", "Sub w m -> a", "Pow a two -> b", "ReduceMean b -> c axes=1,2,3", "Add c least -> d", "Sqrt d -> e", "Div a e -> f", "Conv x f -> y"], {"w": [4, 3, 3, 3], "two": numpy.array(2.0, "f4"), "least": numpy.array(0.001, "f4")}),
    "pads_by_parts": (13, ["N", 3, 5, 6], [2, 3, 5, 6], ["Reshape own rows -> a", "Slice a last first nil back -> b", "Transpose b -> c perm=1,0", "Reshape c row -> d", "Pad x d -> y mode=reflect"], {"own": numpy.array([1, 2, 0, 1, 0, 0, 0, 0]), "rows": numpy.array([-1, 2]), "last": numpy.array([-1]), "first": numpy.array([-(2**63) + 1]), "nil": numpy.array([0]), "back": numpy.array([-1]), "row": numpy.array([-1])}),
    "places_by_parts": (13, ["N", 6, 4], [2, 6, 4], ["Range nil three one -> a", "Unsqueeze a last -> b", "Add b steps -> c", "Mul c two -> d", "Less d limit -> e", "Where e d steps -> f", "Gather table f -> g axis=0", "Add x g -> y"], {"nil": numpy.array(0), "three": numpy.array(6), "one": numpy.array(1), "last": numpy.array([1]), "steps": numpy.array([[0, 1, 2, 3]]), "two": numpy.array(2), "limit": numpy.array(9), "table": [9]}),
    "rounded_sizes": (13, ["N", 2, "H", "W"], [2, 2, 5, 7], ["Shape x -> s", "Slice s two four -> p", "Cast p -> q to=1", "Div q halves -> r", "Ceil r -> t", "Cast t -> u to=7", "Slice s zero two -> v", "Concat v u -> z axis=0", "Resize x _ _ z -> y mode=nearest coordinate_transformation_mode=asymmetric nearest_mode=floor"], {"two": numpy.array([2]), "four": numpy.array([4]), "zero": numpy.array([0]), "halves": numpy.array(2.0, "f4")}),
    "resize_row": (13, ["N", 3, 5], [2, 3, 5], ["Resize x _ k -> a mode=nearest coordinate_transformation_mode=asymmetric nearest_mode=floor", "Resize a _ j -> y mode=linear coordinate_transformation_mode=half_pixel"], {"k": numpy.array([1, 1, 2], "f4"), "j": numpy.array([1, 1, 1.5], "f4")}),
    "resize_volume": (13, ["N", 2, 3, 4, 5], [1, 2, 3, 4, 5], ["Resize x _ k -> y mode=nearest coordinate_transformation_mode=asymmetric nearest_mode=floor"], {"k": numpy.array([1, 1, 2, 2, 3], "f4")}),
    "resize_corner": (13, [2, 2, 5, 4], [2, 2, 5, 4], ["Resize x _ _ s -> a mode=linear coordinate_transformation_mode=asymmetric", "Resize a _ _ t -> y mode=nearest coordinate_transformation_mode=align_corners nearest_mode=floor"], {"s": numpy.array([2, 2, 9, 7]), "t": numpy.array([2, 2, 4, 10])}),
    "resize_curves": (18, ["N", 2, 6, 7], [2, 2, 6, 7], ["Resize x _ k -> a mode=cubic cubic_coeff_a=-0.5 exclude_outside=1", "Resize a _ j -> y mode=linear antialias=1"], {"k": numpy.array([1, 1, 1.5, 2], "f4"), "j": numpy.array([1, 1, 0.4, 0.6], "f4")}),
    "resize_region": (13, [1, 2, 5, 4], [1, 2, 5, 4], ["Resize x r _ s -> y mode=linear coordinate_transformation_mode=tf_crop_and_resize extrapolation_value=2.5"], {"r": numpy.array([0, 0, 0.25, -0.2, 1, 1, 0.8, 1.1], "f4"), "s": numpy.array([1, 2, 4, 6])}),
    "upsample_linear": (9, ["N", 2, 3, 4], [2, 2, 3, 4], ["Upsample x k -> y mode=linear"], {"k": numpy.array([1, 1, 2, 3], "f4")}),
    "attention_joined": (13, ["N", 5, 8], [2, 5, 8], ["MatMul x w -> a", "Add a b -> i", "Reshape i apart -> r", "Transpose r -> t perm=2,0,3,1,4", "Gather t nil -> q axis=0", "Gather t one -> k axis=0", "Gather t two -> v axis=0", "Mul q half -> s", "Transpose k -> z perm=0,1,3,2", "MatMul s z -> p", "Softmax p -> c axis=-1", "MatMul c v -> e", "Transpose e -> f perm=0,2,1,3", "Reshape f whole -> g", "MatMul g u -> h", "Add x h -> y"], {"w": [8, 24], "b": [24], "u": [8, 8], "apart": numpy.array([0, 5, 3, 2, 4]), "whole": numpy.array([0, 5, 8]), "nil": numpy.array(0), "one": numpy.array(1), "two": numpy.array(2), "half": numpy.array(0.5, "f4")}),
    "attention_by_head": (13, ["N", 5, 8], [2, 5, 8], ["MatMul x w -> a", "Reshape a apart -> r", "Split r sizes -> q0,k0,v0 axis=3", "Transpose q0 -> q perm=0,2,1,3", "Transpose k0 -> k perm=0,2,3,1", "Transpose v0 -> v perm=0,2,1,3", "MatMul q k -> p", "Div p two -> s", "Softmax s -> c axis=3", "MatMul c v -> e", "Transpose e -> f perm=0,2,1,3", "Reshape f whole -> g", "MatMul g u -> y"], {"w": [8, 24], "u": [8, 8], "apart": numpy.array([0, 5, 2, 12]), "sizes": numpy.array([4, 4, 4]), "whole": numpy.array([0, 5, 8]), "two": numpy.array(2.0, "f4")}),
    "attention_of_three": (13, [5, "N", 8], [5, 3, 8], ["MatMul x w -> q0", "MatMul x k0 -> k1", "Add k1 b -> k2", "MatMul x v0 -> v1", "Reshape q0 apart -> q1", "Reshape k2 apart -> k3", "Reshape v1 apart -> v2", "Transpose q1 -> q perm=1,0,2", "Transpose k3 -> k perm=1,2,0", "Transpose v2 -> v perm=1,0,2", "Mul q root -> q2", "Mul k root -> k4", "MatMul q2 k4 -> p", "Softmax p -> c axis=-1", "MatMul c v -> e", "Transpose e -> f perm=1,0,2", "Reshape f flat -> g", "Gemm g u d -> h transB=1", "Reshape h whole -> y"], {"w": [8, 8], "k0": [8, 8], "b": [8], "v0": [8, 8], "u": [8, 8], "d": [8], "apart": numpy.array([5, -1, 4]), "flat": numpy.array([-1, 8]), "whole": numpy.array([5, -1, 8]), "root": numpy.array(0.70710678, "f4")}),
    "attention_masked": (13, ["N", 5, 8], [2, 5, 8], ["MatMul x w -> a", "Reshape a apart -> r", "Transpose r -> t perm=2,0,3,1,4", "Split t -> q0,k0,v0 axis=0", "Squeeze q0 nil -> q", "Squeeze k0 nil -> k", "Squeeze v0 nil -> v", "Transpose k -> z perm=0,1,3,2", "MatMul q z -> p", "Mul p half -> s", "Add s mask -> m", "Softmax m -> c axis=-1", "MatMul c v -> e", "Transpose e -> f perm=0,2,1,3", "Reshape f whole -> g", "MatMul g u -> y"], {"w": [8, 24], "u": [8, 8], "mask": [2, 5, 5], "apart": numpy.array([0, 5, 3, 2, 4]), "whole": numpy.array([0, 5, 8]), "nil": numpy.array([0]), "half": numpy.array(0.5, "f4")}),
    "attention_of_set_23": (23, ["N", 5, 8], [2, 5, 8], ["MatMul x w -> a", "Split a -> q,k,v axis=2 num_outputs=3", "Attention q k v -> e q_num_heads=2 kv_num_heads=2", "MatMul e u -> y"], {"w": [8, 24], "u": [8, 8]}),
    "attention_of_set_23_masked": (23, ["N", 5, 8], [2, 5, 8], ["MatMul x w -> a", "Attention a x x mask -> y q_num_heads=2 kv_num_heads=2 scale=0.3"], {"w": [8, 8], "mask": [5, 5]}),
    "soft_pool_by_means": (13, ["N", 2, 6, 7], [2, 2, 6, 7], ["Exp x -> a", "Mul a x -> b", "AveragePool b -> c kernel_shape=3,2 strides=2,2 pads=1,0,1,0", "AveragePool a -> d kernel_shape=3,2 strides=2,2 pads=1,0,1,0", "Div c d -> y"], {}),
    "grids": (13, ["N", 2, 9, 12], [2, 2, 9, 12], ["Add x const::across -> a", "Sub a const::down -> b", "Mul b const::plane -> y"], {"const::across": numpy.arange(12, dtype="f4") - 0.5, "const::down": numpy.arange(9, dtype="f4")[:, None] * 8, "const::plane": numpy.full([9, 12], 0.25, "f4")}),
    "spread_over_the_batch": (13, ["N", 4, 3, 5], [2, 4, 3, 5], ["Shape x -> s", "Gather s nil -> n axis=0", "Concat n plane -> t axis=0", "ConstantOfShape t -> z", "Cast z -> z0 to=9", "Not z0 -> z1", "Cast z1 -> o to=1", "CumSum o two -> c", "Unsqueeze c four -> d", "Div d waves -> e", "Sin e -> f", "Cos e -> g", "Concat f g -> h axis=3", "Transpose h -> i perm=0,3,1,2", "Conv i w b -> j", "Reshape j flat -> k", "Reshape x flat -> l", "Add l k -> y"], {"nil": numpy.array([0]), "plane": numpy.array([3, 5]), "two": numpy.array(2), "four": numpy.array([3]), "waves": numpy.array([1.0, 1.8, 3.1], "f4"), "w": [4, 6, 1, 1], "b": [4], "flat": numpy.array([0, 4, 15])}),
}

# What no spec says: written without an answer, into `refused/`.
REFUSED = {
    "two_nodes": (13, ["N", 3, 4, 4], ["Sin x -> a", "Relu a -> b", "Round x -> c", "Add b c -> y"], {}),
    "training": (13, ["N", 3], ["Dropout x share yes -> y"], {"share": numpy.array(0.5, "f4"), "yes": numpy.array(True)}),
}


def attribute(text):
    """name and value of `name=1,2` or `name=0.5` or `name=word`."""
    name, value = text.split("=")
    plural = "," in value or name in ("axes", "pads", "strides", "kernel_shape", "dilations", "perm")
    try:
        numbers = [float(part) if "." in part else int(part) for part in value.split(",")]
        return name, numbers if plural else numbers[0]
    except ValueError:
        return name, value


def model(version, sizes, nodes, weights, generator):
    """The file of a case."""
    made = []
    for text in nodes:
        left, right = text.split(" -> ")
        operator, *arguments = left.split(" ")
        results, *attributes = right.split(" ")
        inputs = ["" if name == "_" else name for name in arguments]
        made.append(helper.make_node(operator, inputs, results.split(","), **dict(map(attribute, attributes))))
    tensors = []
    for name, values in weights.items():
        if isinstance(values, list):
            values = generator.standard_normal(values).astype("f4")
        tensors.append(numpy_helper.from_array(values, name))
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, sizes)]
    wanted = [helper.make_empty_tensor_value_info("y")]
    graph = helper.make_graph(made, "case", given, wanted, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=8)


def main():
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for number, (name, (version, sizes, run, nodes, weights)) in enumerate(CASES.items()):
        generator = numpy.random.default_rng(number)
        made = model(version, sizes, nodes, weights, generator)
        data = made.SerializeToString()
        value = generator.standard_normal(run).astype("f4")
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        answer = session.run(None, {"x": value})[0]
        (FOLDER / f"{name}.onnx").write_bytes(data)
        save_file({"input": value, "output": answer}, FOLDER / f"{name}.safetensors")
    refused = FOLDER.with_name("refused")
    refused.mkdir(exist_ok=True)
    for name, (version, sizes, nodes, weights) in REFUSED.items():
        made = model(version, sizes, nodes, weights, numpy.random.default_rng(0))
        (refused / f"{name}.onnx").write_bytes(made.SerializeToString())
    print(f"{len(CASES)} cases, {sum(file.stat().st_size for file in FOLDER.iterdir())} bytes")


if __name__ == "__main__":
    main()
