//! What is learnt: the cases of the course, and what steps, batches and dropout count.

use super::*;

#[test]
fn a_kernel_is_learnt_from_an_image_and_its_edges() {
    let order =
        std::fs::read_to_string("../models/operators/learned_kernel.cnn").expect("a model").replace("[N,", "[1,");
    let network = network_of_text(&order);
    let loss = Loss::MeanSquaredError(SumOrMean::Sum);
    let training = Training { loss, ..Training::plain() };
    let parameters: Parameters = [("0.weight".into(), tensor(&[1, 1, 1, 2], [0.2, -0.3]))].into_iter().collect();
    let mut learner = Learner::new(planned(&network, &training, true, Kernels::Fast), &parameters, Kernels::Fast, 1);
    let image = tensor(&[1, 1, 6, 8], (0..48).map(|index| if (2..6).contains(&(index % 8)) { 0.0 } else { 1.0 }));
    let row = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0];
    let edges = tensor(&[1, 1, 6, 7], (0..42).map(|index| row[index % 7]));
    let losses: Vec<f32> = (0..10).map(|_| learner.step(&image, &edges, 0.03)[0]).collect();
    let printed: Vec<f32> = losses.iter().skip(1).step_by(2).copied().collect();
    assert!(printed.is_sorted_by(|a, b| a > b) && printed[4] < 1.0, "{losses:?}");
    let kernel = learner.values("0.weight");
    assert!((kernel[0] - 1.0).abs() < 0.15 && (kernel[1] + 1.0).abs() < 0.15, "{kernel:?}");
}

/// The gradients of a network with the mean squared error against zeros, by name.
fn gradients(network: &ShapedGraph, parameters: &Parameters, input: &Tensor) -> Vec<(String, Vec<f32>)> {
    let graph =
        loss_and_gradients(network, &Bindings::new(), Loss::MeanSquaredError(SumOrMean::Mean)).expect("a graph");
    let plan = Arc::new(plan(&graph, &target(Kernels::Fast)).expect("a plan"));
    let given = |port: &PlanPort| match &*port.name {
        "input" => input.clone(),
        _ => Tensor::zeros(&port.view.shape, port.view.element),
    };
    let inputs: Vec<Tensor> = plan.inputs.iter().map(given).collect();
    let mut engine = Engine::new(plan.clone(), parameters, CpuOptions::default()).expect("an engine");
    let answers = engine.run(&inputs).expect("answers").to_vec();
    plan.outputs.iter().zip(answers).map(|(port, tensor)| (port.name.to_string(), tensor.data().to_vec())).collect()
}

fn of<'a>(gradients: &'a [(String, Vec<f32>)], name: &str) -> Option<&'a [f32]> {
    gradients.iter().find(|(other, _)| other == name).map(|(_, values)| values.as_slice())
}

#[test]
fn gradients_of_both_uses_of_a_tied_layer_are_added() {
    let text = std::fs::read_to_string("../models/tied.cnn").expect("a model").replace("[N,", "[3,");
    let apart = text.replace("tied shared = Linear(8)", "").replace("shared;", "Linear(8);");
    let (tied, apart) = (network_of_text(&text), network_of_text(&apart));
    let input = formula::tensor("input", &[3, 4], &[]);
    let parameters = formula::parameters(&tied.graph, &[]);
    let copied = |path: &Arc<str>| if path.starts_with("4.") { path.replace("4.", "2.") } else { path.to_string() };
    let same: Parameters = apart
        .graph
        .parameters
        .iter()
        .map(|parameter| {
            let tensor = parameters.get(&copied(&parameter.path)).expect("a parameter of the tied network");
            (parameter.path.clone(), Tensor::clone(&tensor))
        })
        .collect();
    let (together, apart) = (gradients(&tied, &parameters, &input), gradients(&apart, &same, &input));
    for name in ["weight", "bias"] {
        let [first, second] = [2, 4].map(|layer| of(&apart, &format!("{layer}.{name}")).expect("a gradient"));
        let sum: Vec<f64> = first.iter().zip(second).map(|(a, b)| f64::from(a + b)).collect();
        let found = of(&together, &format!("2.{name}")).expect("a gradient").iter().map(|&value| f64::from(value));
        assert!(relative_error(found, &sum) < 1e-5);
    }
}

#[test]
fn a_gradient_is_absent_until_something_depends_on_the_parameter() {
    let used =
        network_of_text("model Net {\n    input [2, 3]\n    keep \"start\"\n    Linear(4); ReLU\n    Linear(1)\n}\n");
    let parameters = formula::parameters(&used.graph, &[]);
    let input = formula::tensor("input", &[2, 3], &[]);
    let found = gradients(&used, &parameters, &input);
    assert!(of(&found, "0.weight").is_some() && of(&found, "input").is_some());
    // Inference computes no gradient at all, and a step keeps none: its state holds parameters alone.
    let plan = planned(&used, &Training::plain(), true, Kernels::Fast);
    let paths: Vec<String> = plan.parameters.iter().map(|parameter| parameter.path.to_string()).collect();
    assert_eq!(paths.len(), used.graph.parameters.len());
    assert!(plan.outputs.iter().all(|port| [names::LOSS, names::CORRECT].contains(&&*port.name)));
}

/// A network that a dropout of p = 0.25 and a linear layer of ones make the mean of.
const DROPPED: &str = "model Net {\n    input [64, 100]\n    Dropout(0.25)\n    Linear(1, bias=false)\n}\n";

#[test]
fn dropout_keeps_the_mean_and_draws_anew_each_step() {
    let network = network_of_text(DROPPED);
    let ones: Parameters = [("1.weight".into(), Tensor::filled(&[1, 100], 0.01))].into_iter().collect();
    let training = Training { loss: Loss::MeanSquaredError(SumOrMean::Mean), ..Training::plain() };
    let mut learner = Learner::new(planned(&network, &training, true, Kernels::Fast), &ones, Kernels::Fast, 1);
    let (input, zeros) = (Tensor::filled(&[64, 100], 1.0), Tensor::filled(&[64, 1], 0.0));
    let losses: Vec<f32> = (0..20).map(|_| learner.step(&input, &zeros, 0.0)[0]).collect();
    // A mean of 100 of mean 1 and variance p / (1 − p): its square has the mean 1 + (1/3) / 100.
    let mean = losses.iter().sum::<f32>() / 20.0;
    assert!((mean - 1.0033).abs() < 0.005, "{mean}");
    assert!(losses.windows(2).all(|pair| pair[0] != pair[1]));
    let again = Learner::new(planned(&network, &training, false, Kernels::Fast), &ones, Kernels::Fast, 3)
        .step(&input, &zeros, 0.0)[0];
    assert!((again - losses[0]).abs() < 1e-6, "the same seed and step give the same mask");
}

/// A parameter of an image's shape is written as it lies, whatever lies around it.
#[test]
fn a_parameter_of_an_image_s_shape_is_learnt_beside_blocks_of_channels() {
    for layers in ["product { Identity; Parameter((2, 4, 3, 3)) }", "LayerNorm((2, 4, 3, 3))"] {
        let text = format!("model Net {{\n    input [2, 3, 5, 5]\n    Conv2d(4, kernel_size=3)\n    {layers}\n}}\n");
        let network = network_of_text(&text);
        let training = Training { loss: Loss::MeanSquaredError(SumOrMean::Sum), ..Training::plain() };
        let (input, labels) = (formula::tensor("input", &[2, 3, 5, 5], &[]), formula::tensor("y", &[2, 4, 3, 3], &[]));
        let [fast, reference] = [Kernels::Fast, Kernels::Reference].map(|kernels| {
            let plan = planned(&network, &training, true, kernels);
            let mut learner = Learner::new(plan, &formula::parameters(&network.graph, &[]), kernels, 1);
            learner.step(&input, &labels, 0.01);
            learner
        });
        for parameter in &network.graph.parameters {
            let [fast, reference] = [&fast, &reference].map(|learner| learner.values(&parameter.path));
            assert!(relative_error(fast, &reference) < 1e-5, "{layers}: `{}`", parameter.path);
        }
    }
}

#[test]
fn batches_of_other_sizes_share_a_state() {
    let text =
        |batch: usize| format!("model Net {{\n    input [{batch}, 3]\n    Linear(4); BatchNorm1d; Linear(2)\n}}\n");
    let training = Training { optimiser: Optimiser::Adam(Adam::default()), ..Training::plain() };
    let [large, small] = [8, 3].map(|batch| network_of_text(&text(batch)));
    let parameters = formula::parameters(&large.graph, &[]);
    let mut learner = Learner::new(planned(&large, &training, true, Kernels::Fast), &parameters, Kernels::Fast, 1);
    let labels = |batch: usize| tensor(&[batch], (0..batch).map(|row| (row % 2) as f32));
    learner.step(&formula::tensor("input", &[8, 3], &[]), &labels(8), 0.1);
    let before = learner.state.clone();
    learner.engine =
        TrainingEngine::new(planned(&small, &training, true, Kernels::Fast), &learner.state, CpuOptions::default())
            .expect("an engine");
    learner.step(&formula::tensor("input", &[3, 3], &[]), &labels(3), 0.1);
    assert_eq!(learner.values("1.num_batches_tracked"), [2.0]);
    assert_ne!(learner.values(".exp_avg.0.weight"), [0.0; 12]);
    let kept = before.get("1.num_batches_tracked").expect("a counter");
    assert_eq!(*kept, Tensor::count(1), "a copy of the state stays as it was");
}

/// Past what float32 counts, and past what float64 does.
const LARGE: [u64; 2] = [1 << 24, 1 << 53];

#[test]
fn batches_are_counted_past_what_floats_count() {
    let network = network_of_text("model Net {\n    input [8, 3]\n    Linear(4); BatchNorm1d; Linear(2)\n}\n");
    let training = Training { optimiser: Optimiser::Adam(Adam::default()), ..Training::plain() };
    let labels = tensor(&[8], (0..8).map(|row| (row % 2) as f32));
    let key = "1.num_batches_tracked";
    for large in LARGE {
        for kernels in [Kernels::Reference, Kernels::Fast] {
            let plan = planned(&network, &training, true, kernels);
            let mut learner = Learner::new(plan, &formula::parameters(&network.graph, &[]), kernels, 1);
            learner.state.insert(key, Tensor::count(large));
            learner.steps = large;
            for number in [large + 1, large + 2] {
                assert!(learner.step(&formula::tensor("input", &[8, 3], &[]), &labels, 0.1)[0].is_finite());
                assert_eq!(*learner.state.get(key).expect("a counter"), Tensor::count(number), "{kernels:?}");
            }
        }
    }
}

#[test]
fn dropout_draws_anew_past_what_floats_count() {
    let network = network_of_text(DROPPED);
    let training = Training { loss: Loss::MeanSquaredError(SumOrMean::Mean), ..Training::plain() };
    let (input, labels) = (Tensor::filled(&[64, 100], 1.0), Tensor::filled(&[64, 1], 0.0));
    let mut all = Vec::new();
    for kernels in [Kernels::Reference, Kernels::Fast] {
        let plan = planned(&network, &training, true, kernels);
        let mut learner = Learner::new(plan, &formula::parameters(&network.graph, &[]), kernels, 1);
        // The low halves of the last ones are those of the first.
        let losses: Vec<f32> = [1, 2]
            .into_iter()
            .chain(LARGE.into_iter().flat_map(|large| [large + 1, large + 2]))
            .map(|step| {
                learner.steps = step - 1;
                learner.step(&input, &labels, 0.0)[0]
            })
            .collect();
        for (number, loss) in losses.iter().enumerate() {
            assert!(!losses[..number].contains(loss), "two steps draw alike: {losses:?}");
        }
        all.push(losses.into_iter().map(f64::from).collect::<Vec<f64>>());
    }
    assert!(relative_error(all[1].iter().copied(), &all[0]) < 1e-5, "{all:?}");
}

#[test]
fn validation_counts_what_is_right() {
    let network = network_of_text("model Net {\n    input [4, 3]\n    Identity\n}\n");
    let loss = Loss::cross_entropy(0.0);
    let graph = evaluation(&network, &Bindings::new(), loss).expect("a graph");
    let plan = Arc::new(plan(&graph, &target(Kernels::Fast)).expect("a plan"));
    let mut engine = Engine::new(plan, &Parameters::default(), CpuOptions::default()).expect("an engine");
    // Right; wrong; a tie that the label wins, being first; one that it loses.
    let scores = tensor(&[4, 3], [1.0, 0.0, -1.0, 2.0, 3.0, 0.0, 5.0, 5.0, 1.0, 0.0, 4.0, 4.0]);
    let answers = engine.run(&[scores.clone(), tensor(&[4], [0.0, 0.0, 0.0, 2.0])]).expect("answers").to_vec();
    assert_eq!(answers[0], scores);
    let expected = [0.407_606, 1.349_012, 0.702_208, 0.702_264].iter().sum::<f32>() / 4.0;
    assert!((answers[1].data()[0] - expected).abs() < 1e-4, "{:?}", answers[1]);
    assert_eq!(answers[2].data(), [2.0]);
}

#[test]
fn what_cannot_be_trained_is_said() {
    let refusal = |text: &str, loss: Loss| {
        let network = network_of_text(text);
        let training = Training { loss, ..Training::plain() };
        let error = training_step(&network, &Bindings::new(), &training).unwrap_err();
        assert_eq!(error.code, Code::E403);
        error.message
    };
    let entropy = Loss::cross_entropy(0.0);
    let single = refusal("model Net {\n    input [1, 3]\n    Linear(4); BatchNorm1d; Linear(2)\n}\n", entropy.clone());
    assert_eq!(single, "`1 BatchNorm1d` cannot be trained: 1 value a channel has no variance; a larger batch has one");
    let vector = refusal("model Net {\n    input [7]\n    ReLU\n}\n", entropy.clone());
    assert_eq!(vector, "the cross-entropy wants scores [N, classes] or [N, classes, …], and `output` is [7]");
    let named = refusal("model Net {\n    input step [2, 7]\n    from step\n    ReLU\n}\n", entropy);
    assert_eq!(named, "an input of the network is named `step`, as one of the training step's");
}
