//! Joins: branches from one value that are added, compared, laid side by side and so on, brought to shapes that go together.

use super::body::Writer;
use super::layer::{LayerCall, int, ints, pair};
use cnnc_compiler::ops::Constant;

impl Writer {
    /// A join of branches; one of them begins with a kept value, if one is named.
    pub fn join(&mut self, shape: &[usize], kept: Option<&str>) -> Vec<usize> {
        let words = ["sum", "product", "concat", "difference", "quotient", "maximum", "minimum", "stack"];
        let rank = shape.len();
        let known = if self.dice.percent(60) { 3 } else { words.len() - usize::from(rank > 4) };
        let word = self.dice.pick(&words[..known]);
        let dim = if self.dice.percent(60) { 1.min(rank - 1) } else { self.dice.below(rank) };
        let stacked = (word == "stack").then(|| self.dice.below(rank + 1));
        // No axis of branches that are stacked may differ, and none is repeated.
        let dim = match word {
            "concat" => dim,
            "stack" => usize::MAX - 1,
            _ => usize::MAX,
        };
        let head = match (word, dim) {
            ("concat", 1) if self.dice.percent(70) => "concat".to_owned(),
            ("concat", dim) if self.dice.percent(50) => format!("concat(dim={dim})"),
            ("concat", dim) => format!("concat(dim={})", dim as i64 - rank as i64),
            _ => stacked.map_or_else(|| word.to_owned(), |dim| format!("stack(dim={dim})")),
        };
        let start = self.lines.len();
        let mut whole = shape.to_vec();
        let (mut along, mut count) = (0, 0);
        let mut fits = true;
        self.group(&head, |writer| {
            let branches = writer.dice.within(2, 3);
            count = branches;
            for number in 0..branches {
                let kept = kept.filter(|_| number == 1);
                // Nothing divides by what may be nearly zero.
                let divides = number > 0 && word == "quotient";
                if divides
                    || (number > 0 && !matches!(word, "concat" | "stack") && kept.is_none() && writer.dice.percent(10))
                {
                    let constant = writer.dice.pick(&["1.5", "-2", "(2 ** -1)", "0.75"]);
                    writer.line(constant);
                    continue;
                }
                let found = writer.branch(shape, (number > 0).then_some(&whole), dim, kept);
                let Some(found) = found else {
                    fits = false;
                    return;
                };
                if number == 0 {
                    whole = found.clone();
                    if word == "concat" && whole.len() != rank {
                        fits = false;
                        return;
                    }
                }
                along += found.get(dim).copied().unwrap_or(0);
            }
        });
        if !fits || (word == "concat" && along * whole.iter().product::<usize>() / whole[dim] > 1600) {
            self.lines.truncate(start);
            return self.layer(shape);
        }
        if word == "concat" {
            whole[dim] = along;
        }
        if let Some(dim) = stacked {
            // What the first branch ends in may have other axes than the value before.
            if whole.len() != rank || count * whole.iter().product::<usize>() > 1600 {
                self.lines.truncate(start);
                return self.layer(shape);
            }
            whole.insert(dim, count);
        }
        whole
    }

    /// A branch that ends in the target's shape, along a concatenation's axis in any; what it ends in.
    fn branch(
        &mut self,
        shape: &[usize],
        target: Option<&Vec<usize>>,
        dim: usize,
        kept: Option<&str>,
    ) -> Option<Vec<usize>> {
        if kept.is_none() && target.is_none_or(|target| agree(shape, target, dim)) && self.dice.percent(25) {
            let bare = self.dice.pick(&["Identity", "{}"]);
            self.line(bare);
            return Some(shape.to_vec());
        }
        if let (Some(target), None, usize::MAX) = (target, kept, dim)
            && self.dice.percent(20)
        {
            let first = usize::from(self.dice.percent(70));
            let sizes: Vec<i64> =
                target[first..].iter().map(|&size| if self.dice.percent(60) { size as i64 } else { 1 }).collect();
            if !sizes.is_empty() {
                let call = LayerCall::plain("Parameter").with("shape", ints(sizes));
                self.line(&call.text());
                return Some(target.clone());
            }
        }
        self.group("", |writer| {
            let mut current = shape.to_vec();
            if let Some(name) = kept {
                writer.line(&format!("from {name}"));
                current = writer.kept.iter().find(|(other, _)| other == name).map(|(_, shape)| shape.clone())?;
            }
            for _ in 0..writer.dice.within(0, 2) {
                current = writer.item(&current);
            }
            let Some(target) = target else { return Some(current) };
            writer.adapted(&current, target, dim)
        })
    }

    /// Layers that bring a value to the target's shape, or to one that broadcasts to it.
    fn adapted(&mut self, shape: &[usize], target: &[usize], dim: usize) -> Option<Vec<usize>> {
        if agree(shape, target, dim) {
            return Some(shape.to_vec());
        }
        if shape.len() != target.len() || shape.is_empty() || shape[0] != target[0] {
            return None;
        }
        let mut current = shape.to_vec();
        let calls: Vec<LayerCall> = match *target {
            [_, channels, height, width] => {
                let broadcast = dim == usize::MAX && self.dice.percent(15);
                let (height, width) = if broadcast { (1, 1) } else { (height, width) };
                let size = pair(height, width);
                let resize = match self.dice.below(4) {
                    0 => LayerCall::plain("AdaptiveAvgPool2d").with("output_size", size),
                    1 => LayerCall::plain("AdaptiveMaxPool2d").with("output_size", size),
                    2 => LayerCall::plain("Upsample").with("size", size),
                    _ => {
                        LayerCall::plain("Upsample").with("size", size).with("mode", Constant::Text("bilinear".into()))
                    }
                };
                let convolution =
                    LayerCall::plain("Conv2d").with("out_channels", int(channels)).with("kernel_size", int(1));
                let mut calls = Vec::new();
                calls.extend((dim == 2 || dim == 3 || current[2..] != [height, width]).then_some(resize));
                if dim != 1 && current[1] != channels {
                    let place = self.dice.below(calls.len() + 1);
                    calls.insert(place, convolution);
                }
                calls
            }
            [_, features] => vec![LayerCall::plain("Linear").with("out_features", int(features))],
            [_, _, features] => vec![LayerCall::plain("Linear").with("out_features", int(features))],
            _ => return None,
        };
        for call in calls {
            current = call.of(&current)?.1;
            self.line(&call.text());
        }
        (agree(&current, target, dim) || dim == usize::MAX && broadcasts(&current, target)).then_some(current)
    }
}

/// Whether shapes are the same, but along an axis.
fn agree(a: &[usize], b: &[usize], but: usize) -> bool {
    a.len() == b.len() && a.iter().zip(b).enumerate().all(|(axis, (a, b))| axis == but || a == b)
}

/// Whether the first is repeated to the second.
fn broadcasts(from: &[usize], to: &[usize]) -> bool {
    from.len() == to.len() && from.iter().zip(to).all(|(&from, &to)| from == to || from == 1)
}
