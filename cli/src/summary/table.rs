//! The summary as a table: a row a layer, totals below.

use super::memory::Memory;
use super::sizes_in_words;
use crate::console::{Console, Outcome};
use crate::numbers::{bytes, column_width, counted, grouped, padded, padded_before};
use cnnc_compiler::summary::{Row, Summary};

/// A column: its head, and whether it holds numbers, which end under each other.
const COLUMNS: [(&str, bool); 7] = [
    ("path", false),
    ("layer", false),
    ("output", false),
    ("params", true),
    ("MACs", true),
    ("memory", true),
    ("receptive field", true),
];

/// Prints the whole table, line by line: a million rows are never in memory as text.
pub fn table(summary: &Summary, memory: Option<&Memory>, console: &mut Console<'_>) -> Outcome {
    let widths = widths(summary);
    let rule = "─".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1) + 2);
    let heads = COLUMNS.map(|(head, _)| head.to_owned());
    let rule = console.faint(&rule);
    let head = format!("{}\n{}\n{rule}\n", title(summary, console), console.bold(&line(&heads, &widths)));
    console.print(&head)?;
    for row in &summary.rows {
        console.print(&format!("{}\n", line(&cells(row), &widths)))?;
    }
    console.print(&format!("{rule}\n{}", totals(summary, memory)))
}

/// `LeNet, input [N, 1, 28, 28]`
fn title(summary: &Summary, console: &Console<'_>) -> String {
    let inputs: Vec<String> = summary.inputs.iter().map(|(name, shape)| format!("{name} {shape}")).collect();
    format!(" {}  {}\n", console.bold(&summary.model), inputs.join(", "))
}

fn cells(row: &Row) -> [String; 7] {
    [
        row.path.to_string(),
        row.layer.to_string(),
        row.output.to_string(),
        count(Some(row.cost.parameters)),
        count(row.cost.macs),
        row.cost.activation_bytes.map_or("?".into(), bytes),
        row.receptive_field.map_or("–".into(), |field| field.to_string()),
    ]
}

/// A dash for none, a question mark for unknown.
fn count(number: Option<u64>) -> String {
    match number {
        None => "?".into(),
        Some(0) => "–".into(),
        Some(number) => grouped(number),
    }
}

fn widths(summary: &Summary) -> [usize; 7] {
    let mut widths = COLUMNS.map(|(head, _)| head.chars().count());
    for row in &summary.rows {
        for (width, cell) in widths.iter_mut().zip(&cells(row)) {
            *width = (*width).max(column_width([cell.as_str()]));
        }
    }
    widths
}

fn line(cells: &[String; 7], widths: &[usize; 7]) -> String {
    let mut line = String::new();
    for ((cell, &width), (_, is_number)) in cells.iter().zip(widths).zip(COLUMNS) {
        let cell = if is_number { padded_before(cell, width) } else { padded(cell, width) };
        line += &format!(" {cell} ");
    }
    line.trim_end().to_owned()
}

/// What all rows come to, a figure a line.
pub fn totals(summary: &Summary, memory: Option<&Memory>) -> String {
    let (totals, cost) = (&summary.totals, summary.totals.cost);
    let unknown = || "unknown: they depend on sizes that the spec leaves open; see --input-shape".to_owned();
    // The first size of an input is the batch; where it is open, costs are those of one sample.
    let open = summary.inputs.iter().any(|(_, shape)| shape.first().is_some_and(|batch| batch.number().is_none()));
    let one = if open { " for one sample" } else { "" };
    let mut figures = vec![
        ("parameters", parameters(summary)),
        ("MACs", cost.macs.map_or_else(unknown, |macs| grouped(macs) + one)),
        ("activations", cost.activation_bytes.map_or_else(unknown, |size| bytes(size) + one)),
    ];
    if let Some(memory) = memory {
        let samples = memory.batch.map_or_else(|| one.to_owned(), |batch| format!(" for a batch of {batch}"));
        figures.push(("memory", in_words(memory, &samples)));
        let training = memory.training.map(|footprint| bytes(footprint.run_bytes) + " to train," + &samples);
        figures.extend(training.map(|text| ("training", text)));
    }
    for (name, shape) in &totals.outputs {
        let name = if totals.outputs.len() == 1 { String::new() } else { format!("{name} ") };
        figures.push(("output", format!("{name}{shape}")));
    }
    figures.extend(sizes_in_words(&totals.sizes).map(|words| ("valid sizes", words)));
    figures.iter().map(|(name, figure)| format!(" {name:<11}  {figure}\n")).collect()
}

/// `87.1 MB to load, 75.9 MB to run with 2 threads, for one sample`
fn in_words(Memory { footprint, threads, .. }: &Memory, one: &str) -> String {
    let [load, run] = [footprint.load_bytes, footprint.run_bytes].map(bytes);
    format!("{load} to load, {run} to run with {}{one}", counted(*threads, "thread"))
}

/// `61,706 in 246.8 kB`, `31,037,698 and 11,794 in buffers, together 124.2 MB`
fn parameters(summary: &Summary) -> String {
    let (parameters, buffers) = (summary.totals.cost.parameters, summary.totals.cost.buffers);
    let size = bytes(summary.totals.parameter_bytes);
    match (parameters, buffers) {
        (0, 0) => "none".into(),
        (_, 0) => format!("{} in {size}", grouped(parameters)),
        (_, _) => format!("{} and {} in buffers, together {size}", grouped(parameters), grouped(buffers)),
    }
}
