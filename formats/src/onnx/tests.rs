//! Files made here and read again: what becomes of operators, of open sizes, of what cannot be said, and of broken files.

mod attention;
mod pooling;

use super::model::{self, Attribute, Entry, Graph, Model, Node, OperatorSet, Tensor, ValueInfo};
use super::{Imported, NoExternalData, Refusal, import};
use crate::spec::Form;
use bytes::Bytes;
use prost::Message;

/// A tensor of ones, twos, … under a name.
fn tensor(name: &str, dims: &[i64]) -> Tensor {
    let count = dims.iter().product::<i64>();
    let float_data = (0..count).map(|place| (place % 7) as f32 * 0.25 - 0.5).collect();
    Tensor { name: name.into(), dims: dims.to_vec(), data_type: 1, float_data, ..Default::default() }
}

fn ints(name: &str, values: &[i64]) -> Tensor {
    let (dims, int64_data) = (vec![values.len() as i64], values.to_vec());
    Tensor { name: name.into(), dims, data_type: 7, int64_data, ..Default::default() }
}

fn number(name: &str, value: f32) -> Tensor {
    Tensor { name: name.into(), data_type: 1, float_data: vec![value], ..Default::default() }
}

/// `Conv x w b -> y strides=2,2`
fn node(text: &str) -> Node {
    let (values, others) = text.split_once(" -> ").unwrap();
    let mut values = values.split(' ');
    let op_type = values.next().unwrap().to_owned();
    let input = values.map(|name| if name == "_" { String::new() } else { name.into() }).collect();
    let mut others = others.split(' ');
    let output: Vec<String> = others.next().unwrap().split(',').map(Into::into).collect();
    let attribute = others.map(|attribute| {
        let (name, value) = attribute.split_once('=').unwrap();
        let mut made = Attribute { name: name.into(), ..Default::default() };
        let parts: Vec<&str> = value.split(',').filter(|part| !part.is_empty()).collect();
        match (value.parse::<i64>(), value.parse::<f32>()) {
            (Ok(number), _) => (made.i, made.kind) = (number, 2),
            (_, Ok(number)) => (made.f, made.kind) = (number, 1),
            _ if parts.iter().all(|part| part.parse::<i64>().is_ok()) => {
                (made.ints, made.kind) = (parts.iter().map(|part| part.parse().unwrap()).collect(), 7);
            }
            _ => (made.s, made.kind) = (Bytes::copy_from_slice(value.as_bytes()), 3),
        }
        made
    });
    let attribute = attribute.collect();
    Node { name: format!("n_{}", output[0]), op_type, input, output, attribute, ..Default::default() }
}

/// A value; a size that is no number is open.
fn value(name: &str, sizes: &str) -> ValueInfo {
    let dim = sizes.split(',').map(|size| match size.parse() {
        Ok(number) => model::Dimension { dim_value: Some(number), dim_param: None },
        Err(_) => model::Dimension { dim_value: None, dim_param: Some(size.into()) },
    });
    let shape = Some(model::TensorShape { dim: dim.collect() });
    let tensor_type = Some(model::TensorType { elem_type: 1, shape });
    ValueInfo { name: name.into(), r#type: Some(model::Type { tensor_type }) }
}

fn file(version: i64, input: &str, nodes: &[&str], initializer: Vec<Tensor>) -> Model {
    let node: Vec<Node> = nodes.iter().map(|text| node(text)).collect();
    let output = node.last().and_then(|node| node.output.first()).cloned().unwrap_or_default();
    let output = vec![ValueInfo { name: output, r#type: None }];
    let graph = Graph { node, initializer, input: vec![value("x", input)], output, ..Default::default() };
    let opset_import = vec![OperatorSet { domain: String::new(), version }];
    Model { ir_version: 8, graph: Some(graph), opset_import, ..Default::default() }
}

fn read(model: &Model, form: Form) -> Result<Imported, Refusal> {
    import(&model.encode_to_vec().into(), &NoExternalData, "net", form)
}

/// The spec of a file, without its frame.
fn spec(model: &Model) -> String {
    match read(model, Form::Flat) {
        Ok(imported) => imported.written.text,
        Err(refusal) => panic!("{refusal:?}"),
    }
}

fn refusal(model: &Model) -> Vec<String> {
    match read(model, Form::Flat) {
        Err(Refusal::Unsaid(lines)) => lines,
        Err(other) => panic!("{other:?}"),
        Ok(imported) => panic!("{}", imported.written.text),
    }
}

#[test]
fn a_small_network_of_named_weights() {
    let weights = vec![
        tensor("features.0.weight", &[4, 3, 3, 3]),
        tensor("features.0.bias", &[4]),
        tensor("head.weight", &[10, 4]),
        tensor("head.bias", &[10]),
    ];
    let nodes = [
        "Conv x features.0.weight features.0.bias -> a pads=1,1,1,1 strides=2,2",
        "Relu a -> b",
        "GlobalAveragePool b -> c",
        "Flatten c -> d",
        "Gemm d head.weight head.bias -> y transB=1",
    ];
    let model = file(13, "batch,3,height,width", &nodes, weights);
    let expected = "\
model Net {
    input [N, 3, H, W]
    features: { \"0\": Conv2d(4, kernel_size=3, stride=2, padding=1) }; ReLU
    AdaptiveAvgPool2d(1); Flatten
    head: Linear(10)
}
";
    assert_eq!(spec(&model), expected);
    let imported = read(&model, Form::Rolled).unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let keys: Vec<&str> = imported.written.tensors.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["features.0.weight", "features.0.bias", "head.weight", "head.bias"]);
    assert_eq!(imported.written.renamed, []);
    assert!(imported.written.text.contains("features: { Conv2d("), "{}", imported.written.text);
}

#[test]
fn branches_are_found_and_gates_fall_out_of_them() {
    let weights = vec![tensor("fc.weight", &[4, 4, 1, 1]), tensor("conv.weight", &[4, 4, 3, 3])];
    let nodes = [
        "Conv x conv.weight -> a pads=1,1,1,1",
        "GlobalAveragePool a -> b",
        "Conv b fc.weight -> c",
        "Sigmoid c -> d",
        "Mul d a -> e",
        "Add e x -> y",
    ];
    let expected = "\
model Net {
    input [1, 4, 8, 8]
    sum {
        {
            conv: Conv2d(4, kernel_size=3, padding=1, bias=false)
            product {
                { AdaptiveAvgPool2d(1); fc: Conv2d(4, kernel_size=1, bias=false); Sigmoid }
                Identity
            }
        }
        Identity
    }
}
";
    assert_eq!(spec(&file(13, "1,4,8,8", &nodes, weights)), expected);
}

#[test]
fn sizes_that_are_computed_stay_open() {
    let nodes = [
        "Shape x -> s",
        "Gather s zero -> n axis=0",
        "Unsqueeze n axes -> u",
        "Concat u rest -> t axis=0",
        "Reshape x t -> y",
    ];
    let mut zero = ints("zero", &[0]);
    zero.dims.clear();
    let weights = vec![zero, ints("axes", &[0]), ints("rest", &[-1])];
    let text = spec(&file(13, "batch,3,8,8", &nodes, weights));
    assert_eq!(text, "model Net {\n    input [N, 3, 8, 8]\n    Flatten\n}\n");
}

#[test]
fn patterns_become_their_layers() {
    let body = |nodes: &[&str], weights| {
        let text = spec(&file(13, "1,4,6,6", nodes, weights));
        text.lines().skip(2).map(str::trim).filter(|line| *line != "}").collect::<Vec<_>>().join("; ")
    };
    assert_eq!(body(&["Sigmoid x -> a", "Mul x a -> y"], vec![]), "SiLU");
    assert_eq!(body(&["HardSigmoid x -> a alpha=0.16666667 beta=0.5", "Mul x a -> y"], vec![]), "Hardswish");
    let gelu = ["Div x root -> a", "Erf a -> b", "Add b one -> c", "Mul x c -> d", "Mul d half -> y"];
    let numbers = || vec![number("root", std::f32::consts::SQRT_2), number("one", 1.0), number("half", 0.5)];
    assert_eq!(body(&gelu, numbers()), "GELU");
    let shuffle = ["Reshape x apart -> a", "Transpose a -> b perm=0,2,1,3,4", "Reshape b back -> y"];
    let sizes = vec![ints("apart", &[1, 2, 2, 6, 6]), ints("back", &[1, -1, 6, 6])];
    assert_eq!(body(&shuffle, sizes), "ChannelShuffle(2)");
    let norm = [
        "ReduceMean x -> m axes=1 keepdims=1",
        "Sub x m -> c",
        "Pow c two -> s",
        "ReduceMean s -> v axes=1 keepdims=1",
        "Add v eps -> w",
        "Sqrt w -> r",
        "Div c r -> n",
        "Mul n weight -> p",
        "Add p bias -> y",
    ];
    let weights = vec![
        number("two", 2.0),
        number("eps", 1e-6),
        tensor("norm.weight", &[4, 1, 1]),
        tensor("norm.bias", &[4, 1, 1]),
    ];
    let norm: Vec<String> = norm
        .iter()
        .map(|node| {
            node.replace(" weight ", " norm.weight ").replace(" bias ", " norm.bias ").replace("axes=1 ", "axes=1, ")
        })
        .collect();
    let norm: Vec<&str> = norm.iter().map(String::as_str).collect();
    assert_eq!(body(&norm, weights), "norm: LayerNorm2d(eps=1e-6)");
    let weights =
        || vec![number("two", 2.0), number("eps", 1e-6), number("sixth", 1.0 / 6.0), tensor("norm.weight", &[6])];
    let means = ["ReduceMean s -> v axes=3 keepdims=1", "ReduceSum s -> t axes=3 keepdims=1;Mul t sixth -> v"];
    let ends = ["Div x r -> n", "Reciprocal r -> i;Mul x i -> n"];
    for (mean, end) in means.iter().flat_map(|mean| ends.map(|end| (mean, end))) {
        let norm = format!("Pow x two -> s;{mean};Add v eps -> w;Sqrt w -> r;{end}").replace("axes=3 ", "axes=3, ");
        let mut norm: Vec<&str> = norm.split(';').collect();
        norm.push("Mul n norm.weight -> y");
        assert_eq!(body(&norm, weights()), "norm: RMSNorm(eps=1e-6)");
        norm.pop();
        norm.push("Identity n -> y");
        assert_eq!(body(&norm, weights()), "RMSNorm(eps=1e-6, elementwise_affine=false)");
    }
}

#[test]
fn all_that_cannot_be_said_is_named_in_one_run() {
    let nodes = ["Sqrt x -> a", "Det a -> b", "Sin x -> c", "Add a c -> y"];
    let lines = refusal(&file(13, "1,4,6,6", &nodes, vec![]));
    assert_eq!(
        lines,
        [
            "`Det` (set 13), node `n_b`: the language has no word for it",
            "`Sin` (set 13), node `n_c`: the language has no word for it",
        ]
    );
}

#[test]
fn a_table_of_places_that_reads_all_in_order_is_another_shape() {
    let nodes = |by: &'static str| {
        [
            "Shape x -> s start=0 end=1",
            "Squeeze s -> n",
            "GlobalAveragePool x -> m",
            "Reshape m flat -> l",
            "Range nil n one -> r",
            "Mul r four -> t",
            by,
            "Add u table -> v",
            "Gather l v -> y axis=0",
        ]
    };
    let single = |name: &str, value| Tensor { dims: vec![], ..ints(name, &[value]) };
    let table = |dims: Vec<i64>| Tensor { dims, ..ints("table", &[0, 1, 2, 3]) };
    let weights = |dims| {
        let lists = [ints("flat", &[-1]), ints("axis", &[1]), ints("axes", &[1, 2])];
        [single("nil", 0), single("one", 1), single("four", 4), table(dims)].into_iter().chain(lists).collect()
    };
    let text = spec(&file(13, "N,4,6,6", &nodes("Unsqueeze t axes -> u"), weights(vec![1, 2, 2])));
    assert!(text.contains("Reshape((N, 2, 2))"), "{text}");
    // The same numbers, added to themselves turned: no list in order.
    let lines = refusal(&file(13, "N,4,6,6", &nodes("Unsqueeze t axis -> u"), weights(vec![4, 1])));
    assert_eq!(lines, ["`Add` (set 13), node `n_v`: it computes with open sizes where numbers are needed"]);
}

#[test]
fn floats_that_are_whole_stay_floats() {
    let nodes = ["Floor five -> a", "Div a two -> b", "Neg b -> c", "Abs c -> d", "Mul x d -> y"];
    let text = spec(&file(13, "1,4", &nodes, vec![number("five", 5.25), number("two", 2.0)]));
    assert!(text.contains("Identity; 2.5"), "{text}");
    // Where sizes are open, a quotient is rounded as the file says.
    let nodes = |round: &'static str| {
        [
            "Shape x -> s start=2 end=4",
            "Cast s -> t to=1",
            "Div t two -> u",
            round,
            "Cast v -> w to=7",
            "Concat front w -> z axis=0",
        ]
        .into_iter()
        .chain(["Resize x _ _ z -> y coordinate_transformation_mode=asymmetric nearest_mode=floor"])
        .collect::<Vec<_>>()
    };
    let weights = || vec![number("two", 2.0), ints("front", &[1, 3])];
    let up = spec(&file(13, "1,3,H,W", &nodes("Ceil u -> v"), weights()));
    let down = spec(&file(13, "1,3,H,W", &nodes("Floor u -> v"), weights()));
    assert!(up.contains("((H - 1) // 2 + 1") && down.contains("(H // 2, W // 2)"), "{up}{down}");
    let lines = refusal(&file(13, "1,3,H,W", &nodes("Sqrt u -> v"), weights()));
    assert!(lines[0].ends_with("it computes with open sizes where numbers are needed"), "{}", lines[0]);
}

#[test]
fn whole_numbers_are_moved_and_not_computed_with() {
    let of_bytes = |nodes: &[&str]| {
        let mut model = file(13, "1,3,4,4", nodes, vec![]);
        let kind = model.graph.as_mut().unwrap().input[0].r#type.as_mut().unwrap();
        kind.tensor_type.as_mut().unwrap().elem_type = 2;
        model
    };
    let made =
        read(&of_bytes(&["Transpose x -> a perm=0,2,3,1", "Cast a -> b to=1", "Add b b -> y"]), Form::Flat).unwrap();
    assert_eq!(made.notes[0], "1 inputs of whole numbers are given as float32, exact up to 16777216");
    let lines = refusal(&of_bytes(&["Transpose x -> a perm=0,2,3,1", "Add a a -> y"]));
    let why = "it computes with whole numbers, and computations are of float32 here";
    assert_eq!(lines, [format!("`Add` (set 13), node `n_y`: {why}")]);
}

#[test]
fn odd_arguments_are_refused() {
    let reduced = ["ReduceMax w -> a axes=1,1 keepdims=1", "Mul x a -> y"];
    let lines = refusal(&file(13, "1,4", &reduced, vec![tensor("w", &[3, 4])]));
    assert!(lines[0].contains("ReduceMax"), "{lines:?}");
    let least = vec![ints("by", &[0, 0, 0, i64::MIN])];
    assert_eq!(
        refusal(&file(13, "1,4", &["Pad x by -> y"], least)),
        ["`Pad` (set 13), node `n_y`: its pads do not fit its axes"]
    );
    let least = vec![ints("by", &[i64::MIN, 1])];
    let lines = refusal(&file(13, "1,4", &["Add by by -> a", "Reshape x a -> y"], least));
    assert!(lines[0].starts_with("`Add`") || lines[0].starts_with("`Reshape`"), "{lines:?}");
    let lines = refusal(&file(13, "1,6,4,4", &["LRN x -> y size=3 bias=nan"], vec![]));
    assert_eq!(lines, ["`LRN` (set 13), node `n_y`: its k is no finite number"]);
    // What a layer makes of a constant has a parameter under it.
    let text = spec(&file(13, "1,4", &["LeakyRelu w -> a", "Mul x a -> y"], vec![tensor("w", &[4])]));
    assert!(text.contains("Parameter((4,))"), "{text}");
}

#[test]
fn a_small_file_cannot_ask_for_much_work() {
    let mut nodes = vec!["Reshape w column -> c".to_owned()];
    nodes.extend((0..2000).map(|place| format!("Add w c -> s{place}")));
    nodes.push("Add x s0 -> y".into());
    let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
    let model = file(13, "512,512", &nodes, vec![tensor("w", &[512]), ints("column", &[512, 1])]);
    let lines = refusal(&model);
    assert!(lines[0].ends_with("more is computed of tensors than a file of its size is worth"), "{}", lines[0]);
    // Large results of small tensors are not made at all.
    let model = file(13, "4096,4096", &["Reshape w column -> c", "Mul w c -> s", "Add x s -> y"], {
        vec![tensor("w", &[4096]), ints("column", &[4096, 1])]
    });
    assert!(spec(&model).contains("Parameter((4096, 1))"));
}

#[test]
fn a_second_result_is_never_left_out_in_silence() {
    let weights = || vec![number("share", 0.5)];
    let nodes = ["Dropout x share -> a,mask", "Mul x mask -> b", "Add a b -> y"];
    let lines = refusal(&file(13, "1,4,6,6", &nodes, weights()));
    assert_eq!(lines, ["`Mul` (set 13), node `n_b`: it takes a result that has no word, of a node that has one"]);
    let mut model = file(13, "1,4,6,6", &["Dropout x share -> y,mask"], weights());
    model.graph.as_mut().unwrap().output.push(ValueInfo { name: "mask".into(), r#type: None });
    assert_eq!(refusal(&model), ["the output `mask` is a result that has no word, of a node that has one"]);
}

#[test]
fn what_takes_nothing_in_is_no_network() {
    let mut model = file(13, "1,4", &["Elu w -> y"], vec![tensor("w", &[20])]);
    model.graph.as_mut().unwrap().input.clear();
    assert_eq!(refusal(&model), ["nothing comes in, or nothing goes out"]);
}

#[test]
fn padding_is_said_beside_where_a_window_cannot() {
    let conv = |extra: &str| {
        let nodes = [format!("Conv x w -> y {extra}")];
        let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
        let text = spec(&file(13, "1,3,8,8", &nodes, vec![tensor("w", &[4, 3, 3, 3])]));
        text.lines().skip(2).map(str::trim).filter(|line| *line != "}").collect::<Vec<_>>().join("; ")
    };
    let layer = "conv1: Conv2d(4, kernel_size=3, stride=2, bias=false)";
    assert_eq!(
        conv("pads=1,0,1,0 strides=2,2"),
        format!("{}", layer.replace("stride=2, ", "stride=2, padding=(1, 0), "))
    );
    assert_eq!(conv("pads=0,0,1,1 strides=2,2"), format!("ZeroPad2d((0, 1, 0, 1)); {layer}"));
    assert_eq!(conv("auto_pad=SAME_UPPER strides=2,2"), format!("ZeroPad2d((0, 1, 0, 1)); {layer}"));
    assert_eq!(conv("auto_pad=SAME_LOWER strides=2,2"), format!("ZeroPad2d((1, 0, 1, 0)); {layer}"));
}

#[test]
fn equal_pieces_become_blocks_and_runs_of_them_loops() {
    let mut nodes = vec!["Conv x stem.weight -> v0".to_owned()];
    let mut weights = vec![tensor("stem.weight", &[8, 3, 1, 1])];
    for block in 0..5 {
        for conv in 1..3 {
            weights.push(tensor(&format!("layers.{block}.conv{conv}.weight"), &[8, 8, 3, 3]));
        }
        let name = |conv: usize| format!("layers.{block}.conv{conv}.weight");
        let next = block + 1;
        nodes.push(format!("Conv v{block} {} -> a{block} pads=1,1,1,1", name(1)));
        nodes.push(format!("Relu a{block} -> b{block}"));
        nodes.push(format!("Conv b{block} {} -> c{block} pads=1,1,1,1", name(2)));
        nodes.push(format!("Add c{block} v{block} -> v{next}"));
    }
    let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
    let model = file(13, "batch,3,height,width", &nodes, weights);
    let rolled = read(&model, Form::Rolled).unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let expected = "\
block Residual {
    sum {
        {
            conv1: Conv2d(8, kernel_size=3, padding=1, bias=false); ReLU
            conv2: Conv2d(8, kernel_size=3, padding=1, bias=false)
        }
        Identity
    }
}

model Net {
    input [N, 3, H, W]
    stem: Conv2d(8, kernel_size=1, bias=false)
    layers: {
        repeat 5 { Residual }
    }
}
";
    assert_eq!(rolled.written.text, expected);
    let flat = read(&model, Form::Flat).unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let keys = |imported: &Imported| imported.written.tensors.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&rolled), keys(&flat));
}

#[test]
fn broken_files_are_refused() {
    let broken = |bytes: &[u8]| match import(&Bytes::copy_from_slice(bytes), &NoExternalData, "net", Form::Flat) {
        Err(Refusal::Broken(reason)) => reason,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was read"),
    };
    assert_eq!(broken(b""), "holds no graph");
    let model = file(13, "1,3,8,8", &["Conv x w -> y"], vec![tensor("w", &[4, 3, 3, 3])]);
    let whole = model.encode_to_vec();
    let sound = |bytes: Bytes, form| {
        if let Err(Refusal::Fault(reason)) = import(&bytes, &NoExternalData, "net", form) {
            panic!("{reason}");
        }
    };
    for length in 0..whole.len() {
        sound(Bytes::copy_from_slice(&whole[..length]), Form::Flat);
    }
    for place in 0..whole.len() {
        for value in [0, 0x7F, 0xFF] {
            let mut bytes = whole.clone();
            bytes[place] = value;
            sound(bytes.into(), Form::Rolled);
        }
    }
    let old = Model { opset_import: vec![OperatorSet { domain: String::new(), version: 5 }], ..model.clone() };
    assert_eq!(broken(&old.encode_to_vec()), "is written in operator set 5, and 6 to 23 are read");
    let mut outside = model.clone();
    let graph = outside.graph.as_mut().unwrap();
    let entry = Entry { key: "location".into(), value: "../w".into() };
    graph.initializer[0] = Tensor { external_data: vec![entry], data_location: 1, ..tensor("w", &[4, 3, 3, 3]) };
    assert!(broken(&outside.encode_to_vec()).contains("outside of the file's own folder"));
}
