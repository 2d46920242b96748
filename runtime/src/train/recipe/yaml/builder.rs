//! Nodes, lists and mappings as they begin and end to one tree.
//!
//! Aliases are copied when they are met, and every copy is counted: a text of a few lines cannot become a tree that fills memory.

use super::places::Places;
use super::{Node, NodeContent, Result, Unreadable};
use cnnc_grammar::span::Span;
use std::collections::HashMap;

/// Nodes that a recipe may have, those that aliases copy among them.
const MOST_NODES: usize = 20_000;
/// Bytes of text that scalars may have, those that aliases copy among them.
const MOST_BYTES: usize = 1 << 20;
/// Lists and mappings in one another. Those of a recipe that says something are four or five.
const DEEPEST: usize = 64;

/// Bytes that a value holds itself.
fn length(value: &NodeContent) -> usize {
    if let NodeContent::Text(text) = value { text.len() } else { 0 }
}

/// Nodes and bytes of a whole node.
fn size(node: &Node) -> (usize, usize) {
    let add = |(nodes, bytes): (usize, usize), node: &Node| {
        let (more_nodes, more_bytes) = size(node);
        (nodes + more_nodes, bytes + more_bytes)
    };
    match &node.content {
        NodeContent::List(nodes) => nodes.iter().fold((1, 0), add),
        NodeContent::Map(pairs) => pairs.iter().flat_map(|(key, value)| [key, value]).fold((1, 0), add),
        value => (1, length(value)),
    }
}

/// A list or mapping whose end has not come.
struct Open {
    node: Node,
    anchor: usize,
    /// Of a mapping, the key whose value comes next.
    key: Option<Node>,
}

/// Puts what `<<` names behind a mapping's own keys: the keys of a mapping, or of several in a list, that it does not have
/// itself. Of several the first counts.
fn merge(pairs: &mut Vec<(Node, Node)>) -> Result<()> {
    let is_merge = |(key, _): &(Node, Node)| matches!(&key.content, NodeContent::Text(text) if text == "<<");
    while let Some(place) = pairs.iter().position(is_merge) {
        let (_, merged) = pairs.remove(place);
        let sources = match merged.content {
            NodeContent::List(nodes) => nodes,
            content => vec![Node { content, place: merged.place }],
        };
        for source in sources {
            let NodeContent::Map(others) = source.content else {
                let reason = "`<<` takes keys with values, or a list of such, from elsewhere: `<<: *anchor`".into();
                return Err(Unreadable { reason, place: source.place, help: None });
            };
            for (key, value) in others {
                if pairs.iter().all(|(known, _)| known.content != key.content) {
                    pairs.push((
                        Node { content: key.content, place: merged.place },
                        Node { content: value.content, place: merged.place },
                    ));
                }
            }
        }
    }
    Ok(())
}

/// The tree as far as it is read.
#[derive(Default)]
pub struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    bytes: usize,
}

impl Builder {
    /// The tree, once all is read; `None` when there was nothing.
    pub fn into_root(self) -> Option<Node> {
        self.root
    }

    /// Counts what is made.
    fn charge(&mut self, nodes: usize, bytes: usize, place: Span) -> Result<()> {
        self.nodes += nodes;
        self.bytes += bytes;
        let (found, most, what) = match (self.nodes > MOST_NODES, self.bytes > MOST_BYTES) {
            (true, _) => (self.nodes, MOST_NODES, "values"),
            (_, true) => (self.bytes, MOST_BYTES, "bytes of text"),
            _ => return Ok(()),
        };
        let reason =
            format!("up to here there are {found} {what}, what aliases copy among them; a recipe may have {most}");
        Err(Unreadable { reason, place, help: None })
    }

    /// A scalar.
    pub fn scalar(&mut self, node: Node, anchor: usize) -> Result<()> {
        self.charge(1, length(&node.content), node.place)?;
        self.finished(node, anchor)
    }

    /// A list or mapping begins.
    pub fn open(&mut self, content: NodeContent, anchor: usize, place: Span) -> Result<()> {
        if self.open.len() == DEEPEST {
            return Err(too_deep(place));
        }
        self.charge(1, 0, place)?;
        self.open.push(Open { node: Node { content, place }, anchor, key: None });
        Ok(())
    }

    /// The last one that began ends.
    pub fn close(&mut self, places: &Places<'_>, end: Span) -> Result<()> {
        let Some(Open { mut node, anchor, .. }) = self.open.pop() else { return Ok(()) };
        node.place = places.first_line(node.place, end);
        if let NodeContent::Map(pairs) = &mut node.content {
            merge(pairs)?;
        }
        self.finished(node, anchor)
    }

    /// A copy of what has that anchor.
    pub fn alias(&mut self, anchor: usize, place: Span) -> Result<()> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            let reason = "this alias stands in what its anchor names, which has no end then".into();
            return Err(Unreadable { reason, place, help: None });
        };
        let (nodes, bytes) = size(&node);
        self.charge(nodes, bytes, place)?;
        self.finished(Node { content: node.content, place }, 0)
    }

    /// Puts a node where it belongs. What has an anchor is kept, and counted, once more.
    fn finished(&mut self, node: Node, anchor: usize) -> Result<()> {
        if anchor != 0 {
            let (nodes, bytes) = size(&node);
            self.charge(nodes, bytes, node.place)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { node: Node { content: NodeContent::Map(pairs), .. }, key, .. }) => match key.take() {
                Some(key) => pairs.push((key, node)),
                None => *key = Some(node),
            },
            Some(Open { node: Node { content: NodeContent::List(nodes), .. }, .. }) => nodes.push(node),
            Some(_) => {}
        }
        Ok(())
    }
}

/// The failure of what is nested too deeply.
pub fn too_deep(place: Span) -> Unreadable {
    let reason = format!("lists and mappings are nested more than {DEEPEST} levels deep");
    Unreadable { reason, place, help: None }
}
