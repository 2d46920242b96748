//! Answers a second of several threads that serve one model: sessions of one prepared model, by one thread each and by all
//! cores, beside prepared models of their own, which is how it was done before sessions shared anything.
//!
//! `cargo bench -p cnnc-runtime --bench sessions -- ../models/lenet.cnn 4`
#![allow(clippy::print_stdout, reason = "a program that prints")]

use cnnc_runtime::{Device, Error, Model, PrepareOptions, Session, Tensor};
use std::time::{Duration, Instant};

/// How long each way is measured, in turns.
const TIME: Duration = Duration::from_secs(1);
const TURNS: usize = 5;

fn main() -> Result<(), Error> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let path = words.first().map_or("../models/lenet.cnn", String::as_str);
    let threads: usize = words.get(1).and_then(|word| word.parse().ok()).unwrap_or(4);
    let model = Model::from_file(path)?;
    let weights = model.init(0)?;
    let input = model.reader().drawn(0, 0)?.tensor;
    let prepared = |cores| model.prepare(&weights, &Device::cpu(cores), PrepareOptions::default());
    let (one, all) = (prepared(1)?, prepared(0)?);
    let mut ways: Vec<(&str, Vec<Session>, Vec<f64>)> = vec![
        ("shared, one thread each", (0..threads).map(|_| one.session()).collect(), Vec::new()),
        ("shared, all cores each", (0..threads).map(|_| all.session()).collect(), Vec::new()),
        ("of their own, one thread each", sessions(threads, || prepared(1))?, Vec::new()),
        ("of their own, all cores each", sessions(threads, || prepared(0))?, Vec::new()),
    ];
    for _ in 0..TURNS {
        for (_, sessions, rates) in &mut ways {
            rates.push(answers_a_second(sessions, &input));
        }
    }
    println!("{}: {threads} threads, answers a second, the median of {TURNS} turns", model.name());
    for (name, _, rates) in &mut ways {
        rates.sort_unstable_by(f64::total_cmp);
        println!("{:>10.0}  {name}", rates[TURNS / 2]);
    }
    Ok(())
}

fn sessions(count: usize, prepared: impl Fn() -> Result<cnnc_runtime::Prepared, Error>) -> Result<Vec<Session>, Error> {
    (0..count).map(|_| Ok(prepared()?.session())).collect()
}

/// What all of them answer together, each on a thread of its own.
fn answers_a_second(sessions: &mut [Session], input: &Tensor) -> f64 {
    let start = Instant::now();
    let answered: usize = std::thread::scope(|scope| {
        let running: Vec<_> = sessions
            .iter_mut()
            .map(|session| {
                scope.spawn(move || {
                    let mut count = 0;
                    while start.elapsed() < TIME {
                        session.run(&[input]).expect("an answer");
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().expect("a count")).sum()
    });
    answered as f64 / start.elapsed().as_secs_f64()
}
