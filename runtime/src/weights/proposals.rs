//! Renames by which most of what a file has more fits what it lacks, to be proposed when keys do not fit.
//!
//! A rename puts one beginning in the place of another (`features.` for `backbone.`), or some names between dots in the place of
//! others (`bn1` for `norm1`). Candidates come from pairs of an unexpected key and a missing one of the same shape: a rename, or
//! several where a key differs in several places. Each round takes that after which most keys fit, as `--rename` would apply it,
//! to all keys. Where two do as well and lead elsewhere,
//! the order of the file decides, and where that cannot, nothing is proposed: a wrong pair of equal shapes would load, and be
//! wrong in silence.

use super::keys::Entries;
use super::matching::keys_of;
use super::rename::Rename;
use cnnc_compiler::graph::Graph;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

/// More keys than these are not compared.
const MOST_KEYS: usize = 2000;
/// Pairs of keys that candidates are taken from.
const MOST_PAIRS: usize = 200_000;
/// Candidates that are tried in a round.
const MOST_TRIED: usize = 64;
/// Places in which a key may differ from another.
const MOST_PLACES: usize = 3;
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
        let Some(chosen) = best(&wanted, &keys) else { break };
        keys.iter_mut().for_each(|key| key.name = applied(&chosen, &key.name));
        renames.extend(chosen);
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

/// A key after some renames.
fn applied(renames: &[Rename], key: &str) -> String {
    renames.iter().fold(key.to_owned(), |key, rename| rename.apply(&key))
}

/// The renames after which most keys fit, if more do than before, and no others of the same keys do as well.
fn best(wanted: &Wanted<'_>, keys: &[Key<'_>]) -> Option<Vec<Rename>> {
    let before = fitting(wanted, keys.iter().map(|key| key.name.clone()).zip(0..), keys)?;
    let mut tried: Vec<(usize, usize, Vec<Rename>)> = Vec::new();
    for (renames, distance) in candidates(wanted, keys) {
        let renamed = keys.iter().map(|key| applied(&renames, &key.name)).zip(0..);
        let gained = fitting(wanted, renamed, keys).and_then(|after| after.checked_sub(before)).unwrap_or(0);
        tried.push((gained, distance, renames));
    }
    tried.sort_by_key(|(gained, distance, renames)| (Reverse(*gained), renames.len(), *distance));
    let mut tried = tried.into_iter();
    let (gained, distance, renames) = tried.next()?;
    let is_as_good = |(other, as_far, next): (usize, usize, Vec<Rename>)| {
        other == gained && as_far == distance && patterns(&renames) == patterns(&next)
    };
    (gained > 0 && !tried.next().is_some_and(is_as_good)).then_some(renames)
}

/// What some renames look for.
fn patterns(renames: &[Rename]) -> Vec<String> {
    renames.iter().map(|rename| rename.to_string().split('=').next().unwrap_or_default().to_owned()).collect()
}

/// Renames that would make a key fit, the most often met first, each with how far apart in order the keys stand.
fn candidates(wanted: &Wanted<'_>, keys: &[Key<'_>]) -> Vec<(Vec<Rename>, usize)> {
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
    // How often, and the sum of distances.
    let mut met: BTreeMap<Vec<Change>, (usize, usize)> = BTreeMap::new();
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
    met.sort_by_key(|(_, (count, distance))| (Reverse(*count), *distance / (*count).max(1)));
    met.truncate(MOST_TRIED);
    let renames = |(changes, (count, distance)): (Vec<Change>, (usize, usize))| {
        let renames = changes.iter().map(Change::rename).collect::<Option<_>>()?;
        Some((renames, distance / count.max(1)))
    };
    met.into_iter().filter_map(renames).collect()
}

/// A change of keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// Of what they begin with, from and to.
    Beginning(String, String),
    /// Of names with dots between, wherever they stand, from and to.
    Names(String, String),
}

impl Change {
    fn rename(&self) -> Option<Rename> {
        match self {
            Change::Beginning(from, to) => Rename::of_prefix(from, to),
            Change::Names(from, to) => Rename::of_name(from, to),
        }
    }
}

/// The changes that make one key of another: of its beginning, before what both end with; of what stands between what both begin
/// and end with; of every place in which they differ. Both must end alike, in the parameter's own name: of two vectors of one
/// layer nobody can tell which is which.
fn changes(key: &str, other: &str) -> Vec<Vec<Change>> {
    let (from, to): (Vec<&str>, Vec<&str>) = (key.split('.').collect(), other.split('.').collect());
    let alike = from.iter().rev().zip(to.iter().rev()).take_while(|(one, other)| one == other).count();
    if alike == 0 {
        return Vec::new();
    }
    let (from, to) = (&from[..from.len() - alike], &to[..to.len() - alike]);
    let beginning = |parts: &[&str]| if parts.is_empty() { String::new() } else { parts.join(".") + "." };
    let mut changes = vec![vec![Change::Beginning(beginning(from), beginning(to))]];
    let begun = from.iter().zip(to).take_while(|(one, other)| one == other).count();
    if begun < from.len().min(to.len()) {
        changes.push(vec![Change::Names(from[begun..].join("."), to[begun..].join("."))]);
    }
    let places = places(from, to);
    if from.len() == to.len() && (2..=MOST_PLACES).contains(&places.len()) {
        changes.push(places);
    }
    changes
}

/// Runs of names in which two keys of the same length differ.
fn places(from: &[&str], to: &[&str]) -> Vec<Change> {
    let pairs: Vec<(&str, &str)> = from.iter().copied().zip(to.iter().copied()).collect();
    let differing = pairs.chunk_by(|one, other| (one.0 == one.1) == (other.0 == other.1));
    let run = |run: &[(&str, &str)]| {
        let (from, to): (Vec<&str>, Vec<&str>) = run.iter().copied().unzip();
        Change::Names(from.join("."), to.join("."))
    };
    differing.filter(|run| run.iter().any(|(one, other)| one != other)).map(run).collect()
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
            learning: cnnc_compiler::graph::Learning::default(),
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
        let model =
            [("features.0.conv.weight", wide), ("features.1.conv.weight", square), ("features.1.conv.bias", &[8])];
        let file = [("body.0.c.weight", wide), ("body.1.c.weight", square), ("body.1.c.bias", &[8])];
        assert_eq!(
            said(&model, &file).unwrap(),
            r"3 of the model's 3 tensors fit with `--rename '\bbody\b=features' --rename '\bc\b=conv'`"
        );
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
