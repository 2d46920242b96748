//! Renames by which most of what a file has more fits what it lacks, to be proposed when keys do not fit.
//!
//! A rename puts one beginning in the place of another (`features.` for `backbone.`), or one name between dots in the place of
//! another (`bn1` for `norm1`). Candidates come from pairs of an unexpected key and a missing one of the same shape; each round
//! takes the one after which most keys fit, as `--rename` would apply it, to all keys. Where two do as well and lead elsewhere,
//! the order of the file decides, and where that cannot, nothing is proposed: a wrong pair of equal shapes would load, and be
//! wrong in silence.

use super::keys::Entries;
use super::matching::keys_of;
use super::rename::Rename;
use cnnc_compiler::graph::Graph;
use std::collections::{BTreeMap, HashMap, HashSet};

/// More keys than these are not compared.
const MOST_KEYS: usize = 2000;
/// Pairs of keys that candidates are taken from.
const MOST_PAIRS: usize = 200_000;
/// Candidates that are tried in a round.
const MOST_TRIED: usize = 64;
/// Renames that are proposed.
const MOST_RENAMES: usize = 8;

/// The keys of a model, each with its place in its order and its shape.
type Wanted<'g> = HashMap<&'g str, (usize, &'g [usize])>;

/// A key of the file as it is after the renames so far.
#[derive(Clone)]
struct Key<'e> {
    name: String,
    shape: &'e [usize],
}

/// What to say, if there are renames that help.
pub fn help(graph: &Graph, found: &Entries) -> Option<String> {
    let parameters = graph.parameters.iter().enumerate();
    let wanted: Wanted<'_> = parameters
        .flat_map(|(place, parameter)| keys_of(parameter).map(move |key| (key, (place, parameter.shape.as_slice()))))
        .collect();
    if wanted.len().max(found.len()) > MOST_KEYS {
        return None;
    }
    let mut keys: Vec<Key<'_>> =
        found.iter().map(|entry| Key { name: entry.key.clone(), shape: &entry.tensor.shape }).collect();
    let mut renames = Vec::new();
    while renames.len() < MOST_RENAMES {
        let Some(rename) = best(&wanted, &keys) else { break };
        keys.iter_mut().for_each(|key| key.name = rename.apply(&key.name));
        renames.push(rename);
    }
    if renames.is_empty() {
        return None;
    }
    let has = |parameter| {
        keys_of(parameter).any(|key| keys.iter().any(|one| one.name == key && one.shape == parameter.shape))
    };
    let fitting = graph.parameters.iter().filter(|parameter| has(parameter)).count();
    let options: Vec<String> = renames.iter().map(|rename| format!("--rename '{rename}'")).collect();
    let all = graph.parameters.len();
    Some(format!("{fitting} of the model's {all} tensors fit with `{}`", options.join(" ")))
}

/// How many keys fit.
fn fitting(wanted: &Wanted<'_>, keys: impl Iterator<Item = (String, usize)>, shapes: &[Key<'_>]) -> Option<usize> {
    let (mut seen, mut fitting) = (HashSet::new(), 0);
    for (name, place) in keys {
        let shape = shapes.get(place)?.shape;
        fitting += usize::from(wanted.get(name.as_str()).is_some_and(|(_, wanted)| *wanted == shape));
        // Two keys that become one are an error.
        if !seen.insert(name) {
            return None;
        }
    }
    Some(fitting)
}

/// The rename after which most keys fit, if more do than before, and no other does as well.
fn best(wanted: &Wanted<'_>, keys: &[Key<'_>]) -> Option<Rename> {
    let before = fitting(wanted, keys.iter().map(|key| key.name.clone()).zip(0..), keys)?;
    let mut tried: Vec<(usize, usize, Rename)> = Vec::new();
    for (rename, distance) in candidates(wanted, keys) {
        let renamed = keys.iter().map(|key| rename.apply(&key.name)).zip(0..);
        let gained = fitting(wanted, renamed, keys).and_then(|after| after.checked_sub(before)).unwrap_or(0);
        tried.push((gained, distance, rename));
    }
    tried.sort_by_key(|(gained, distance, _)| (std::cmp::Reverse(*gained), *distance));
    let mut tried = tried.into_iter();
    let (gained, distance, rename) = tried.next()?;
    let is_as_good = tried
        .next()
        .is_some_and(|(other, as_far, next)| other == gained && as_far == distance && starts_alike(&rename, &next));
    (gained > 0 && !is_as_good).then_some(rename)
}

/// Whether two renames change the same keys.
fn starts_alike(one: &Rename, other: &Rename) -> bool {
    let pattern = |rename: &Rename| rename.to_string().split('=').next().unwrap_or_default().to_owned();
    pattern(one) == pattern(other)
}

/// Renames that would make a key fit, the most often met first, each with how far apart in order the keys stand.
fn candidates(wanted: &Wanted<'_>, keys: &[Key<'_>]) -> Vec<(Rename, usize)> {
    let taken: HashSet<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    let mut missing: Vec<(&str, usize, &[usize])> = wanted
        .iter()
        .filter(|(key, _)| !taken.contains(*key))
        .map(|(key, (place, shape))| (*key, *place, *shape))
        .collect();
    missing.sort_unstable();
    let unexpected = keys.iter().enumerate().filter(|(_, key)| !wanted.contains_key(key.name.as_str()));
    let mut by_shape: HashMap<&[usize], Vec<(&str, usize)>> = HashMap::new();
    missing.iter().for_each(|(key, place, shape)| by_shape.entry(shape).or_default().push((key, *place)));
    // Whether it is of a name, old text, new text: how often, and the sum of distances.
    let mut met: BTreeMap<(bool, String, String), (usize, usize)> = BTreeMap::new();
    let mut pairs = 0;
    for (place, key) in unexpected {
        for (other, at) in by_shape.get(key.shape).into_iter().flatten() {
            pairs += 1;
            if pairs > MOST_PAIRS {
                break;
            }
            for change in changes(&key.name, other) {
                let (count, distance) = met.entry(change).or_default();
                *count += 1;
                *distance += place.abs_diff(*at);
            }
        }
    }
    let mut met: Vec<_> = met.into_iter().collect();
    met.sort_by_key(|(_, (count, distance))| (std::cmp::Reverse(*count), *distance / (*count).max(1)));
    met.truncate(MOST_TRIED);
    let rename = |((is_name, old, new), (count, distance)): ((bool, String, String), (usize, usize))| {
        let rename = if is_name { Rename::of_name(&old, &new) } else { Rename::of_prefix(&old, &new) };
        Some((rename?, distance / count.max(1)))
    };
    met.into_iter().filter_map(rename).collect()
}

/// The changes that make one key of another: of its beginning, before what both end with, and of one name. Both must end alike,
/// in the parameter's own name: of two vectors of one layer nobody can tell which is which.
fn changes(key: &str, other: &str) -> Vec<(bool, String, String)> {
    let (from, to): (Vec<&str>, Vec<&str>) = (key.split('.').collect(), other.split('.').collect());
    let alike = from.iter().rev().zip(to.iter().rev()).take_while(|(one, other)| one == other).count();
    if alike == 0 {
        return Vec::new();
    }
    let beginning = |parts: &[&str]| {
        let parts = parts.get(..parts.len() - alike).unwrap_or_default();
        if parts.is_empty() { String::new() } else { parts.join(".") + "." }
    };
    let mut changes = vec![(false, beginning(&from), beginning(&to))];
    let differing: Vec<(&&str, &&str)> = from.iter().zip(&to).filter(|(one, other)| one != other).collect();
    if let ([(one, other)], true) = (differing.as_slice(), from.len() == to.len()) {
        changes.push((true, (**one).to_owned(), (**other).to_owned()));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::help;
    use crate::weights::WeightsOptions;
    use crate::weights::keys::entries;
    use crate::weights::stored::StoredTensor;
    use cnnc_compiler::graph::{Graph, Initialiser, Parameter};
    use cnnc_grammar::span::Span;
    use safetensors::Dtype;
    use std::path::Path;

    /// What is said of a model and a file of these keys, each with a shape.
    fn said(model: &[(&str, &[usize])], file: &[(&str, &[usize])]) -> Option<String> {
        let parameter = |(path, shape): &(&str, &[usize])| Parameter {
            path: (*path).into(),
            aliases: Vec::new(),
            shape: shape.to_vec(),
            trainable: true,
            initialiser: Initialiser::Constant(0.0),
            is_counter: false,
            span: Span::default(),
        };
        let graph = Graph { parameters: model.iter().map(parameter).collect(), ..Graph::default() };
        let tensor = |(key, shape): &(&str, &[usize])| {
            ((*key).to_owned(), StoredTensor { dtype: Dtype::F32, shape: shape.to_vec(), start: 0, strides: None })
        };
        let found = entries(Path::new("w.pth"), file.iter().map(tensor).collect(), &WeightsOptions::default());
        help(&graph, &found.unwrap())
    }

    #[test]
    fn the_fewest_renames_that_make_most_fit_are_proposed() {
        let (wide, square): (&[usize], &[usize]) = (&[8, 3], &[8, 8]);
        let model = [("backbone.0.weight", wide), ("backbone.1.weight", square), ("head.weight", &[2, 8])];
        let file = [("features.0.weight", wide), ("features.1.weight", square), ("fc.weight", &[2, 8])];
        assert_eq!(
            said(&model, &file).unwrap(),
            r"3 of the model's 3 tensors fit with `--rename '^features\.=backbone.' --rename '^fc\.=head.'`"
        );
        let model = [("0.conv.norm1.weight", wide), ("1.conv.norm1.weight", square), ("1.norm1.bias", &[8])];
        let file = [("0.conv.bn.weight", wide), ("1.conv.bn.weight", square), ("1.bn.bias", &[8])];
        assert_eq!(said(&model, &file).unwrap(), r"3 of the model's 3 tensors fit with `--rename '\bbn\b=norm1'`");
        assert_eq!(said(&model, &model), None);
    }

    #[test]
    fn of_equal_shapes_order_decides_and_names_of_parameters_are_never_guessed() {
        let (first, second): (&[usize], &[usize]) = (&[4, 4], &[4, 4]);
        let model = [("stem.weight", first), ("body.weight", second)];
        let file = [("a.weight", first), ("b.weight", second)];
        assert_eq!(
            said(&model, &file).unwrap(),
            r"2 of the model's 2 tensors fit with `--rename '^a\.=stem.' --rename '^b\.=body.'`"
        );
        let vector: &[usize] = &[4];
        assert_eq!(said(&[("n.weight", vector), ("n.bias", vector)], &[("n.gamma", vector), ("n.beta", vector)]), None);
        assert_eq!(said(&[("n.weight", vector)], &[("n.weight", &[5]), ("m.weight", &[6])]), None);
    }
}
