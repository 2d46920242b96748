//! Optimisers and schedules, by name and with their options.

use super::{SHORT, codes, recipe};
use crate::train::recipe::Monitor;
use crate::train::schedule::{Curve, OneCycle, Plateau, Unit};
use cnnc_compiler::training::{Adam, Lamb, NAdam, Optimiser, RmsProp, Sgd};

#[test]
fn schedules_by_name() {
    let curve = |schedule: &str| recipe(&format!("{SHORT}schedule: {schedule}\n")).schedule.curve;
    assert_eq!(curve("constant"), Curve::Constant);
    assert_eq!(curve("{name: step, step_size: 3}"), Curve::Step { step_size: 3, gamma: 0.1 });
    let milestones = vec![3, 5];
    assert_eq!(
        curve("{name: multi_step, milestones: [3, 5], gamma: 0.5}"),
        Curve::MultiStep { milestones, gamma: 0.5 }
    );
    assert_eq!(curve("polynomial"), Curve::Polynomial { power: 1.0, total_iters: None });
    assert_eq!(curve("{name: exponential, gamma: 0.9}"), Curve::Exponential { gamma: 0.9 });
    let restarts = Curve::CosineWarmRestarts { t_0: 4, t_mult: 2, eta_min: 0.0 };
    assert_eq!(curve("{name: cosine_warm_restarts, t_0: 4, t_mult: 2}"), restarts);
    assert_eq!(codes(&format!("{SHORT}schedule: {{name: exponential}}\n")), ["E608 6:11"]);
    assert_eq!(curve("cosine"), Curve::Cosine { t_max: None, eta_min: 0.0 });
    let cycle = OneCycle { pct_start: 0.25, ..OneCycle::default() };
    assert_eq!(curve("{name: one_cycle, pct_start: 0.25}"), Curve::OneCycle(cycle));
    let whole = recipe(&format!("{SHORT}schedule: one_cycle\n"));
    assert_eq!((whole.schedule.unit, whole.training.scheduled_momentum), (Unit::Batch, true));
    let line = "{name: one_cycle, three_phase: true, anneal_strategy: linear, cycle_momentum: false}";
    let line = recipe(&format!("{SHORT}schedule: {line}\n"));
    let cycle = OneCycle { three_phase: true, is_linear: true, momenta: None, ..OneCycle::default() };
    assert_eq!((line.schedule.curve, line.training.scheduled_momentum), (Curve::OneCycle(cycle), false));
    let scales = Curve::Scales { milestones: vec![(3, 0.1), (5, 0.5)] };
    assert_eq!(curve("{name: multi_step, milestones: [3, 5], gamma: [0.1, 0.5]}"), scales);
    let plateau = Plateau {
        monitor: Monitor::ValidationAccuracy,
        factor: 0.5,
        patience: 3,
        threshold: 1e-4,
        is_relative: false,
        cooldown: 0,
        min_lr: 0.0,
        eps: 1e-8,
    };
    let found = curve("{name: plateau, factor: 0.5, patience: 3, threshold_mode: abs}");
    assert_eq!(found, Curve::Plateau(plateau));
    let by_loss = recipe(&format!("{SHORT}monitor: val_loss\nschedule: plateau\n")).schedule.curve;
    assert!(matches!(by_loss, Curve::Plateau(Plateau { monitor: Monitor::ValidationLoss, patience: 10, .. })));
    assert_eq!(codes(&format!("{SHORT}schedule: step\n")), ["E609 6:11"]);
}

#[test]
fn optimisers_by_name() {
    let read = |optimizer: &str| {
        let read = recipe(&SHORT.replace("{name: sgd, lr: 0.1}", optimizer));
        (read.training.optimiser, read.learning_rate)
    };
    assert_eq!(read("sgd"), (Optimiser::Sgd(Sgd::default()), 1e-3));
    assert_eq!(read("adamw"), (Optimiser::AdamW(Adam { weight_decay: 0.01, ..Adam::default() }), 1e-3));
    assert_eq!(read("nadam"), (Optimiser::NAdam(NAdam::default()), 2e-3));
    assert_eq!(read("rmsprop"), (Optimiser::RmsProp(RmsProp::default()), 1e-2));
    assert_eq!(read("lamb"), (Optimiser::Lamb(Lamb::default()), 1e-3));
    let rmsprop = RmsProp { alpha: 0.9, eps: 1e-6, momentum: 0.8, centered: true, weight_decay: 0.1 };
    let text = "{name: rmsprop, alpha: 0.9, eps: 1e-6, momentum: 0.8, centered: true, weight_decay: 0.1}";
    assert_eq!(read(text), (Optimiser::RmsProp(rmsprop), 1e-2));
    let nadam = NAdam { momentum_decay: 0.01, decoupled_weight_decay: true, betas: [0.8, 0.9], ..NAdam::default() };
    let text = "{name: nadam, momentum_decay: 0.01, decoupled_weight_decay: true, betas: [0.8, 0.9]}";
    assert_eq!(read(text), (Optimiser::NAdam(nadam), 2e-3));
    let lamb = Lamb { always_adapt: true, weight_decay: 0.0, ..Lamb::default() };
    assert_eq!(read("{name: lamb, always_adapt: true, weight_decay: 0}"), (Optimiser::Lamb(lamb), 1e-3));
    let wrong = |optimizer: &str| codes(&SHORT.replace("{name: sgd, lr: 0.1}", optimizer));
    assert_eq!(wrong("{name: rmsprop, betas: [0.9, 0.99]}"), ["E606 3:28"]);
    assert_eq!(wrong("{name: nadam, betas: [0.9]}"), ["E607 3:33"]);
    assert_eq!(wrong("rmsprob"), ["E607 3:12"]);
}
