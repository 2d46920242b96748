//! The summary for programs, as JSON and as YAML. `docs/json.md` describes it; what is there keeps its name and meaning.

use super::memory::Memory;
use crate::console::{Console, Outcome};
use crate::shapes::{Port, SeenData, Size, field, ports, sizes};
use cnnc_compiler::sizes::SymbolSizes;
use cnnc_compiler::summary::{Row, Summary, Totals};
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct Data<'a> {
    model: &'a str,
    inputs: Vec<Port>,
    rows: Vec<RowData<'a>>,
    totals: TotalsData,
    memory: Option<MemoryData>,
    sizes: Vec<SizesData<'a>>,
    conditions: &'a [String],
}

#[derive(Serialize)]
struct MemoryData {
    needed_bytes: Option<u64>,
    load_bytes: u64,
    run_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    train_bytes: Option<u64>,
    threads: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<u32>,
}

#[derive(Serialize)]
struct RowData<'a> {
    path: &'a str,
    layer: &'a str,
    output_shape: Vec<Size>,
    params: u64,
    buffers: u64,
    macs: Option<u64>,
    activation_bytes: Option<u64>,
    receptive_field: Option<[SeenData; 2]>,
}

/// The sums of a network.
#[derive(Serialize)]
pub struct TotalsData {
    params: u64,
    buffers: u64,
    macs: Option<u64>,
    activation_bytes: Option<u64>,
    parameter_bytes: u64,
    output_shape: Vec<Size>,
    outputs: Vec<Port>,
    receptive_field: Option<[SeenData; 2]>,
}

#[derive(Serialize)]
struct SizesData<'a> {
    symbol: &'a str,
    start: i64,
    step: i64,
    last: Option<i64>,
}

/// As JSON.
pub fn json(summary: &(Summary, Option<Memory>), console: &mut Console<'_>) -> Outcome {
    console.print_data(|output| {
        serde_json::to_writer_pretty(&mut *output, &data(summary))?;
        output.write_all(b"\n")
    })
}

/// As YAML.
pub fn yaml(summary: &(Summary, Option<Memory>), console: &mut Console<'_>) -> Outcome {
    // A failure of the output comes back as text alone, so that it is kept aside.
    console.print_data(|output| {
        let mut kept = Kept { output, failure: None };
        let written = serde_yaml::to_writer(&mut kept, &data(summary));
        match (kept.failure, written) {
            (Some(failure), _) => Err(failure),
            (None, written) => written.map_err(io::Error::other),
        }
    })
}

/// A writer that keeps what went wrong.
struct Kept<'w> {
    output: &'w mut dyn Write,
    failure: Option<io::Error>,
}

impl Write for Kept<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes).inspect_err(|error| {
            let same = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            self.failure = Some(same);
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

fn data((summary, memory): &(Summary, Option<Memory>)) -> Data<'_> {
    let totals = &summary.totals;
    Data {
        model: &summary.model,
        inputs: ports(&summary.inputs),
        rows: summary.rows.iter().map(row).collect(),
        totals: self::totals(totals),
        memory: memory.as_ref().map(|memory| MemoryData {
            needed_bytes: memory.needed.map(|needed| needed.bytes()),
            load_bytes: memory.footprint.load_bytes,
            run_bytes: memory.footprint.run_bytes,
            train_bytes: memory.training.map(|footprint| footprint.load_bytes.max(footprint.run_bytes)),
            threads: memory.threads,
            batch: memory.batch,
        }),
        sizes: totals.sizes.symbols.iter().map(symbol).collect(),
        conditions: &totals.sizes.together,
    }
}

/// The sums of a network.
pub fn totals(totals: &Totals) -> TotalsData {
    TotalsData {
        params: totals.cost.parameters,
        buffers: totals.cost.buffers,
        macs: totals.cost.macs,
        activation_bytes: totals.cost.activation_bytes,
        parameter_bytes: totals.parameter_bytes,
        output_shape: totals.outputs.last().map(|(_, shape)| sizes(shape)).unwrap_or_default(),
        outputs: ports(&totals.outputs),
        receptive_field: totals.receptive_field.map(field),
    }
}

fn row(row: &Row) -> RowData<'_> {
    RowData {
        path: &row.path,
        layer: &row.layer,
        output_shape: sizes(&row.output),
        params: row.cost.parameters,
        buffers: row.cost.buffers,
        macs: row.cost.macs,
        activation_bytes: row.cost.activation_bytes,
        receptive_field: row.receptive_field.map(field),
    }
}

fn symbol(SymbolSizes { name, start, step, last }: &SymbolSizes) -> SizesData<'_> {
    SizesData { symbol: name, start: *start, step: *step, last: *last }
}
