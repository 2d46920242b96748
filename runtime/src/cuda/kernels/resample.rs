//! Resampling and its gradient: between which elements each lies is computed here, as tables.

use super::{LaunchRequest, elementwise, planes};
use crate::cuda::source::{function, index_type_of, number, sizes};
use cnnc_compiler::kernels::{Resampling, Source};
use cnnc_compiler::plan::{Step, View};

/// A table as a function of `Sizes`, from an index to its number.
fn table(kind: &str, name: &str, values: impl Iterator<Item = String>) -> String {
    let values: Vec<String> = values.collect();
    format!(
        "static __device__ {kind} {name}(int i) {{ constexpr {kind} table[] = {{{}}}; return table[i]; }}",
        values.join(", ")
    )
}

/// The tables of both axes, from `small` to `large` sizes: where each element of the result is read.
fn read_tables(resampling: &Resampling, from: &View, to: &View) -> Vec<String> {
    let mut lines = Vec::new();
    for (axis, name) in ["y", "x"].into_iter().enumerate() {
        let sources = resampling.sources(axis, from.shape[2 + axis], to.shape[2 + axis]);
        lines.push(table("int", &format!("low_{name}"), sources.iter().map(|source| source.low.to_string())));
        lines.push(table("int", &format!("high_{name}"), sources.iter().map(|source| source.high.to_string())));
        lines.push(table("float", &format!("share_{name}"), sources.iter().map(|source| number(source.share as f32))));
    }
    lines
}

/// The tables of both axes by input index: which elements of the result may have been read from it.
fn reader_tables(resampling: &Resampling, from: &View, to: &View) -> Vec<String> {
    let mut lines = Vec::new();
    for (axis, name) in ["y", "x"].into_iter().enumerate() {
        let sources = resampling.sources(axis, from.shape[2 + axis], to.shape[2 + axis]);
        let ranges: Vec<(usize, usize)> = (0..from.shape[2 + axis]).map(|at| readers(&sources, at)).collect();
        lines.push(table("int", &format!("first_{name}"), ranges.iter().map(|range| range.0.to_string())));
        lines.push(table("int", &format!("end_{name}"), ranges.iter().map(|range| range.1.to_string())));
    }
    lines
}

/// The elements that are read from element `at`, as the first and one past the last.
fn readers(sources: &[Source], at: usize) -> (usize, usize) {
    let reads = |source: &Source| source.low == at || source.high == at;
    let first = sources.iter().position(reads).unwrap_or(0);
    (first, sources.iter().rposition(reads).map_or(first, |last| last + 1))
}

fn members(large: &View, small: &View) -> [(&'static str, usize); 4] {
    [
        ("height", large.shape[2]),
        ("width", large.shape[3]),
        ("out_height", small.shape[2]),
        ("out_width", small.shape[3]),
    ]
}

/// `Resample`.
pub fn resample(step: &Step, resampling: &Resampling) -> LaunchRequest {
    let index = index_type_of(step, 1);
    let (x, y) = (&step.operands[0], &step.output);
    let (shape, strides, _) = planes(x);
    let mut lines = read_tables(resampling, x, y);
    lines.push(function("at", &shape, &strides));
    let structs = sizes(index, &members(x, y), &[("planes", x.shape[0] * x.shape[1])], &lines);
    let kind = if matches!(resampling, Resampling::Nearest { .. }) { "nearest" } else { "bilinear" };
    elementwise("resample", structs, &["x"], step, index, |sink| format!("resample_{kind}<@_sizes>(x, {sink})"))
}

/// `ResampleGrad`.
pub fn resample_grad(step: &Step, resampling: &Resampling) -> LaunchRequest {
    let index = index_type_of(step, 1);
    let (g, x) = (&step.operands[0], &step.output);
    let (shape, strides, _) = planes(g);
    let mut lines = read_tables(resampling, x, g);
    lines.extend(reader_tables(resampling, x, g));
    lines.push(function("at", &shape, &strides));
    lines.push(format!("static constexpr bool nearest = {};", matches!(resampling, Resampling::Nearest { .. })));
    let structs = sizes(index, &members(x, g), &[("planes", x.shape[0] * x.shape[1])], &lines);
    elementwise("resample_grad", structs, &["g"], step, index, |sink| format!("resample_grad<@_sizes>(g, {sink})"))
}
