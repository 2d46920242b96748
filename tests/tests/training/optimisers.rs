//! What one step does, or several: optimisers, losses and running means against PyTorch's, a step in two halves, frozen layers.

use super::*;

/// Frozen layers cost no backward pass and no optimiser state, and what is below them is not gone back through.
#[test]
fn what_is_frozen_costs_nothing_in_the_backward_half() {
    let whole = network_of_text(
        "model Case { input [4, 3, 16, 16]; repeat 4 { Conv2d(8, kernel_size=3, padding=1); BatchNorm2d; ReLU }
            Flatten; Linear(4) }",
    );
    let mut head = whole.clone();
    for parameter in head.graph.parameters.iter_mut().filter(|parameter| !parameter.path.starts_with("13.")) {
        parameter.learning.frozen = true;
    }
    let sgd = Sgd { momentum: 0.9, ..Sgd::default() };
    let training = Training { optimiser: Optimiser::Sgd(sgd), ..Training::plain() };
    let [whole, head] = [whole, head].map(|network| planned(&network, &training, true, Kernels::Fast));
    let backward = |plan: &Plan| {
        plan.run.iter().filter(|step| step.origins.iter().any(|origin| origin.starts_with("gradient of"))).count()
    };
    let of_layers = |plan: &Plan| {
        let is_of_layers = |origin: &str| origin.starts_with("gradient of") && !origin.contains("13");
        let is = |origins: &[Arc<str>]| origins.iter().any(|origin| is_of_layers(origin) && !origin.contains("loss"));
        plan.run.iter().filter(|step| is(&step.origins)).count()
    };
    assert!(of_layers(&whole) > 8 && of_layers(&head) == 0, "{} and {}", of_layers(&whole), of_layers(&head));
    assert!(backward(&head) * 4 < backward(&whole), "{} of {}", backward(&head), backward(&whole));
    assert!(head.arena_bytes * 2 < whole.arena_bytes, "{} of {}", head.arena_bytes, whole.arena_bytes);
    let momenta = |plan: &Plan| plan.parameters.iter().filter(|parameter| names::is_state(&parameter.path)).count();
    assert_eq!((momenta(&whole), momenta(&head)), (18, 2));
}

/// Gradients, then their update, over one state: the bits of the fused step, whatever the optimiser, with running statistics,
/// dropout, a tied weight and a parameter that the loss does not depend on.
#[test]
fn a_step_in_two_halves_is_the_step() {
    let network = network_of_text(
        "model Case { input [6, 3, 8, 8]
            Conv2d(20, kernel_size=3); BatchNorm2d; ReLU; Dropout(0.3); MaxPool2d(2); Flatten
            e: Linear(12); Tanh; Linear(180, weight=e.weight.T); Linear(4) }",
    );
    let (input, labels) = (formula::tensor("input", &[6, 3, 8, 8], &[]), tensor(&[6], [0.0, 1.0, 2.0, 3.0, 0.0, 1.0]));
    let loss = Loss::cross_entropy(0.1);
    let adam = Adam { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.01 };
    let sgd = Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.1 };
    let [none, momentum] = [Sgd::default(), sgd].map(Optimiser::Sgd);
    let rmsprop = RmsProp { momentum: 0.9, centered: true, ..RmsProp::default() };
    let new = [Optimiser::NAdam(NAdam::default()), Optimiser::RmsProp(rmsprop), Optimiser::Lamb(Lamb::default())];
    for optimiser in [none, momentum, Optimiser::Adam(adam), Optimiser::AdamW(adam)].into_iter().chain(new) {
        for max_gradient_norm in [None, Some(0.05)] {
            let (loss, average) = (loss.clone(), Some(Average { decay: 0.8, use_buffers: true }));
            let training = Training { loss, optimiser, max_gradient_norm, average, ..Training::plain() };
            for kernels in [Kernels::Fast, Kernels::Reference] {
                let parameters = Parameters::draw(&network.graph, 2).expect("parameters");
                let mut whole = Learner::new(planned(&network, &training, true, kernels), &parameters, kernels, 2);
                let [gradients, update] = halves(&network, &training, kernels);
                let state = initial_state(&update, &parameters).expect("a state");
                let mut parted = Learner::new(gradients, &state, kernels, 2);
                let options = CpuOptions { threads: 2, kernels, ..CpuOptions::default() };
                let mut update = TrainingEngine::new(update, &state, options).expect("an engine");
                for _ in 0..3 {
                    let expected = whole.step(&input, &labels, 0.1)[0];
                    assert_eq!(parted.step_in_halves(&mut update, &input, &labels, 0.1), expected, "{training:?}");
                }
                for (path, _) in whole.state.iter() {
                    assert_eq!(whole.values(path), parted.values(path), "{path}, {kernels:?}, {training:?}");
                }
            }
        }
    }
}

#[test]
fn optimisers_step_as_pytorch_s() {
    let fixture = Fixture::all("training").remove(0);
    let network =
        network_of_text("model Case {\n    input [5, 3]\n    Linear(6, bias=false); BatchNorm1d; Tanh; Linear(4)\n}\n");
    let input = formula::tensor("input", &[5, 3], &[]);
    for case in fixture.json("cases").as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let (training, network) = (training(case), learning(case, &network));
        let labels = match training.loss {
            Loss::CrossEntropy(_) => tensor(&[5], [0.0, 1.0, 2.0, 3.0, 0.0]),
            _ => formula::tensor("labels", &[5, 4], &[]),
        };
        let losses = fixture.tensor(&format!("{name}/losses")).1;
        for (kernels, threads, fused) in [
            (Kernels::Fast, 1, true),
            (Kernels::Fast, 3, true),
            (Kernels::Fast, 1, false),
            (Kernels::Reference, 1, true),
        ] {
            let plan = planned(&network, &training, fused, kernels);
            let mut learner = Learner::new(plan, &formula::parameters(&network.graph, &[]), kernels, threads);
            for (step, loss) in losses.iter().enumerate() {
                let momentum = case["momenta"][step].as_f64();
                let found = learner.step_with(&input, &labels, 0.05 / (step + 1) as f64, momentum)[0];
                assert!((f64::from(found) - loss).abs() < 1e-5 * loss, "{name}, step {step}: {found} and not {loss}");
            }
            for parameter in &network.graph.parameters {
                let expected = fixture.tensor(&format!("{name}/{}", parameter.path)).1;
                let error = relative_error(learner.values(&parameter.path), &expected);
                // Where gradient and weight decay all but cancel, Adam makes much of rounding: PyTorch's own float32 is off by
                // 1.4e-6 there.
                let tolerance = if name == "groups_adam" { 3e-6 } else { 1e-6 };
                assert!(error < tolerance, "{name}: `{}` is off by {error:.1e}", parameter.path);
                if parameter.learning.frozen {
                    let begun = formula::parameters(&network.graph, &[]);
                    let begun = begun.get(&parameter.path).expect("a parameter");
                    assert_eq!(learner.values(&parameter.path), begun.numbers().collect::<Vec<_>>(), "{name}");
                    let is_of_it = |key: &str| key.starts_with('.') && key.ends_with(&*parameter.path);
                    assert!(learner.state.shapes().all(|(key, _)| !is_of_it(key)), "{name} has a state of it");
                }
            }
        }
    }
}

/// Of a bias before a batch norm the true gradient is zero and the computed one rounding. At an `eps` below that Adam makes whole
/// steps of it, each way of rounding its own: PyTorch's float32 is as far from its float64 (`tests/reference/adam_noise.py`).
#[test]
fn adam_makes_steps_of_rounding_where_a_gradient_is_zero() {
    let fixture: Value = serde_json::from_str(include_str!("../../reference/adam_noise.json")).expect("JSON");
    let network = network_of_text("model Case {\n    input [5, 3]\n    Linear(6); BatchNorm1d; Tanh; Linear(4)\n}\n");
    let (input, labels) = (formula::tensor("input", &[5, 3], &[]), tensor(&[5], [0.0, 1.0, 2.0, 3.0, 0.0]));
    for case in fixture["cases"].as_array().expect("cases") {
        let eps = case["eps"].as_f64().expect("a number");
        let training = Training { optimiser: Optimiser::AdamW(Adam { eps, ..Adam::default() }), ..Training::plain() };
        let plan = planned(&network, &training, true, Kernels::Fast);
        let mut learner = Learner::new(plan, &formula::parameters(&network.graph, &[]), Kernels::Fast, 1);
        for step in 1..=6 {
            learner.step(&input, &labels, 0.05 / f64::from(step));
        }
        for (key, theirs) in case["float32_is_off_by"].as_object().expect("keys") {
            let exact = case["float64"][key].as_array().expect("values").iter();
            let exact: Vec<f64> = exact.map(|value| value.as_f64().expect("a number")).collect();
            let (ours, theirs) = (relative_error(learner.values(key), &exact), theirs.as_f64().expect("a number"));
            if key != "0.bias" {
                assert!(ours < 1e-6 && theirs < 1e-6, "{key} at {eps}: {ours:.1e}, PyTorch {theirs:.1e}");
            } else if eps > 1e-6 {
                assert!(ours < 1e-3 && theirs < 1e-3, "{key} at {eps}: {ours:.1e}, PyTorch {theirs:.1e}");
            } else {
                // Six steps of at most 0.05 / t each come to 0.1225, and the largest of these biases is 0.098.
                assert!(ours < 1.5 && theirs > 1e-2, "{key} at {eps}: {ours:.1e}, PyTorch {theirs:.1e}");
            }
        }
    }
}

/// PyTorch's definition: the loss of chances is the mean of the losses of the classes, by these chances, and so are its
/// gradients.
#[test]
fn the_loss_of_mixed_labels_is_the_mean_of_their_losses() {
    let network = network_of_text("model Case {\n    input [5, 3]\n    Linear(6); Tanh; Linear(4)\n}\n");
    let input = formula::tensor("input", &[5, 3], &[]);
    let (first, second) = ([0usize, 1, 2, 3, 0], [3usize, 1, 0, 2, 1]);
    let share = 0.3f32;
    let mut chances = vec![0.0f32; 20];
    for (row, (&a, &b)) in chances.chunks_exact_mut(4).zip(first.iter().zip(&second)) {
        row[a] += share;
        row[b] += 1.0 - share;
    }
    for label_smoothing in [0.0, 0.1] {
        let step = |loss: Loss, labels: &Tensor| {
            let training = Training { loss, ..Training::plain() };
            let plan = planned(&network, &training, true, Kernels::Fast);
            let begun = formula::parameters(&network.graph, &[]);
            let mut learner = Learner::new(plan, &begun, Kernels::Fast, 1);
            let loss = learner.step(&input, labels, 0.5)[0];
            let values: Vec<f64> = network.graph.parameters.iter().flat_map(|one| learner.values(&one.path)).collect();
            (f64::from(loss), values)
        };
        let of_classes = |classes: [usize; 5]| {
            step(Loss::cross_entropy(label_smoothing), &tensor(&[5], classes.map(|class| class as f32)))
        };
        let ((loss_a, a), (loss_b, b)) = (of_classes(first), of_classes(second));
        let soft = Loss::cross_entropy(label_smoothing).soft();
        let (loss, mixed) = step(soft, &Tensor::new(&[5, 4], chances.clone()).expect("chances"));
        let mean = |a: f64, b: f64| f64::from(share) * a + f64::from(1.0 - share) * b;
        assert!((loss - mean(loss_a, loss_b)).abs() < 1e-6 * loss, "{loss}, {loss_a}, {loss_b}");
        let expected: Vec<f64> = a.iter().zip(&b).map(|(&a, &b)| mean(a, b)).collect();
        let error = relative_error(mixed, &expected);
        assert!(error < 1e-6, "parameters are off by {error:.1e}");
    }
}

/// `torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn(decay)`: the first step's values, then `ema + (new - ema) (1
/// - decay)`; of running statistics too where `use_buffers` says so, and never of what counts.
#[test]
fn running_means_are_pytorch_s() {
    let network = network_of_text("model Case {\n    input [5, 3]\n    Linear(6); BatchNorm1d; Tanh; Linear(4)\n}\n");
    let input = formula::tensor("input", &[5, 3], &[]);
    let labels = tensor(&[5], [0.0, 1.0, 2.0, 3.0, 0.0]);
    let decay = 0.9;
    for (kernels, optimiser, use_buffers) in [
        (Kernels::Fast, Optimiser::Adam(Adam::default()), true),
        (Kernels::Reference, Optimiser::Sgd(Sgd::default()), false),
    ] {
        let training = Training { optimiser, average: Some(Average { decay, use_buffers }), ..Training::plain() };
        let begun = formula::parameters(&network.graph, &[]);
        let mut learner = Learner::new(planned(&network, &training, true, kernels), &begun, kernels, 1);
        let plain = Training { average: None, ..training };
        let mut other = Learner::new(planned(&network, &plain, true, kernels), &begun, kernels, 1);
        let mut means: HashMap<&str, Vec<f64>> = HashMap::new();
        for step in 0..5 {
            let losses = [&mut learner, &mut other].map(|learner| learner.step(&input, &labels, 0.05)[0]);
            assert_eq!(losses[0], losses[1], "a mean changes no step");
            for parameter in &network.graph.parameters {
                let (path, new) = (&*parameter.path, learner.values(&parameter.path));
                assert_eq!(new, other.values(path));
                let key = names::state_key(names::AVERAGE, path);
                if parameter.is_counter || !(parameter.trainable || use_buffers) {
                    assert!(learner.state.shape(&key).is_none(), "there is a mean of `{path}`");
                    continue;
                }
                let mean = means.entry(path).or_insert_with(|| new.clone());
                mean.iter_mut().zip(&new).for_each(|(mean, new)| *mean += (new - *mean) * (1.0 - decay));
                let error = relative_error(learner.values(&key), mean);
                assert!(error < 1e-6, "step {step}: the mean of `{path}` is off by {error:.1e}");
            }
        }
        assert_eq!(means.len(), if use_buffers { 8 } else { 6 });
    }
}
