//! Parameters changed by hand: `0.weight[0, 0] = 100` puts a number into a part of one, `0.bias = 0` into all of it.

use super::selection::{Argument, Selection, find};
use crate::slice::Part;
use crate::values::values;
use cnnc_compiler::diagnostic::{Code, Diagnostic};
use cnnc_compiler::element::ElementType;
use cnnc_compiler::graph::{Graph, Parameter};
use cnnc_runtime::{Result, Tensor, Weights};

/// A number for a part of a parameter.
pub struct Change<'g> {
    parameter: &'g Parameter,
    /// Where the changed values lie among all of the parameter's.
    places: Vec<usize>,
    indices: String,
    value: Value,
}

/// What is put in, as the parameter's elements are.
enum Value {
    Real(f32),
    Whole(u64),
}

/// Reads a change, and holds it against the network.
///
/// # Errors
/// E202 when there is no such parameter, E205 when it has no such part or the number is none.
pub fn read<'g>(graph: &'g Graph, change: Argument<'_>) -> std::result::Result<Change<'g>, Box<Diagnostic>> {
    let equals = change.text.rfind('=').unwrap_or(change.text.len());
    let key = Argument { text: &change.text[..equals], ..change };
    let Selection { parameters, part, indices } = find(graph, key)?;
    let [parameter] = parameters.as_slice() else {
        let keys: Vec<&str> = parameters.iter().map(|parameter| &*parameter.path).take(8).collect();
        let message = format!("`{}` is a layer, and one parameter is set at a time", key.text.trim());
        let wrong = change.wrong(Code::E202, message, 0..key.text.trim_end().len(), "no parameter");
        return Err(Box::new(wrong.note(format!("its parameters are {}", keys.join(", ")))));
    };
    let places = part.unwrap_or_else(|| Part::whole(&parameter.shape)).places();
    if places.is_empty() {
        let message = format!("`{}` has no values", key.text.trim());
        return Err(change.wrong(Code::E205, message, 0..key.text.trim_end().len(), "nothing is set"));
    }
    let start = equals + 1;
    let text = change.text.get(start..).unwrap_or_default();
    let value = number(parameter, text.trim()).map_err(|wanted| {
        let blanks = text.len() - text.trim_start().len();
        let place = start + blanks..start + blanks + text.trim().len().max(1);
        change.wrong(Code::E205, format!("`{}` is set to {wanted}", parameter.path), place, "")
    })?;
    Ok(Change { parameter, places, indices, value })
}

/// The number that a parameter is set to, or what it wants to be.
fn number(parameter: &Parameter, text: &str) -> std::result::Result<Value, &'static str> {
    if parameter.element() == ElementType::Uint64 {
        return text.parse().map(Value::Whole).map_err(|_| "a whole number from 0: it counts");
    }
    let found: f32 = text.parse().map_err(|_| "one number, such as `100`, `-0.5` or `1e-3`")?;
    if found.is_infinite() && text.contains(|character: char| character.is_ascii_digit()) {
        return Err("a number of float32, whose largest is 3.4028235e38");
    }
    Ok(Value::Real(found))
}

impl Change<'_> {
    /// Makes the change; a line that says what is other now, and under which keys.
    ///
    /// # Errors
    /// When the values before cannot be read.
    pub fn make(&self, weights: &mut Weights) -> Result<String> {
        let Change { parameter, places, indices, value } = self;
        let before = weights.get(&parameter.path)?;
        let mut after = before.as_ref().clone();
        let (was, is) = match value {
            Value::Real(value) => {
                let old: Vec<f32> = places.iter().filter_map(|&place| before.data().get(place).copied()).collect();
                let data = after.data_mut();
                places.iter().for_each(|&place| data[place] = *value);
                (range(&old), value.to_string())
            }
            Value::Whole(count) => {
                let mut counts = before.counts().unwrap_or_default().to_vec();
                let old: Vec<String> = places.iter().map(|&place| counts[place].to_string()).collect();
                places.iter().for_each(|&place| counts[place] = *count);
                after = Tensor::of_counts(before.shape(), counts).unwrap_or(after);
                (format!("was {}", old.join(", ")), count.to_string())
            }
        };
        weights.set(&parameter.path, &after)?;
        let also = match parameter.aliases.as_slice() {
            [] => String::new(),
            aliases => {
                let aliases: Vec<String> = aliases.iter().map(|alias| format!("{alias}{indices}")).collect();
                format!(", and so is {}", aliases.join(", "))
            }
        };
        let all = parameter.shape.iter().product::<usize>();
        Ok(format!("{}{indices} is {is}{also}: {} of {all}, {was}\n", parameter.path, places.len()))
    }
}

/// What values were, from the least to the largest.
fn range(values_before: &[f32]) -> String {
    let shown = |value: f32| Tensor::new(&[], vec![value]).map(|value| values(&value)).unwrap_or_default();
    let (low, high) = values_before
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
    match values_before {
        [one] => format!("was {}", shown(*one)),
        _ => format!("were {} to {}", shown(low), shown(high)),
    }
}
