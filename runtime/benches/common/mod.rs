//! Sessions of one layer, for the benchmarks of kernels: the layer's steps alone, with input and output carried over as in a
//! network.

use cnnc_compiler::plan::{Method, choices};
use cnnc_runtime::tuning::Tuning;
use cnnc_runtime::{Model, Session, Tensor};

/// A layer, ready to run.
pub struct Bench {
    session: Session,
    input: [Tensor; 1],
}

impl Bench {
    /// The layers on an input of this shape; convolutions by this method, where they can be.
    pub fn new(layers: &str, shape: &[usize], method: Option<Method>) -> Bench {
        let spec = format!("model Bench {{\n    input {shape:?}\n    {layers}\n}}\n");
        let mut model = Model::from_text("bench.cnn", &spec).expect("a model");
        let input = [model.drawn_input(0, 0).expect("an input").tensor];
        if let Some(method) = method {
            let target = model.target();
            let (plan, _) = model.compile(&target, &mut ()).expect("a plan");
            let keys = target.blocks.iter().flat_map(|blocks| choices(&plan, blocks));
            model = model.tuned(Tuning(keys.map(|choice| (choice.key, method)).collect()));
        }
        Bench { session: model.prepare().expect("packed weights").session(), input }
    }

    /// Runs once.
    pub fn run(&mut self) {
        self.session.run(&self.input).expect("an answer");
    }
}
