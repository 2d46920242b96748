//! The layer table: path, layer, output shape, parameters, multiply-adds, activation bytes and receptive field.
//!
//! A shaped graph and sizes for symbols come in, rows and totals go out; the command line draws them. A row is a layer or an
//! unnamed join in the order of the text, or a module that was folded because it lies deeper than asked. How things are counted:
//!
//! - **params** are the numbers that training changes, buffers apart. A tied parameter counts once, in the row of its first use.
//! - **MACs** are the multiply-adds of convolutions and linear layers; nothing else is counted. A batch without a size counts as
//!   1.
//! - **Activation bytes** are four for each element of a layer's output. Every layer counts, those too whose output is a view at
//!   inference (Flatten, Dropout), as when layers run one by one; what a fused plan really needs, `dump --stage plan` tells.
//! - **Receptive field**: see [`ReceptiveField`]; a folded module's is that of its output.
//!
//! MACs and bytes that depend on a symbol without a size are unknown, and so is every sum of them.

mod memory;
mod outline;
mod receptive_field;
pub mod symbolic;

pub use memory::{Needed, needed};
pub use outline::{OutlineRow, outline};
pub use receptive_field::{ReceptiveField, Seen, SeenPart};

use crate::element::ElementType;
use crate::graph::{Graph, ModuleId, ModuleKind, Node, NodeId, NodeKind, ShapedGraph};
use crate::ops::Op;
use crate::shape::{Dim, Shape};
use crate::write_kernels::Bindings;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

/// What a layer's output is counted as, and a parameter.
const ELEMENT: ElementType = ElementType::Float32;

/// The table of one model.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The model's name.
    pub model: Arc<str>,
    /// The inputs: name and shape.
    pub inputs: Vec<(Arc<str>, Shape)>,
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// The sums.
    pub totals: Totals,
}

/// One layer, unnamed join or folded module.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its path, as in a `state_dict`; an unnamed join has the path of the module around it.
    pub path: Arc<str>,
    /// The layer's name, the join's word, `Sequential`, or the block's name.
    pub layer: Arc<str>,
    /// What it costs.
    pub cost: Cost,
    /// Its output's shape; symbols without a size stay.
    pub output: Shape,
    /// What an element of its output sees; `None` where the inputs have no plane.
    pub receptive_field: Option<ReceptiveField>,
}

/// What a row costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Numbers that training changes.
    pub parameters: u64,
    /// Numbers that are kept with them.
    pub buffers: u64,
    /// Multiply-adds; `None` when unknown.
    pub macs: Option<u64>,
    /// Bytes of outputs; `None` when unknown.
    pub activation_bytes: Option<u64>,
}

impl Cost {
    /// Of nothing.
    pub(crate) const NOTHING: Cost = Cost { parameters: 0, buffers: 0, macs: Some(0), activation_bytes: Some(0) };

    /// Of both.
    pub fn plus(self, other: Cost) -> Cost {
        let sum = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        Cost {
            parameters: self.parameters.saturating_add(other.parameters),
            buffers: self.buffers.saturating_add(other.buffers),
            macs: sum(self.macs, other.macs),
            activation_bytes: sum(self.activation_bytes, other.activation_bytes),
        }
    }
}

/// The sums of all rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// What all layers cost together.
    pub cost: Cost,
    /// Bytes of parameters and buffers.
    pub parameter_bytes: u64,
    /// The outputs: name and shape.
    pub outputs: Vec<(Arc<str>, Shape)>,
    /// What an element of the last output sees.
    pub receptive_field: Option<ReceptiveField>,
    /// For which sizes of the symbols the network is valid.
    pub sizes: crate::sizes::Sizes,
}

/// `61,706 parameters, 423,400 MACs, output [N, 10]`, and for which sizes the network is valid where it leaves any open.
impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let macs = self.cost.macs.map_or_else(|| "MACs open".into(), |macs| format!("{} MACs", grouped(macs)));
        let outputs: Vec<String> = self.outputs.iter().map(|(_, shape)| shape.to_string()).collect();
        let noun = if outputs.len() == 1 { "output" } else { "outputs" };
        write!(f, "{} parameters, {macs}, {noun} {}", grouped(self.cost.parameters), outputs.join(", "))?;
        match self.sizes.to_string().as_str() {
            "" => Ok(()),
            sizes => write!(f, "; {sizes}"),
        }
    }
}

/// Makes the table. Modules deeper than `depth` are folded into one row each; `None` folds nothing.
pub fn summarize(shaped: &ShapedGraph, bindings: &Bindings, depth: Option<usize>) -> Summary {
    let graph = &shaped.graph;
    let order = graph.dag.order().unwrap_or_default();
    let folded = depth.map(|depth| folded(graph, depth)).unwrap_or_default();
    let mut table = Table { folded, ..Table::new(shaped, bindings) };
    table.fields = receptive_field::receptive_fields(shaped, &order, &|id| table.shape(id));
    let outputs = graph.outputs.iter().map(|output| (output.name.clone(), table.shape(output.node))).collect();
    let rows = table.rows();
    let cost = rows.iter().fold(Cost::NOTHING, |sum, row| sum.plus(row.cost));
    Summary {
        model: graph.name.clone(),
        inputs: graph.inputs.iter().map(|input| (input.name.clone(), table.shape(input.node))).collect(),
        totals: Totals {
            cost,
            parameter_bytes: cost.parameters.saturating_add(cost.buffers).saturating_mul(ELEMENT.size_bytes() as u64),
            outputs,
            receptive_field: graph.outputs.last().and_then(|output| table.field(output.node)),
            sizes: shaped.sizes.clone(),
        },
        rows,
    }
}

/// What every layer and join costs by itself, in the order of the text, and its node.
pub fn costs(shaped: &ShapedGraph, bindings: &Bindings) -> Vec<(NodeId, Cost)> {
    let table = Table::new(shaped, bindings);
    let mut counted = vec![false; shaped.graph.parameters.len()];
    let mut costs = Vec::new();
    for (id, node) in shaped.graph.dag.iter() {
        if let NodeKind::Operator(operator) = &node.kind {
            costs.push((id, table.cost(id, node, operator, &mut counted)));
        }
    }
    costs
}

/// What an element of each value sees of the inputs' planes, by node index; `None` where they have none.
pub fn fields(shaped: &ShapedGraph, bindings: &Bindings) -> Vec<Option<ReceptiveField>> {
    let table = Table::new(shaped, bindings);
    let order = shaped.graph.dag.order().unwrap_or_default();
    receptive_field::receptive_fields(shaped, &order, &|id| table.shape(id))
}

/// The part of each input's plane, the last two axes, that the element at `index` of a node's value depends on, as exactly as the
/// table's receptive fields; nothing of an input that it does not depend on. `bindings` say the sizes of symbols; a batch without
/// one counts as 1.
pub fn seen_by(shaped: &ShapedGraph, bindings: &Bindings, node: NodeId, index: &[usize]) -> Vec<SeenPart> {
    let order = shaped.graph.dag.order().unwrap_or_default();
    let table = Table::new(shaped, bindings);
    receptive_field::seen_by(shaped, &order, &|id| table.shape(id), (node, index))
}

/// The symbols that stand for a batch: the first size of an input.
pub(crate) fn batches(graph: &Graph) -> HashSet<Arc<str>> {
    graph.inputs.iter().filter_map(|input| input.shape.first()).flat_map(Dim::symbols).collect()
}

/// The modules to fold, by path: those at the depth, counted in parts of the path.
fn folded(graph: &Graph, depth: usize) -> HashMap<Arc<str>, ModuleId> {
    let at_depth = |path: &str| parts(path) == depth;
    let group = |kind: &ModuleKind| !matches!(kind, ModuleKind::Layer(_));
    let modules = graph.modules.iter().enumerate();
    let chosen = modules.filter(|(_, module)| at_depth(&module.path) && group(&module.kind));
    chosen.map(|(index, module)| (module.path.clone(), ModuleId(index as u32))).collect()
}

/// The number of parts of a path; the model's own has none.
fn parts(path: &str) -> usize {
    if path.is_empty() { 0 } else { path.split('.').count() }
}

/// The first parts of a path, as many as the depth.
fn prefix(path: &str, depth: usize) -> &str {
    if depth == 0 {
        return "";
    }
    path.match_indices('.').nth(depth - 1).and_then(|(end, _)| path.get(..end)).unwrap_or(path)
}

/// Which sizes symbols have: the given ones, and 1 for a batch.
struct Known<'a> {
    bindings: &'a Bindings,
    batches: HashSet<Arc<str>>,
}

impl Known<'_> {
    fn of(&self, symbol: &str) -> Option<i64> {
        match self.bindings.get(symbol) {
            Some(&size) => i64::try_from(size).ok(),
            None => self.batches.contains(symbol).then_some(1),
        }
    }

    /// The shape as numbers, a batch without a size as 1.
    fn numbers(&self, shape: &Shape) -> Option<Vec<usize>> {
        shape.at(&|symbol| self.of(symbol))
    }
}

/// What the rows are made from.
struct Table<'a> {
    shaped: &'a ShapedGraph,
    fields: Vec<Option<ReceptiveField>>,
    sizes: Known<'a>,
    folded: HashMap<Arc<str>, ModuleId>,
}

impl<'a> Table<'a> {
    fn new(shaped: &'a ShapedGraph, bindings: &'a Bindings) -> Self {
        let sizes = Known { bindings, batches: batches(&shaped.graph) };
        Table { shaped, fields: Vec::new(), sizes, folded: HashMap::new() }
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        let mut row_of: HashMap<ModuleId, usize> = HashMap::new();
        let mut counted = vec![false; self.shaped.graph.parameters.len()];
        let depth = self.folded.keys().next().map(|path| parts(path));
        for (id, node) in self.shaped.graph.dag.iter() {
            let NodeKind::Operator(operator) = &node.kind else { continue };
            let cost = self.cost(id, node, operator, &mut counted);
            let module = depth.and_then(|depth| self.folded.get(prefix(&node.path, depth)).copied());
            match module {
                None => rows.push(self.layer_row(id, node, operator, cost)),
                Some(module) => match row_of.get(&module).and_then(|&row| rows.get_mut(row)) {
                    Some(row) => row.cost = row.cost.plus(cost),
                    None => {
                        row_of.insert(module, rows.len());
                        rows.extend(self.module_row(module, id, cost));
                    }
                },
            }
        }
        rows
    }

    fn layer_row(&self, id: NodeId, node: &Node, operator: &Op, cost: Cost) -> Row {
        let layer = operator.name().into();
        Row { path: node.path.clone(), layer, cost, output: self.shape(id), receptive_field: self.field(id) }
    }

    /// The row of a folded module, whose first layer is `first`.
    fn module_row(&self, module: ModuleId, first: NodeId, cost: Cost) -> Option<Row> {
        let module = self.shaped.graph.module(module)?;
        let output = module.output.unwrap_or(first);
        let layer = match &module.kind {
            ModuleKind::Call(name) => name.clone(),
            ModuleKind::Sequential => "Sequential".into(),
            ModuleKind::Join(word) => (*word).into(),
            ModuleKind::Layer(_) => return None,
        };
        let path = module.path.clone();
        Some(Row { path, layer, cost, output: self.shape(output), receptive_field: self.field(output) })
    }

    /// What a layer costs; parameters that are already counted cost nothing.
    fn cost(&self, id: NodeId, node: &Node, operator: &Op, counted: &mut [bool]) -> Cost {
        let output = self.sizes.numbers(&self.shaped.shape(id));
        let inputs = self.shaped.graph.dag.arguments(id).into_iter();
        let inputs: Option<Vec<_>> = inputs.map(|input| self.sizes.numbers(&self.shaped.shape(input))).collect();
        let macs = inputs.zip(output.as_ref()).map(|(inputs, output)| operator.macs(&inputs, output));
        let mut cost = Cost {
            macs,
            activation_bytes: output.map(|sizes| elements(&sizes).saturating_mul(ELEMENT.size_bytes() as u64)),
            ..Cost::NOTHING
        };
        for used in &node.parameters {
            let Some(parameter) = self.shaped.graph.parameter(used.parameter) else { continue };
            let seen = counted.get_mut(used.parameter.0 as usize);
            if seen.is_some_and(|seen| !std::mem::replace(seen, true)) {
                let size = elements(&parameter.shape);
                let sum = if parameter.trainable { &mut cost.parameters } else { &mut cost.buffers };
                *sum = sum.saturating_add(size);
            }
        }
        cost
    }

    /// A shape with the given sizes; a batch without one stays a symbol.
    fn shape(&self, id: NodeId) -> Shape {
        let shape = self.shaped.shape(id);
        let given = |symbol: &str| self.sizes.bindings.get(symbol).and_then(|&size| i64::try_from(size).ok());
        let bound: Shape = shape.iter().map(|dim| dim.at(&given).map_or_else(|| dim.clone(), Dim::Number)).collect();
        if bound == shape { shape } else { bound }
    }

    fn field(&self, id: NodeId) -> Option<ReceptiveField> {
        self.fields.get(id.index()).copied().flatten()
    }
}

/// `11,689,512`
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The product of sizes.
fn elements(sizes: &[usize]) -> u64 {
    sizes.iter().fold(1, |product: u64, &size| product.saturating_mul(size as u64))
}
