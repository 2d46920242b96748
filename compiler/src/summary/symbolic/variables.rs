//! The model's own whole numbers as symbols: the network is written out with other values of them, and costs are found again as
//! polynomials, which are held to values that they were not made from.

use super::fit::{Points, grid, polynomial};
use super::profile::{Leaf, Profile, form};
use super::{Form, Forms, Setting};
use crate::shape::Dim;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A parameter of the model that may be kept as a symbol.
#[derive(Clone)]
pub(super) struct Variable {
    pub name: Arc<str>,
    pub value: i64,
    points: Points,
    /// Values that forms are held to.
    checks: Vec<i64>,
}

impl Variable {
    /// Values at which the network has the same structure.
    pub fn new(
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
pub(super) fn fitted(
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
