//! `cnnc train RECIPE --show N`: a sheet of the first pictures as the network will see them in its first epoch, drawn before
//! anything is trained, and how each batch of them was made.
//!
//! They come from the run's own loader: order, transforms and mixing are those of the run.

use crate::console::{Console, Outcome, Stop};
use crate::draw::pixels::planes;
use crate::draw::raster::{Tile, sheet};
use crate::recipe::Prepared;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_runtime::data::{Batch, load};
use cnnc_runtime::train::training_job;
use cnnc_runtime::{Error, write_whole};
use std::fs;

/// What the sheet is called in the run's folder.
const SHEET: &str = "sheet.png";
/// Targets that a caption names.
const NAMED: usize = 2;

/// Draws the sheet.
pub fn draw(prepared: &Prepared, count: usize, console: &mut Console<'_>) -> Outcome {
    let fail = |failure: Error, console: &mut Console<'_>| -> Stop { console.fail(&failure, &prepared.files) };
    let Prepared { recipe, data, setup, .. } = prepared;
    let &[channels, height, width] = setup.train.shape() else {
        let message = "--show draws pictures, and these data are arrays of other axes";
        return Err(console.fail(&Diagnostic::without_place(Code::E610, message), &prepared.files));
    };
    let job = training_job(recipe, data, setup, (0, 0));
    let names = prepared.data_names();
    let mut tiles = Vec::new();
    for batch in load(&job) {
        let batch = batch.map_err(|failure| fail(failure, console))?;
        batch.skipped.iter().for_each(|one| console.tell(&[one.note()], &prepared.files));
        for (sample, values) in batch.inputs.data().chunks_exact(channels * height * width).enumerate() {
            let Some((planes, _)) = planes(&setup.train, values) else { continue };
            tiles.push(Tile { caption: caption(&batch, sample, &names, data.target.is_none()), planes });
        }
        if tiles.len() >= count {
            break;
        }
    }
    tiles.truncate(count);
    let title =
        format!("{}: the first {} pictures of the first epoch, {height}x{width}", prepared.model.name(), tiles.len());
    let path = recipe.output.join(SHEET);
    // A folder that cannot be made is told when the picture cannot be written.
    let _ = fs::create_dir_all(&recipe.output);
    let drawn =
        sheet(&title, &tiles, [height, width]).and_then(|png| write_whole(&path, |writer| writer.write_all(&png)));
    drawn.map_err(|failure| fail(failure, console))?;
    console.print(&format!("{}\n", path.display()))
}

/// What a sample should be taken for: its class, or the likeliest of a mixed target with their shares.
fn caption(batch: &Batch, sample: usize, names: &[String], are_classes: bool) -> String {
    let name = |class: usize| names.get(class).cloned().unwrap_or_else(|| class.to_string());
    let Some(targets) = &batch.targets else {
        return batch.labels.get(sample).map_or_else(String::new, |&label| name(label));
    };
    let size = targets.data().len() / batch.len().max(1);
    let row = &targets.data()[sample * size..(sample + 1) * size];
    if batch.labels.is_empty() && !are_classes {
        let numbers: Vec<String> = row.iter().take(NAMED).map(|value| format!("{value:.2}")).collect();
        return numbers.join(" ");
    }
    let mut classes: Vec<usize> = (0..size).filter(|&class| row[class] > 0.0).collect();
    classes.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
    let shares = classes.iter().take(NAMED).map(|&class| match row[class] {
        1.0.. => name(class),
        share => format!("{} {:.0}%", name(class), 100.0 * share),
    });
    shares.collect::<Vec<_>>().join(" ")
}
