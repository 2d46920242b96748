//! The samples that were answered worst: each as the network was given it, with what it is and what it was taken for.

use super::{Report, percent};
use crate::draw::pixels::{planes, shrunk};
use crate::draw::raster::coloured;
use crate::draw::svg::escaped;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cnnc_runtime::Result;
use cnnc_runtime::answer::{Likely, Scores, likeliest};
use cnnc_runtime::train::{Answered, Wanted};
use std::fmt::Write;

/// Pixels of the longer side of a picture in the page, at most.
const LONGEST: usize = 280;
/// Numbers of an answer that are written out.
const NUMBERS: usize = 3;

/// Adds them to the page.
///
/// # Errors
/// E604 when a picture cannot be encoded.
pub fn write(body: &mut String, report: &Report<'_>) -> Result<()> {
    let samples = report.evaluation.worst.samples();
    if samples.is_empty() {
        return Ok(());
    }
    *body += "<h2>Answered worst</h2>\n<p class=\"about\">The highest losses, as the network sees the samples.</p>\n\
              <div class=\"pictures\">\n";
    for sample in samples {
        *body += "<figure>";
        if let Some(picture) = picture(report, sample)? {
            *body += &picture;
        }
        let Caption { is, taken } = caption(report, sample);
        let name = name(report, sample);
        let _ = writeln!(
            body,
            "<figcaption><b>{}</b><br>{}<small>{}, loss {:.3}</small></figcaption></figure>",
            escaped(&is),
            escaped(&taken),
            escaped(&name),
            sample.loss
        );
    }
    *body += "</div>\n";
    Ok(())
}

/// What a sample is called, without the folder that all of them lie in.
fn name(report: &Report<'_>, sample: &Answered) -> String {
    let name = report.prepared.data.validation.name(sample.sample);
    match report.prepared.recipe.data.source.path.to_str() {
        Some(folder) if !folder.is_empty() => name.replace(&format!("{}/", folder.trim_end_matches('/')), ""),
        _ => name,
    }
}

/// What stands below a picture.
struct Caption {
    is: String,
    taken: String,
}

fn caption(report: &Report<'_>, sample: &Answered) -> Caption {
    let name = |class: usize| report.names.get(class).cloned().unwrap_or_else(|| class.to_string());
    match &sample.wanted {
        Wanted::Class(class) => {
            let classes = likeliest(&sample.answer, &[], Scores::OfOne);
            let share = |one: &Likely<'_>| percent(Some(one.probability));
            let own = classes.iter().find(|one| one.class == *class).map(share).unwrap_or_default();
            let taken = match classes.first() {
                Some(first) if first.class == *class => format!("right, {own}"),
                Some(first) => format!("taken for {}, {}; itself {own}", name(first.class), share(first)),
                None => String::new(),
            };
            Caption { is: name(*class), taken }
        }
        Wanted::Classes(classes) => {
            let names = |classes: Vec<String>| if classes.is_empty() { "nothing".into() } else { classes.join(", ") };
            let answered = likeliest(&sample.answer, &[], Scores::OfEach);
            let taken = answered.iter().filter(|one| one.is_there()).map(|one| name(one.class));
            let taken = format!("taken for {}", names(taken.collect()));
            Caption { is: names(classes.iter().map(|&class| name(class)).collect()), taken }
        }
        Wanted::Numbers(numbers) => {
            Caption { is: listed(numbers), taken: format!("answered {}", listed(&sample.answer)) }
        }
        _ => Caption { is: String::new(), taken: listed(&sample.answer) },
    }
}

/// `0.251, −3.000, …`
fn listed(numbers: &[f32]) -> String {
    let shown: Vec<String> = numbers.iter().take(NUMBERS).map(|number| format!("{number:.3}")).collect();
    shown.join(", ") + if numbers.len() > NUMBERS { ", …" } else { "" }
}

/// The picture, where the data are pictures.
fn picture(report: &Report<'_>, sample: &Answered) -> Result<Option<String>> {
    let prepared = report.prepared;
    if prepared.data.input.is_some() {
        return Ok(None);
    }
    let Some((planes, size)) = planes(&prepared.setup.validation, &sample.input) else { return Ok(None) };
    let (planes, size) = shrunk(planes, size, LONGEST);
    let data = STANDARD.encode(coloured(&planes, size)?);
    let [height, width] = size;
    let alt = escaped(&name(report, sample));
    let picture =
        format!("<img src=\"data:image/png;base64,{data}\" width=\"{width}\" height=\"{height}\" alt=\"{alt}\">");
    Ok(Some(picture))
}
