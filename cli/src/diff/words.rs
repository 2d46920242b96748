//! What the terminal and the review say in the same words: changes, costs before and after, tensors.

use super::Answer;
use crate::numbers::{bytes, counted, grouped};
use cnnc_compiler::diff::{Change, ChangeKind, Fate, Part, TensorChange};
use cnnc_compiler::shape::Shape;

/// Changes that are told one by one; of more of a kind that follow from others, how many there are.
pub const MOST_FOLLOWING: usize = 12;

/// `conv1`, or what a join without a name stands in.
pub fn name(part: &Part) -> String {
    if part.path.is_empty() { "the model".into() } else { part.path.to_string() }
}

/// The sign of a change, and what is changed: `+`, `layer2.0`.
pub fn subject(change: &Change) -> (&'static str, String) {
    let sign = match change.kind {
        ChangeKind::Added => "+",
        ChangeKind::Removed => "-",
        ChangeKind::Changed => "~",
        ChangeKind::Renamed | ChangeKind::Shifted => ">",
        ChangeKind::Rewired => "*",
        ChangeKind::Following => "=",
    };
    let names = match (&change.before, &change.after) {
        (Some(before), Some(after)) if before.path != after.path => format!("{} → {}", name(before), name(after)),
        (_, Some(part)) | (Some(part), None) => name(part),
        (None, None) => String::new(),
    };
    (sign, names)
}

/// What was done, in a sentence of few words.
pub fn sentence(change: &Change) -> String {
    let layers =
        |part: &Part| if part.layers == 1 { String::new() } else { format!(" of {}", counted(part.layers, "layer")) };
    let alone = |part: &Part| format!("{}{}{}", part.what, layers(part), costs(part));
    match (change.kind, &change.before, &change.after) {
        (ChangeKind::Added, _, Some(part)) | (ChangeKind::Removed, Some(part), _) => alone(part),
        (ChangeKind::Rewired, _, Some(part)) => format!("{} takes other values", layer(part)),
        (ChangeKind::Renamed | ChangeKind::Shifted, _, Some(part)) => {
            format!("{}{}, the same", layer(part), layers(part))
        }
        (ChangeKind::Changed, Some(before), Some(after)) => {
            format!("{} → {}{}", before.what, after.what, moved(before, after))
        }
        (_, Some(before), Some(after)) => format!("{}{}", layer(after), moved(before, after)),
        _ => String::new(),
    }
}

/// The layer without its arguments.
fn layer(part: &Part) -> &str {
    part.what.split('(').next().unwrap_or(&part.what)
}

/// Of what follows from changes, what gives or costs something else; the rest only sees another part of the input.
pub fn weighty(following: &[Change]) -> (Vec<&Change>, usize) {
    let counts = |part: &Option<Part>| part.as_ref().map(|part| (part.cost, part.output.clone()));
    let told: Vec<&Change> =
        following.iter().filter(|change| counts(&change.before) != counts(&change.after)).collect();
    let rest = following.len() - told.len();
    (told, rest)
}

/// `, 1,234 parameters, 5,678 MACs`, nothing where there are none.
fn costs(part: &Part) -> String {
    let mut text = String::new();
    if part.cost.parameters > 0 {
        text += &format!(", {} parameters", grouped(part.cost.parameters));
    }
    if let Some(macs @ 1..) = part.cost.macs {
        text += &format!(", {} MACs", grouped(macs));
    }
    text
}

/// What an item gives and costs, where that is another.
fn moved(before: &Part, after: &Part) -> String {
    let mut text = String::new();
    if let (Some(one), Some(other)) = (&before.output, &after.output)
        && one != other
    {
        text += &format!(", {one} → {other}");
    }
    if before.cost.parameters != after.cost.parameters {
        text += &format!(", {} parameters", difference(before.cost.parameters, after.cost.parameters));
    }
    if let (Some(one), Some(other)) = (before.cost.macs, after.cost.macs)
        && one != other
    {
        text += &format!(", {} MACs", difference(one, other));
    }
    if let (Some(one), Some(other)) = (before.receptive_field, after.receptive_field)
        && one != other
    {
        text += &format!(", sees {one} → {other}");
    }
    text
}

/// `+1,234`, `−1,234`
pub fn difference(before: u64, after: u64) -> String {
    let sign = if after < before { "−" } else { "+" };
    format!("{sign}{}", grouped(before.abs_diff(after)))
}

/// The totals as rows: what, before, after, and the difference where it is a number.
pub fn totals(answer: &Answer) -> Vec<[String; 4]> {
    let [one, other] = answer.sides.each_ref().map(|side| &side.totals);
    let open = || "open".to_owned();
    let number = |what: &str, one: Option<u64>, other: Option<u64>, shown: fn(u64) -> String| {
        let change = match (one, other) {
            (Some(one), Some(other)) if one == other => String::new(),
            (Some(0), Some(other)) => difference(0, other),
            (Some(one), Some(other)) => {
                let percent = 100.0 * (other as f64 - one as f64) / one as f64;
                format!("{} ({percent:+.1}%)", difference(one, other)).replace("(-", "(−")
            }
            _ => String::new(),
        };
        [what.to_owned(), one.map_or_else(open, shown), other.map_or_else(open, shown), change]
    };
    let shapes = |outputs: &[(std::sync::Arc<str>, Shape)]| {
        outputs.iter().map(|(_, shape)| shape.to_string()).collect::<Vec<_>>().join(", ")
    };
    let field = |field: Option<cnnc_compiler::summary::ReceptiveField>| {
        field.map_or_else(|| "–".to_owned(), |field| field.to_string())
    };
    let text = |what: &str, one: String, other: String| {
        let change = if one == other { "" } else { "another" };
        [what.to_owned(), one, other, change.to_owned()]
    };
    vec![
        number("parameters", Some(one.cost.parameters), Some(other.cost.parameters), grouped),
        number("buffers", Some(one.cost.buffers), Some(other.cost.buffers), grouped),
        number("MACs", one.cost.macs, other.cost.macs, grouped),
        number("activation bytes", one.cost.activation_bytes, other.cost.activation_bytes, grouped),
        number("parameter bytes", Some(one.parameter_bytes), Some(other.parameter_bytes), grouped),
        text("output", shapes(&one.outputs), shapes(&other.outputs)),
        text("receptive field", field(one.receptive_field), field(other.receptive_field)),
        text("valid sizes", one.sizes.to_string(), other.sizes.to_string()),
    ]
    .into_iter()
    .filter(|[what, one, other, _]| what != "valid sizes" || !one.is_empty() || !other.is_empty())
    .collect()
}

/// How many tensors have each fate, in its words: `12 kept, 2 reshaped`.
pub fn fates(tensors: &[TensorChange]) -> String {
    let count = |fate: Fate| tensors.iter().filter(|tensor| tensor.fate == fate).count();
    let counts = Fate::ALL.into_iter().map(|fate| (fate, count(fate))).filter(|(_, count)| *count > 0);
    let words: Vec<String> = counts.map(|(fate, count)| format!("{} {}", grouped(count as u64), fate.word())).collect();
    if words.is_empty() { "none".into() } else { words.join(", ") }
}

/// A tensor that does not load as it is: `conv1.weight [6, 1, 5, 5] → [8, 1, 5, 5]`.
pub fn tensor(tensor: &TensorChange) -> String {
    let side = |(key, shape): &(std::sync::Arc<str>, Vec<usize>)| format!("{key} {shape:?}");
    match (&tensor.before, &tensor.after) {
        (Some(before), Some(after)) if before.0 == after.0 => format!("{} → {:?}", side(before), after.1),
        (Some(before), Some(after)) => format!("{} → {}", side(before), side(after)),
        (Some(one), None) | (None, Some(one)) => side(one),
        (None, None) => String::new(),
    }
}

/// Whether weights that were given load into the second network.
pub fn loading(answer: &Answer) -> Option<String> {
    Some(match answer.weights.as_ref()? {
        Ok(()) => "the weights load into the second as they are".into(),
        Err(reason) => format!("the weights do not load into the second: {reason}"),
    })
}

/// The bytes of parameters that load as they are, and of all that the second needs.
pub fn loaded_bytes(tensors: &[TensorChange]) -> String {
    let size = |shape: &[usize]| shape.iter().fold(4u64, |bytes, &size| bytes.saturating_mul(size as u64));
    let of = |is: &dyn Fn(&TensorChange) -> bool| {
        let chosen = tensors.iter().filter(|tensor| is(tensor)).filter_map(|tensor| tensor.after.as_ref());
        chosen.fold(0u64, |bytes, (_, shape)| bytes.saturating_add(size(shape)))
    };
    let kept = of(&|tensor| tensor.fate == Fate::Kept);
    format!("{} of {} load as they are", bytes(kept), bytes(of(&|_| true)))
}
