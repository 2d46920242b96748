//! `cnnc graph FILE`: a network drawn, blocks closed or open, as SVG, as a page, as DOT, or in the terminal.

mod dot;
mod draft;
mod facts;
mod flat;
mod layout;
mod outline;
mod page;
mod picture;
mod rails;
mod runs;
mod svg;
mod terminal;
#[cfg(test)]
mod tests;

use crate::arguments;
use crate::console::{Console, Outcome, Stop};
use crate::model;
use crate::numbers::grouped;
use crate::opened::{Opened, opened};
use crate::outputs;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::graph::ShapedGraph;
use cnnc_grammar::span::Files;
use cnnc_runtime::Model;
use draft::outline;
use facts::Facts;
use flat::Flat;
use outline::Body;
use picture::{Picture, View};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The most boxes of a picture.
const MOST_BOXES: usize = 5_000;

/// The most layers of a page.
const MOST_LAYERS: usize = 20_000;

/// Draws.
pub fn graph(arguments: &arguments::Graph, console: &mut Console<'_>) -> Outcome {
    let model = model::load(&arguments.file, &arguments.model, console)?;
    let Some(output) = &arguments.output else {
        let network = Network::of(model.graph(), &[]);
        let flat = network.flat(network.view(arguments.depth));
        let text = terminal::drawing(network.shaped, &network.facts, &flat, console);
        return console.print(&text);
    };
    let checked = outputs::check(output, outputs::sources(model.files()));
    checked.map_err(|diagnostic| console.fail(&diagnostic, model.files()))?;
    let text = match form(output) {
        Some(Form::Page) => page_of(&model, arguments, console)?,
        Some(Form::Svg) => {
            let network = Network::of(model.graph(), &[]);
            svg::svg(&network.picture(&model, arguments.depth, console)?, model.name())
        }
        Some(Form::Dot) => {
            let network = Network::of(model.graph(), &[]);
            dot::dot(network.shaped, &network.facts, &network.flat(network.view(arguments.depth)))
        }
        None => return Err(unknown_form(output, console)),
    };
    fs::write(output, text).map_err(|error| {
        let message = format!("cannot write `{}`: {error}", output.display());
        console.fail(&Diagnostic::without_place(Code::E601, message), model.files())
    })
}

/// What a file is written as.
enum Form {
    Svg,
    Page,
    Dot,
}

/// By a file's ending; nothing where that is another.
fn form(output: &Path) -> Option<Form> {
    match output.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "svg" => Some(Form::Svg),
        "html" | "htm" => Some(Form::Page),
        "dot" | "gv" => Some(Form::Dot),
        _ => None,
    }
}

fn unknown_form(output: &Path, console: &mut Console<'_>) -> Stop {
    let message = format!("`{}` says no form to draw in", output.display());
    let diagnostic = Diagnostic::without_place(Code::E601, message).note("a picture is .svg, .html or .dot");
    console.fail(&diagnostic, &Files::default())
}

/// A network, and what there is to draw of it.
struct Network<'m> {
    shaped: &'m ShapedGraph,
    facts: Facts,
    outline: Body,
}

impl Network<'_> {
    /// Of a network whose sizes are known in part.
    fn of<'m>(shaped: &'m ShapedGraph, known: &[(Arc<str>, i64)]) -> Network<'m> {
        let facts = Facts::of_network(shaped, known);
        let outline = outline(shaped, &facts);
        Network { shaped, facts, outline }
    }

    /// The picture, with blocks open down to a depth or as fits a page; an error where it has too many boxes.
    fn picture(&self, model: &Model, depth: Option<usize>, console: &mut Console<'_>) -> Outcome<Picture> {
        let Network { shaped, facts, outline } = self;
        let view = View { depth: depth.unwrap_or(1) };
        let boxes = view.boxes(outline);
        let composed = console.timed("lay out", || match depth {
            _ if boxes > MOST_BOXES => None,
            Some(_) => picture::compose(shaped, facts, outline, view),
            None => picture::compose_a_page(shaped, facts, outline).map(|(picture, _)| picture),
        });
        composed.ok_or_else(|| too_large((boxes, MOST_BOXES, "a picture", "boxes"), model, console))
    }

    /// Which blocks are open in a drawing that is no picture: those that would be in one.
    fn view(&self, depth: Option<usize>) -> View {
        let closed = View { depth: 1 };
        match depth {
            Some(depth) => View { depth },
            None if closed.boxes(&self.outline) > MOST_BOXES => closed,
            None => picture::compose_a_page(self.shaped, &self.facts, &self.outline).map_or(closed, |(_, view)| view),
        }
    }

    /// What is on view, without coordinates.
    fn flat(&self, view: View) -> Flat<'_> {
        Flat::of(self.shaped, &self.outline, view)
    }
}

/// The page, of a network whose sizes are open where they can be.
fn page_of(model: &Model, arguments: &arguments::Graph, console: &mut Console<'_>) -> Outcome<String> {
    let opened = openable(model, &arguments.file, &arguments.model, console)?;
    let network = Network::of(opened.model.graph(), &opened.fixed);
    let (Network { shaped, facts, outline }, depth) = (&network, arguments.depth.unwrap_or(1));
    let written = page::network(shaped, facts, outline, depth, opened.why_not.as_deref());
    written.ok_or_else(|| too_large((0, MOST_LAYERS, "a page", "layers"), model, console))
}

/// The table of a summary as a page, with what its layers come to below.
pub fn table_of(
    model: &Model,
    arguments: &arguments::Summary,
    totals: &str,
    console: &mut Console<'_>,
) -> Outcome<String> {
    let opened = openable(model, &arguments.file, &arguments.model, console)?;
    let network = Network::of(opened.model.graph(), &opened.fixed);
    let (Network { shaped, facts, outline }, depth) = (&network, arguments.depth.unwrap_or(1));
    Ok(page::table(shaped, facts, outline, depth, totals, opened.why_not.as_deref()))
}

/// The model with its sizes open, for a page; an error where it has more layers than a page holds.
fn openable(model: &Model, file: &Path, arguments: &arguments::Model, console: &mut Console<'_>) -> Outcome<Opened> {
    match model.graph().graph.dag.len() {
        layers if layers > MOST_LAYERS => Err(too_large((layers, MOST_LAYERS, "a page", "layers"), model, console)),
        _ => opened(model, file, arguments, console),
    }
}

/// What is said of a drawing with so many parts, where it has no more than that; else its lines turn too often.
fn too_large((count, most, form, parts): (usize, usize, &str, &str), model: &Model, console: &mut Console<'_>) -> Stop {
    let message = if count > most {
        let [count, most] = [count, most].map(|number| grouped(number as u64));
        format!("{form} has up to {most} {parts}, and this one would have {count}")
    } else {
        let most = grouped(layout::MOST_SPOTS as u64);
        format!("lines of a block turn up to {most} times, and these would turn more often")
    };
    let diagnostic = Diagnostic::without_place(Code::E217, message);
    console.fail(&diagnostic.help("an .svg with a small --depth has its blocks closed"), model.files())
}
