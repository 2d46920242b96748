//! The items of a body: a value's shape comes in, lines of a spec and the shape that they end in go out.

use super::arguments::Layers;
use super::dice::Dice;
use super::layer::LayerCall;

/// Writes the lines of a body.
pub struct Writer {
    pub dice: Dice,
    pub training: bool,
    pub lines: Vec<String>,
    pub depth: usize,
    pub names: usize,
    /// Blocks that were declared.
    pub blocks: Vec<String>,
    /// Values that `from` gives back, with their shapes.
    pub kept: Vec<(String, Vec<usize>)>,
}

impl Writer {
    pub fn line(&mut self, text: &str) {
        self.lines.push(format!("{}{text}", "    ".repeat(self.depth)));
    }

    pub fn name(&mut self, stem: &str) -> String {
        self.names += 1;
        format!("{stem}{}", self.names)
    }

    pub fn layers(&mut self) -> Layers<'_> {
        Layers { dice: &mut self.dice, training: self.training }
    }

    /// Lines in braces after that head.
    pub fn group<T>(&mut self, head: &str, inside: impl FnOnce(&mut Writer) -> T) -> T {
        self.line(format!("{head} {{").trim_start());
        self.depth += 1;
        let kept = self.kept.len();
        let result = inside(self);
        self.kept.truncate(kept);
        self.depth -= 1;
        self.line("}");
        result
    }

    /// Anything that takes a value of that shape; what it makes of it.
    pub fn item(&mut self, shape: &[usize]) -> Vec<usize> {
        let deep = self.depth > 3;
        match self.dice.below(100) {
            0..18 if !deep => self.join(shape, None),
            18..22 if !deep => self.repeated(shape),
            22..25 if !deep => self.conditional(shape),
            25..29 if !deep => self.block(shape),
            29..32 => self.tied(shape),
            32..35 => self.kept_and_used(shape),
            35..37 => self.transposed(shape),
            37..41 => self.split(shape),
            46..48 if !deep => self.multiplied(shape),
            43..46 => self.moved(shape),
            48..50 => self.bounded(shape),
            41..43 if !deep => {
                let name = self.name("group");
                self.group(&format!("{name}:"), |writer| {
                    let inner = writer.item(shape);
                    writer.item(&inner)
                })
            }
            _ => self.layer(shape),
        }
    }

    pub fn layer(&mut self, shape: &[usize]) -> Vec<usize> {
        let (call, output) = self.layers().any(shape);
        self.line(&call.text());
        if ["Conv2d", "ConvTranspose2d", "Linear"].contains(&call.name) && self.dice.percent(35) {
            self.normalised(&output);
        }
        output
    }

    /// A batch norm and an activation, as they follow a convolution.
    fn normalised(&mut self, shape: &[usize]) {
        let norm = LayerCall::plain(if shape.len() == 4 { "BatchNorm2d" } else { "BatchNorm1d" });
        let single = shape.iter().product::<usize>() / shape.get(1).unwrap_or(&1) < 2;
        if norm.of(shape).is_some() && (!single || !self.training) {
            self.line(norm.name);
        }
        if self.dice.percent(60) {
            let activation = self.dice.pick(&["ReLU", "ReLU6", "SiLU", "Hardswish", "LeakyReLU", "GELU", "Sigmoid"]);
            self.line(activation);
        }
    }

    /// Elements in another order, between work on each of them: what asks where an element lies must not change places with the
    /// move.
    fn moved(&mut self, shape: &[usize]) -> Vec<usize> {
        let Some((call, output)) = self.layers().moving(shape) else { return self.layer(shape) };
        let before = self.dice.pick(&["ReLU", "Tanh", ""]);
        let after = if self.training { self.dice.pick(&["Dropout", "Dropout(0.2)", "SiLU"]) } else { "SiLU" };
        for line in [before, &call.text(), after].into_iter().filter(|line| !line.is_empty()) {
            self.line(line);
        }
        output
    }

    fn bounded(&mut self, shape: &[usize]) -> Vec<usize> {
        for line in self.layers().bounded() {
            self.line(line);
        }
        shape.to_vec()
    }

    fn repeated(&mut self, shape: &[usize]) -> Vec<usize> {
        let turns = self.dice.within(1, 3);
        let numbered = self.dice.percent(50);
        let head = if numbered { format!("for i in 0..{turns}") } else { format!("repeat {turns}") };
        let name = self.name("turn");
        self.group(&head, |writer| {
            for index in 0..writer.dice.within(1, 2) {
                let call = writer.layers().keeping(shape);
                let label = if numbered && index == 0 { format!("\"{name}_{{i}}\": ") } else { String::new() };
                writer.line(&format!("{label}{}", call.text()));
            }
        });
        shape.to_vec()
    }

    fn conditional(&mut self, shape: &[usize]) -> Vec<usize> {
        let truth = self.dice.percent(50);
        let condition =
            self.dice.pick(if truth { &["2 > 1", "true", "not false"] } else { &["1 > 2", "false", "not true"] });
        let mut shapes = [shape.to_vec(), shape.to_vec()];
        shapes[0] = self.group(&format!("if {condition}"), |writer| writer.layer(shape));
        if !truth || self.dice.percent(50) {
            let last = self.lines.len() - 1;
            self.lines[last].clear();
            shapes[1] = self.group("} else", |writer| writer.layer(shape));
            self.lines.retain(|line| !line.is_empty());
        }
        shapes[usize::from(!truth)].clone()
    }

    /// A block of its own, called once or, where it leaves the shape as it is, several times.
    fn block(&mut self, shape: &[usize]) -> Vec<usize> {
        let name = self.name("Block");
        let mut inner = Writer {
            dice: Dice::new(self.dice.below(1 << 30) as u64),
            training: self.training,
            lines: Vec::new(),
            depth: 1,
            names: self.names,
            blocks: Vec::new(),
            kept: Vec::new(),
        };
        let sizes: Vec<String> = (0..shape.len()).map(|axis| format!("S{axis}")).collect();
        if inner.dice.percent(50) {
            inner.line(&format!("input [{}]", sizes.join(", ")));
        }
        let mut output = shape.to_vec();
        for _ in 0..inner.dice.within(1, 3) {
            // Blocks in blocks would make specs long.
            output = if inner.dice.percent(20) { inner.join(&output, None) } else { inner.layer(&output) };
        }
        self.names = inner.names;
        self.blocks.append(&mut inner.blocks);
        let body: String = inner.lines.iter().map(|line| format!("{line}\n")).collect();
        self.blocks.push(format!("block {name} {{\n{body}}}"));
        let calls = if output == shape { self.dice.within(1, 3) } else { 1 };
        for _ in 0..calls {
            self.line(&name);
        }
        output
    }

    /// Two parts of one length, side by side or apart, each on a way of its own, joined again.
    fn split(&mut self, shape: &[usize]) -> Vec<usize> {
        let axis = self.dice.below(shape.len());
        let axis = if self.dice.percent(60) { 1.min(shape.len() - 1) } else { axis };
        let length = self.dice.within(1, shape[axis].div_ceil(2));
        let mut part = shape.to_vec();
        part[axis] = length;
        let starts = [0, shape[axis] - length];
        let words = ["sum", "product", "concat", "difference", "maximum", "minimum"];
        let known = if self.dice.percent(60) { 3 } else { words.len() };
        let word = self.dice.pick(&words[..known]);
        let head = if word == "concat" { format!("concat(dim={axis})") } else { word.to_owned() };
        self.group(&head, |writer| {
            for start in starts {
                writer.group("", |writer| {
                    writer.line(&format!("Narrow(dim={axis}, start={start}, length={length})"));
                    if writer.dice.percent(50) {
                        let call = writer.layers().keeping(&part);
                        writer.line(&call.text());
                    }
                });
            }
        });
        part[axis] = if word == "concat" { 2 * length } else { length };
        part
    }

    /// Matrices multiplied, of which one is the value turned round.
    fn multiplied(&mut self, shape: &[usize]) -> Vec<usize> {
        let &[ref before @ .., rows, columns] = shape else { return self.layer(shape) };
        let turned_first = self.dice.percent(50);
        let (side, inner) = if turned_first { (columns, rows) } else { (rows, columns) };
        let many: usize = before.iter().product();
        if before.is_empty() || many * side * side > 1600 || many * side * side * inner > 12_000 {
            return self.layer(shape);
        }
        let last = shape.len() - 1;
        let mut axes: Vec<usize> = (0..shape.len()).collect();
        axes.swap(last - 1, last);
        self.group("matmul", |writer| {
            for turned in [turned_first, !turned_first] {
                writer.group("", |writer| {
                    if turned {
                        writer.line(&format!("Permute({axes:?})"));
                    }
                    let mut own = shape.to_vec();
                    if turned {
                        own.swap(last - 1, last);
                    }
                    if writer.dice.percent(50) {
                        let call = writer.layers().keeping(&own);
                        writer.line(&call.text());
                    }
                });
            }
        });
        [before, &[side, side]].concat()
    }

    /// One layer with one set of parameters, used twice.
    fn tied(&mut self, shape: &[usize]) -> Vec<usize> {
        if self.depth > 1 {
            return self.layer(shape);
        }
        let name = self.name("shared");
        let call = self.layers().keeping(shape);
        self.line(&format!("tied {name} = {}", call.text()));
        self.line(&name);
        if self.dice.percent(60) {
            let between = self.layers().keeping(shape);
            self.line(&between.text());
        }
        self.line(&name);
        shape.to_vec()
    }

    /// A value that a join further on takes up again.
    fn kept_and_used(&mut self, shape: &[usize]) -> Vec<usize> {
        if self.depth > 1 {
            return self.layer(shape);
        }
        let name = self.name("kept");
        self.line(&format!("keep {name}"));
        self.kept.push((name.clone(), shape.to_vec()));
        let between = self.layer(shape);
        self.join(&between, Some(&name))
    }

    /// A layer whose weight is another's, transposed.
    fn transposed(&mut self, shape: &[usize]) -> Vec<usize> {
        let Some(&features) = shape.last() else { return self.layer(shape) };
        let name = self.name("encode");
        let inner = self.dice.within(1, 9);
        if self.depth > 1 || shape.iter().product::<usize>() / features * inner > 1000 {
            return self.layer(shape);
        }
        self.line(&format!("{name}: Linear({inner}, bias=false)"));
        if self.dice.percent(50) {
            self.line("Tanh");
        }
        self.line(&format!("Linear({features}, bias=false, weight={name}.weight.T)"));
        shape.to_vec()
    }
}
