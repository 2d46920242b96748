//! Says what a picture shows: a spec, its weights and a picture come in, a score for each class goes out. Run it where `models/`
//! is.
#![allow(clippy::print_stdout, reason = "a program that prints")]

use cnnc_runtime::{Error, Model};

fn main() -> Result<(), Error> {
    let mut model = Model::load("models/lenet.cnn")?.weights("models/lenet.safetensors");
    let picture = model.input("models/sample.png")?;
    let mut session = model.prepare()?.session();
    let scores = session.run(&[picture])?.at(0).data();
    for (class, score) in model.labels().iter().zip(scores) {
        println!("{score:8.3}  {class}");
    }
    Ok(())
}
