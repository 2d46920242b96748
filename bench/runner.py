"""Runs one net in one Python peer: python runner.py PEER NET_DIRECTORY BATCH THREADS.

Comes in: commands, a line each, on standard input: `measure SECONDS`, `answer FILE`. Goes out: a line each on standard output:
`ready`, the median in milliseconds, `written`. Every peer has a process of its own, so that no thread pool disturbs another,
and imports nothing that it does not need, since memory and the time to the first answer are measured on this process too.
"""

import contextlib
import os
import sys
import time

import numpy


def onnxruntime(directory, x, threads):
    """All graph optimisations; input and output bound once, so that a run copies nothing and allocates nothing."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_free_dimension_override_by_name("batch", x.shape[0])
    session = onnxruntime.InferenceSession(f"{directory}/net.onnx", options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(x))
    shape = (x.shape[0], *session.get_outputs()[0].shape[1:])
    output = onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, numpy.float32)
    binding.bind_ortvalue_output("y", output)
    return lambda: session.run_with_iobinding(binding), output.numpy


def openvino(directory, x, threads):
    """The LATENCY hint and float32; input and output shared with numpy."""
    import openvino

    core = openvino.Core()
    model = core.read_model(f"{directory}/net.onnx")
    model.reshape(list(x.shape))
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    request.set_input_tensor(openvino.Tensor(x, shared_memory=True))
    return lambda: request.infer(share_outputs=True), lambda: request.get_output_tensor().data


def samples(directory):
    """The inputs that the peers calibrate on: those of the comparison, one by one. Speed is meant, and no accuracy."""
    return [sample[None] for sample in numpy.load(f"{directory}/input8.npy")]


def onnxruntime_int8(directory, x, threads):
    """As `onnxruntime`, of the net that its own quantiser makes: QDQ, weights by channel, values as uint8 by min and max."""
    import onnxruntime.quantization as quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.samples = iter([{"x": sample} for sample in samples(directory)])

        def get_next(self):
            return next(self.samples, None)

    made = f"{directory}/int8"
    if not os.path.exists(f"{made}/net.onnx"):
        os.makedirs(made, exist_ok=True)
        quant_pre_process(f"{directory}/net.onnx", f"{made}/prepared.onnx", skip_symbolic_shape=True)
        kinds = {"activation_type": quantization.QuantType.QUInt8, "weight_type": quantization.QuantType.QInt8}
        form = quantization.QuantFormat.QDQ
        quantization.quantize_static(
            f"{made}/prepared.onnx", f"{made}/net.onnx", Reader(), quant_format=form, per_channel=True, **kinds
        )
    return onnxruntime(made, x, threads)


def openvino_int8(directory, x, threads):
    """As `openvino`, of the net that NNCF quantises."""
    import logging

    import nncf
    import openvino

    logging.disable(logging.INFO)
    core = openvino.Core()
    model = core.read_model(f"{directory}/net.onnx")
    model.reshape([1, *x.shape[1:]])
    model = nncf.quantize(model, nncf.Dataset(samples(directory)), subset_size=8)
    model.reshape(list(x.shape))
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    request.set_input_tensor(openvino.Tensor(x, shared_memory=True))
    return lambda: request.infer(share_outputs=True), lambda: request.get_output_tensor().data


def torch_net(directory, threads):
    """PyTorch's module with the weights of the directory."""
    import torch

    import nets

    torch.set_num_threads(threads)
    net = nets.build(os.path.basename(directory)).eval()
    net.load_state_dict(torch.load(f"{directory}/state.pt"))
    return torch, net


def eager(directory, x, threads):
    """PyTorch as it comes, in inference mode."""
    torch, net = torch_net(directory, threads)
    return torch_calls(torch, net, torch.from_numpy(x))


def compiled(directory, x, threads):
    """torch.compile with frozen weights, which lets it lay them out as it likes and fold batch norms."""
    torch, net = torch_net(directory, threads)
    import torch._inductor.config

    torch._inductor.config.freezing = True
    return torch_calls(torch, torch.compile(net), torch.from_numpy(x))


def torch_calls(torch, net, x):
    """What runs the module, and what runs it and reads the answer."""

    def run():
        with torch.inference_mode():
            return net(x)

    return run, lambda: run().numpy()


PEERS = {
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "torch": eager,
    "torch.compile": compiled,
    "onnxruntime-int8": onnxruntime_int8,
    "openvino-int8": openvino_int8,
}


def median_ms(run, seconds):
    """The median time of a run: warms up, then runs for so many seconds, and three times at the least."""
    for _ in range(2):
        run()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        before = time.perf_counter()
        run()
        times.append(time.perf_counter() - before)
    return sorted(times)[len(times) // 2] * 1e3


def main(peer, directory, batch, threads):
    """Loads, then serves commands until standard input ends."""
    x = numpy.load(f"{directory}/input{batch}.npy")
    # Quantisers print what they do; standard output is for answers.
    with contextlib.redirect_stdout(sys.stderr):
        run, answer = PEERS[peer](directory, x, int(threads))
    print("ready", flush=True)
    for line in sys.stdin:
        command, value = line.split(maxsplit=1)
        if command == "measure":
            print(median_ms(run, float(value)), flush=True)
        else:
            run()
            numpy.ascontiguousarray(answer(), dtype=numpy.float32).tofile(value.strip())
            print("written", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
