//! What `cnnc diff` says, for programs. `docs/json.md` describes it; what is there keeps its name and meaning.

use super::{Answer, Side};
use crate::console::{Console, Outcome};
use crate::shapes::{SeenData, Size, field, sizes};
use crate::summary::{TotalsData, totals};
use cnnc_compiler::diff::{Change, Part};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Data<'a> {
    before: SideData<'a>,
    after: SideData<'a>,
    changes: Vec<ChangeData<'a>>,
    following: Vec<ChangeData<'a>>,
    tensors: Vec<TensorData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<WeightsData<'a>>,
}

#[derive(Serialize)]
struct SideData<'a> {
    named: &'a str,
    model: &'a str,
    totals: TotalsData,
}

#[derive(Serialize)]
struct ChangeData<'a> {
    kind: &'static str,
    before: Option<PartData<'a>>,
    after: Option<PartData<'a>>,
}

#[derive(Serialize)]
struct PartData<'a> {
    path: &'a str,
    layer: &'a str,
    layers: usize,
    params: u64,
    buffers: u64,
    macs: Option<u64>,
    output_shape: Option<Vec<Size>>,
    receptive_field: Option<[SeenData; 2]>,
}

#[derive(Serialize)]
struct TensorData<'a> {
    fate: &'static str,
    before: Option<KeyData<'a>>,
    after: Option<KeyData<'a>>,
}

#[derive(Serialize)]
struct KeyData<'a> {
    key: &'a str,
    shape: &'a [usize],
}

#[derive(Serialize)]
struct WeightsData<'a> {
    load: bool,
    reason: Option<&'a str>,
}

/// Prints one object.
pub fn json(answer: &Answer, console: &mut Console<'_>) -> Outcome {
    let [one, other] = &answer.sides;
    let difference = &answer.difference;
    let weights = answer.weights.as_ref();
    let data = Data {
        before: side(one),
        after: side(other),
        changes: difference.changes.iter().map(change).collect(),
        following: difference.following.iter().map(change).collect(),
        tensors: difference
            .tensors
            .iter()
            .map(|tensor| TensorData {
                fate: tensor.fate.word(),
                before: tensor.before.as_ref().map(key),
                after: tensor.after.as_ref().map(key),
            })
            .collect(),
        weights: weights
            .map(|loads| WeightsData { load: loads.is_ok(), reason: loads.as_ref().err().map(String::as_str) }),
    };
    console.print_data(|output| {
        serde_json::to_writer_pretty(&mut *output, &data)?;
        output.write_all(b"\n")
    })
}

fn side(side: &Side) -> SideData<'_> {
    SideData { named: &side.named, model: &side.model, totals: totals(&side.totals) }
}

fn change(change: &Change) -> ChangeData<'_> {
    ChangeData {
        kind: change.kind.word(),
        before: change.before.as_ref().map(part),
        after: change.after.as_ref().map(part),
    }
}

fn part(part: &Part) -> PartData<'_> {
    PartData {
        path: &part.path,
        layer: &part.what,
        layers: part.layers,
        params: part.cost.parameters,
        buffers: part.cost.buffers,
        macs: part.cost.macs,
        output_shape: part.output.as_ref().map(sizes),
        receptive_field: part.receptive_field.map(field),
    }
}

fn key((key, shape): &(Arc<str>, Vec<usize>)) -> KeyData<'_> {
    KeyData { key, shape }
}
