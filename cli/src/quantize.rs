//! `cnnc quantize FILE --weights W --data RECIPE|FOLDER -o OUT`: weights of bytes, and what bytes of the network's values stand
//! for.
//!
//! The network is run on samples in float32, and then in int8. Where the likeliest class of too many samples changes, layers
//! stay in float32, those first whose rounding is heard most, until the budget is kept.

use crate::arguments::Quantize;
use crate::console::{Console, Outcome};
use crate::numbers::{column_width, counted, padded};
use crate::outputs::{self, Read};
use crate::{model, recipe, weights};
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_grammar::span::Files;
use cnnc_runtime::input::pictures_of;
use cnnc_runtime::{Agreement, Calibration, Device, Model, Tensor, Weights};
use std::fmt::Write;

/// Lines of the table that are written out; of more, their number is.
const SHOWN: usize = 20;

/// Quantises.
pub fn quantize(arguments: &Quantize, console: &mut Console<'_>) -> Outcome {
    let none = Files::default();
    let read = arguments.weights.weights.as_deref();
    let checked = outputs::check(&arguments.output, read.map(|path| Read { role: "the weights", path }));
    checked.map_err(|diagnostic| console.fail(&diagnostic, &none))?;
    if !arguments.force && arguments.output.symlink_metadata().is_ok() {
        let there = Diagnostic::without_place(Code::E601, format!("`{}` is there already", arguments.output.display()));
        return Err(console.fail(&there.help("`--force` writes over it"), &none));
    }
    let model = model::load(&arguments.file, &arguments.model, console)?;
    if read.is_none() {
        let missing = Diagnostic::without_place(Code::E602, "there are no weights to quantise");
        return Err(console.fail(&missing.help("name a file of trained ones by `--weights`"), &none));
    }
    let weights = weights::load_or_draw(&model, &arguments.weights, 0, console)?;
    let samples = samples(arguments, &model, console)?;
    let device = Device::cpu(arguments.threads);
    let calibrated = console.timed("calibrate", || Calibration::new(&model, &weights, &device, &samples));
    let calibration = calibrated.map_err(|error| console.show(&error))?;
    let chosen = calibration.quantisations(arguments.clipping);
    let kept = console.timed("compare", || {
        calibration.within(&model, &weights, &device, &samples, chosen, arguments.max_drop / 100.0)
    });
    let (quantised, agreement) = kept.map_err(|error| console.show(&error))?;
    quantised.save_quantised(&arguments.output).map_err(|error| console.show(&error))?;
    console.print(&report(arguments, &calibration, &weights, &quantised, &agreement))
}

/// What is looked at.
fn samples(arguments: &Quantize, model: &Model, console: &mut Console<'_>) -> Outcome<Vec<Vec<Tensor>>> {
    let count = arguments.samples as usize;
    if !arguments.data.is_dir() {
        return recipe::first_samples(&arguments.data, count, console);
    }
    let none = Files::default();
    let folder = pictures_of(&arguments.data).map_err(|error| console.show(&error))?;
    console.tell(folder.left_out.as_slice(), &none);
    let mut samples: Vec<Vec<Tensor>> = Vec::new();
    for path in folder.pictures.iter().take(count) {
        let loaded = model.reader().read(0, path).map_err(|error| console.show(&error))?;
        // Plans are for one size of the input.
        if samples.first().is_none_or(|first| first[0].shape() == loaded.tensor.shape()) {
            samples.push(vec![loaded.tensor]);
        }
    }
    Ok(samples)
}

/// What was written, how much rounding is heard, and what stayed in float32.
fn report(
    arguments: &Quantize,
    calibration: &Calibration,
    weights: &Weights,
    quantised: &Weights,
    agreement: &Agreement,
) -> String {
    let of = quantised.quantisations();
    let mut values = calibration.signal_to_noise(of);
    values.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let shown: Vec<_> = values.iter().take(SHOWN).collect();
    let width = column_width(shown.iter().map(|(name, _)| &**name).chain(["value"]));
    let mut text = format!("{}  signal to noise of its bytes\n", padded("value", width));
    for (name, decibels) in shown {
        let _ = writeln!(text, "{}  {decibels:>5.1} dB", padded(name, width));
    }
    if values.len() > SHOWN {
        let _ = writeln!(text, "… and {} more, better than these", values.len() - SHOWN);
    }
    let _ = writeln!(
        text,
        "\nlikeliest class the same as in float32: {} of {}, answers {:.1} dB",
        agreement.same, agreement.samples, agreement.decibels
    );
    for (layer, gained) in &agreement.floats {
        let _ = writeln!(text, "`{layer}` stays in float32: {gained}");
    }
    let all = weights.keys().count();
    let _ = writeln!(
        text,
        "{}: {} of {} as int8, {} of the network as bytes, by {} over {}",
        arguments.output.display(),
        counted(of.weights.len(), "weight"),
        counted(all, "tensor"),
        counted(of.values.len(), "value"),
        arguments.clipping,
        counted(calibration.samples(), "sample"),
    );
    text
}
