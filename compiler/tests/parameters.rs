//! Parameters of one's own: tied layers, given weights, bare tensors, initialisers.

mod common;
use cnnc_compiler::graph::{Distribution, Fan, Graph, Initialiser, NodeKind};
use cnnc_compiler::resolve::Request;
use common::{check, graph, keys, model, one, request};

/// The parameters of the first operator of that name.
fn uses(graph: &Graph, name: &str) -> Vec<(String, bool)> {
    let node = graph.dag.iter().find_map(|(_, node)| match &node.kind {
        NodeKind::Operator(op) if op.name() == name => Some(node),
        _ => None,
    });
    let uses = node.expect("such a layer").parameters.iter();
    uses.map(|used| (graph.parameter(used.parameter).expect("a parameter").path.to_string(), used.transposed)).collect()
}

fn start<'g>(graph: &'g Graph, key: &str) -> &'g Initialiser {
    &graph.parameters.iter().find(|parameter| &*parameter.path == key).expect("such a key").initialiser
}

fn aliases(graph: &Graph) -> Vec<String> {
    let all = graph.parameters.iter().flat_map(|parameter| &parameter.aliases);
    all.map(ToString::to_string).collect()
}

#[test]
fn a_tied_layer_has_one_set_of_parameters() {
    let graph = graph("model M { input [N, 8]; tied shared = Linear(8); shared; ReLU; shared; last: shared }");
    assert_eq!(keys(&graph), ["0.weight", "0.bias"]);
    assert_eq!(aliases(&graph), ["2.weight", "last.weight", "2.bias", "last.bias"]);
}

#[test]
fn a_tied_layer_goes_through_loops_and_arguments() {
    let text = "block B(layer: layer) { layer; ReLU }
        model M { input [N, 8]; tied shared = Linear(8); repeat 2 { shared }; B(shared) }";
    let graph = graph(text);
    assert_eq!(keys(&graph), ["0.weight", "0.bias"]);
    assert_eq!(aliases(&graph), ["1.weight", "2.0.weight", "1.bias", "2.0.bias"]);
}

#[test]
fn a_block_can_be_tied_with_tied_layers_in_it() {
    let text = "block Encoder { tied inner = Linear(8, bias=false); inner; inner; out: Linear(4, bias=false) }
        model M {
            input left [N, 8]
            input right [N, 8]
            tied encoder = Encoder
            concat { { from left; encoder }; { from right; second: encoder } }
        }";
    let graph = graph(text);
    assert_eq!(keys(&graph), ["0.0.weight", "0.out.weight"]);
    assert_eq!(aliases(&graph), ["0.1.weight", "second.0.weight", "second.1.weight", "second.out.weight"]);
}

#[test]
fn tied_layers_on_different_sizes_are_refused() {
    let outcome = check("model M { input [N, 8]\ntied shared = Linear(4)\nshared; shared }");
    assert_eq!(outcome.codes(), ["E222 3:9"], "{}", outcome.said());
    assert_eq!(check("model M { input [N, 8]; tied shared = Linear(8); shared(4) }").codes(), ["E206 1:50"]);
    assert_eq!(check("model M { input [N, 8]; tied shared = Linaer(8); shared }").codes(), ["E201 1:39"]);
    assert_eq!(check("model M { input [N, 8]; tied shared = Linear(x); ReLU }").codes(), ["E202 1:46"]);
}

#[test]
fn another_layers_weight_may_be_used() {
    let graph = graph("model M { input [N, 8]; encode: Linear(4, bias=false); Linear(8, weight=encode.weight.T) }");
    assert_eq!(keys(&graph), ["encode.weight", "1.bias"]);
    assert!(aliases(&graph).is_empty());
    let last = graph.dag.iter().last().unwrap().1;
    assert!(last.parameters[0].transposed && !last.parameters[1].transposed);
    let plain = common::graph(
        "model M { input [N, 8]; a: { x: Linear(8); Linear(8) }; Linear(8, bias=false, weight=a.x.weight); Linear(8, weight=a[1].weight, bias=a.x.bias) }",
    );
    assert_eq!(aliases(&plain), ["1.weight", "2.bias", "2.weight"]);
}

#[test]
fn what_is_wrong_with_other_layers_weights() {
    let codes = |arguments: &str| {
        check(&format!("model M {{ input [N, 8]\nencode: Linear(4)\nLinear(8, {arguments}) }}")).codes()
    };
    assert_eq!(codes("weight=encode.weight.T"), Vec::<String>::new());
    assert_eq!(codes("weight=encode.weight"), ["E222 3:18"]);
    assert_eq!(codes("weight=encode.wieght.T"), ["E202 3:25"]);
    assert_eq!(codes("weight=encod.weight.T"), ["E202 3:18"]);
    assert_eq!(codes("weight=encode.bias.T"), ["E222 3:18"]);
    assert_eq!(codes("weight=encode.weight.X"), ["E202 3:32"]);
    assert_eq!(codes("weight=encode.bias"), ["E222 3:18"]);
    assert_eq!(codes("bias=false, bias=[1]"), ["E207 3:23"]);
    assert_eq!(codes("wight=encode.weight.T"), ["E203 3:11"]);
    let outcome = check("model M { input [N, 8]\nencode: Linear(4)\nLinear(8, weight=encode.weight) }");
    assert_eq!(outcome.problems[0].fixes[0].edits[0].replacement, ".T");
}

#[test]
fn constants_fit_with_leading_axes_left_out() {
    let text = model(
        "Conv2d(1, kernel_size=2, bias=[0.5], weight=[plane for planes in [[[[0, 1], [2, 3]], [[1, 2], [3, 4]]], zeros(14, 2, 2)] for plane in planes])",
    );
    let graph = graph(&text);
    assert!(matches!(start(&graph, "0.weight"), Initialiser::Values(values) if values.len() == 64 && values[3] == 3.0));
    assert!(matches!(start(&graph, "0.bias"), Initialiser::Values(values) if **values == [0.5]));
    let codes =
        |weight: &str| check(&format!("model M {{ input [N, 1, 4, 4]\nConv2d(1, 2, weight={weight}) }}")).codes();
    assert_eq!(codes("[[0, 1], [2, 3]]"), Vec::<String>::new());
    assert_eq!(codes("[[0, 1, 2]]"), ["E222 2:21"]);
    assert_eq!(codes("[[0, 1], [2]]"), ["E222 2:21"]);
    assert_eq!(codes("[[0, 1], 2]"), ["E222 2:21"]);
    assert_eq!(codes("[[0, 1], [2, true]]"), ["E222 2:21"]);
    assert_eq!(codes("ReLU"), ["E222 2:21"]);
    assert_eq!(
        check("model M { input [N, 1, 4, 4]\nConv2d(1, 2, bias=false, weight=[[0, 1], [2, 3]], bias=[1]) }").codes(),
        ["E207 2:51"]
    );
    assert_eq!(
        check("model M { input [N, 4, 4, 4]\nBatchNorm2d(affine=false, weight=[1, 2, 3, 4]) }").codes(),
        ["E222 2:34"]
    );
}

#[test]
fn schemes_speak_of_weights_and_bias_of_biases() {
    let body = "stem: { Conv2d(4, kernel_size=3); BatchNorm2d }\nFlatten\nLinear(2)
        init Conv2d, Linear: xavier_uniform
        init \"2\": normal(std=0.01, bias=0.5)
        init \"stem.0.bias\": constant(7)";
    let graph = graph(&model(body));
    assert_eq!(start(&graph, "stem.0.weight"), &Initialiser::xavier_uniform(1.0));
    assert_eq!(start(&graph, "stem.0.bias"), &Initialiser::Constant(7.0));
    assert_eq!(start(&graph, "2.weight"), &Initialiser::Normal { mean: 0.0, std: 0.01 });
    assert_eq!(start(&graph, "2.bias"), &Initialiser::Constant(0.5));
    assert_eq!(start(&graph, "stem.1.weight"), &Initialiser::Constant(1.0));
}

#[test]
fn the_last_rule_that_fits_wins() {
    let graph = graph(&model(
        "init Conv2d: ones\nConv2d(4, kernel_size=1)\nConv2d(4, kernel_size=1)\ninit \"1\": zeros\ninit Conv2d: uniform(0.5)\ninit \"0\": constant(3)",
    ));
    assert_eq!(start(&graph, "0.weight"), &Initialiser::Constant(3.0));
    assert_eq!(start(&graph, "1.weight"), &Initialiser::Uniform { bound: 0.5 });
}

#[test]
fn a_group_or_block_is_all_layers_below_it() {
    let text = format!(
        "block B {{ Conv2d(4, kernel_size=1); init Conv2d: ones }}\n{}",
        model(
            "a: { B; B }\nb: B\nConv2d(2, kernel_size=1)\ninit \"a\": constant(2)\ninit \"2\": zeros\n init B: constant(5, bias=1)"
        )
    );
    let graph = graph(&text);
    assert_eq!(start(&graph, "a.1.0.weight"), &Initialiser::Constant(5.0));
    assert_eq!(start(&graph, "b.0.bias"), &Initialiser::Constant(1.0));
    assert_eq!(start(&graph, "2.weight"), &Initialiser::Constant(0.0));
    let mixed =
        common::graph(&model("g: { Conv2d(4, kernel_size=1); BatchNorm2d }\ninit \"g\": xavier_uniform(gain=2)"));
    assert_eq!(start(&mixed, "g.0.weight"), &Initialiser::xavier_uniform(2.0));
    assert_eq!(start(&mixed, "g.1.weight"), &Initialiser::Constant(1.0));
}

#[test]
fn given_weights_stay() {
    let graph = graph("model M { input [N, 2]; Linear(1, weight=[[3, 4]]); init Linear: ones }");
    assert!(matches!(start(&graph, "0.weight"), Initialiser::Values(_)));
}

#[test]
fn what_is_wrong_with_init() {
    let codes = |init: &str| {
        check(&model(&format!("stem: {{ Conv2d(4, kernel_size=1) }}\nBatchNorm2d\nReLU\ninit {init}"))).codes()
    };
    assert_eq!(codes("Linear: ones"), ["E221 6:6"]);
    assert_eq!(codes("Linear, Conv2d: ones"), [""; 0]);
    assert_eq!(codes("Linear, PReLU: ones"), ["E221 6:6", "E221 6:14"]);
    assert_eq!(codes("Conv2D: ones"), ["E221 6:6"]);
    assert_eq!(codes("\"stm\": ones"), ["E221 6:6"]);
    assert_eq!(codes("Conv2d: xavier"), ["E221 6:14"]);
    assert_eq!(codes("BatchNorm2d: xavier_uniform"), ["E221 6:6"]);
    assert_eq!(codes("\"2\": ones"), ["E221 6:6"]);
    assert_eq!(codes("\"1.weight\": xavier_uniform"), ["E221 6:6"]);
    assert_eq!(codes("Conv2d: normal(sdt=1)"), ["E203 6:21"]);
    assert_eq!(codes("Conv2d: constant"), ["E204 6:14"]);
    assert_eq!(codes("Conv2d: constant(\"a\")"), ["E205 6:23"]);
    assert_eq!(codes("Conv2d: ones(1)"), ["E207 6:19"]);
    let near = check(&model("stem: { Conv2d(4, kernel_size=1) }\ninit \"stem.1\": ones"));
    assert_eq!(near.problems[0].fixes[0].edits[0].replacement, "\"stem.0\"");
}

#[test]
fn labels_are_a_list_or_a_file() {
    let files = |labels: &str| {
        common::several(&[
            (
                "main.cnn",
                &format!("model M(k: int = 2) {{ input [N, 3]\nlabels {labels}\nLinear(k) }}\nmodel K = M(k=3)"),
            ),
            ("classes.txt", "cat\r\ndog\n\n"),
        ])
    };
    let outcome = common::check_in(&files("\"classes.txt\""));
    assert_eq!(outcome.graphs[0].graph.labels.as_deref().unwrap(), ["cat", "dog"], "{}", outcome.said());
    assert!(outcome.graphs[1].graph.labels.is_none());
    assert_eq!(common::check_in(&files("\"nothing.txt\"")).codes(), ["E224 2:8"]);
    assert_eq!(common::check_in(&files("[1, 2]")).codes(), ["E224 2:8"]);
    assert_eq!(common::check_in(&files("[]")).codes(), ["E224 2:8"]);
    assert_eq!(common::check_in(&files("[\"a\", \"b\", \"c\"]")).codes(), ["E224 2:8"]);
    assert_eq!(check(&model("labels [\"a\"]\nlabels [\"b\"]")).codes(), ["E224 4:8"]);
    assert_eq!(check("block B { labels [\"a\"]; ReLU }").codes(), ["E224 1:11"]);
}

#[test]
fn pictures_become_inputs() {
    let image = |arguments: &str| check(&format!("model M {{ input [N, 3, 8, 8] image{arguments}\nReLU }}"));
    let outcome = image("(resize=256, crop=(224, 200), scale=1, mean=[1, 2, 3], std=0.5)");
    let transform = outcome.graphs[0].graph.inputs[0].image.clone().unwrap();
    assert_eq!((transform.resize, transform.crop, transform.scale), (Some(256), Some([224, 200]), 1.0));
    assert_eq!((transform.mean, transform.std), (vec![1.0, 2.0, 3.0], vec![0.5]));
    assert_eq!(image("").graphs[0].graph.inputs[0].image.as_ref().unwrap().scale, 1.0 / 255.0);
    let bicubic = image("(resize=8, interpolation=\"bicubic\")");
    let steps = bicubic.graphs[0].graph.inputs[0].image.clone().unwrap();
    assert_eq!(steps.interpolation, cnnc_compiler::graph::Interpolation::Bicubic);
    assert_eq!(image("(resize=8, interpolation=\"cubic\")").codes(), ["E205 1:60"]);
    assert_eq!(image("(resise=3)").codes(), ["E203 1:36"]);
    assert_eq!(image("(resize=0.5)").codes(), ["E205 1:43"]);
    assert_eq!(image("(std=0)").codes(), ["E205 1:40"]);
    assert_eq!(check("model M { input [N, 3] image(resize=3)\nReLU }").codes(), ["E223 1:24"]);
    assert_eq!(check("block B { input [N, 3, 8, 8] image(resize=3)\nReLU }").codes(), ["E223 1:30"]);
}

#[test]
fn first_uses_name_parameters_in_text_order() {
    let graph = graph("model M { input [N, 8]; sum { b: Linear(8, bias=false); a: Linear(8, bias=false) } }");
    assert_eq!(keys(&graph), ["b.weight", "a.weight"]);
    assert_eq!(uses(&graph, "Linear"), [("b.weight".to_owned(), false)]);
}

#[test]
fn schemes_take_pytorch_s_arguments() {
    let graph = graph(&model(
        "Conv2d(4, kernel_size=3)\nFlatten\nLinear(2)\ninit \"0\": kaiming_normal(mode=\"fan_out\", nonlinearity=\"relu\")
        init Linear: trunc_normal(std=0.02, bias=0)",
    ));
    let scaled = Initialiser::Scaled { distribution: Distribution::Normal, fan: Fan::Out, gain: 2f64.sqrt() };
    assert_eq!(start(&graph, "0.weight"), &scaled);
    let cut = Initialiser::TruncatedNormal { mean: 0.0, std: 0.02, low: -2.0, high: 2.0 };
    assert_eq!(start(&graph, "2.weight"), &cut);
    assert_eq!(start(&graph, "2.bias"), &Initialiser::Constant(0.0));
    let codes = |scheme: &str| check(&model(&format!("Conv2d(4, kernel_size=1)\ninit Conv2d: {scheme}"))).codes();
    assert_eq!(codes("kaiming_uniform(a=0.1, nonlinearity=\"leaky_relu\")"), Vec::<String>::new());
    assert_eq!(codes("kaiming_uniform(mode=\"fan_inn\")"), ["E205 4:35"]);
    assert_eq!(codes("kaiming_uniform(mode=1)"), ["E205 4:35"]);
    assert_eq!(codes("normal(std=-1)"), ["E205 4:25"]);
    assert_eq!(codes("orthogonal(1, 2)"), ["E207 4:28"]);
}

#[test]
fn a_pattern_sets_all_paths_that_fit() {
    let graph = graph(&model(
        "a: { Conv2d(4, kernel_size=1); Conv2d(4, kernel_size=1) }\nb: { Conv2d(4, kernel_size=1) }\ninit \"*.0\": ones\ninit \"*.bias\": constant(3)",
    ));
    for (path, number) in [("a.0.weight", 1.0), ("b.0.weight", 1.0), ("a.1.bias", 3.0), ("b.0.bias", 3.0)] {
        assert_eq!(start(&graph, path), &Initialiser::Constant(number), "{path}");
    }
    assert!(matches!(start(&graph, "a.1.weight"), Initialiser::Uniform { .. }));
    assert_eq!(check(&model("ReLU\ninit \"x*\": ones")).codes(), ["E221 4:6"]);
}

#[test]
fn an_init_is_content_if_one_of_its_types_is_there() {
    let codes = |text: &str| check(text).codes();
    // A later `init` wins, and the types of the one before are there all the same.
    assert_eq!(codes(&model("Conv2d(4, 1)\ninit Conv2d, Linear: ones\ninit Conv2d: zeros")), [""; 0]);
    let block = "block Maybe(linear: bool) { if linear { Linear(3) }; init Linear: ones }\n";
    let calls = |calls: &str| format!("{block}model M {{ input [N, 4]; {calls} }}");
    assert_eq!(codes(&calls("Maybe(false); Maybe(true)")), [""; 0]);
    assert_eq!(codes(&calls("Maybe(false); Maybe(false)")), ["E221 1:59"]);
    // A path is another target, and what one statement finds is nothing to the next.
    assert_eq!(codes(&model("a: Conv2d(4, 1)\ninit Linear, \"a\": ones")), ["E221 4:6"]);
    assert_eq!(codes(&model("Conv2d(4, 1)\ninit Conv2d, Linear: ones\ninit Linear, PReLU: ones")).len(), 2);
}

#[test]
fn initialisers_from_outside_come_last() {
    let text = format!("# a model\n{}", model("Conv2d(4, kernel_size=1)\ninit Conv2d: ones"));
    let with = |init: &[(&str, &str)]| {
        let init = init.iter().map(|(targets, scheme)| ((*targets).to_owned(), (*scheme).to_owned())).collect();
        request(&one(&text), &Request { init, ..Request::default() })
    };
    let checked = with(&[("Conv2d, \"0\"", "constant(4)"), ("\"0.bias\"", "zeros")]);
    let graph = &checked.graphs[0].graph;
    assert_eq!(start(graph, "0.weight"), &Initialiser::Constant(4.0));
    assert_eq!(start(graph, "0.bias"), &Initialiser::Constant(0.0));
    assert_eq!(with(&[("Conv2d", "ones\nReLU")]).codes().len(), 1);
    assert_eq!(with(&[("Conv2d", "ones"), ("Linear", "ones")]).codes(), ["E221 3:6"]);
}
