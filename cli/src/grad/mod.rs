//! `cnnc grad FILE [PATH]`: one backward pass, and the gradients of parameters and inputs: how large each is, from the input
//! to the output, the values of some, and that of the input as a picture.

mod picture;

use crate::arguments::{Grad, InputSource, LossName, Report};
use crate::console::{Console, Outcome};
use crate::inputs::inputs;
use crate::numbers::{column_width, padded};
use crate::outputs::{self, Read};
use crate::params::selection::{Argument, Selection, find};
use crate::params::taken;
use crate::values::values;
use crate::{device, model, weights};
use cnnc_compiler::diagnostic::{Code, Diagnostic, nearest};
use cnnc_compiler::training::{Loss, SumOrMean};
use cnnc_grammar::span::Files;
use cnnc_runtime::input::{read_array, written_array};
use cnnc_runtime::{AsTensorView, Gradients, Model, Target, Tensor};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Columns of the longest bar.
const BAR: usize = 30;

/// What should be answered.
enum Answer {
    Classes(Vec<usize>),
    Numbers(Tensor),
}

/// Does the pass.
pub fn run(arguments: &Grad, console: &mut Console<'_>) -> Outcome {
    let device = device::open(&arguments.device, arguments.threads, console);
    let device = device.map_err(|failure| console.fail(&failure, &Files::default()))?;
    let model = model::load(&arguments.file, &arguments.model, console)?;
    if let Some(path) = &arguments.picture {
        let checked = outputs::check(path, reads(arguments, &model));
        checked.map_err(|wrong| console.fail(&wrong, &Files::default()))?;
    }
    let mut files = model.files().clone();
    let graph = &model.graph().graph;
    let is_input = |path: &str| graph.inputs.iter().any(|input| &*input.name == path.trim());
    let selected = match arguments.path.as_deref().filter(|path| !is_input(path)) {
        None => None,
        Some(text) => {
            let file = files.add("PATH", text);
            Some(find(graph, Argument { text, file }).map_err(|wrong| console.fail(&wrong, &files))?)
        }
    };
    let answer = answer(&arguments.target, &model, console)?;
    let inputs = inputs(&model, &arguments.input, None, arguments.seed, console)?;
    let weights = weights::load_or_draw(&model, &arguments.weights, arguments.seed, console)?;
    let (loss, target) = match &answer {
        Answer::Classes(classes) => (LossName::CrossEntropy, Target::Classes(classes)),
        Answer::Numbers(tensor) => (LossName::Mse, Target::Tensor(tensor.view())),
    };
    let name = arguments.loss.unwrap_or(loss);
    let pass = || Gradients::of(&weights, &device, loss_of(name), &inputs, target, arguments.seed);
    let gradients = console.timed("backward", pass).map_err(|failure| console.fail(&failure, model.files()))?;
    if let Some(path) = &arguments.picture {
        let drawn = picture::draw(&gradients, path);
        if let Some(left_out) = drawn.map_err(|failure| console.fail(&failure, model.files()))? {
            console.remark(Code::E604, left_out);
        }
    }
    let chosen = chosen(&gradients, arguments.path.as_deref().map(str::trim), selected.as_ref());
    if arguments.format == Report::Json {
        let report = json(&gradients, arguments.path.as_ref().map(|_| chosen.as_slice()));
        return console.print_data(|output| writeln!(output, "{}", serde_json::to_string_pretty(&report)?));
    }
    let words = match name {
        LossName::CrossEntropy => "cross-entropy",
        LossName::Mse => "mean squared error",
        LossName::MseSum => "sum of squared errors",
    };
    console.print(&format!("loss {:.6} ({words})\n", gradients.loss))?;
    match &arguments.path {
        None => console.print(&table(&gradients, console))?,
        Some(_) => {
            for (name, gradient) in &chosen {
                let text = match gradient {
                    Some(gradient) => format!("{:?}\n{}", gradient.shape(), values(gradient)),
                    None => "none: the loss does not depend on it".into(),
                };
                console.print(&format!("{} {text}\n", console.bold(name)))?;
            }
        }
    }
    match &arguments.picture {
        Some(path) => console.print(&format!("picture: {}\n", path.display())),
        None => Ok(()),
    }
}

fn loss_of(name: LossName) -> Loss {
    match name {
        LossName::CrossEntropy => Loss::cross_entropy(0.0),
        LossName::Mse => Loss::MeanSquaredError(SumOrMean::Mean),
        LossName::MseSum => Loss::MeanSquaredError(SumOrMean::Sum),
    }
}

/// What the command reads besides the executable itself.
fn reads<'a>(arguments: &'a Grad, model: &'a Model) -> impl Iterator<Item = Read<'a>> {
    let weights = arguments.weights.weights.iter().map(|path| Read { role: "the weights", path });
    let target = Path::new(&arguments.target);
    let files = arguments.input.iter().filter_map(InputSource::file);
    let inputs = files.map(|path| Read { role: "an input", path });
    outputs::sources(model.files()).chain(weights).chain(inputs).chain([Read { role: "the target", path: target }])
}

/// Class numbers, or an array, to which axes of size 1 are added before its own where the model's answer has more.
fn answer(text: &str, model: &Model, console: &mut Console<'_>) -> Outcome<Answer> {
    let labels = model.labels();
    let class = |class: &str| class.parse().ok().or_else(|| labels.iter().position(|label| label == class));
    let whole = class(text.trim()).map(|class| vec![class]);
    if let Some(classes) = whole.or_else(|| text.split(',').map(|part| class(part.trim())).collect()) {
        return Ok(Answer::Classes(classes));
    }
    let read = match InputSource::of(text.into()) {
        InputSource::Numbers(text) => written_array("--target", &text),
        InputSource::File(path) if path.exists() => read_array(&path),
        InputSource::File(_) => {
            let message = format!("the target `{text}` is no class, such as 3 or 3,0,7, no numbers, and no file");
            let wrong = Diagnostic::without_place(Code::E604, message);
            let wrong = match nearest(text, labels.iter().map(String::as_str)) {
                Some(near) => wrong.help(format!("there is the label `{near}`")),
                None => wrong.help("an array is a file that numpy.save wrote, or numbers as they are: '[[0.5, 1]]'"),
            };
            return Err(console.fail(&wrong, &Files::default()));
        }
    };
    let read = read.map_err(|error| console.show(&error))?;
    let graph = model.graph();
    let axes = graph.graph.outputs.first().map_or(0, |output| graph.shape(output.node).len());
    let missing = axes.saturating_sub(read.shape().len());
    let shape: Vec<usize> = std::iter::repeat_n(1, missing).chain(read.shape().iter().copied()).collect();
    let grown = Tensor::new(&shape, read.data().to_vec()).unwrap_or(read);
    Ok(Answer::Numbers(grown))
}

/// A name, and the gradient by it or a part of that.
type Chosen = (String, Option<Tensor>);

/// The gradients that a path asks for.
fn chosen(gradients: &Gradients, path: Option<&str>, selected: Option<&Selection<'_>>) -> Vec<Chosen> {
    let Some(Selection { parameters, part, indices }) = selected else {
        let inputs = gradients.inputs.iter().filter(|(name, _)| path == Some(&**name));
        return inputs.map(|(name, gradient)| (name.to_string(), gradient.clone())).collect();
    };
    let of = |key: &Arc<str>| {
        let whole = gradients.get(key);
        let gradient = match part {
            Some(part) => whole.and_then(|whole| taken(whole, part)),
            None => whole.cloned(),
        };
        (format!("{key}{indices}"), gradient)
    };
    parameters.iter().filter(|parameter| parameter.trainable).map(|parameter| of(&parameter.path)).collect()
}

/// How large a gradient is.
struct Size {
    norm: f64,
    root_mean_square: f64,
    mean: f64,
    largest: f64,
}

impl Size {
    fn of(gradient: &Tensor) -> Size {
        let squares = gradient.numbers().map(|value| value * value).sum::<f64>();
        let largest = gradient.numbers().map(f64::abs).fold(0.0, f64::max);
        let count = gradient.data().len().max(1) as f64;
        let mean = gradient.numbers().sum::<f64>() / count;
        Size { norm: squares.sqrt(), root_mean_square: (squares / count).sqrt(), mean, largest }
    }
}

/// A line a parameter, from the input to the output, with a bar a power of ten for each that multiplies: where bars shorten
/// towards the input, the gradient vanishes.
fn table(gradients: &Gradients, console: &Console<'_>) -> String {
    let all = || gradients.inputs.iter().chain(&gradients.parameters);
    let shape =
        |gradient: &Option<Tensor>| gradient.as_ref().map_or_else(|| "-".into(), |one| format!("{:?}", one.shape()));
    let names = column_width(all().map(|(name, _)| &**name)).max(9);
    let shapes: Vec<String> = all().map(|(_, gradient)| shape(gradient)).collect();
    let shapes_width = column_width(shapes.iter().map(String::as_str)).max(5);
    let has_bar = |gradient: &Tensor| gradient.shape().len() > 1;
    let sizes: Vec<Option<(Size, bool)>> =
        all().map(|(_, gradient)| gradient.as_ref().map(|one| (Size::of(one), has_bar(one)))).collect();
    let scale = Scale::of(sizes.iter().flatten().filter(|(_, bar)| *bar).map(|(size, _)| size.root_mean_square));
    let head = format!(
        "{}  {}  {:>10}  {:>14}  {}",
        padded("by", names),
        padded("shape", shapes_width),
        "norm",
        "root mean sq.",
        scale.as_ref().map_or_else(String::new, Scale::words)
    );
    let mut text = format!("{}\n", console.bold(head.trim_end()));
    for (((name, _), shape), size) in all().zip(&shapes).zip(&sizes) {
        let (name, shape) = (padded(name, names), padded(shape, shapes_width));
        let line = match size {
            None => format!("{name}  {shape}  none: the loss does not depend on it"),
            Some((size, bar)) => {
                let bar =
                    scale.as_ref().filter(|_| *bar).map(|scale| scale.bar(size.root_mean_square)).unwrap_or_default();
                let (norm, mean) = (scientific(size.norm), scientific(size.root_mean_square));
                format!("{name}  {shape}  {norm:>10}  {mean:>14}  {}", console.faint(&bar))
            }
        };
        text += &format!("{}\n", line.trim_end());
    }
    text
}

/// `1.234e-5`
fn scientific(value: f64) -> String {
    if value == 0.0 { "0".into() } else { format!("{value:.3e}") }
}

/// Whole powers of ten around what is drawn.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64>) -> Option<Scale> {
        let logarithms = values.filter(|value| *value > 0.0 && value.is_finite()).map(f64::log10);
        let (low, high) =
            logarithms.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), value| (l.min(value), h.max(value)));
        let low = low.floor();
        (low.is_finite() && high.is_finite()).then(|| Scale { low, high: high.ceil().max(low + 1.0) })
    }

    /// What the ends of the bars are.
    fn words(&self) -> String {
        let (low, high) = (format!("1e{}", self.low + 0.0), format!("1e{}", self.high + 0.0));
        format!("{low}{high:>width$}", width = BAR.saturating_sub(low.len()))
    }

    /// A bar in eighths of a column; at least one of what is not nothing.
    fn bar(&self, value: f64) -> String {
        if value <= 0.0 || !value.is_finite() {
            return String::new();
        }
        let share = ((value.log10() - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        let eighths = ((share * (8 * BAR) as f64).round() as usize).max(1);
        "█".repeat(eighths / 8) + ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
    }
}

/// The same for programs; with the values of those that a path asked for.
fn json(gradients: &Gradients, chosen: Option<&[Chosen]>) -> Value {
    let sized = |name: &str, gradient: Option<&Tensor>| match gradient {
        None => json!({ "name": name, "shape": Value::Null }),
        Some(gradient) => {
            let Size { norm, root_mean_square, mean, largest } = Size::of(gradient);
            json!({
                "name": name,
                "shape": gradient.shape(),
                "norm": norm,
                "root_mean_square": root_mean_square,
                "mean": mean,
                "largest": largest,
            })
        }
    };
    let all = |list: &[(Arc<str>, Option<Tensor>)]| -> Vec<Value> {
        list.iter().map(|(name, gradient)| sized(name, gradient.as_ref())).collect()
    };
    let mut report = json!({
        "loss": gradients.loss,
        "inputs": all(&gradients.inputs),
        "parameters": all(&gradients.parameters),
    });
    if let Some(chosen) = chosen {
        let one = |(name, gradient): &Chosen| {
            let mut one = sized(name, gradient.as_ref());
            one["values"] = gradient.as_ref().map_or(Value::Null, |gradient| json!(gradient.data()));
            one
        };
        report["chosen"] = chosen.iter().map(one).collect();
    }
    report
}
