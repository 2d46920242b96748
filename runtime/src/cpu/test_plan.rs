//! Plans written by hand, for tests of the kernels alone.

use cnnc_compiler::element::ElementType;
use cnnc_compiler::kernels::{Expression, Start};
use cnnc_compiler::plan::{Operation, Plan, PlanParameter, PlanPort, Step, Storage, View};
use std::sync::Arc;

/// A dense view of float32 that begins with that element.
pub fn dense(storage: Storage, first: usize, shape: &[usize]) -> View {
    View::dense(storage, ElementType::Float32, 4 * first, shape)
}

/// A plan in the making: every step's result is dense and has its own place; the last one is the output.
pub struct TestPlan(Plan);

impl TestPlan {
    /// A plan with these inputs.
    pub fn new(inputs: &[&[usize]]) -> TestPlan {
        let port = |(index, shape): (usize, &&[usize])| PlanPort {
            name: if index == 0 { "input".into() } else { format!("input{index}").into() },
            view: dense(Storage::Input(index), 0, shape),
        };
        TestPlan(Plan {
            inputs: inputs.iter().enumerate().map(port).collect(),
            class_input: None,
            outputs: Vec::new(),
            parameters: Vec::new(),
            prepare: Vec::new(),
            run: Vec::new(),
            scratch_bytes: 0,
            prepared: Vec::new(),
            arena_bytes: 0,
        })
    }

    /// Adds a whole number as an input.
    pub fn count(mut self) -> TestPlan {
        let index = self.0.inputs.len();
        let view = View::dense(Storage::Input(index), ElementType::Uint64, 0, &[]);
        self.0.inputs.push(PlanPort { name: format!("input{index}").into(), view });
        self
    }

    /// Adds a parameter.
    pub fn parameter(mut self, path: &str, shape: &[usize]) -> TestPlan {
        self.0.parameters.push(PlanParameter {
            path: path.into(),
            shape: shape.to_vec(),
            element: ElementType::Float32,
            start: Start::Stored,
            updated: false,
            changes: false,
        });
        self
    }

    /// Adds a step that runs once; its result is dense, and a value of its own.
    pub fn prepare(mut self, operation: Operation, operands: &[View], shape: &[usize]) -> TestPlan {
        let output = View::dense(Storage::Prepared(self.0.prepared.len()), ElementType::Float32, 0, shape);
        self.0.prepared.push(output.end_bytes());
        self.0.prepare.push(step(operation, operands, output));
        self
    }

    /// Adds a step of a run; its result is dense at the end of the arena.
    pub fn step(self, operation: Operation, operands: &[View], shape: &[usize]) -> TestPlan {
        let output = View::dense(Storage::Arena, ElementType::Float32, self.0.arena_bytes, shape);
        self.step_into(operation, operands, output)
    }

    /// Adds a step whose result lies as given.
    pub fn step_into(mut self, operation: Operation, operands: &[View], output: View) -> TestPlan {
        self.0.arena_bytes = self.0.arena_bytes.max(output.end_bytes());
        self.0.run.push(step(operation, operands, output));
        self
    }

    /// Gives the last step an epilogue.
    pub fn epilogue(mut self, expression: Expression, operands: &[View]) -> TestPlan {
        let last = self.0.run.last_mut().unwrap();
        last.epilogue = Some(expression);
        last.operands.extend(operands.iter().cloned().map(View::canonical));
        self
    }

    /// The plan, whose output is the last step's.
    pub fn finish(mut self) -> Arc<Plan> {
        let view = self.0.run.last().unwrap().output.clone();
        self.0.outputs.push(PlanPort { name: "output".into(), view });
        Arc::new(self.0)
    }
}

fn step(operation: Operation, operands: &[View], output: View) -> Step {
    Step {
        operation,
        operands: operands.iter().cloned().map(View::canonical).collect(),
        own_operands: operands.len(),
        compute: output.element,
        epilogue: None,
        output: output.canonical(),
        origins: vec!["0 Layer".into()],
    }
}
