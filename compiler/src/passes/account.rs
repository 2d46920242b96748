//! What each rewrite saves: the graph is looked at before a pass and after it, and what every layer's own kernels read, write and
//! compute less is put down to the note of that layer.
//!
//! Only what every run does counts: constants are made once. A kernel that only moves elements is counted as a copy of what it
//! gives, though a plan may find a view in its place. Where a kernel took the work of layers in, what it reads and computes more
//! is taken off what they cost before, and they share the rest, so that all savings together are what the graph was relieved of.

use super::Note;
use crate::graph::NodeId;
use crate::kernels::{Expression, Kernel, KernelGraph, KernelNode};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What a run is spared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Bytes read and written.
    pub bytes: i64,
    /// Operations of expressions: additions, multiplications and the like, element by element.
    pub operations: i64,
}

impl Saved {
    fn add(&mut self, other: Saved, sign: i64) {
        self.bytes = self.bytes.saturating_add(other.bytes.saturating_mul(sign));
        self.operations = self.operations.saturating_add(other.operations.saturating_mul(sign));
    }

    /// An even part of it; the first parts take what is left over.
    fn part(self, index: usize, parts: usize) -> Saved {
        let (index, parts) = (index as i64, parts.max(1) as i64);
        let of = |whole: i64| whole / parts + i64::from(index < whole.abs() % parts) * whole.signum();
        Saved { bytes: of(self.bytes), operations: of(self.operations) }
    }
}

/// What the kernels of each layer cost, and which layers they hold.
#[derive(Default)]
pub(super) struct Account {
    costs: HashMap<Arc<str>, Saved>,
    holds: HashMap<Arc<str>, HashSet<Arc<str>>>,
}

impl Account {
    pub fn of(graph: &KernelGraph) -> Account {
        let (constants, live) = (graph.constants(), graph.live());
        let mut account = Account::default();
        for (id, node) in graph.dag.iter() {
            if constants.contains(&id) || !live.contains(&id) || node.kernel.is_given() {
                continue;
            }
            let place = node.place();
            account.costs.entry(place.clone()).or_default().add(cost(graph, id, node), 1);
            account.holds.entry(place).or_default().extend(node.origins.iter().cloned());
        }
        account
    }

    /// Puts down what was saved between two looks to the notes of the pass that ran between.
    pub fn settle(&self, after: &Account, notes: &mut [Note]) {
        let mut saved: HashMap<Arc<str>, Saved> = HashMap::new();
        let mut places: Vec<&Arc<str>> = self.costs.keys().chain(after.costs.keys()).collect();
        places.sort();
        places.dedup();
        for place in &places {
            let mut less = self.costs.get(*place).copied().unwrap_or_default();
            less.add(after.costs.get(*place).copied().unwrap_or_default(), -1);
            saved.insert((*place).clone(), less);
        }
        for place in places {
            let held = self.holds.get(place);
            let is_new = |layer: &&Arc<str>| held.is_none_or(|held| !held.contains(*layer)) && *layer != place;
            let mut taken: Vec<&Arc<str>> = after.holds.get(place).into_iter().flatten().filter(is_new).collect();
            taken.sort();
            if taken.is_empty() {
                continue;
            }
            // A kernel that took others in costs more for their sake: what is left of both is the saving of each, evenly.
            let mut pool = saved.remove(place).unwrap_or_default();
            taken.iter().for_each(|layer| pool.add(saved.remove(*layer).unwrap_or_default(), 1));
            for (index, layer) in taken.iter().enumerate() {
                saved.entry((*layer).clone()).or_default().add(pool.part(index, taken.len()), 1);
            }
        }
        let mut notes_of: HashMap<Arc<str>, usize> = HashMap::new();
        for note in notes.iter().filter(|note| note.done) {
            *notes_of.entry(note.place.clone()).or_default() += 1;
        }
        let mut met: HashMap<Arc<str>, usize> = HashMap::new();
        // What changed at places of which the pass says nothing was changed for the sake of all that it says.
        let noted: HashSet<Arc<str>> = notes_of.keys().cloned().collect();
        let rest = saved.iter().filter(|(place, _)| !noted.contains(*place));
        let rest = rest.fold(Saved::default(), |mut sum, (_, saved)| {
            sum.add(*saved, 1);
            sum
        });
        let all = notes.iter().filter(|note| note.done).count();
        for (place, note) in notes.iter_mut().filter(|note| note.done).enumerate() {
            let index = met.entry(note.place.clone()).or_default();
            let whole = saved.get(&note.place).copied().unwrap_or_default();
            note.saved = whole.part(*index, notes_of.get(&note.place).copied().unwrap_or(1));
            note.saved.add(rest.part(place, all), 1);
            *index += 1;
        }
    }
}

/// What one kernel reads, writes and computes in a run.
fn cost(graph: &KernelGraph, id: NodeId, node: &KernelNode) -> Saved {
    let mut arguments = graph.dag.arguments(id);
    arguments.sort();
    arguments.dedup();
    let read = arguments.iter().filter_map(|argument| graph.dag.get(*argument));
    let bytes = read.chain([node]).map(|node| node.element.tensor_bytes(&node.shape)).fold(0, u64::saturating_add);
    let own = match &node.kernel {
        Kernel::Map(map) => map.operations(),
        _ => 0,
    };
    let each = own + node.epilogue.as_ref().map_or(0, Expression::operations);
    let elements = node.shape.iter().fold(1u64, |product, &size| product.saturating_mul(size as u64));
    let operations = elements.saturating_mul(each as u64);
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Saved { bytes: signed(bytes), operations: signed(operations) }
}

#[cfg(test)]
mod tests {
    use super::Saved;
    use crate::kernels::test_graph::TestGraph;

    #[test]
    fn a_fused_activation_saves_its_reading_and_writing() {
        let (mut test, x) = TestGraph::new(&[1, 3, 8, 8]);
        let y = test.conv(x, 4, 3, true);
        let y = test.batch_norm(y);
        let y = test.relu(y);
        let mut graph = test.finish(y);
        let before = super::Account::of(&graph);
        let notes = crate::passes::run_accounted(&mut graph).expect("passes");
        let after = super::Account::of(&graph);
        let total = |account: &super::Account| {
            account.costs.values().fold(Saved::default(), |mut sum, cost| {
                sum.add(*cost, 1);
                sum
            })
        };
        let mut expected = total(&before);
        expected.add(total(&after), -1);
        let told = notes.iter().fold(Saved::default(), |mut sum, note| {
            sum.add(note.saved, 1);
            sum
        });
        assert_eq!(told, expected, "{notes:?}");
        // 4·8·8 elements are written and read again at least twice less, of four bytes each.
        assert!(told.bytes >= 2 * 2 * 4 * 64 * 4 && told.operations > 0, "{told:?}");
    }
}
