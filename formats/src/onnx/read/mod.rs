//! A file's graph followed from inputs to outputs: bytes come in, a proved spec with its tensors goes out, or all reasons why
//! not.
//!
//! Every value gets a [`Fact`]. What depends on weights and sizes alone is computed here, with open sizes as symbols; the rest
//! becomes layers of a [`Network`], and where several of them have a word together, that one layer. A node that cannot be said is
//! noted and its results are unknown, so that all such nodes of a file are named in one run.

mod call;
mod fact;
mod naming;
mod nodes;
mod patterns;
mod places;

pub use call::{Call, axes, axis};
pub use fact::{Fact, Sizes};
pub use places::Places;

use super::external::ExternalData;
use super::model::{self, Graph, Model, ValueInfo};
use super::scan::scan;
use super::tensor::{Tensor, element_of};
use super::{FORMAT_VERSIONS, OPERATOR_SETS};
use crate::element::Element;
use crate::spec::{self, Form, Network, Unproved, ValueId, Written};
use bytes::Bytes;
use cnnc_compiler::shape::{Dim, Shape};
use naming::Names;
use prost::Message;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Nodes that are followed, those of functions counted at each call.
pub const MOST_NODES: usize = 20_000;

/// What a file became.
pub struct Imported {
    /// The spec, proved.
    pub written: Written,
    /// The tensors, by the numbers that `written` has.
    pub tensors: Vec<Tensor>,
    /// What was done to the file on the way, a sentence's end each: "3 nodes fold into weights".
    pub notes: Vec<String>,
    /// The program that wrote the file, and the operator set.
    pub origin: String,
    /// Names of the file's inputs and outputs.
    pub ports: (Vec<String>, Vec<String>),
}

/// Why a file is not read.
#[derive(Debug, PartialEq)]
pub enum Refusal {
    /// It is not what it says it is; the end of a sentence that its name begins.
    Broken(String),
    /// It holds what the language cannot say: a line a node.
    Unsaid(Vec<String>),
    /// What was written is not what was meant: a fault of the importer.
    Fault(String),
}

/// Reads a file.
///
/// # Errors
/// Why not, whole.
pub fn import(bytes: &Bytes, files: &dyn ExternalData, name: &str, form: Form) -> Result<Imported, Refusal> {
    scan(bytes).map_err(|reason| Refusal::Broken(format!("is no ONNX file: it {reason}")))?;
    let model = Model::decode(bytes.clone()).map_err(|error| Refusal::Broken(format!("is no ONNX file: {error}")))?;
    let graph = model.graph.as_ref().ok_or_else(|| Refusal::Broken("holds no graph".into()))?;
    let version = version(&model)?;
    let mut reader = Reader::new(&model, files, version);
    reader.network.name = spec::model_name(name);
    reader.graph(graph)?;
    reader.finish(&model, form)
}

/// The operator set of a file.
fn version(model: &Model) -> Result<i64, Refusal> {
    if !FORMAT_VERSIONS.contains(&model.ir_version) {
        let (least, most) = FORMAT_VERSIONS.into_inner();
        let message = format!("is of ONNX's format {}, and {least} to {most} are read", model.ir_version);
        return Err(Refusal::Broken(message));
    }
    let own = model.opset_import.iter().filter(|set| is_own(&set.domain)).map(|set| set.version).max();
    let version = own.ok_or_else(|| Refusal::Broken("names no operator set of ONNX".into()))?;
    if !OPERATOR_SETS.contains(&version) {
        let (least, most) = OPERATOR_SETS.into_inner();
        return Err(Refusal::Broken(format!("is written in operator set {version}, and {least} to {most} are read")));
    }
    Ok(version)
}

/// Whether a domain is ONNX's own.
fn is_own(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// A file that is being followed.
pub struct Reader<'f> {
    /// What it becomes.
    pub network: Network,
    /// Tensors that parameters are.
    pub tensors: Vec<Tensor>,
    files: &'f dyn ExternalData,
    version: i64,
    functions: HashMap<(&'f str, &'f str, &'f str), &'f model::Function>,
    facts: HashMap<String, Fact>,
    names: Names,
    unsaid: Vec<String>,
    notes: BTreeMap<&'static str, usize>,
    widened: HashSet<&'static str>,
    nodes_left: usize,
    outputs: Vec<String>,
    /// Values of tensors that may still be looked at.
    work_left: usize,
    /// Names of values that are whole numbers in the file.
    whole: HashSet<String>,
}

impl<'f> Reader<'f> {
    fn new(model: &'f Model, files: &'f dyn ExternalData, version: i64) -> Reader<'f> {
        let key = |function: &'f model::Function| (&*function.domain, &*function.name, &*function.overload);
        Reader {
            network: Network::default(),
            tensors: Vec::new(),
            files,
            version,
            functions: model.functions.iter().map(|function| (key(function), function)).collect(),
            facts: HashMap::new(),
            names: Names::default(),
            unsaid: Vec::new(),
            notes: BTreeMap::new(),
            widened: HashSet::new(),
            nodes_left: MOST_NODES,
            outputs: Vec::new(),
            work_left: LEAST_WORK,
            whole: HashSet::new(),
        }
    }

    /// Counts something that was done to the file, in a sentence's end after its number.
    pub fn note(&mut self, what: &'static str) {
        *self.notes.entry(what).or_default() += 1;
    }

    /// Takes a tensor for a parameter.
    pub fn hold(&mut self, tensor: Tensor) -> (usize, Vec<usize>) {
        if let Err(reason) = self.charge(tensor.work()) {
            self.refuse(format!("a tensor is computed of others, and {reason}"));
        }
        let element = tensor.stored_as();
        self.widened.extend((element.is_float() && element != Element::Float32).then(|| element.name()));
        let shape = tensor.shape().to_vec();
        self.tensors.push(tensor);
        (self.tensors.len() - 1, shape)
    }

    fn graph(&mut self, graph: &'f Graph) -> Result<(), Refusal> {
        if !graph.sparse_initializer.is_empty() {
            return Err(Refusal::Unsaid(vec!["the file holds sparse tensors, which are not read".into()]));
        }
        self.initialisers(graph)?;
        self.inputs(graph)?;
        self.nodes(&graph.node, self.version, &HashMap::new(), 0);
        for output in &graph.output {
            match self.facts.get(&output.name) {
                Some(Fact::Value(value)) => {
                    let (value, name) = (*value, output.name.clone());
                    self.check_shape(value, output);
                    self.outputs.push(name.clone());
                    self.network.outputs.push(spec::Output { name, value });
                }
                Some(Fact::Unknown) if self.unsaid.is_empty() => {
                    self.unsaid.push(format!(
                        "the output `{}` is a result that has no word, of a node that has one",
                        output.name
                    ));
                }
                Some(Fact::Unknown) => {}
                Some(_) => self.unsaid.push(format!("the output `{}` depends on no input", output.name)),
                None => {
                    return Err(Refusal::Broken(format!("says that `{}` goes out, which no node gives", output.name)));
                }
            }
        }
        Ok(())
    }

    fn initialisers(&mut self, graph: &'f Graph) -> Result<(), Refusal> {
        for tensor in &graph.initializer {
            let fact = match Tensor::of_file(tensor, self.files) {
                Ok(found) => Fact::Tensor(found.at_hand(self.files)),
                Err(reason) if reason.starts_with("holds values of a type") => {
                    self.unsaid.push(format!("the tensor `{}` {reason}", tensor.name));
                    Fact::Unknown
                }
                Err(reason) => {
                    return Err(Refusal::Broken(format!("is broken: its tensor `{}` {reason}", tensor.name)));
                }
            };
            if let Fact::Tensor(found) = &fact {
                self.work_left = self.work_left.saturating_add(found.count().saturating_mul(WORK));
                self.names.know_initialiser(found, &tensor.name);
            }
            self.facts.insert(tensor.name.clone(), fact);
        }
        Ok(())
    }

    /// What comes in and is no initialiser.
    fn inputs(&mut self, graph: &'f Graph) -> Result<(), Refusal> {
        let mut symbols = Symbols::default();
        for input in graph.input.iter().filter(|input| !self.facts.contains_key(&input.name)).collect::<Vec<_>>() {
            let fact = match symbols.shape(input, self.network.inputs.len()) {
                Ok((shape, is_float)) => {
                    if !is_float {
                        self.whole.insert(input.name.clone());
                        self.note("inputs of whole numbers are given as float32, exact up to 16777216");
                    }
                    Fact::Value(self.network.input(&input.name, shape))
                }
                Err(reason) => {
                    self.unsaid.push(format!("the input `{}` {reason}", input.name));
                    Fact::Unknown
                }
            };
            self.facts.insert(input.name.clone(), fact);
        }
        Ok(())
    }

    /// Holds what the compiler says of a value's sizes against what the file says.
    fn check_shape(&mut self, value: ValueId, stated: &ValueInfo) {
        let Some(shape) = tensor_shape(stated) else { return };
        let found = self.network.shape(value);
        let differs = |(dim, found): (&model::Dimension, &Dim)| {
            dim.dim_value.zip(found.number()).is_some_and(|(stated, found)| stated != found && stated > 0)
        };
        if shape.len() != found.rank() || shape.iter().zip(found.iter()).any(differs) {
            let sizes: Vec<String> =
                shape.iter().map(|dim| dim.dim_value.map_or("?".into(), |size| size.to_string())).collect();
            let message = format!("`{}` is {found} here, and the file says [{}]", stated.name, sizes.join(", "));
            self.unsaid.push(message);
        }
    }

    /// Notes a node that cannot be said.
    fn refuse(&mut self, line: String) {
        self.unsaid.push(line);
    }

    /// Counts values of tensors that are looked at or made: a small file cannot ask for many.
    ///
    /// # Errors
    /// That it asks for more.
    pub fn charge(&mut self, values: usize) -> Result<(), String> {
        self.work_left = self.work_left.saturating_sub(values);
        if self.work_left > 0 {
            Ok(())
        } else {
            Err("more is computed of tensors than a file of its size is worth".into())
        }
    }

    /// A node as people find it: its name, operator, set and module.
    fn line(&self, node: &model::Node, reason: &str) -> String {
        let name = if node.name.is_empty() { node.output.first().map_or("", String::as_str) } else { &node.name };
        let set = match &*node.domain {
            own if is_own(own) => format!("set {}", self.version),
            other => format!("set `{other}`"),
        };
        let scope = naming::scope(node).join(".");
        let inside = if scope.is_empty() { String::new() } else { format!(" in `{scope}`") };
        format!("`{}` ({set}), node `{name}`{inside}: {reason}", node.op_type)
    }

    fn finish(mut self, model: &Model, form: Form) -> Result<Imported, Refusal> {
        patterns::find(&mut self);
        if self.unsaid.is_empty() && (self.network.outputs.is_empty() || self.network.inputs.is_empty()) {
            self.unsaid.push("nothing comes in, or nothing goes out".into());
        }
        if !self.unsaid.is_empty() {
            let mut seen = HashSet::new();
            self.unsaid.retain(|line| seen.insert(line.clone()));
            return Err(Refusal::Unsaid(self.unsaid));
        }
        let (written, note) = spec::write_surely(&self.network, form).map_err(|reason| match reason {
            Unproved::Impossible(reason) => Refusal::Unsaid(vec![reason]),
            Unproved::Fault(reason) => Refusal::Fault(reason),
        })?;
        self.bound_room(&written)?;
        let mut notes: Vec<String> = self.notes.iter().map(|(what, count)| format!("{count} {what}")).collect();
        notes.extend(note.map(str::to_owned));
        let mut widened: Vec<&str> = self.widened.into_iter().collect();
        widened.sort_unstable();
        notes.extend(widened.iter().map(|from| format!("weights of {from} became float32")));
        let producer = format!("{} {}", model.producer_name, model.producer_version);
        let origin = format!("{}, operator set {}", producer.trim(), self.version).trim_start_matches(", ").to_owned();
        let inputs = self.network.inputs.iter().map(|input| input.name.clone()).collect();
        Ok(Imported { written, tensors: self.tensors, notes, origin, ports: (inputs, self.outputs) })
    }

    /// Refuses a file whose weights would take far more room than it has: one number that fills a large tensor, or tensors that
    /// are written out over and over.
    fn bound_room(&self, written: &Written) -> Result<(), Refusal> {
        let (mut total, mut stored): (u64, u64) = (0, 0);
        let mut seen: HashSet<usize> = HashSet::new();
        for (_, number) in &written.tensors {
            let Some(tensor) = self.tensors.get(*number) else { continue };
            let count = tensor.count() as u64;
            total = total.saturating_add(count);
            stored = stored.saturating_add(if tensor.is_stored() && seen.insert(tensor.root()) { count } else { 0 });
        }
        if total > stored.saturating_mul(2).saturating_add(MOST_MADE) {
            let message = format!("would have {total} numbers as weights, and holds {stored}");
            return Err(Refusal::Broken(message));
        }
        Ok(())
    }
}

/// How often values of a file's tensors may be looked at while it is read, and how many may be in any case.
const WORK: usize = 64;
const LEAST_WORK: usize = 1 << 26;

/// Numbers of weights that are in no file, at most: 1 GB. VGG-19 with all weights the same has 143 million.
const MOST_MADE: u64 = 1 << 28;

/// The sizes of a value as the file has them.
fn tensor_shape(info: &ValueInfo) -> Option<&[model::Dimension]> {
    Some(&info.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?.dim)
}

/// Names of open sizes: `N`, `C`, `H`, `W` by their place, and each name of the file the same symbol wherever it stands.
#[derive(Default)]
struct Symbols {
    known: HashMap<String, Arc<str>>,
    taken: HashSet<String>,
}

impl Symbols {
    /// The shape of an input, and whether it is of floats.
    fn shape(&mut self, input: &ValueInfo, place: usize) -> Result<(Shape, bool), String> {
        let kind = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref()).ok_or("is no tensor")?;
        let element = element_of(kind.elem_type).ok_or("is of texts or such, and inputs are float32 here")?;
        let sizes = &kind.shape.as_ref().ok_or("has sizes of which not even the number is known")?.dim;
        if sizes.is_empty() || sizes.len() > 8 {
            return Err(format!("has {} axes", sizes.len()));
        }
        let rank = sizes.len();
        let size = |(axis, size): (usize, &model::Dimension)| match (size.dim_value, &size.dim_param) {
            (Some(number), _) if (1..1 << 31).contains(&number) => Ok(Dim::Number(number)),
            (Some(number), _) if number != 0 => Err(format!("has a size of {number}")),
            (_, Some(name)) if !name.is_empty() => Ok(self.symbol(Some(name), axis, rank)),
            _ => Ok(self.symbol(None, axis, rank)),
        };
        if place > 64 {
            return Err("is one of too many".into());
        }
        Ok((sizes.iter().enumerate().map(size).collect::<Result<Shape, String>>()?, element.is_float()))
    }

    fn symbol(&mut self, name: Option<&String>, axis: usize, rank: usize) -> Dim {
        if let Some(known) = name.and_then(|name| self.known.get(name)) {
            return Dim::symbol(known);
        }
        let plain = match (rank, axis) {
            (_, 0) => "N",
            (_, 1) => "C",
            (3, 2) => "L",
            (4, 2) | (5, 3) => "H",
            (4, 3) | (5, 4) => "W",
            _ => "D",
        };
        let mut symbol = plain.to_owned();
        let mut number = 2;
        while !self.taken.insert(symbol.clone()) {
            symbol = format!("{plain}{number}");
            number += 1;
        }
        if let Some(name) = name {
            self.known.insert(name.clone(), symbol.as_str().into());
        }
        Dim::symbol(&symbol)
    }
}
