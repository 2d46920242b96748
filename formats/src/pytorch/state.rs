//! Which of what was saved is the state: a dictionary of tensors, or a module whose parameters and buffers are one.
//!
//! People save a state by itself, or in a dictionary beside the epoch, the optimiser and a second state of running means. One
//! state is found wherever it lies; of several a key must say which. What an optimiser keeps is none.

use super::pickle::{Heap, Id, Value};
use crate::failure::{Failure, Result};
use std::collections::{HashMap, HashSet};

/// How deep a state may lie.
const MOST_DEPTH: usize = 8;
/// How deep modules may be nested, as far as a spec's may.
const MOST_MODULES: usize = 200;
/// Values that are looked at, since one may be reached by many ways.
const MOST_LOOKS: usize = 1 << 21;
/// Places that may be a state: of more, more are not looked for.
const MOST_CANDIDATES: usize = 4096;
/// In the place of the number of tensors of a module, which nobody has counted.
const WHOLE_MODULE: usize = usize::MAX;
/// Bytes of all keys together: nested names may grow with every level.
const MOST_KEY_BYTES: usize = 1 << 27;
/// Names that a message lists.
const SHOWN: usize = 12;

/// A state.
#[derive(Debug, Default)]
pub struct State {
    /// The keys that lead to it.
    pub under: Vec<String>,
    /// The class of the module whose it is.
    pub module: Option<String>,
    /// The numbers of its tensors by key, in order.
    pub tensors: Vec<(String, u32)>,
    /// What else it has: its key, and what it is.
    pub left_out: Vec<(String, String)>,
    /// What lies beside it in the file: its key, and what it is.
    pub beside: Vec<(String, String)>,
}

/// The state among what was saved, under a key if one is given.
///
/// # Errors
/// When there is none, or no such key, or several and no key.
pub fn find(heap: &Heap, root: Id, key: Option<&str>) -> Result<State> {
    let mut finder = Finder { heap, looks: 0, key_bytes: 0 };
    let (mut under, mut place) = (Vec::new(), root);
    if let Some(key) = key {
        (under, place) = finder.followed(root, key)?;
    }
    let mut found = Vec::new();
    finder.candidates(place, &under, &mut found)?;
    // A loss that is kept as a tensor makes no state of what it lies in.
    if found.iter().any(|one| !one.is_scalars) {
        found.retain(|one| !one.is_scalars);
    }
    match found.as_slice() {
        [] => Err(finder.none(place, key)),
        [one] => {
            let mut state = finder.state(one)?;
            state.beside = finder.beside(root, &state.under);
            Ok(state)
        }
        several => Err(ambiguous(several, key)),
    }
}

/// A place that may be the state.
struct Candidate {
    under: Vec<String>,
    id: Id,
    /// The tensors that lie in it directly, or [`WHOLE_MODULE`].
    tensors: usize,
    /// All of them are single numbers.
    is_scalars: bool,
}

struct Finder<'h> {
    heap: &'h Heap,
    looks: usize,
    key_bytes: usize,
}

impl Finder<'_> {
    /// Counts a value and what it holds, before that is gone through.
    fn look(&mut self, id: Id) -> Result<()> {
        self.looks = self.looks.saturating_add(1 + self.entries(id).len());
        match self.looks <= MOST_LOOKS {
            true => Ok(()),
            false => Err(Failure::broken("is refused: it holds the same values again and again")),
        }
    }

    /// The name of an entry.
    fn name(&self, id: Id) -> Option<String> {
        self.heap.text(id).or_else(|| match self.heap.get(id) {
            Value::Int(number) => Some(number.to_string()),
            _ => None,
        })
    }

    /// What a value holds by name: the entries of a dictionary, the attributes of an object.
    fn entries(&self, id: Id) -> &[(Id, Id)] {
        match self.heap.get(id) {
            Value::Dict(pairs) => pairs,
            Value::Object(_, Some(attributes)) => match self.heap.get(*attributes) {
                Value::Dict(pairs) => pairs,
                _ => &[],
            },
            _ => &[],
        }
    }

    /// The names of a value's entries for a message.
    fn names(&self, id: Id) -> String {
        let entries = self.entries(id);
        let name = |(name, _): &(Id, Id)| self.name(*name).map(|name| format!("`{name}`"));
        let mut names: Vec<String> = entries.iter().filter_map(name).take(SHOWN).collect();
        if entries.len() > SHOWN {
            names.push("…".into());
        }
        names.join(", ")
    }

    /// Where a key leads: an entry of that name, or entry by entry where the name has dots.
    fn followed(&self, root: Id, key: &str) -> Result<(Vec<String>, Id)> {
        let (mut under, mut place, mut rest) = (Vec::new(), root, key);
        while !rest.is_empty() {
            let named = |(name, value): &(Id, Id)| Some((self.name(*name)?, *value));
            let entries = self.entries(place).iter().rev().filter_map(named);
            let fits =
                |name: &str| rest.strip_prefix(name).is_some_and(|after| after.is_empty() || after.starts_with('.'));
            let longest = entries.filter(|(name, _)| !name.is_empty() && fits(name)).max_by_key(|(name, _)| name.len());
            let Some((name, value)) = longest else {
                let absent = Failure::absent(format!("has nothing under the key `{key}`"));
                let names = self.names(place);
                return Err(if names.is_empty() { absent } else { absent.help(format!("there are {names}")) });
            };
            rest = rest.get(name.len()..).unwrap_or_default().trim_start_matches('.');
            under.push(name);
            place = value;
            if under.len() > MOST_DEPTH {
                return Err(Failure::absent(format!("has nothing under the key `{key}`")));
            }
        }
        Ok((under, place))
    }

    /// All places from here on that may be the state.
    fn candidates(&mut self, id: Id, under: &[String], found: &mut Vec<Candidate>) -> Result<()> {
        self.look(id)?;
        if found.len() > MOST_CANDIDATES {
            return Ok(());
        }
        if self.is_module(id) {
            found.push(Candidate { under: under.to_vec(), id, tensors: WHOLE_MODULE, is_scalars: false });
            return Ok(());
        }
        if under.len() > MOST_DEPTH || !matches!(self.heap.get(id), Value::Dict(_)) || self.is_optimiser(id) {
            return Ok(());
        }
        let (mut tensors, mut is_scalars) = (0, true);
        let mut inner = Vec::new();
        for &(name, value) in self.entries(id) {
            match self.heap.get(value) {
                Value::Tensor(number) => {
                    tensors += 1;
                    is_scalars &= self.heap.tensor(*number).is_some_and(|tensor| tensor.shape.is_empty());
                }
                Value::Unreadable(_) => {
                    tensors += 1;
                    is_scalars = false;
                }
                Value::Dict(_) | Value::Object(..) => inner.extend(self.name(name).map(|name| (name, value))),
                _ => {}
            }
        }
        let first = found.len();
        for (name, value) in inner {
            let under: Vec<String> = under.iter().cloned().chain([name]).collect();
            self.candidates(value, &under, found)?;
        }
        if tensors == 0 {
            return Ok(());
        }
        let states = found.get(first..).unwrap_or_default().iter().filter(|one| !one.is_scalars);
        let most = states.map(|one| one.tensors).max().unwrap_or(0);
        // Of a dictionary and what lies in it, that with more tensors is the state: the others are kept beside it, as the
        // state of a generator of random numbers is.
        if most < tensors && !is_scalars {
            found.truncate(first);
        }
        if most <= tensors || is_scalars {
            found.insert(first, Candidate { under: under.to_vec(), id, tensors, is_scalars });
        }
        Ok(())
    }

    /// Whether an object has the tables that `nn.Module` has.
    fn is_module(&self, id: Id) -> bool {
        let &Value::Object(_, Some(attributes)) = self.heap.get(id) else { return false };
        ["_parameters", "_modules"].iter().all(|table| self.heap.entry(attributes, table).is_some())
    }

    /// Whether it is what an optimiser keeps.
    fn is_optimiser(&self, id: Id) -> bool {
        ["state", "param_groups"].iter().all(|part| self.heap.entry(id, part).is_some())
    }

    /// What lies beside a state in the outermost dictionary.
    fn beside(&self, root: Id, under: &[String]) -> Vec<(String, String)> {
        let Some(first) = under.first() else { return Vec::new() };
        let named = |(name, value): &(Id, Id)| Some((self.name(*name)?, self.heap.kind(*value)));
        let others = self.entries(root).iter().filter_map(named).filter(|(name, _)| name != first);
        others.take(MOST_CANDIDATES).collect()
    }

    fn state(&mut self, candidate: &Candidate) -> Result<State> {
        let mut state = State { under: candidate.under.clone(), ..State::default() };
        if let Value::Object(class, _) = self.heap.get(candidate.id) {
            state.module = self.heap.name(*class).map(|named| named.path.clone());
            self.module(candidate.id, "", 0, &mut state)?;
        } else {
            for (name, value) in self.entries(candidate.id).to_vec() {
                match self.name(name) {
                    Some(name) => self.put(name, value, &mut state)?,
                    None => state.left_out.push((self.heap.kind(name), self.heap.kind(value))),
                }
            }
        }
        state.tensors = last_of_each(std::mem::take(&mut state.tensors));
        Ok(state)
    }

    /// Counts the bytes of a name.
    fn lengthen(&mut self, name: &str) -> Result<()> {
        self.key_bytes += name.len();
        match self.key_bytes <= MOST_KEY_BYTES {
            true => Ok(()),
            false => Err(Failure::broken("is refused: the names of its tensors are longer than any network's")),
        }
    }

    /// An entry of the state.
    fn put(&mut self, key: String, value: Id, state: &mut State) -> Result<()> {
        self.lengthen(&key)?;
        match self.heap.get(value) {
            Value::Tensor(number) => state.tensors.push((key, *number)),
            // A parameter that a module does not have, such as a bias.
            Value::Nothing => {}
            _ => state.left_out.push((key, self.heap.kind(value))),
        }
        Ok(())
    }

    /// The parameters and buffers of a module, then those of the modules in it, as `state_dict` has them.
    fn module(&mut self, id: Id, prefix: &str, depth: usize, state: &mut State) -> Result<()> {
        if depth > MOST_MODULES {
            return Err(Failure::broken(format!("is refused: its modules are nested deeper than {MOST_MODULES}")));
        }
        self.look(id)?;
        self.lengthen(prefix)?;
        let heap = self.heap;
        let &Value::Object(_, Some(attributes)) = heap.get(id) else { return Ok(()) };
        let mut tables = Vec::new();
        for name in ["_parameters", "_buffers", "_modules"] {
            let table = heap.entry(attributes, name);
            table.map_or(Ok(()), |table| self.look(table))?;
            tables.push(table.map(|table| self.entries(table).to_vec()).unwrap_or_default());
        }
        let unsaved = heap.entry(attributes, "_non_persistent_buffers_set");
        let unsaved = unsaved.and_then(|names| heap.items(names)).unwrap_or_default();
        self.looks = self.looks.saturating_add(unsaved.len());
        let unsaved: HashSet<&[u8]> = unsaved.iter().filter_map(|name| heap.bytes(*name)).collect();
        let modules = tables.pop().unwrap_or_default();
        let (buffers, parameters) = (tables.pop().unwrap_or_default(), tables.pop().unwrap_or_default());
        let buffers =
            buffers.into_iter().filter(|(name, _)| heap.bytes(*name).is_none_or(|name| !unsaved.contains(name)));
        for (name, value) in parameters.into_iter().chain(buffers) {
            if let Some(name) = self.name(name) {
                self.put(format!("{prefix}{name}"), value, state)?;
            }
        }
        for (name, value) in modules {
            if let Some(name) = self.name(name) {
                self.module(value, &format!("{prefix}{name}."), depth + 1, state)?;
            }
        }
        Ok(())
    }

    /// The failure to say that there is no state here.
    fn none(&self, place: Id, key: Option<&str>) -> Failure {
        let here = key.map_or(String::new(), |key| format!(" under the key `{key}`"));
        match self.heap.get(place) {
            Value::Tensor(_) | Value::Unreadable(_) => {
                Failure::absent(format!("has one tensor{here}, without a name, and no state"))
                    .help("save a dictionary: `torch.save({\"0.weight\": tensor}, \"x.pth\")`")
            }
            Value::Dict(_) | Value::Object(..) if !self.names(place).is_empty() => {
                Failure::absent(format!("has no tensors by name{here}, so no state of a network"))
                    .note(format!("it holds {}", self.names(place)))
            }
            _ => Failure::absent(format!("has {}{here}, and no state of a network", self.heap.kind(place))),
        }
    }
}

/// Each key once, with its last value, where it came first.
fn last_of_each(tensors: Vec<(String, u32)>) -> Vec<(String, u32)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<(String, u32)> = Vec::with_capacity(tensors.len());
    for (key, number) in tensors {
        match places.get(&key).and_then(|&place| kept.get_mut(place)) {
            Some(earlier) => earlier.1 = number,
            None => {
                places.insert(key.clone(), kept.len());
                kept.push((key, number));
            }
        }
    }
    kept
}

fn ambiguous(several: &[Candidate], key: Option<&str>) -> Failure {
    let within = key.map_or(String::new(), |key| format!(" under the key `{key}`"));
    let mut failure = Failure::absent(format!("has {} states{within}, and nothing says which is meant", several.len()));
    for candidate in several.iter().take(SHOWN) {
        let place = candidate.under.join(".");
        let tensors = match candidate.tensors {
            WHOLE_MODULE => "a whole module".to_owned(),
            1 => "one tensor".to_owned(),
            count => format!("{count} tensors"),
        };
        failure = match place.is_empty() {
            true => failure.note(format!("{tensors} beside the others, without a key")),
            false => failure.help(format!("`--key {place}` has {tensors}")),
        };
    }
    failure
}
