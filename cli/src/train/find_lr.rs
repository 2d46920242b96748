//! `cnnc train RECIPE --find-lr`: tries rising learning rates, draws the loss at each, and proposes one. Nothing is trained, and
//! nothing but the picture is written.

use super::progress::Progress;
use super::{listen, noun};
use crate::console::{Console, Outcome};
use crate::draw;
use crate::recipe::Prepared;
use cnnc_runtime::train::{Event, FINDER_STEPS, FoundRates, Run, find_rates};
use cnnc_runtime::write_whole;
use std::fs;

/// What the picture is called in the run's folder.
const PICTURE: &str = "find_lr.svg";

/// Tries rates.
pub fn find(prepared: &Prepared, console: &mut Console<'_>) -> Outcome {
    let Prepared { recipe, model, data, setup, device, .. } = prepared;
    let stop = listen(prepared, console)?;
    let mut progress = Progress::new(noun(prepared), console);
    progress.begin(1, 1, FINDER_STEPS);
    let run = Run { recipe, model, data, setup: setup.clone(), resume: None, stop: &stop, device };
    let found = find_rates(&run, &mut |event| match event {
        Event::Stepped { epoch, batch, pictures, loss } => progress.step(epoch, batch, pictures, loss),
        Event::Noted(note) => {
            progress.clear();
            console.tell(std::slice::from_ref(note), &prepared.files);
        }
        Event::Skipped(one) => {
            progress.clear();
            console.tell(&[one.note()], &prepared.files);
        }
        _ => {}
    });
    progress.clear();
    let found = found.map_err(|failure| console.fail(&failure, &prepared.files))?;
    let axis = draw::curves::axis_of_rates(&found);
    let curve = draw::terminal::charts(&draw::curves::panels_of_rates(&found), &axis, console);
    console.print(&curve)?;
    console.print(&said(&found))?;
    let path = recipe.output.join(PICTURE);
    // A folder that cannot be made is told when the picture cannot be written.
    let _ = fs::create_dir_all(&recipe.output);
    let svg = draw::curves::rates(model.name(), &found);
    let drawn = write_whole(&path, |writer| writer.write_all(svg.as_bytes()));
    drawn.map_err(|failure| console.fail(&failure, &prepared.files))?;
    console.print(&format!("curve: {}\n", path.display()))
}

/// What was found, and what follows from it.
fn said(found: &FoundRates) -> String {
    let (Some(lowest), Some(last)) = (found.lowest(), found.steps.last()) else {
        return "the loss is no number from the first step on: no rate is proposed\n".into();
    };
    let mut text = format!("{} steps, lr 1e-7 to {:.0e}; ", found.steps.len(), last.rate);
    text += match found.ran_away {
        true => "there the loss ran away\n",
        false => "the loss did not run away\n",
    };
    let Some(rate) = found.proposal() else {
        return text + "the loss never fell below where it began: no rate is proposed\n";
    };
    text += &format!("lowest: loss {:.4} at lr {:.1e}", lowest.smooth, lowest.rate);
    text += &found.steepest().map_or_else(String::new, |step| format!("; falls fastest at lr {:.1e}", step.rate));
    text + &format!(
        "\nproposal: lr {rate}, a tenth of the first or the second, whichever is lower: `--set lr={rate}`\n"
    )
}

#[cfg(test)]
mod tests {
    use super::said;
    use cnnc_runtime::train::FoundRates;

    #[test]
    fn a_loss_that_is_no_number_at_once_is_said() {
        assert!(said(&FoundRates::default()).contains("no rate is proposed"));
    }
}
