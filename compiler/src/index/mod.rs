//! From places in the text to what they mean: names to their declarations, statements to the layers that they made and the
//! shapes that these give.
//!
//! What an editor, `--fix` and comparisons ask. It is made by [`check`](crate::check::check) where the request asks for it, also
//! of a spec in which something is wrong: then of what is right. Both lists are sorted by place.

mod shapes;

pub use shapes::{Shapes, Sizes};

use crate::graph::{Bound, Graph, NodeId, PartialGraph, ShapedGraph, Visits};
use crate::shape::Shape;
use cnnc_grammar::span::{FileId, Span};
use std::cmp::Reverse;
use std::sync::Arc;

/// A name where it is used, and the name where it is declared: a block, model, parameter, value, item, input size or kept value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Use {
    /// Where it is used.
    pub name: Span,
    /// Where it is declared. A name in a loop or branch may have several declarations, each in a use of its own.
    pub declaration: Span,
}

/// What one network made of one statement, in every turn and call that came by.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// All of the statement; for one with a body, the body too.
    pub statement: Span,
    /// The network's name.
    pub network: Arc<str>,
    /// How many times it was written out.
    pub times: usize,
    /// How many of these gave a value of which nothing is known.
    pub unknown: usize,
    /// How many layers, joins and inputs it made in all.
    pub layers: usize,
    /// The first of them.
    pub first: Option<NodeId>,
    /// The last of them.
    pub last: Option<NodeId>,
    /// The shapes of the values that it gave; `None` where none is known.
    pub shapes: Option<Shapes>,
}

/// The index of one check.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// By name.
    uses: Vec<Use>,
    /// By declaration.
    declarations: Vec<Use>,
    /// By the start of the statement, the outer before the inner, in the order of the networks.
    sites: Vec<Site>,
    /// By name, then in the order of the networks, each with its network.
    bound: Vec<(Arc<str>, Bound)>,
}

impl Index {
    /// Of the uses that were found, each once, and the networks.
    pub(crate) fn new(mut uses: Vec<Use>, networks: &[ShapedGraph], partial: &[PartialGraph]) -> Index {
        uses.sort_unstable();
        let mut declarations = uses.clone();
        declarations.sort_unstable_by_key(|used| (used.declaration, used.name));
        let mut sites = Vec::new();
        for ShapedGraph { graph, shapes, .. } in networks {
            add_sites(&mut sites, &graph.name, &graph.visits, &|node| shapes.get(node.index()));
        }
        for network in partial {
            let graph = network.graph();
            add_sites(&mut sites, &graph.name, &graph.visits, &|node| network.shape(node));
        }
        sites.sort_by_key(|site| key(site.statement));
        let graphs = networks.iter().map(|network| &network.graph).chain(partial.iter().map(PartialGraph::graph));
        let of_graph =
            |graph: &Graph| graph.bound.iter().map(|bound| (graph.name.clone(), bound.clone())).collect::<Vec<_>>();
        let mut bound: Vec<_> = graphs.flat_map(of_graph).collect();
        bound.sort_by_key(|(_, bound)| bound.name);
        Index { uses, declarations, sites, bound }
    }

    /// Where the name at a place is declared, whether it is used or declared there; of several declarations the first.
    pub fn declaration_at(&self, file: FileId, byte: u32) -> Option<Span> {
        let holds = |span: Span| span.file == file && (span.start..=span.end).contains(&byte);
        let used = self.uses.partition_point(|used| (used.name.file, used.name.start) <= (file, byte));
        let used = self.uses.get(..used)?.iter().rev().map_while(|used| holds(used.name).then_some(used.declaration));
        used.last().or_else(|| {
            let place = |used: &Use| (used.declaration.file, used.declaration.start);
            let declared = self.declarations.partition_point(|used| place(used) <= (file, byte));
            let last = self.declarations.get(declared.checked_sub(1)?)?;
            holds(last.declaration).then_some(last.declaration)
        })
    }

    /// Everywhere that a name is used which is declared there, in order.
    pub fn uses_of(&self, declaration: Span) -> impl Iterator<Item = Span> {
        let start = self.declarations.partition_point(|used| used.declaration < declaration);
        let all = self.declarations.get(start..).unwrap_or_default().iter();
        all.take_while(move |used| used.declaration == declaration).map(|used| used.name)
    }

    /// What the innermost statement around a place made that was written out, an entry a network: of a layer in an arm that was
    /// not taken, the `if`. Empty where there is none.
    pub fn layers_at(&self, file: FileId, byte: u32) -> &[Site] {
        let holds = |span: Span| span.file == file && (span.start..=span.end).contains(&byte);
        let end = self.sites.partition_point(|site| (site.statement.file, site.statement.start) <= (file, byte));
        let before = self.sites.get(..end).unwrap_or_default();
        let Some(last) = before.iter().rposition(|site| holds(site.statement)) else { return &[] };
        let Some(statement) = before.get(last).map(|site| key(site.statement)) else { return &[] };
        let first = before.partition_point(|site| key(site.statement) < statement);
        before.get(first..=last).unwrap_or_default()
    }

    /// What the name that is declared there stood for, an entry a network that gave it a value.
    pub fn values_of(&self, declaration: Span) -> &[(Arc<str>, Bound)] {
        let start = self.bound.partition_point(|(_, bound)| bound.name < declaration);
        let after = self.bound.get(start..).unwrap_or_default();
        let end = after.partition_point(|(_, bound)| bound.name == declaration);
        after.get(..end).unwrap_or_default()
    }

    /// All uses, by place.
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// All sites, by place.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }
}

/// By which sites are sorted: what stands around others comes before them.
fn key(statement: Span) -> (FileId, u32, Reverse<u32>) {
    (statement.file, statement.start, Reverse(statement.end))
}

/// What a network made, a site a statement.
fn add_sites<'g>(
    sites: &mut Vec<Site>,
    network: &Arc<str>,
    visits: &[Visits],
    shape: &dyn Fn(NodeId) -> Option<&'g Shape>,
) {
    sites.extend(visits.iter().map(|visits| {
        let Visits { statement, times, unknown, layers, first, last, .. } = *visits;
        let mut given = visits.values.iter().filter_map(|value| shape(*value));
        let mut shapes = given.next().cloned().map(Shapes::One);
        given.for_each(|shape| shapes.iter_mut().for_each(|shapes| shapes.add(shape)));
        Site { statement, network: network.clone(), times, unknown, layers, first, last, shapes }
    }));
}
