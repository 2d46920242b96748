"""Keras networks through tf2onnx, for `networks.py`.

    python3 tests/onnx/keras_networks.py FOLDER
    python3 tests/onnx/networks.py --cnnc target/release/cnnc --keep FOLDER keras_mobilenet keras_mobilenet_v2 keras_resnet50 keras_xception

Writes `FOLDER/script/NAME/net.onnx`, with weights of a seed and an open batch, and two pictures beside it. Pictures are `[N, H, W, C]`,
as TensorFlow has them. Needs tensorflow and tf2onnx; made with tensorflow 2.21.0, Keras 3.15.1 and tf2onnx 1.17.0.
"""

import pathlib
import sys

import keras
import numpy
import tensorflow
import tf2onnx

NETWORKS = {
    "keras_mobilenet": keras.applications.MobileNet,
    "keras_mobilenet_v2": keras.applications.MobileNetV2,
    "keras_resnet50": keras.applications.ResNet50,
    "keras_xception": keras.applications.Xception,
}


def settle(model, generator):
    """Running statistics as after training."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(generator.standard_normal(layer.moving_mean.shape) * 0.1)
            layer.moving_variance.assign(generator.random(layer.moving_variance.shape) * 0.4 + 0.8)


def main():
    for name, make in NETWORKS.items():
        keras.utils.set_random_seed(0)
        generator = numpy.random.default_rng(1)
        model = make(weights=None, input_shape=(96, 96, 3))
        settle(model, generator)
        folder = pathlib.Path(sys.argv[1]) / "script" / name
        folder.mkdir(parents=True, exist_ok=True)
        signature = [tensorflow.TensorSpec([None, 96, 96, 3], tensorflow.float32, name="input")]
        function = tensorflow.function(lambda x: model(x, training=False), input_signature=signature)
        tf2onnx.convert.from_function(function, input_signature=signature, opset=15, output_path=str(folder / "net.onnx"))
        numpy.save(folder / "in.npy", generator.standard_normal((2, 96, 96, 3)).astype("f4"))
        print(name, flush=True)


if __name__ == "__main__":
    main()
