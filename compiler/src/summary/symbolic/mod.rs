//! Shapes and costs as closed forms: in the sizes that the spec leaves open, and in the model's own whole numbers where its
//! structure does not depend on them.
//!
//! No operator says its cost as a form. It says numbers, for any sizes, and a form is found from these: multiply-adds are
//! polynomials of the sizes that a layer takes and gives, and what a parameter of the model changes are polynomials of it, of
//! degree two at most. Every form is held to numbers that it was not made from; what does not agree has none, and a parameter
//! by which layers come or go, or sizes are rounded, is bound to its value.

mod fit;
mod form;

pub use form::Form;

use super::{OutlineRow, costs, outline};
use crate::graph::{NodeId, NodeKind, ShapedGraph};
use crate::ops::Op;
use crate::shape::{Dim, Shape};
use crate::write_kernels::Bindings;
use fit::{Points, Polynomial, grid, polynomial};
use form::Ratio;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The most parameters that are kept as symbols together.
const MOST_PARAMETERS: usize = 3;

/// The most symbolic sizes of one layer from which its multiply-adds are found.
const MOST_SIZES: usize = 5;

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

/// A network's layers in closed forms of its open sizes.
struct Profile {
    leaves: Vec<Leaf>,
}

/// A layer or join.
#[derive(Clone)]
struct Leaf {
    node: NodeId,
    path: Arc<str>,
    layer: &'static str,
    shape: Shape,
    output: Vec<Form>,
    cost: Forms,
}

impl Profile {
    fn new(shaped: &ShapedGraph) -> Profile {
        let mut leaves = Vec::new();
        for (id, cost) in costs(shaped, &Bindings::new()) {
            let Some(node) = shaped.graph.dag.get(id) else { continue };
            let NodeKind::Operator(operator) = &node.kind else { continue };
            let shape = shaped.shape(id);
            let inputs: Vec<Shape> =
                shaped.graph.dag.arguments(id).into_iter().map(|input| shaped.shape(input)).collect();
            let output: Vec<Form> = shape.iter().map(Form::size).collect();
            let bytes = output.iter().try_fold(Form::number(4), |product, size| product.times(size));
            leaves.push(Leaf {
                node: id,
                path: node.path.clone(),
                layer: operator.name(),
                cost: Forms {
                    parameters: Some(Form::number(cost.parameters)),
                    buffers: Some(Form::number(cost.buffers)),
                    macs: macs(operator, &inputs, &shape),
                    activation_bytes: bytes,
                },
                output,
                shape,
            });
        }
        Profile { leaves }
    }

    /// Whether the same layers stand in the same places.
    fn is_like(&self, other: &Profile) -> bool {
        let same = |one: &Leaf, other: &Leaf| {
            one.node == other.node
                && one.path == other.path
                && one.layer == other.layer
                && one.output.len() == other.output.len()
        };
        self.leaves.len() == other.leaves.len()
            && self.leaves.iter().zip(&other.leaves).all(|(one, other)| same(one, other))
    }
}

/// Multiply-adds as a form of the symbolic sizes that a layer takes and gives.
fn macs(operator: &Op, inputs: &[Shape], output: &Shape) -> Option<Form> {
    let mut sizes: Vec<Dim> = Vec::new();
    for size in inputs.iter().flat_map(|shape| shape.iter()).chain(output.iter()) {
        if size.number().is_none() && !sizes.contains(size) {
            sizes.push(size.clone());
        }
    }
    let at = |values: &[i64]| {
        let known: HashMap<&Dim, i64> = sizes.iter().zip(values.iter().copied()).collect();
        let numbers = |shape: &Shape| -> Option<Vec<usize>> {
            let number = |size: &Dim| size.number().or_else(|| known.get(size).copied());
            shape.iter().map(|size| usize::try_from(number(size)?).ok()).collect()
        };
        let inputs: Option<Vec<Vec<usize>>> = inputs.iter().map(numbers).collect();
        Some(i128::from(operator.macs(&inputs?, &numbers(output)?)))
    };
    let points: Vec<Points> = vec![[2, 3, 5]; sizes.len()];
    if sizes.is_empty() || at(&vec![7; sizes.len()])? == 0 {
        return Some(Form::number(u64::try_from(at(&vec![7; sizes.len()])?).ok()?));
    }
    if sizes.len() > MOST_SIZES {
        return None;
    }
    let values: Option<Vec<i128>> = grid(&points).iter().map(|choice| at(choice)).collect();
    let found = polynomial(&points, &values?)?;
    let holds = |values: &[i64]| value(&found, values) == at(values);
    let others = [7, 11, 13, 17, 19];
    let checks = [others.get(..sizes.len())?.to_vec(), others.iter().rev().copied().take(sizes.len()).collect()];
    if !checks.iter().all(|values| holds(values)) {
        return None;
    }
    let factors: Vec<Form> = sizes.iter().map(Form::size).collect();
    form(&found, &factors)
}

/// What a polynomial comes to.
fn value(polynomial: &Polynomial, values: &[i64]) -> Option<i128> {
    let numbers: Option<Vec<Form>> = values.iter().map(|value| u64::try_from(*value).ok().map(Form::number)).collect();
    form(polynomial, &numbers?)?.at(&|_| None)
}

/// A polynomial of forms.
fn form(polynomial: &Polynomial, variables: &[Form]) -> Option<Form> {
    let mut sum = Form::default();
    for (powers, coefficient) in polynomial {
        let mut term = Form::number(1).scaled(*coefficient)?;
        for (variable, power) in variables.iter().zip(powers) {
            for _ in 0..*power {
                term = term.times(variable)?;
            }
        }
        sum = sum.plus(&term)?;
    }
    Some(sum)
}

/// A parameter of the model that may be kept as a symbol.
#[derive(Clone)]
struct Variable {
    name: Arc<str>,
    value: i64,
    points: Points,
    /// Values that forms are held to.
    checks: Vec<i64>,
}

impl Variable {
    /// Values at which the network has the same structure.
    fn new(
        (name, value): &Setting,
        base: &Profile,
        profile: &dyn Fn(&[Setting]) -> Option<Profile>,
    ) -> Result<Variable, &'static str> {
        let value = *value;
        if value < 1 {
            return Err("it is no size");
        }
        let is_like = |value: i64| profile(&[(name.clone(), value)]).map(|other| other.is_like(base));
        let multiples = [2, 3, 4, 5].map(|factor| value.saturating_mul(factor));
        let near = [1, 2, 3, 5].map(|more| value.saturating_add(more));
        let mut valid: Vec<i64> = Vec::new();
        for other in multiples.into_iter().chain(near).collect::<BTreeSet<i64>>() {
            match is_like(other) {
                Some(true) => valid.push(other),
                Some(false) => return Err("the structure depends on it"),
                None => {}
            }
        }
        match valid.as_slice() {
            [first, second, rest @ ..] if !rest.is_empty() => {
                Ok(Variable { name: name.clone(), value, points: [value, *first, *second], checks: rest.to_vec() })
            }
            _ => Err("the network takes few other values of it"),
        }
    }
}

/// The layers in closed forms of these parameters too; `None` where they do not agree with other values.
fn fitted(
    variables: &[Variable],
    base: &Profile,
    profile: &dyn Fn(&[Setting]) -> Option<Profile>,
) -> Option<Vec<Leaf>> {
    let points: Vec<Points> = variables.iter().map(|variable| variable.points).collect();
    let settings = |values: &[i64]| -> Vec<Setting> {
        variables.iter().zip(values).map(|(variable, value)| (variable.name.clone(), *value)).collect()
    };
    let profiles: Option<Vec<Profile>> =
        grid(&points).iter().map(|values| profile(&settings(values)).filter(|other| other.is_like(base))).collect();
    let profiles = profiles?;
    let symbols: Vec<Form> = variables.iter().map(|variable| Form::size(&Dim::symbol(&variable.name))).collect();
    let join = |of: &dyn Fn(&Profile) -> Option<Form>| joined(&points, &profiles, &symbols, of);
    let mut leaves = Vec::with_capacity(base.leaves.len());
    for (index, leaf) in base.leaves.iter().enumerate() {
        let cost = |place: usize| {
            join(&|profile| profile.leaves.get(index)?.cost.all().get(place).and_then(|form| (*form).clone()))
        };
        let output: Option<Vec<Form>> = (0..leaf.output.len())
            .map(|axis| join(&|profile| profile.leaves.get(index)?.output.get(axis).cloned()))
            .collect();
        // What had no form before has none now; a form that is lost is a reason to bind the parameter.
        let costs = [cost(0), cost(1), cost(2), cost(3)];
        let is_lost = leaf.cost.all().iter().zip(&costs).any(|(before, after)| before.is_some() && after.is_none());
        if is_lost {
            return None;
        }
        leaves.push(Leaf { output: output?, cost: Forms::of(costs), ..leaf.clone() });
    }
    // Values that nothing was made from, together.
    let most = variables.iter().map(|variable| variable.checks.len()).max().unwrap_or(0);
    for turn in 0..most {
        let values: Vec<i64> = variables
            .iter()
            .map(|variable| variable.checks.get(turn).or(variable.checks.last()).copied().unwrap_or(variable.value))
            .collect();
        let Some(other) = profile(&settings(&values)) else { continue };
        let bound: HashMap<&str, i64> = variables.iter().map(|variable| &*variable.name).zip(values).collect();
        let agrees = |form: &Form, with: &Form| at_parameters(form, &bound).as_ref() == Some(with);
        let is_right = |(leaf, other): (&Leaf, &Leaf)| {
            let costs = leaf.cost.all().into_iter().zip(other.cost.all());
            costs.into_iter().all(|(form, with)| match (form, with) {
                (Some(form), Some(with)) => agrees(form, with),
                (form, with) => form.is_none() && with.is_none(),
            }) && leaf.output.iter().zip(&other.output).all(|(form, with)| agrees(form, with))
        };
        if !other.is_like(base) || !leaves.iter().zip(&other.leaves).all(is_right) {
            return None;
        }
    }
    Some(leaves)
}

/// One quantity of all networks of a grid as a form of the parameters and of the open sizes.
fn joined(
    points: &[Points],
    profiles: &[Profile],
    symbols: &[Form],
    of: &dyn Fn(&Profile) -> Option<Form>,
) -> Option<Form> {
    let forms: Option<Vec<Form>> = profiles.iter().map(of).collect();
    let forms = forms?;
    let mut coefficients: BTreeMap<Vec<Dim>, Vec<i128>> = BTreeMap::new();
    for (place, form) in forms.iter().enumerate() {
        for (sizes, coefficient) in form.terms() {
            let values = coefficients.entry(sizes.clone()).or_insert_with(|| vec![0; forms.len()]);
            *values.get_mut(place)? = coefficient.as_whole()?;
        }
    }
    let mut sum = Form::default();
    for (sizes, values) in &coefficients {
        let found = form(&polynomial(points, &values[..])?, symbols)?;
        let factor = sizes.iter().try_fold(Form::number(1), |product, size| product.times(&Form::size(size)))?;
        sum = sum.plus(&found.times(&factor)?)?;
    }
    Some(sum)
}

/// A form with values for parameters, in which the open sizes stay.
fn at_parameters(form: &Form, values: &HashMap<&str, i64>) -> Option<Form> {
    let mut sum = Form::default();
    for (sizes, coefficient) in form.terms() {
        let mut term = Form::number(1).scaled(coefficient)?;
        for size in sizes {
            let known = size.symbols().iter().all(|symbol| values.contains_key(&**symbol));
            let number = size.at(&|name| values.get(name).copied()).filter(|_| known);
            term = term.times(&number.map_or_else(|| Form::size(size), |number| Form::size(&Dim::Number(number))))?;
        }
        sum = sum.plus(&term)?;
    }
    Some(sum)
}
