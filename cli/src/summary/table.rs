//! The summary as a table: modules with what all in them costs, below them what stands in them, and the totals.

use super::lines::{Line, layer, lines, path};
use super::memory::Memory;
use super::sizes_in_words;
use crate::console::{Console, Outcome};
use crate::numbers::{bytes, column_width, counted, grouped, padded, padded_before};
use cnnc_compiler::summary::{OutlineRow, Summary};

/// A column: its head, and whether it holds numbers, which end under each other.
pub type Column = (&'static str, bool);

const COLUMNS: [Column; 7] = [
    ("path", false),
    ("layer", false),
    ("output", false),
    ("params", true),
    ("MACs", true),
    ("memory", true),
    ("receptive field", true),
];

/// Prints the whole table, line by line: a million rows are never in memory as text.
pub fn table(
    summary: &Summary,
    rows: &[OutlineRow],
    depth: Option<usize>,
    memory: Option<&Memory>,
    console: &mut Console<'_>,
) -> Outcome {
    let lines = lines(rows, depth);
    console.print(&title(summary, console))?;
    print(&COLUMNS, lines.len(), &|index| (cells(rows, &lines[index]), lines[index].is_open), console)?;
    console.print(&totals(summary, memory))
}

/// Prints heads and rows between rules, each row made twice: to be measured, and to be shown. Rows that others stand under are
/// faint.
pub fn print<const N: usize>(
    columns: &[Column; N],
    count: usize,
    row: &dyn Fn(usize) -> ([String; N], bool),
    console: &mut Console<'_>,
) -> Outcome {
    let mut widths = columns.map(|(head, _)| head.chars().count());
    for index in 0..count {
        for (width, cell) in widths.iter_mut().zip(&row(index).0) {
            *width = (*width).max(column_width([cell.as_str()]));
        }
    }
    let rule = console.faint(&"─".repeat(widths.iter().sum::<usize>() + 2 * (N - 1) + 2));
    let heads = columns.map(|(head, _)| head.to_owned());
    console.print(&format!("{}\n{rule}\n", console.bold(&line(columns, &heads, &widths))))?;
    for index in 0..count {
        let (cells, is_open) = row(index);
        let line = line(columns, &cells, &widths);
        console.print(&format!("{}\n", if is_open { console.faint(&line) } else { line }))?;
    }
    console.print(&format!("{rule}\n"))
}

/// `LeNet, input [N, 1, 28, 28]`
pub fn title(summary: &Summary, console: &Console<'_>) -> String {
    let inputs: Vec<String> = summary.inputs.iter().map(|(name, shape)| format!("{name} {shape}")).collect();
    format!(" {}  {}\n\n", console.bold(&summary.model), inputs.join(", "))
}

fn cells(rows: &[OutlineRow], line: &Line) -> [String; 7] {
    let (first, last) = (&rows[line.first], &rows[line.last]);
    let times = line.count as u64;
    [
        path(rows, line),
        layer(rows, line),
        first.output.to_string(),
        count(Some(first.cost.parameters.saturating_mul(times))),
        count(first.cost.macs.map(|macs| macs.saturating_mul(times))),
        first.cost.activation_bytes.map_or("?".into(), |size| bytes(size.saturating_mul(times))),
        last.receptive_field.map_or("–".into(), |field| field.to_string()),
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

fn line<const N: usize>(columns: &[Column; N], cells: &[String; N], widths: &[usize; N]) -> String {
    let mut line = String::new();
    for ((cell, &width), (_, is_number)) in cells.iter().zip(widths).zip(columns) {
        let cell = if *is_number { padded_before(cell, width) } else { padded(cell, width) };
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
        let needed = memory.needed.map(|needed| {
            let parts = [needed.parameter_bytes, needed.input_bytes, needed.value_bytes].map(bytes);
            let [parameters, inputs, values] = parts;
            format!("{}: parameters {parameters}, inputs {inputs}, values at once {values}", bytes(needed.bytes()))
        });
        figures.extend(needed.map(|text| ("needed", text)));
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
