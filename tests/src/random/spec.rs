//! A random spec that is well typed: layers one after another, joins of branches, loops, conditions, blocks, kept and tied
//! values, several
//! inputs and outputs, open sizes.

use super::body::Writer;
use super::dice::Dice;

/// A spec and the sizes that its inputs are given.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The text.
    pub text: String,
    /// The sizes of each input.
    pub inputs: Vec<Vec<usize>>,
}

/// The spec of a seed, with sizes left open or without. One that will be trained has one output.
pub fn spec(seed: u64, training: bool, open: bool) -> Spec {
    let mut dice = Dice::new(seed);
    let inputs = inputs(&mut dice);
    let names: Vec<&str> = if inputs.len() > 1 { vec!["left", "right"] } else { vec![""] };
    let symbols = open_sizes(&mut dice, &inputs);
    let mut writer =
        Writer { dice, training, lines: Vec::new(), depth: 1, names: 0, blocks: Vec::new(), kept: Vec::new() };
    for ((name, shape), symbols) in names.iter().zip(&inputs).zip(&symbols) {
        let sizes: Vec<String> = shape
            .iter()
            .zip(symbols)
            .map(|(size, symbol)| symbol.filter(|_| open).map_or(size.to_string(), str::to_owned))
            .collect();
        let gap = if name.is_empty() { "" } else { " " };
        writer.line(&format!("input{gap}{name} [{}]", sizes.join(", ")));
    }
    if inputs.len() > 1 {
        writer.kept = names.iter().map(|name| (*name).to_owned()).zip(inputs.iter().cloned()).collect();
        writer.line("from left");
    }
    let length = writer.dice.within(1, 5);
    let mut shape = inputs[0].clone();
    if inputs.len() > 1 {
        shape = writer.join(&shape, Some("right"));
    }
    let mut outputs = 0;
    for _ in 0..length {
        shape = writer.item(&shape);
        if !training && writer.dice.percent(8) {
            writer.line(&format!("output part{outputs}"));
            outputs += 1;
        }
    }
    if outputs > 0 {
        let name = writer.name("last");
        let call = writer.layers().keeping(&shape);
        writer.line(&format!("{name}: {}", call.text()));
        writer.line("output whole");
    }
    let body: String = writer.lines.iter().map(|line| format!("{line}\n")).collect();
    let blocks: String = writer.blocks.iter().map(|block| format!("{block}\n")).collect();
    Spec { text: format!("{blocks}model Net {{\n{body}}}\n"), inputs }
}

/// Batches of 1 to 3, axes of size 1, planes that are a pixel, more channels than a vector has lanes.
fn inputs(dice: &mut Dice) -> Vec<Vec<usize>> {
    let rank = dice.pick(&[4, 4, 4, 4, 4, 4, 4, 4, 3, 3, 5, 2, 2]);
    let batch = dice.within(1, 3);
    let one = |dice: &mut Dice| {
        let mut shape = vec![batch];
        for axis in 1..rank {
            shape.push(match axis {
                1 => dice.pick(&[1, 1, 2, 3, 3, 4, 5, 6, 8, 8, 9, 12, 16, 17, 20, 33]),
                _ => dice.pick(&[1, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9]),
            });
        }
        // Wide in channels or wide in pixels, so that a net stays small.
        if rank > 3 && shape.iter().product::<usize>() > 800 {
            shape[1] = dice.within(1, 4);
        }
        shape
    };
    let first = one(dice);
    if dice.percent(10) { vec![first, one(dice)] } else { vec![first] }
}

/// Which axes are open, under which symbol.
fn open_sizes(dice: &mut Dice, inputs: &[Vec<usize>]) -> Vec<Vec<Option<&'static str>>> {
    let batch = dice.percent(50);
    let planes = dice.percent(25);
    let symbols = [["N", "", "H", "W"], ["N", "", "P", "Q"]];
    let of = |(shape, symbols): (&Vec<usize>, &[&'static str; 4])| {
        let symbol = |axis: usize| match axis {
            0 => batch.then_some(symbols[0]),
            1 => None,
            _ => (planes && shape.len() == 4).then(|| symbols[axis]),
        };
        (0..shape.len()).map(symbol).collect()
    };
    inputs.iter().zip(&symbols).map(of).collect()
}
