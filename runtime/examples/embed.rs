//! A program that needs no file: spec, weights and picture lie in the executable, and it says what the picture shows.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use cnnc_runtime::{Device, Error, Model, PrepareOptions, Preprocess, Weights};

const SPEC: &str = include_str!("embedded/lenet.cnn");
const WEIGHTS: &[u8] = include_bytes!("embedded/lenet.safetensors");
const PICTURE: &[u8] = include_bytes!("embedded/sample.png");

fn main() -> Result<(), Error> {
    let model = Model::from_text("lenet.cnn", SPEC)?;
    let weights = Weights::from_bytes("the weights", WEIGHTS, &model)?;
    let pictures = Preprocess::of(&model, 0)?.encoded(&[PICTURE])?;
    let mut session = model.prepare(&weights, &Device::default(), PrepareOptions::default())?.session();
    for likely in &session.run(&[pictures])?.top(3)?[0] {
        println!("{:6.2} %  {}", 100.0 * likely.probability, likely.label.unwrap_or("?"));
    }
    Ok(())
}
