//! Shapes and costs as closed forms: in the sizes that the spec leaves open, and in the model's own whole numbers where its
//! structure does not depend on them.
//!
//! No operator says its cost as a form. It says numbers, for any sizes, and a form is found from these: multiply-adds are
//! polynomials of the sizes that a layer takes and gives, and what a parameter of the model changes are polynomials of it, of
//! degree two at most. Every form is held to numbers that it was not made from; what does not agree has none, and a parameter
//! by which layers come or go, or sizes are rounded, is bound to its value.

mod fit;
mod form;
mod profile;
mod variables;

pub use form::Form;

use super::{OutlineRow, outline};
use crate::graph::{NodeId, ShapedGraph};
use crate::write_kernels::Bindings;
use form::Ratio;
use profile::{Leaf, Profile};
use std::collections::HashMap;
use std::sync::Arc;
use variables::{Variable, fitted};

/// The most parameters that are kept as symbols together.
const MOST_PARAMETERS: usize = 3;

/// The most layers of a network that is written out with other values of its parameters.
const MOST_LAYERS: usize = 20_000;

/// A parameter of the model, and the value that it has.
pub type Setting = (Arc<str>, i64);

/// The table in closed forms.
#[derive(Clone, Debug)]
pub struct Symbolic {
    /// The parameters that are kept as symbols, with their values.
    pub kept: Vec<Setting>,
    /// Those that are bound to theirs, and why.
    pub bound: Vec<(Setting, &'static str)>,
    /// The rows, as [`outline`] has them.
    pub rows: Vec<SymbolicRow>,
    /// What all layers cost together.
    pub totals: Forms,
    /// The sizes of each output.
    pub outputs: Vec<Vec<Form>>,
}

/// A row.
#[derive(Clone, Debug)]
pub struct SymbolicRow {
    /// The row in numbers.
    pub row: OutlineRow,
    /// The sizes of its output.
    pub output: Vec<Form>,
    /// What it costs.
    pub cost: Forms,
}

/// Costs as closed forms; `None` where there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forms {
    /// Numbers that training changes.
    pub parameters: Option<Form>,
    /// Numbers that are kept with them.
    pub buffers: Option<Form>,
    /// Multiply-adds.
    pub macs: Option<Form>,
    /// Bytes of outputs.
    pub activation_bytes: Option<Form>,
}

impl Forms {
    fn nothing() -> Forms {
        let zero = || Some(Form::default());
        Forms { parameters: zero(), buffers: zero(), macs: zero(), activation_bytes: zero() }
    }

    fn plus(&self, other: &Forms) -> Forms {
        let sum = |one: &Option<Form>, other: &Option<Form>| one.as_ref()?.plus(other.as_ref()?);
        Forms {
            parameters: sum(&self.parameters, &other.parameters),
            buffers: sum(&self.buffers, &other.buffers),
            macs: sum(&self.macs, &other.macs),
            activation_bytes: sum(&self.activation_bytes, &other.activation_bytes),
        }
    }

    /// Of that many that cost the same.
    pub fn repeated(&self, times: usize) -> Forms {
        let of = |form: &Option<Form>| form.as_ref()?.scaled(Ratio::whole(times as i128));
        Forms {
            parameters: of(&self.parameters),
            buffers: of(&self.buffers),
            macs: of(&self.macs),
            activation_bytes: of(&self.activation_bytes),
        }
    }

    fn all(&self) -> [&Option<Form>; 4] {
        [&self.parameters, &self.buffers, &self.macs, &self.activation_bytes]
    }

    fn of([parameters, buffers, macs, activation_bytes]: [Option<Form>; 4]) -> Forms {
        Forms { parameters, buffers, macs, activation_bytes }
    }
}

/// The table of a network in closed forms. `network` gives the network for other values of the model's parameters, where there
/// is one.
pub fn symbolic(
    shaped: &ShapedGraph,
    settings: &[Setting],
    network: &dyn Fn(&[Setting]) -> Option<ShapedGraph>,
) -> Symbolic {
    let base = Profile::new(shaped);
    let profile = |values: &[Setting]| network(values).map(|other| Profile::new(&other));
    let mut kept: Vec<Variable> = Vec::new();
    let mut bound = Vec::new();
    let mut leaves = base.leaves.clone();
    for setting in settings {
        let found = match kept.len() {
            _ if base.leaves.len() > MOST_LAYERS => Err("the network is too large to be written out again and again"),
            MOST_PARAMETERS.. => Err("more parameters are kept already"),
            _ => Variable::new(setting, &base, &profile).and_then(|variable| {
                let all = [kept.as_slice(), &[variable]].concat();
                let leaves = fitted(&all, &base, &profile).ok_or("costs are no polynomial of it")?;
                Ok((all, leaves))
            }),
        };
        match found {
            Ok((all, fitted)) => (kept, leaves) = (all, fitted),
            Err(reason) => bound.push((setting.clone(), reason)),
        }
    }
    let by_node: HashMap<NodeId, &Leaf> = leaves.iter().map(|leaf| (leaf.node, leaf)).collect();
    let sum = |nodes: &[NodeId]| {
        nodes.iter().filter_map(|node| by_node.get(node)).fold(Forms::nothing(), |sum, leaf| sum.plus(&leaf.cost))
    };
    let all: Vec<NodeId> = leaves.iter().map(|leaf| leaf.node).collect();
    let rows = outline(shaped, &Bindings::new()).into_iter().map(|row| {
        // A group gives what one of its layers gives.
        let same = |leaf: &&&Leaf| leaf.shape == row.output;
        let own =
            row.nodes.iter().rev().filter_map(|node| by_node.get(node)).find(same).map(|leaf| leaf.output.clone());
        let output = own.unwrap_or_else(|| row.output.iter().map(Form::size).collect());
        SymbolicRow { output, cost: sum(&row.nodes), row }
    });
    let outputs = shaped.graph.outputs.iter().map(|output| match by_node.get(&output.node) {
        Some(leaf) => leaf.output.clone(),
        None => shaped.shape(output.node).iter().map(Form::size).collect(),
    });
    Symbolic {
        outputs: outputs.collect(),
        rows: rows.collect(),
        totals: sum(&all),
        kept: kept.into_iter().map(|variable| (variable.name, variable.value)).collect(),
        bound,
    }
}
