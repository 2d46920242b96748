//! Prints a plan: its steps with their views, and its memory.
//!
//! ```text
//! input [1, 1, 28, 28]
//! parameter 0.weight [6, 1, 5, 5]
//! run
//!   arena+0 [1, 6, 28, 28] = conv(input, 0.weight) 5x5 before 2 then max(x0 + x1, 0), x1 = 0.bias by [0, 1, 0, 0]  # 0 Conv2d + 1 ReLU
//! output = arena+0 [1, 6, 28, 28]
//! arena 18816 bytes, prepared 0 bytes, parameters 624 bytes
//! ```
//!
//! A place is a storage and an offset in bytes, that of a prepared value its number; an input's or parameter's place is its name.
//! Strides, in elements, follow `by` where a view is not dense. The shape is left out where it is the result's, or the whole
//! input's or parameter's. What elements are is said after the shape of an input, a parameter and a step's result where it is not
//! float32.

use super::{Plan, Step, Storage, View};
use crate::kernels::named as element;
use std::fmt::Write;

/// The text of a plan.
pub fn print(plan: &Plan) -> String {
    let mut text = String::new();
    for port in &plan.inputs {
        let _ = writeln!(text, "input {} {:?}{}", port.name, port.view.shape, element(port.view.element));
    }
    for parameter in &plan.parameters {
        let _ = writeln!(text, "parameter {} {:?}{}", parameter.path, parameter.shape, element(parameter.element));
    }
    for (name, steps) in [("prepare", &plan.prepare), ("run", &plan.run)] {
        let _ = writeln!(text, "{name}");
        for step in steps {
            let _ = writeln!(text, "  {}", line(plan, step));
        }
    }
    for port in &plan.outputs {
        let _ = writeln!(text, "output {} = {}", port.name, place(plan, &port.view, None));
    }
    let sizes = [
        ("arena", plan.arena_bytes as u64),
        ("prepared", plan.prepared_bytes()),
        ("scratch", plan.scratch_bytes as u64),
        ("parameters", plan.parameter_bytes()),
    ];
    let shown = sizes.iter().filter(|(name, size)| *name != "scratch" || *size > 0);
    let _ =
        writeln!(text, "{}", shown.map(|(name, size)| format!("{name} {size} bytes")).collect::<Vec<_>>().join(", "));
    text
}

fn line(plan: &Plan, step: &Step) -> String {
    let operands: Vec<String> = step.operands.iter().map(|view| place(plan, view, Some(&step.output.shape))).collect();
    let (own, others) = operands.split_at_checked(step.own_operands).unwrap_or((&operands, &[]));
    let result = place(plan, &step.output, None) + &element(step.output.element);
    let mut text = format!("{result} = {}({})", step.operation.name(), own.join(", "));
    text += &step.operation.details();
    if let Some(packing) = step.operation.packing() {
        let _ = write!(text, " by {}", packing.method());
    }
    if let Some(epilogue) = &step.epilogue {
        let _ = write!(text, " then {epilogue}");
    }
    for (index, operand) in others.iter().enumerate() {
        let _ = write!(text, ", x{} = {operand}", index + 1);
    }
    let _ = write!(text, "  # {}", step.origins.join(" + "));
    text
}

/// `arena+64 [1, 6, 28, 28]`; without the shape when it is `known`, or when the view is all of an input or parameter.
fn place(plan: &Plan, view: &View, known: Option<&[usize]>) -> String {
    let (name, whole) = match view.storage {
        Storage::Arena => ("arena", None),
        Storage::Scratch => ("scratch", None),
        Storage::Prepared(_) => ("prepared", None),
        Storage::Output(index) => named(plan.outputs.get(index).map(|port| (&*port.name, &*port.view.shape))),
        Storage::Input(index) => named(plan.inputs.get(index).map(|port| (&*port.name, &*port.view.shape))),
        Storage::Parameter(index) => {
            named(plan.parameters.get(index).map(|parameter| (&*parameter.path, &*parameter.shape)))
        }
    };
    let mut text = name.to_string();
    if let Storage::Prepared(number) = view.storage {
        let _ = write!(text, "{number}");
    }
    if matches!(view.storage, Storage::Arena | Storage::Scratch) || view.offset_bytes != 0 {
        let _ = write!(text, "+{}", view.offset_bytes);
    }
    if known != Some(&view.shape) && whole != Some(&view.shape) {
        let _ = write!(text, " {:?}", view.shape);
    }
    if !view.is_dense() {
        let _ = write!(text, " by {:?}", view.strides);
    }
    text
}

fn named<'a>(entry: Option<(&'a str, &'a [usize])>) -> (&'a str, Option<&'a [usize]>) {
    entry.map_or(("?", None), |(name, shape)| (name, Some(shape)))
}

#[cfg(test)]
mod tests {
    use super::print;
    use crate::kernels::test_graph::TestGraph;
    use crate::plan::{Target, plan};

    #[test]
    fn places_are_storages_and_bytes() {
        let (mut test, x) = TestGraph::new(&[2, 3, 4, 4]);
        let a = test.conv(x, 2, 3, true);
        let b = test.layer("Narrow", |builder| builder.slice(x, 1, 1, 2));
        let b = test.relu(b);
        let whole = test.concat(&[a, b]);
        let last = test.batch_norm(whole);
        insta::assert_snapshot!(print(&plan(&test.finish(last), &Target::reference()).unwrap()), @r"
        input input [2, 3, 4, 4]
        parameter 0.weight [2, 3, 3, 3]
        parameter 0.bias [2]
        parameter 4.weight [4]
        parameter 4.bias [4]
        parameter 4.running_mean [4]
        parameter 4.running_var [4]
        prepare
        run
          arena+512 [2, 2, 4, 4] = conv(input, 0.weight) 3x3 before 1  # 0 Conv2d
          arena+0 [2, 2, 4, 4] by [64, 16, 4, 1] = map(arena+512, 0.bias by [0, 1, 0, 0]) x0 + x1  # 0 Conv2d
          arena+128 [2, 2, 4, 4] by [64, 16, 4, 1] = map(input+64 by [48, 16, 4, 1]) max(x0, 0)  # 2 ReLU
          arena+512 [2, 4, 4, 4] = map(arena+0, 4.weight by [0, 1, 0, 0], 4.bias by [0, 1, 0, 0], 4.running_mean by [0, 1, 0, 0], 4.running_var by [0, 1, 0, 0]) ((x0 - x3) * (x1 / sqrt(x4 + 0.00001))) + x2  # 4 BatchNorm2d
        output output = arena+512 [2, 4, 4, 4]
        arena 1024 bytes, prepared 0 bytes, parameters 288 bytes
        ");
    }
}
