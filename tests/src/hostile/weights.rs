//! Weights in files, read for a small network.

use super::{Verdict, folder, put, refused_file};
use crate::network_of_text;
use cnnc_compiler::graph::ShapedGraph;
use cnnc_runtime::cpu::{Cpu, CpuOptions, Engine};
use cnnc_runtime::import::{Library, Options, import};
use cnnc_runtime::{Backend, Model, Parameters, Weights, WeightsOptions, convert_file, weights};
use safetensors::SafeTensors;
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

/// Weights of several axes, running statistics, a counter.
static NETWORK: LazyLock<ShapedGraph> = LazyLock::new(|| network_of_text(SPEC));
const SPEC: &str =
    "model M(classes: int = 3) { input [1, 1, 3, 3]; Conv2d(2, kernel_size=2); BatchNorm2d; Flatten; Linear(classes) }";

/// The file in bytes that begin with its header's text, up to the first line's end: a fuzzer changes that and keeps a length that
/// fits. Any other bytes are the file themselves.
pub fn with_length(bytes: &[u8]) -> Cow<'_, [u8]> {
    let header = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if !header.starts_with(b"{\"") {
        return Cow::Borrowed(bytes);
    }
    let data = bytes.get(header.len() + 1..).unwrap_or_default();
    let length = header.len().next_multiple_of(8);
    let padded = header.iter().copied().chain(std::iter::repeat_n(b' ', length - header.len()));
    Cow::Owned((length as u64).to_le_bytes().into_iter().chain(padded).chain(data.iter().copied()).collect())
}

/// Reads a file of weights from the disk and from memory, which must be the same, and prepares an engine with them.
pub fn safetensors(bytes: &[u8]) -> Verdict {
    read_both_ways("weights.safetensors", &with_length(bytes))
}

/// As [`safetensors()`], a checkpoint of PyTorch; what can be read of it without a network can be written, and where it is the
/// network's, with nothing besides, it is imported.
pub fn pytorch(bytes: &[u8]) -> Verdict {
    let folder = folder();
    let path = put(&folder, "weights.pth", bytes);
    let out = folder.path().join("weights.safetensors");
    let is_whole = match convert_file(&path, &out, &WeightsOptions::default()) {
        Ok(converted) => {
            let written = std::fs::read(&out).expect("the file");
            assert!(written.len() as u64 >= converted.bytes, "{} bytes of {}", written.len(), converted.bytes);
            let tensors = SafeTensors::deserialize(&written).expect("weights");
            let key = |name: &str| name.strip_prefix("module.").unwrap_or(name).to_owned();
            let is_known = |name: &str| NETWORK.graph.parameters.iter().any(|known| *known.path == key(name));
            tensors.names().into_iter().all(is_known)
        }
        Err(refused) => {
            refused_file(&refused, &path);
            assert!(!out.exists(), "half a file was written");
            true
        }
    };
    let verdict = read_both_ways("weights.pth", bytes);
    let spec = folder.path().join("net.cnn");
    let options = Options { library: Library(&[("net.cnn", SPEC)]), force: true, ..Options::default() };
    match import(&path, &spec, &options) {
        Ok(made) => {
            let model = Model::from_file(&made.spec).expect("a spec that was compiled");
            Weights::from_file(made.weights.expect("weights"), &model).expect("the weights of the spec");
        }
        Err(problem) => {
            refused_file(&problem, &path);
            assert!(verdict == Verdict::Refused || !is_whole, "weights that fit the network are imported");
        }
    }
    verdict
}

fn read_both_ways(name: &str, bytes: &[u8]) -> Verdict {
    let graph = &NETWORK.graph;
    let folder = folder();
    let path = put(&folder, name, bytes);
    let mut verdict = Verdict::Refused;
    for prefix in ["", "module."] {
        let (mapped, held) = (weights::load(&path, graph, prefix), weights::load_bytes(&path, bytes, graph, prefix));
        match (mapped, held) {
            (Ok(mapped), Ok(held)) => {
                for parameter in &graph.parameters {
                    let values = |of: &Parameters| -> Vec<u64> {
                        let tensor = of.get(&parameter.path).expect("a parameter of the network");
                        assert_eq!((tensor.shape(), tensor.element()), (&*parameter.shape, parameter.element()));
                        match tensor.counts() {
                            Some(counts) => counts.to_vec(),
                            None => tensor.data().iter().map(|value| value.to_bits().into()).collect(),
                        }
                    };
                    assert_eq!(values(&mapped), values(&held), "{}", parameter.path);
                }
                prepare(&mapped);
                verdict = Verdict::Taken;
            }
            (Err(mapped), Err(held)) => {
                // Of two tensors in one place either may be named: the header's entries have no order.
                assert_eq!(mapped.code, held.code, "{} and {}", mapped.message, held.message);
                refused_file(&mapped, &path);
            }
            (mapped, held) => panic!("from the disk {mapped:?}, from memory {held:?}"),
        }
    }
    verdict
}

fn prepare(parameters: &Parameters) {
    let cpu = Cpu::new(CpuOptions { threads: 1, ..CpuOptions::default() });
    let (plan, _) = cnnc_compiler::compile(&NETWORK, &Default::default(), &cpu.target()).expect("a plan");
    Engine::new(Arc::new(plan), parameters, *cpu.options()).expect("an engine");
}

/// A file of weights that cnnc wrote, for the network.
pub fn weights_of_a_network() -> Vec<u8> {
    let folder = folder();
    let path = folder.path().join("weights.safetensors");
    let parameters = Parameters::draw(&NETWORK.graph, 0).expect("parameters");
    weights::save(&path, &parameters, &[("format", "pt")]).expect("a file");
    std::fs::read(&path).expect("the file")
}
