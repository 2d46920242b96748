//! Shapes in the JSON that commands print: a name and its sizes, the same everywhere.

use cnnc_compiler::shape::{Dim, Shape};
use cnnc_compiler::summary::{ReceptiveField, Seen};
use serde::Serialize;

/// An input or an output.
#[derive(Serialize)]
pub struct Port {
    name: String,
    shape: Vec<Size>,
}

/// A number, or a symbolic size as text.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Size {
    /// `28`
    Number(i64),
    /// `"N"`, `"(H - 1)//2 + 1"`
    Symbolic(String),
}

/// A number of rows or columns, or "whole".
#[derive(Serialize)]
#[serde(untagged)]
pub enum SeenData {
    /// `5`
    Elements(u64),
    /// `"whole"`
    Whole(&'static str),
}

/// Rows and columns of a receptive field.
pub fn field(field: ReceptiveField) -> [SeenData; 2] {
    [field.height, field.width].map(|seen| match seen {
        Seen::Elements(count) => SeenData::Elements(count),
        Seen::Whole => SeenData::Whole("whole"),
    })
}

/// The sizes of a shape.
pub fn sizes(shape: &Shape) -> Vec<Size> {
    let size = |dim: &Dim| dim.number().map_or_else(|| Size::Symbolic(dim.to_string()), Size::Number);
    shape.iter().map(size).collect()
}

/// Names and shapes.
pub fn ports<N: AsRef<str>>(ports: &[(N, Shape)]) -> Vec<Port> {
    ports.iter().map(|(name, shape)| Port { name: name.as_ref().to_owned(), shape: sizes(shape) }).collect()
}
