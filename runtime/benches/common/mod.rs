//! Engines of one layer, for the benchmarks of kernels: the layer's steps alone, with input and output carried over as in a
//! network.

use cnnc_compiler::plan::{Method, choices};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::cpu::{CpuOptions, Engine};
use cnnc_runtime::tuning::Tuning;
use cnnc_runtime::{Model, Parameters, Tensor};

/// A layer, ready to run.
pub struct Bench {
    engine: Engine,
    input: [Tensor; 1],
}

impl Bench {
    /// The layers on an input of this shape; convolutions by this method, where they can be.
    pub fn new(layers: &str, shape: &[usize], method: Option<Method>) -> Bench {
        let spec = format!("model Bench {{\n    input {shape:?}\n    {layers}\n}}\n");
        let model = Model::from_text("bench.cnn", &spec).expect("a model");
        let input = [model.reader().drawn(0, 0).expect("an input").tensor];
        let options = CpuOptions::default();
        let mut target = options.target();
        if let (Some(method), Some(blocks)) = (method, target.blocks.clone()) {
            let (plan, _) = model.compile(&Bindings::new(), &target, &mut ()).expect("a plan");
            let keys = choices(&plan, &blocks).into_iter().map(|choice| (choice.key, method));
            Tuning(keys.collect()).apply(&mut target);
        }
        let (plan, _) = model.compile(&Bindings::new(), &target, &mut ()).expect("a plan");
        let parameters = Parameters::draw(&model.graph().graph, 0).expect("parameters");
        Bench { engine: Engine::new(plan, &parameters, options).expect("packed weights"), input }
    }

    /// Runs once.
    pub fn run(&mut self) {
        self.engine.run(&self.input).expect("an answer");
    }
}
