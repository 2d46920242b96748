//! Networks made here and written: branches, kept values, groups that stand apart, names that are taken.

use super::{Form, Network, Output, Unproved, ValueId, Written, write};
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::{Dim, Shape};
use cnnc_grammar::ast::JoinKind;

/// A network with one input of four channels.
fn network() -> (Network, ValueId) {
    let mut network = Network::default();
    network.name = "Net".into();
    let shape: Shape = [Dim::symbol("N"), Dim::Number(4), Dim::symbol("H"), Dim::symbol("W")].into_iter().collect();
    let input = network.input("x", shape);
    (network, input)
}

/// A convolution that keeps the shape, under a path.
fn conv(network: &mut Network, input: ValueId, path: &str) -> ValueId {
    let arguments = vec![("out_channels", Constant::Int(4)), ("kernel_size", Constant::Int(1))];
    let tensors = vec![(0, vec![4, 4, 1, 1]), (1, vec![4])];
    let value = network.layer("Conv2d", arguments, &[input], tensors).unwrap();
    network.name(value, path.split('.').map(str::to_owned).collect());
    value
}

fn written(mut network: Network, value: ValueId, form: Form) -> Written {
    network.outputs.push(Output { name: "y".into(), value });
    write(&network, form).unwrap_or_else(|reason| panic!("{reason:?}"))
}

/// The statements of the model, without its frame, and the keys of the weights.
fn body(network: Network, value: ValueId) -> (String, Vec<String>) {
    let written = written(network, value, Form::Flat);
    let lines = written.text.lines().skip(2).map(str::trim).collect::<Vec<_>>().join(" ");
    let keys = written.tensors.into_iter().map(|(key, _)| key).filter(|key| key.ends_with("weight")).collect();
    (lines.strip_suffix(" }").unwrap_or(&lines).to_owned(), keys)
}

#[test]
fn a_group_whose_items_stand_apart_is_written_in_parts() {
    let (mut network, input) = network();
    let mut value = input;
    for path in ["a.x", "b.z", "a.y", "a.in.v"] {
        value = conv(&mut network, value, path);
    }
    let (text, keys) = body(network, value);
    let layer = "Conv2d(4, kernel_size=1)";
    assert_eq!(text, format!("a: {{ x: {layer} }} b: {{ z: {layer} }} a[\"y\"]: {layer} a[\"in\"]: {{ v: {layer} }}"));
    assert_eq!(keys, ["a.x.weight", "b.z.weight", "a.y.weight", "a.in.v.weight"]);
}

#[test]
fn a_group_that_is_called_by_a_number_gets_no_members_elsewhere() {
    let (mut network, input) = network();
    let mut value = input;
    for path in ["4.x", "b.z", "4.y"] {
        value = conv(&mut network, value, path);
    }
    let (_, keys) = body(network, value);
    assert_eq!(keys, ["4.x.weight", "b.z.weight", "4_2.y.weight"]);
}

#[test]
fn a_name_that_is_taken_becomes_another_which_is_said() {
    let (mut network, input) = network();
    let first = conv(&mut network, input, "a");
    let second = conv(&mut network, first, "a");
    let written = written(network, second, Form::Flat);
    assert_eq!(written.renamed, [("a".to_owned(), "a_2".to_owned())]);
    assert!(written.tensors.iter().any(|(key, _)| key == "a_2.bias"));
}

#[test]
fn what_is_needed_in_several_places_is_kept() {
    let (mut network, input) = network();
    let a = conv(&mut network, input, "a");
    let b = conv(&mut network, a, "b");
    let c = conv(&mut network, b, "c");
    let first = network.join(JoinKind::Sum, vec![], &[a, c]).unwrap();
    let last = network.join(JoinKind::Product, vec![], &[first, b]).unwrap();
    let (text, _) = body(network, last);
    let layer = "Conv2d(4, kernel_size=1)";
    assert_eq!(
        text,
        format!("a: {layer} product {{ sum {{ Identity {{ b: {layer}; keep b; c: {layer} }} }} from b }}")
    );
}

#[test]
fn blocks_take_what_differs_and_what_follows_from_it_is_no_parameter() {
    let (mut network, input) = network();
    let mut value = input;
    for (place, channels) in [8, 12, 20].into_iter().enumerate() {
        let taken = network.shape(value).get(1).and_then(Dim::number).unwrap() as usize;
        for (name, channels, taken) in [("up", 2 * channels, taken), ("down", channels, 2 * channels)] {
            let kernel = if name == "up" { place + 1 } else { 1 };
            let arguments = vec![
                ("out_channels", Constant::Int(channels as i64)),
                ("kernel_size", Constant::Int(2 * kernel as i64 - 1)),
                ("padding", Constant::Int(kernel as i64 - 1)),
                ("bias", Constant::Bool(false)),
            ];
            let size = 2 * kernel - 1;
            value = network.layer("Conv2d", arguments, &[value], vec![(0, vec![channels, taken, size, size])]).unwrap();
            network.name(value, vec!["stages".into(), format!("part{place}"), name.into()]);
        }
    }
    let text = written(network, value, Form::Rolled).text;
    let expected = "\
block Part(channels: int, kernel_size: int) {
    up: Conv2d(channels, kernel_size=kernel_size, padding=kernel_size // 2, bias=false)
    down: Conv2d(channels // 2, kernel_size=1, bias=false)
}

model Net {
    input [N, 4, H, W]
    stages: { part0: Part(16, 1); part1: Part(24, 3); part2: Part(40, 5) }
}
";
    assert_eq!(text, expected);
}

/// A convolution of one place to so many channels, under a path.
fn wide(network: &mut Network, input: ValueId, path: &str, channels: usize) -> ValueId {
    let taken = network.shape(input).get(1).and_then(Dim::number).unwrap() as usize;
    let arguments = vec![("out_channels", Constant::Int(channels as i64)), ("kernel_size", Constant::Int(1))];
    let tensors = vec![(0, vec![channels, taken, 1, 1]), (1, vec![channels])];
    let value = network.layer("Conv2d", arguments, &[input], tensors).unwrap();
    network.name(value, path.split('.').map(str::to_owned).collect());
    value
}

fn keys(written: &Written) -> Vec<&str> {
    written.tensors.iter().map(|(key, _)| key.as_str()).collect()
}

/// Writes a network in both forms, whose keys are the same, and gives the lines of the rolled one's model.
fn rolled(make: impl Fn(&mut Network, ValueId) -> ValueId) -> Vec<String> {
    let [rolled, flat] = [Form::Rolled, Form::Flat].map(|form| {
        let (mut network, input) = network();
        let value = make(&mut network, input);
        written(network, value, form)
    });
    assert_eq!(keys(&rolled), keys(&flat));
    let model = rolled.text.lines().skip_while(|line| !line.starts_with("model")).skip(2);
    model.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn numbers_in_names_may_go_up_by_any_step() {
    let lines = rolled(|network, input| {
        (0..4).fold(input, |value, turn| {
            let first = conv(network, value, &format!("a{}", 3 * turn + 1));
            conv(network, first, &format!("b{}", 3 * turn + 2))
        })
    });
    let layer = "Conv2d(4, kernel_size=1)";
    let turn = format!("\"a{{3 * i + 1}}\": {layer}; \"b{{3 * i + 2}}\": {layer}");
    assert_eq!(lines, ["for i in 0..4 {", turn.as_str(), "}", "}"]);
    let lines = rolled(|network, input| (7..12).fold(input, |value, turn| conv(network, value, &format!("a{turn}"))));
    assert_eq!(lines, [format!("for i in 7..12 {{ \"a{{i}}\": {layer} }}").as_str(), "}"]);
}

#[test]
fn names_that_are_positions_in_turns_are_left_out() {
    let lines = rolled(|network, input| {
        (0..3).fold(input, |value, turn| {
            let first = wide(network, value, &format!("body.{}", 3 * turn), 8);
            let active = network.layer("ReLU", vec![], &[first], vec![]).unwrap();
            wide(network, active, &format!("body.{}", 3 * turn + 2), 4)
        })
    });
    let turn = "repeat 3 { Conv2d(8, kernel_size=1); ReLU; Conv2d(4, kernel_size=1) }";
    assert_eq!(lines.join(" "), format!("body: {{ {turn} }} }}"));
}

#[test]
fn groups_in_turns_keep_their_names() {
    let lines =
        rolled(|network, input| (0..4).fold(input, |value, turn| conv(network, value, &format!("stage.{turn}.conv"))));
    assert!(lines.iter().any(|line| line.contains("for i in 0..4")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("\"{i}\": { conv: ")), "{lines:?}");
}

#[test]
fn turns_that_differ_by_more_go_through_a_list() {
    let lines = rolled(|network, input| {
        [(0, 8, 3), (7, 16, 4), (16, 32, 6)].into_iter().fold(input, |value, (first, channels, count)| {
            let first_of_all = wide(network, value, &format!("layer{first}"), channels);
            let value = network.layer("ReLU", vec![], &[first_of_all], vec![]).unwrap();
            (0..count).fold(value, |value, turn| {
                let inner = wide(network, value, &format!("layer{}", first + 1 + 2 * turn), 2 * channels);
                wide(network, inner, &format!("layer{}", first + 2 + 2 * turn), channels)
            })
        })
    });
    let expected = [
        "for (first, channels, count) in [(0, 8, 3), (7, 16, 4), (16, 32, 6)] {",
        "\"layer{first}\": Conv2d(channels, kernel_size=1); ReLU",
        "for i in 0..count {",
        "\"layer{2 * i + first + 1}\": Conv2d(2 * channels, kernel_size=1)",
        "\"layer{2 * i + first + 2}\": Conv2d(channels, kernel_size=1)",
        "}",
        "}",
        "}",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_spec_that_is_not_the_network_is_refused() {
    let (mut network, input) = network();
    let value = conv(&mut network, input, "a");
    network.outputs.push(Output { name: "y".into(), value });
    let keys = [(value, "a".to_owned())].into();
    let proved = |text: &str| super::prove(&network, &keys, text).map(|_| ());
    let spec = |layer: &str| format!("model Net {{ input [N, 4, H, W]; a: {layer} }}");
    assert_eq!(proved(&spec("Conv2d(4, kernel_size=1)")), Ok(()));
    for other in
        ["Conv2d(4, kernel_size=3, padding=1)", "Conv2d(4, kernel_size=1, bias=false)", "Conv2d(4, 1, groups=2)"]
    {
        assert_eq!(
            proved(&spec(other)),
            Err(Unproved::Fault("its kernels are not those of the file".into())),
            "{other}"
        );
    }
    assert!(proved("model Net { input [N, 4, 8, W]; a: Conv2d(4, kernel_size=1) }").is_err());
    assert!(proved("model Net { input [N, 4, H, W]; b: Conv2d(4, kernel_size=1) }").is_err());
}

#[test]
fn a_group_that_others_name_is_no_block() {
    let (mut network, input) = network();
    let mut value = input;
    for group in ["a", "b", "d"] {
        for item in ["u", "v", "w", "x"] {
            value = conv(&mut network, value, &format!("{group}.{item}"));
        }
    }
    value = conv(&mut network, value, "a.z");
    let text = written(network, value, Form::Rolled).text;
    let calls = ["a: {", "b: B\n", "d: B\n", "a[\"z\"]: Conv2d"];
    assert!(calls.iter().all(|call| text.contains(call)), "{text}");
}

#[test]
fn a_group_that_keeps_a_value_for_others_is_no_block() {
    let (mut network, input) = network();
    let (mut value, mut inner) = (input, Vec::new());
    for group in ["one", "two", "three"] {
        let a = conv(&mut network, value, &format!("{group}.a"));
        let b = conv(&mut network, a, &format!("{group}.b"));
        let c = conv(&mut network, b, &format!("{group}.c"));
        let first = network.join(JoinKind::Sum, vec![], &[a, c]).unwrap();
        value = network.join(JoinKind::Product, vec![], &[first, b]).unwrap();
        value = conv(&mut network, value, &format!("{group}.d"));
        inner.push(b);
    }
    let last = network.join(JoinKind::Sum, vec![], &[value, inner[1]]).unwrap();
    let text = written(network, last, Form::Rolled).text;
    let calls = ["one: One\n", "two: {", "three: One\n"];
    assert!(calls.iter().all(|call| text.contains(call)), "{text}");
}
