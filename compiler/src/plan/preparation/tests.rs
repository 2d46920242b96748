//! Which values of two plans are alike, and which steps are behind one.

use super::{Preparation, PreparedKey};
use crate::graph::NodeId;
use crate::kernels::test_graph::TestGraph;
use crate::kernels::{AxisWindow, Expression};
use crate::plan::{Blocks, Method, Plan, Scheme, Storage, Target, choices, plan};

fn keys(plan: &Plan) -> Vec<PreparedKey> {
    Preparation::of(plan).keys().collect()
}

/// How the weights of the two convolutions of a net are made.
#[derive(Clone)]
struct Net {
    images: [usize; 3],
    factors: [Expression; 2],
    paths: [&'static str; 2],
    /// Instead of the estimated one.
    method: Option<Method>,
}

impl Net {
    fn new(batch: usize, size: usize) -> Net {
        let factor = || Expression::operand(0) * 2.0;
        Net { images: [batch, size, size], factors: [factor(), factor()], paths: ["a", "b"], method: None }
    }

    /// Convolutions of weights that are doubled before they are packed.
    fn plan(&self) -> Plan {
        let [batch, height, width] = self.images;
        let (mut test, mut x) = TestGraph::new(&[batch, 16, height, width]);
        let axis = AxisWindow { kernel: 3, stride: 1, dilation: 1, before: 1 };
        for (path, factor) in self.paths.into_iter().zip(&self.factors) {
            let weight = test.parameter(path, &[16, 16, 3, 3]);
            let weight = test.layer("Scale", |builder| builder.map(&[weight], factor.clone()));
            x = test.layer("Conv", |builder| builder.conv(x, weight, [axis; 2], 1, [height, width]));
        }
        let graph = test.finish(x);
        let mut blocks = Blocks::reference();
        let estimated = plan(&graph, &Target::blocked()).unwrap();
        let convolutions = choices(&estimated, &blocks).into_iter().map(|choice| choice.key);
        blocks.chosen = convolutions.filter_map(|key| Some((key, self.method?))).collect();
        plan(&graph, &Target { blocks: Some(blocks), ..Target::blocked() }).unwrap()
    }
}

#[test]
fn weights_are_alike_for_any_number_of_images_and_any_sizes_of_them() {
    let one = Net { method: Some(Method::Winograd(Scheme::F4)), ..Net::new(1, 28) };
    let made = keys(&one.plan());
    assert_eq!(made.len(), 2);
    assert_ne!(made[0], made[1], "other parameters");
    for images in [[4, 28, 28], [1, 30, 9], [32, 3, 3]] {
        assert_eq!(keys(&Net { images, ..one.clone() }.plan()), made);
    }
    let other = keys(&Net { method: Some(Method::Direct), ..one }.plan());
    assert!(made.iter().zip(&other).all(|(one, other)| one != other), "packed for another method");
}

#[test]
fn a_key_tells_constants_and_parameters_apart() {
    let net = Net::new(1, 8);
    let made = keys(&net.plan());
    let first = |factor: Expression| {
        let changed = keys(&Net { factors: [factor, net.factors[1].clone()], ..net.clone() }.plan());
        assert_eq!(changed[1], made[1]);
        changed[0].clone()
    };
    assert_ne!(first(Expression::operand(0) * 2.5), made[0]);
    assert_ne!(first(Expression::operand(0) + 0.0), first(Expression::operand(0) + -0.0), "another number's bits");
    let turned = keys(&Net { paths: ["b", "a"], ..net }.plan());
    assert_eq!([&turned[0], &turned[1]], [&made[1], &made[0]]);
}

#[test]
fn where_scratch_lies_makes_no_difference() {
    let alone = Net::new(1, 8).plan();
    let mut moved = alone.clone();
    for step in &mut moved.prepare {
        for view in step.operands.iter_mut().chain([&mut step.output]) {
            view.offset_bytes += if view.storage == Storage::Scratch { 256 } else { 0 };
        }
    }
    moved.scratch_bytes += 256;
    assert_eq!(crate::plan::verify(&moved), Ok(()));
    assert_eq!(keys(&moved), keys(&alone));
}

/// Of a concatenation of two constants, whose first part is read to make the second, and of what is made of that.
fn concatenated(factor: f64) -> Plan {
    let (mut test, x) = TestGraph::new(&[1, 4, 2, 2]);
    let weight = test.parameter("weight", &[1, 2, 1, 1]);
    let map = |test: &mut TestGraph, x: NodeId, by: f64| {
        test.layer("Scale", |builder| builder.map(&[x], Expression::operand(0) * by))
    };
    let one = map(&mut test, weight, 2.0);
    let two = map(&mut test, one, factor);
    let both = test.concat(&[one, two]);
    let after = map(&mut test, two, 3.0);
    let scaled = test.layer("product", |builder| builder.map(&[x, both], sum()));
    let half = test.layer("Narrow", |builder| builder.slice(x, 1, 0, 2));
    let other = test.layer("product", |builder| builder.map(&[half, after], sum()));
    plan(&test.finish_all(&[("scaled", scaled), ("other", other)]), &Target::reference()).unwrap()
}

fn sum() -> Expression {
    Expression::operand(0) + Expression::operand(1)
}

#[test]
fn a_concatenation_is_one_value_and_its_key_says_all_parts() {
    let plan = concatenated(5.0);
    let wrote: Vec<Storage> = plan.prepare.iter().map(|step| step.output.storage).collect();
    assert_eq!(
        wrote,
        [Storage::Prepared(0), Storage::Prepared(0), Storage::Prepared(1)],
        "{}",
        crate::plan::print(&plan)
    );
    let (made, other) = (keys(&plan), keys(&concatenated(6.0)));
    assert_eq!(made, keys(&concatenated(5.0)));
    assert_ne!(made[0], other[0], "its second part is another");
    assert_ne!(made[1], other[1], "made of another part");
}

#[test]
fn what_is_there_already_is_not_made() {
    let plan = concatenated(5.0);
    let preparation = Preparation::of(&plan);
    assert_eq!(preparation.steps(|_| true), [true; 3]);
    assert_eq!(preparation.steps(|_| false), [false; 3]);
    assert_eq!(preparation.steps(|value| value == 0), [true, true, false]);
    assert_eq!(preparation.steps(|value| value == 1), [false, false, true], "the part that it reads is there");
    let weights = Preparation::of(&Net::new(1, 8).plan());
    assert_eq!(weights.steps(|value| value == 1), [false, false, true, true], "scratch is made for what needs it");
}

#[test]
fn what_is_made_of_the_same_thing_over_and_over_is_compared_once() {
    let sums = || {
        let (mut test, x) = TestGraph::new(&[1, 2, 2, 2]);
        let mut value = test.parameter("weight", &[1, 2, 1, 1]);
        let mut values = vec![value];
        for _ in 0..200 {
            let half = test.layer("half", |builder| builder.map(&[value], Expression::operand(0) * 0.5));
            value = test.layer("sum", |builder| builder.map(&[value, half], sum()));
            values.push(value);
        }
        let scaled: Vec<NodeId> =
            values.iter().map(|&value| test.layer("product", |builder| builder.map(&[x, value], sum()))).collect();
        let outputs: Vec<(String, NodeId)> =
            scaled.iter().enumerate().map(|(number, &node)| (format!("out{number}"), node)).collect();
        let outputs: Vec<(&str, NodeId)> = outputs.iter().map(|(name, node)| (name.as_str(), *node)).collect();
        plan(&test.finish_all(&outputs), &Target::reference()).unwrap()
    };
    let (one, other) = (keys(&sums()), keys(&sums()));
    assert_eq!((one.len(), &one), (200, &other));
}

#[test]
fn nothing_is_written_over_what_is_prepared() {
    let mut plan = concatenated(5.0);
    let again = plan.prepare[1].clone();
    plan.prepare.push(again);
    assert!(crate::plan::verify(&plan).unwrap_err().ends_with("it writes over what was prepared"));
}
