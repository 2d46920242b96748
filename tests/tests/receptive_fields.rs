//! Receptive fields of random networks against what their outputs really depend on.
//!
//! Layers work along one axis of the plane, height or width by turns. One sample of a batch for each row of the input has that
//! row made larger; an output's row depends on it when it differs from what the last sample, left as it is, gives. All weights
//! are positive, so that nothing cancels, and the change is vast, so that every maximum follows it.

use cnnc_compiler::graph::ShapedGraph;
use cnnc_compiler::plan::Target;
use cnnc_compiler::summary::{Seen, seen_by, summarize};
use cnnc_compiler::write_kernels::Bindings;
use cnnc_runtime::cpu::evaluate_f64;
use cnnc_runtime::{Parameters, Tensor};
use cnnc_tests::plans::planned;
use cnnc_tests::{possible_network, tensor};

/// Elements along the axis, and along the other.
const LENGTH: usize = 36;
const BREADTH: usize = 2;
const CHANNELS: usize = 2;

/// Networks that are made; some of them are valid, and have a part for the axis at all.
const NETWORKS: u64 = 600;

/// Numbers that depend on the seed alone.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn of<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }
}

/// Layers along one axis of the plane: 0 for the height, 1 for the width.
struct Along {
    axis: usize,
    /// Whether layers may read beyond the borders of their input: windows that pad, interpolation at the edge.
    pads: bool,
    random: Random,
}

impl Along {
    /// A pair whose part for the axis is this, and the other that.
    fn pair(&self, part: impl std::fmt::Display, other: impl std::fmt::Display) -> String {
        if self.axis == 0 { format!("({part}, {other})") } else { format!("({other}, {part})") }
    }

    fn dim(&self) -> usize {
        self.axis + 2
    }

    fn pad(&self, before: i64, after: i64) -> String {
        match self.axis {
            0 => format!("ZeroPad2d((0, 0, {before}, {after}))"),
            _ => format!("ZeroPad2d(({before}, {after}, 0, 0))"),
        }
    }

    /// A layer that may change the length.
    fn layer(&mut self) -> String {
        let small = self.random.below(3);
        let padding = if self.pads { small } else { 0 };
        let (kernel, stride, dilation) = (1 + self.random.below(4), 1 + self.random.below(3), 1 + self.random.below(3));
        match self.random.below(12) {
            0 | 1 => format!(
                "Conv2d({CHANNELS}, {}, stride={}, padding={}, dilation={}, bias=false)",
                self.pair(kernel, 1),
                self.pair(stride, 1),
                self.pair(padding, 0),
                self.pair(dilation, 1)
            ),
            2 | 3 => format!(
                "{}({}, stride={}, padding={})",
                self.random.of(&["MaxPool2d", "AvgPool2d"]),
                self.pair(kernel + 1, 1),
                self.pair(stride, 1),
                self.pair(padding.min(1), 0)
            ),
            4 => format!(
                "ConvTranspose2d({CHANNELS}, {}, stride={}, padding={}, dilation={}, bias=false)",
                self.pair(kernel, 1),
                self.pair(stride, 1),
                self.pair(if self.pads { small.min(kernel - 1) } else { dilation * (kernel - 1) }, 0),
                self.pair(dilation, 1)
            ),
            5 => format!("Upsample(scale_factor={})", self.pair(self.random_factor(small), 1)),
            6 => format!(
                "Upsample(size={}, mode=\"bilinear\", align_corners={})",
                self.pair(10 + kernel * 5, BREADTH),
                !self.pads || small == 0
            ),
            7 => format!("Narrow(dim={}, start={small}, length={})", self.dim(), 5 + self.random.below(20)),
            8 => self.pad(padding as i64 - 1, if self.pads { kernel as i64 - 2 } else { -1 }),
            9 => {
                let parts = 1 + self.random.below(12);
                format!("AdaptiveAvgPool2d({})", self.pair(parts, BREADTH))
            }
            10 => self.join(),
            _ => self.concatenation(),
        }
    }

    fn random_factor(&self, index: usize) -> f64 {
        [2.0, 1.5, 3.0][index]
    }

    /// Branches of one length.
    fn join(&mut self) -> String {
        let branches: Vec<String> = (0..2 + self.random.below(2)).map(|_| self.keeping()).collect();
        format!("{} {{ {} }}", self.random.of(&["sum", "concat"]), branches.join("; "))
            + &format!("; Conv2d({CHANNELS}, 1, bias=false)")
    }

    /// A branch that keeps the length, or has one element that is repeated.
    fn keeping(&mut self) -> String {
        let by = 1 + self.random.below(3) as i64;
        match self.random.below(if self.pads { 7 } else { 4 }) {
            4 => format!("MaxPool2d({}, stride=1, padding={})", self.pair(2 * by + 1, 1), self.pair(by, 0)),
            5 => format!("{{ {} }}", self.pad(by, -by)),
            6 => format!("{{ {} }}", self.pad(-by, by)),
            0 => {
                let (down, up) = (self.pair(by + 1, 1), self.pair(by + 1, 1));
                let mode = if self.pads { "bilinear" } else { "nearest" };
                format!("{{ AvgPool2d({down}); Upsample(scale_factor={up}, mode=\"{mode}\") }}")
            }
            1 => format!("{{ Narrow(dim={}, start={by}, length=1) }}", self.dim()),
            _ => format!(
                "{{ AdaptiveMaxPool2d({}); Upsample(scale_factor={}) }}",
                self.pair(6, BREADTH),
                self.pair(6, 1)
            ),
        }
    }

    /// Branches one after another along the axis.
    fn concatenation(&mut self) -> String {
        let part = |random: &mut Random| (random.below(12), 1 + random.below(12));
        let branches: Vec<String> = (0..2 + self.random.below(2))
            .map(|_| {
                let (start, length) = part(&mut self.random);
                format!("{{ Narrow(dim={}, start={start}, length={length}); {} }}", self.dim(), self.keeping())
            })
            .collect();
        format!("concat(dim={}) {{ {} }}", self.dim(), branches.join("; "))
    }
}

/// A network of a few layers, each of which the ones before allow.
fn network(seed: u64) -> Option<(String, Along, ShapedGraph)> {
    let axis = (seed % 2) as usize;
    let mut along = Along { axis, pads: seed % 4 < 2, random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)) };
    along.random.below(2);
    let plane = along.pair(LENGTH, BREADTH);
    let head = format!("model Net {{\n    input [{}, {CHANNELS}, {}]\n", LENGTH + 1, plane.trim_matches(['(', ')']));
    let (mut text, mut found) = (head, None);
    for _ in 0..2 + along.random.below(5) {
        let longer = format!("{text}    {}\n", along.layer());
        if let Some(network) = possible_network(&format!("{longer}}}")) {
            (text, found) = (longer, Some(network));
        }
    }
    found.map(|network| (text + "}", along, network))
}

/// For each element of the output along the axis, the first and the last of the input's that it depends on.
fn really_seen(network: &ShapedGraph, axis: usize) -> Vec<Option<(usize, usize)>> {
    let shape = network.graph.inputs[0].shape.numbers().expect("numbers");
    let sample: usize = shape[1..].iter().product();
    let along = |element: usize| if axis == 0 { element / BREADTH % LENGTH } else { element % LENGTH };
    let value = |index: usize| {
        let base = 1.0 + (index % sample * 7 % 13) as f32 / 13.0;
        if along(index % sample) == index / sample { base + 1e6 } else { base }
    };
    let input = tensor(&shape, (0..sample * (LENGTH + 1)).map(value));
    let mut parameters = Parameters::draw(&network.graph, 0).expect("parameters");
    for parameter in &network.graph.parameters {
        let count: usize = parameter.shape.iter().product();
        let weight = |index: usize| 0.5 + (index * 5 % 11) as f32 / 11.0;
        parameters.insert(
            parameter.path.clone(),
            Tensor::new(&parameter.shape, (0..count).map(weight).collect()).expect("a tensor"),
        );
    }
    let (shape, values) = evaluate_f64(planned(network, false, &Target::reference()), &parameters, &[input])
        .expect("an answer")
        .remove(0);
    let (sample, length) = (shape[1..].iter().product::<usize>(), shape[axis + 2]);
    let inner: usize = shape[axis + 3..].iter().product();
    let untouched = &values[LENGTH * sample..];
    let mut seen = vec![None; length];
    for row in 0..LENGTH {
        for (element, (value, before)) in values[row * sample..(row + 1) * sample].iter().zip(untouched).enumerate() {
            if (value - before).abs() > 1e-7 * before.abs() {
                let slot: &mut Option<(usize, usize)> = &mut seen[element / inner % length];
                *slot = Some(slot.map_or((row, row), |(first, _)| (first, row)));
            }
        }
    }
    seen
}

#[test]
fn fields_are_what_outputs_depend_on() {
    let (mut wrong, mut larger, mut all) = (Vec::new(), 0, 0);
    let (mut exactly, mut elements) = (0, 0);
    for seed in 0..NETWORKS {
        let Some((text, Along { axis, pads, .. }, network)) = network(seed) else { continue };
        let field = summarize(&network, &Bindings::new(), None).totals.receptive_field.expect("a plane");
        let stated = if axis == 0 { field.height } else { field.width };
        let seen = really_seen(&network, axis);
        let most = seen.iter().flatten().map(|(first, last)| last - first + 1).max().unwrap_or(0);
        // Each element's own part, within the borders.
        for (element, &seen) in seen.iter().enumerate() {
            let part = placed(&network, axis, element);
            let holds = |(first, last): (usize, usize)| part.is_some_and(|part| part.0 <= first && last <= part.1);
            if !seen.is_none_or(holds) || !pads && stated != Seen::Whole && part != seen {
                wrong.push(format!(
                    "network {seed}: element {element} is said to see {part:?}, really {seen:?}\n{text}"
                ));
            }
            exactly += u64::from(part == seen);
            elements += 1;
        }
        let (exact, enough) = match stated {
            Seen::Whole => (most == LENGTH, true),
            Seen::Elements(stated) => (most as u64 == stated, most as u64 <= stated),
        };
        // What lies beyond a border is counted but cannot be seen.
        if !(exact || pads && enough) {
            wrong.push(format!("network {seed}: stated {stated}, really {most}\n{text}\n{seen:?}"));
        }
        larger += u64::from(!exact);
        all += 1;
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(all > NETWORKS / 2 && larger < all / 10, "{larger} of {all} fields are larger than what is seen");
    assert!(exactly > elements / 10 * 9, "{exactly} of {elements} parts are what is seen");
}

/// First and last element of the input, within its borders, that an element along the axis is said to see.
fn placed(network: &ShapedGraph, axis: usize, element: usize) -> Option<(usize, usize)> {
    let output = network.graph.outputs.last().expect("an output").node;
    let mut index = [0; 4];
    index[axis + 2] = element;
    let part = *seen_by(network, &Bindings::new(), output, &index).first()?;
    let (first, last) = if axis == 0 { part.rows } else { part.columns };
    let (first, last) = (first.max(0) as usize, last.min(LENGTH as i64 - 1));
    (last >= first as i64).then_some((first, last as usize))
}
