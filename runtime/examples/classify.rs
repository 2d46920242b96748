//! Says what a picture shows: a spec, its weights and a picture come in, a score for each class goes out. Run it where `models/`
//! is.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use cnnc_runtime::{Device, Error, Model, PrepareOptions, Weights};

fn main() -> Result<(), Error> {
    let model = Model::from_file("models/lenet.cnn")?;
    let weights = Weights::from_file("models/lenet.safetensors", &model)?;
    let picture = model.input("models/sample.png")?;
    let prepared = model.prepare(&weights, &Device::cpu(0), PrepareOptions::default())?;
    let mut session = prepared.session();
    let scores = session.run(&[picture])?.at(0).data();
    for (class, score) in model.labels().iter().zip(scores) {
        println!("{score:8.3}  {class}");
    }
    Ok(())
}
