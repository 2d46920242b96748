//! Rates against those of PyTorch.

use super::*;
use crate::train::recipe::Monitor;
use serde_json::Value;

const STEP: &[f64] = &[0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.0125];
const MULTI_STEP: &[f64] = &[0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001, 0.001, 0.001];
const COSINE: &[f64] = &[
    0.1,
    0.0977975432333,
    0.0914057647469,
    0.0814503363532,
    0.0689057647469,
    0.055,
    0.0410942352531,
    0.0285496636468,
    0.0185942352531,
    0.0122024567667,
];
const LINEAR: &[f64] = &[0.025, 0.04375, 0.0625, 0.08125, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1];
const ONE_CYCLE: &[f64] = &[
    0.004,
    0.052,
    0.1,
    0.0950484632013,
    0.081174565395,
    0.0611262021936,
    0.0388741978064,
    0.018825834605,
    0.00495193679865,
    4e-07,
];
const POLYNOMIAL: &[f64] = &[0.1, 0.0765625, 0.05625, 0.0390625, 0.025, 0.0140625, 0.00625, 0.0015625, 0.0, 0.0];
const EXPONENTIAL: &[f64] =
    &[0.1, 0.08, 0.064, 0.0512, 0.04096, 0.032768, 0.0262144, 0.02097152, 0.016777216, 0.0134217728];
const WARM_RESTARTS: &[f64] =
    &[0.1, 0.055, 0.1, 0.0868198051534, 0.055, 0.0231801948466, 0.1, 0.096574578963, 0.0868198051534, 0.0722207544564];
const WARMUP: &[f64] = &[
    0.01,
    0.04,
    0.07,
    0.1,
    0.0950484433951,
    0.0811744900929,
    0.0611260466978,
    0.0388739533022,
    0.0188255099071,
    0.00495155660488,
];

/// The rates of the first times of a schedule by epochs, at a rate of 0.1 in a run of 10 epochs of 5 batches.
fn rates(curve: Curve, warmup: Option<Warmup>) -> Vec<f64> {
    let schedule = Schedule { curve, unit: Unit::Epoch, warmup };
    let length = Length { epochs: 10, batches: 5 };
    (0..10).map(|epoch| schedule.learning_rate(0.1, Moment { epoch, batch: 3 }, length, &[])).collect()
}

#[track_caller]
fn close(found: &[f64], expected: &[f64]) {
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
}

/// Figures of torch.optim.lr_scheduler, torch 2.15: `get_last_lr()` before each of ten `step()`s.
#[test]
fn rates_are_those_of_pytorch() {
    close(&rates(Curve::Constant, None), &[0.1; 10]);
    close(&rates(Curve::Step { step_size: 3, gamma: 0.5 }, None), STEP);
    close(&rates(Curve::MultiStep { milestones: vec![2, 5], gamma: 0.1 }, None), MULTI_STEP);
    close(&rates(Curve::Cosine { t_max: None, eta_min: 0.01 }, None), COSINE);
    let linear = Curve::Linear { start_factor: 0.25, end_factor: 1.0, total_iters: Some(4) };
    close(&rates(linear, None), LINEAR);
    close(&rates(Curve::Polynomial { power: 2.0, total_iters: Some(8) }, None), POLYNOMIAL);
    close(&rates(Curve::Exponential { gamma: 0.8 }, None), EXPONENTIAL);
    close(&rates(Curve::CosineWarmRestarts { t_0: 2, t_mult: 2, eta_min: 0.01 }, None), WARM_RESTARTS);
    close(&rates(Curve::OneCycle(OneCycle::default()), None), ONE_CYCLE);
    let warmup = Warmup { length: 3, start_factor: 0.1 };
    close(&rates(Curve::Cosine { t_max: None, eta_min: 0.0 }, Some(warmup)), WARMUP);
}

#[test]
fn batches_can_be_counted_too() {
    let schedule = Schedule { curve: Curve::Step { step_size: 7, gamma: 0.5 }, unit: Unit::Batch, warmup: None };
    let rate =
        |epoch, batch| schedule.learning_rate(1.0, Moment { epoch, batch }, Length { epochs: 2, batches: 5 }, &[]);
    assert_eq!([rate(0, 4), rate(1, 1), rate(1, 2)], [1.0, 1.0, 0.5]);
}

#[test]
fn the_shortest_runs_have_a_rate() {
    for epochs in 1..4 {
        let curve = Curve::OneCycle(OneCycle::default());
        let schedule = Schedule { curve, unit: Unit::Batch, warmup: None };
        let length = Length { epochs, batches: 1 };
        for epoch in 0..=epochs {
            let rate = schedule.learning_rate(0.1, Moment { epoch, batch: 0 }, length, &[]);
            assert!(rate.is_finite() && rate > 0.0, "{rate}");
        }
    }
}

/// Rates and momenta of PyTorch (`tests/reference/schedules.py`).
fn pytorch() -> Value {
    serde_json::from_str(include_str!("../../../../tests/reference/schedules.json")).expect("JSON")
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number")).collect()
}

#[test]
fn one_cycle_moves_rate_and_momentum_as_pytorch_s() {
    for case in pytorch()["one_cycle"].as_array().expect("cases") {
        let options = &case["options"];
        let number = |key: &str, usual: f64| options[key].as_f64().unwrap_or(usual);
        let flag = |key: &str, usual: bool| options[key].as_bool().unwrap_or(usual);
        let momenta = [number("base_momentum", 0.85), number("max_momentum", 0.95)];
        let cycle = OneCycle {
            total_steps: None,
            pct_start: number("pct_start", 0.3),
            div_factor: number("div_factor", 25.0),
            final_div_factor: number("final_div_factor", 1e4),
            is_linear: options["anneal_strategy"] == "linear",
            three_phase: flag("three_phase", false),
            momenta: flag("cycle_momentum", true).then_some(momenta),
        };
        let schedule = Schedule { curve: Curve::OneCycle(cycle), unit: Unit::Batch, warmup: None };
        let (rates, momenta) = (numbers(&case["rates"]), numbers(&case["momenta"]));
        let length = Length { epochs: 1, batches: rates.len() };
        let moment = |batch| Moment { epoch: 0, batch };
        let found = |batch| schedule.learning_rate(0.1, moment(batch), length, &[]);
        close(&(0..rates.len()).map(found).collect::<Vec<f64>>(), &rates);
        // PyTorch's optimiser keeps its own of 0.7 where nothing is cycled.
        let found = |batch| schedule.momentum(moment(batch), length).unwrap_or(0.7);
        close(&(0..rates.len()).map(found).collect::<Vec<f64>>(), &momenta);
    }
}

/// An epoch of which that was measured, as loss and as accuracy.
fn record(value: f64) -> Record {
    Record {
        epoch: 1,
        train_loss: 1.0,
        train_accuracy: None,
        val_loss: value,
        val_accuracy: Some(value),
        val_map: None,
        learning_rate: 0.1,
        seconds: 1.0,
        images_per_second: 1.0,
    }
}

#[test]
fn a_plateau_lowers_the_rate_where_pytorch_s_does() {
    for case in pytorch()["plateau"].as_array().expect("cases") {
        let options = &case["options"];
        let number = |key: &str, usual: f64| options[key].as_f64().unwrap_or(usual);
        let count = |key: &str, usual: u64| options[key].as_u64().unwrap_or(usual) as usize;
        let is_min = case["mode"] == "min";
        let plateau = Plateau {
            monitor: if is_min { Monitor::ValidationLoss } else { Monitor::ValidationAccuracy },
            factor: number("factor", 0.1),
            patience: count("patience", 10),
            threshold: number("threshold", 1e-4),
            is_relative: options["threshold_mode"] != "abs",
            cooldown: count("cooldown", 0),
            min_lr: number("min_lr", 0.0),
            eps: number("eps", 1e-8),
        };
        let values = case["values"].as_array().expect("values").iter();
        let values = values.map(|value| value.as_str().expect("a text").parse().expect("a number"));
        let records: Vec<Record> = values.map(record).collect();
        let length = Length { epochs: 30, batches: 2 };
        for (warmup, before) in [(None, 0), (Some(Warmup { length: 2, start_factor: 0.5 }), 2)] {
            // Epochs of a warm-up are none of the plateau's.
            let worst = record(if is_min { -1.0 } else { 2.0 });
            let records = [vec![worst; before], records.clone()].concat();
            let schedule = Schedule { curve: Curve::Plateau(plateau.clone()), unit: Unit::Epoch, warmup };
            let found = (before + 1..=records.len())
                .map(|epoch| schedule.learning_rate(0.1, Moment { epoch, batch: 1 }, length, &records[..epoch]));
            close(&found.collect::<Vec<f64>>(), &numbers(&case["rates"]));
        }
    }
}

#[test]
fn milestones_may_have_factors_of_their_own() {
    let scales = Curve::Scales { milestones: vec![(2, 0.1), (5, 0.5), (5, 2.0), (7, 0.25)] };
    let expected = [0.1, 0.1, 0.01, 0.01, 0.01, 0.01, 0.01, 0.0025, 0.0025, 0.0025];
    close(&rates(scales, None), &expected);
}
