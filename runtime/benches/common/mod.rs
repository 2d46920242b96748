//! Engines of one layer, for the benchmarks of kernels: the layer's steps alone, with input and output carried over as in a
//! network.

use cnnc_compiler::plan::{Method, choices};
use cnnc_compiler::resolve::{Request, Sources};
use cnnc_runtime::cpu::Engine;
use cnnc_runtime::tuning::Tuning;
use cnnc_runtime::{Model, Tensor};

/// A layer, ready to run.
pub struct Bench {
    engine: Engine,
    input: [Tensor; 1],
}

struct Text(String);

impl Sources for Text {
    fn read(&self, path: &str, _importer: Option<&str>) -> Result<(String, String), String> {
        Ok((path.to_owned(), self.0.clone()))
    }
}

impl Bench {
    /// The layers on an input of this shape; convolutions by this method, where they can be.
    pub fn new(layers: &str, shape: &[usize], method: Option<Method>) -> Bench {
        let spec = Text(format!("model Bench {{\n    input {shape:?}\n    {layers}\n}}\n"));
        let mut model = Model::read("bench.cnn", &Request::default(), &spec, &mut ()).expect("a model");
        let input = [model.drawn_input(0, 0).expect("an input").tensor];
        if let Some(method) = method {
            let target = model.target();
            let (plan, _) = model.compile(&target, &mut ()).expect("a plan");
            let keys = target.blocks.iter().flat_map(|blocks| choices(&plan, blocks));
            model = model.tuned(Tuning(keys.map(|choice| (choice.key, method)).collect()));
        }
        Bench { engine: model.prepare().expect("an engine"), input }
    }

    /// Runs once.
    pub fn run(&mut self) {
        self.engine.run(&self.input).expect("an answer");
    }
}
