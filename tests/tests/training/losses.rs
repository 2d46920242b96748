//! Losses against PyTorch's and torchvision's (`reference/losses.py`): over several steps, and of scores as large as can be,
//! their gradients too. Resting at 0, and exponents below 1, where a power has no slope at 0.

use super::*;
use cnnc_compiler::training::{BinaryCrossEntropy, BinaryFocal, ClassWeights, CrossEntropy};

/// What float32 may differ by from float64, as a share of the largest element: a few roundings of a step.
const ROUNDING: f64 = 1e-6;
const LABELS: [f32; 5] = [0.0, 1.0, 2.0, 3.0, 0.0];
const SEVERAL: [f32; 20] = [1., 0., 0., 1., 0., 0., 0., 0., 1., 1., 1., 1., 0., 1., 0., 0., 0., 0., 1., 1.];
const SCORES: [f32; 20] = [
    1e4, -1e4, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1e4, -1e4, -1e4, -1e4, 100.0, 20.0, -20.0, -100.0, 88.0, 1e4, -88.0, 0.5,
];

/// The loss of a case, and what it compares with.
fn loss_and_labels(case: &Value) -> (Loss, Tensor) {
    let number = |key: &str| case[key].as_f64();
    let weight: Option<ClassWeights> =
        case["weight"].as_array().map(|all| all.iter().map(|one| one.as_f64().expect("a number") as f32).collect());
    let label_smoothing = number("label_smoothing").unwrap_or(0.0);
    let softmax = CrossEntropy { label_smoothing, weight: weight.clone(), focal: number("gamma") };
    match case["loss"].as_str().expect("a loss") {
        "cross_entropy" | "focal" => (Loss::CrossEntropy(softmax), tensor(&[5], LABELS)),
        "soft_cross_entropy" | "soft_focal" => (Loss::CrossEntropy(softmax).soft(), chances()),
        _ => {
            let alpha = number("alpha").filter(|alpha| *alpha >= 0.0);
            let focal = number("gamma").map(|gamma| BinaryFocal { gamma, alpha });
            let options = BinaryCrossEntropy { label_smoothing, pos_weight: weight, focal };
            (Loss::BinaryCrossEntropy(options), tensor(&[5, 4], SEVERAL))
        }
    }
}

/// The labels, each mixed with the one before it.
fn chances() -> Tensor {
    let mut rows = vec![0.0; 20];
    for (sample, row) in rows.chunks_exact_mut(4).enumerate() {
        row[LABELS[sample] as usize] += 0.75;
        row[LABELS[(sample + 4) % 5] as usize] += 0.25;
    }
    tensor(&[5, 4], rows)
}

fn class_weights(loss: &Loss) -> Option<Tensor> {
    loss.class_weights().map(|weights| tensor(&[weights.len()], weights.to_vec()))
}

fn cases() -> (Fixture, Vec<Value>) {
    let fixture = Fixture::all("losses").remove(0);
    let cases = fixture.json("cases").as_array().expect("cases").clone();
    (fixture, cases)
}

#[test]
fn steps_by_every_loss_are_pytorch_s() {
    let (fixture, cases) = cases();
    let network = network_of_text("model Case {\n    input [5, 3]\n    Linear(6); Tanh; Linear(4)\n}\n");
    let input = formula::tensor("input", &[5, 3], &[]);
    for case in &cases {
        let name = case["name"].as_str().expect("a name");
        let (loss, labels) = loss_and_labels(case);
        let optimiser = Optimiser::Sgd(Sgd { momentum: 0.9, ..Sgd::default() });
        let training = Training { loss: loss.clone(), optimiser, ..Training::plain() };
        for (kernels, fused) in [(Kernels::Fast, true), (Kernels::Fast, false), (Kernels::Reference, true)] {
            let plan = planned(&network, &training, fused, kernels);
            let mut learner = Learner::new(plan, &formula::parameters(&network.graph, &[]), kernels, 1);
            learner.class_weights = class_weights(&loss);
            for (step, expected) in fixture.tensor(&format!("{name}/losses")).1.into_iter().enumerate() {
                let found = f64::from(learner.step(&input, &labels, 0.5 / (step + 1) as f64)[0]);
                let error = (found - expected).abs();
                assert!(error < ROUNDING * expected.max(1.0), "{name}, step {step}: {found} and not {expected}");
            }
            for parameter in &network.graph.parameters {
                let expected = fixture.tensor(&format!("{name}/{}", parameter.path)).1;
                let error = relative_error(learner.values(&parameter.path), &expected);
                assert!(error < ROUNDING, "{name}, {kernels:?}: `{}` is off by {error:.1e}", parameter.path);
            }
        }
    }
}

/// The loss of scores, and its gradient by them.
fn of_scores(loss: &Loss, scores: &[f32], labels: &Tensor, kernels: Kernels) -> (f64, Vec<f64>) {
    let network = network_of_text("model Case {\n    input [5, 4]\n    Identity\n}\n");
    let mut graph = loss_and_gradients(&network, &Bindings::new(), loss.clone()).expect("a graph");
    passes::run(&mut graph).expect("a graph");
    let plan = Arc::new(plan(&graph, &target(kernels)).expect("a plan"));
    let given = |port: &PlanPort| match &*port.name {
        names::LABELS => labels.clone(),
        names::CLASS_WEIGHTS => class_weights(loss).expect("weights of the classes"),
        names::STEP | names::SEED => Tensor::count(1),
        _ => tensor(&[5, 4], scores.to_vec()),
    };
    let inputs: Vec<Tensor> = plan.inputs.iter().map(given).collect();
    let options = CpuOptions { kernels, ..CpuOptions::default() };
    let mut engine = Engine::new(plan.clone(), &Parameters::default(), options).expect("an engine");
    let answers = engine.run(&inputs).expect("an answer");
    let by_name = |name: &str| {
        let place = plan.outputs.iter().position(|port| &*port.name == name).expect("an output");
        answers[place].numbers().collect::<Vec<f64>>()
    };
    (by_name(names::LOSS)[0], by_name("input"))
}

#[test]
fn losses_of_scores_as_large_as_can_be_are_pytorch_s() {
    let (fixture, cases) = cases();
    for case in &cases {
        let name = case["name"].as_str().expect("a name");
        let (loss, labels) = loss_and_labels(case);
        let expected = [fixture.tensor(&format!("{name}/loss")).1, fixture.tensor(&format!("{name}/gradient")).1];
        for kernels in [Kernels::Fast, Kernels::Reference] {
            let (found, gradient) = of_scores(&loss, &SCORES, &labels, kernels);
            let error = relative_error([found], &expected[0]);
            assert!(error < ROUNDING, "{name}: {found} and not {}", expected[0][0]);
            let error = relative_error(gradient.clone(), &expected[1]);
            assert!(error < ROUNDING, "{name}: {gradient:?} and not {:?}", expected[1]);
        }
    }
}

/// The slope of `(1 − p)^γ` is infinite where p is 1 and γ below 1, and that of `|x|` jumps at 0.
#[test]
fn gradients_are_numbers_where_a_part_has_none() {
    let (softmax, binary) = (CrossEntropy::default(), BinaryCrossEntropy::default());
    for gamma in [0.0, 0.5, 1.0, 5.0] {
        let alpha = Some(0.25);
        let focal = Loss::CrossEntropy(CrossEntropy { focal: Some(gamma), ..softmax.clone() });
        let each = BinaryCrossEntropy { focal: Some(BinaryFocal { gamma, alpha }), ..binary.clone() };
        for (loss, labels) in [
            (focal.clone(), tensor(&[5], LABELS)),
            (focal.soft(), chances()),
            (Loss::BinaryCrossEntropy(each), tensor(&[5, 4], SEVERAL)),
        ] {
            for kernels in [Kernels::Fast, Kernels::Reference] {
                let (value, gradient) = of_scores(&loss, &SCORES, &labels, kernels);
                assert!(value.is_finite() && gradient.iter().all(|slope| slope.is_finite()), "{loss:?}: {gradient:?}");
            }
        }
    }
    let (loss, gradient) =
        of_scores(&Loss::BinaryCrossEntropy(binary), &[0.0; 20], &tensor(&[5, 4], SEVERAL), Kernels::Fast);
    assert!((loss - 2f64.ln()).abs() < ROUNDING, "{loss}");
    let expected: Vec<f64> = SEVERAL.iter().map(|&target| (0.5 - f64::from(target)) / 20.0).collect();
    assert!(relative_error(gradient, &expected) < ROUNDING);
    // A batch whose classes all count nothing teaches nothing.
    let nothing = Loss::cross_entropy(0.1).with_class_weights([0.0, 1.0, 1.0, 1.0].into());
    let (loss, gradient) = of_scores(&nothing, &SCORES, &tensor(&[5], [0.0; 5]), Kernels::Fast);
    assert!(loss == 0.0 && gradient.iter().all(|slope| *slope == 0.0), "{loss}, {gradient:?}");
}

/// Of one class `correct` counts the labels of the highest scores, of several the samples all of whose classes are right.
#[test]
fn samples_that_are_right_are_counted() {
    let network = network_of_text("model Case {\n    input [5, 4]\n    Linear(4, bias=false)\n}\n");
    let mut parameters = Parameters::default();
    let unit: Vec<f32> = (0..16).map(|place| if place % 5 == 0 { 1.0 } else { 0.0 }).collect();
    parameters.insert("0.weight", tensor(&[4, 4], unit));
    let loss = Loss::BinaryCrossEntropy(BinaryCrossEntropy::default());
    let training = Training { loss, ..Training::plain() };
    let mut scores: Vec<f32> = SEVERAL.iter().map(|&target| 2.0 * target - 1.0).collect();
    scores[0] = -1.0;
    scores[5] = 0.0;
    scores[18] = -0.5;
    let mut learner = Learner::new(planned(&network, &training, true, Kernels::Fast), &parameters, Kernels::Fast, 1);
    let found = learner.step(&tensor(&[5, 4], scores), &tensor(&[5, 4], SEVERAL), 0.0);
    assert_eq!(found[1], 3.0, "an even chance is no class");
}

#[test]
fn class_weights_that_do_not_fit_are_refused() {
    let refusal = |text: &str, loss: Loss| {
        let network = network_of_text(&format!("model Case {{\n    {text}\n}}\n"));
        training_step(&network, &Bindings::new(), &Training { loss, ..Training::plain() }).expect_err("a refusal")
    };
    let three: ClassWeights = [1.0, 2.0, 3.0].into();
    for loss in [Loss::cross_entropy(0.0), Loss::BinaryCrossEntropy(BinaryCrossEntropy::default())] {
        let refused = refusal("input [5, 3]; Linear(4)", loss.with_class_weights(three.clone()));
        assert_eq!(refused.code, Code::E403);
        assert_eq!(refused.message, "the loss has 3 class weights, and `output` is [5, 4]");
    }
    let refused = refusal("input class_weights [5, 3]; from class_weights; Linear(4)", Loss::cross_entropy(0.0));
    assert!(refused.message.contains("`class_weights`, as one of the training step's"), "{}", refused.message);
}
