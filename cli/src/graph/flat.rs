//! What is on view, without coordinates: the closed items one after another, the open blocks around each, and what passes between
//! them. For writers that lay out themselves, or write lines.

use super::outline::{Body, Content, Item};
use super::picture::View;
use cnnc_compiler::graph::{NodeId, ShapedGraph};
use std::collections::{HashMap, HashSet};

/// The items that are closed, and the blocks that are open.
pub struct Flat<'i> {
    /// In the order of the text.
    pub boxes: Vec<Closed<'i>>,
    /// The outer before the inner.
    pub blocks: Vec<Open<'i>>,
    /// What passes: the value, the box that gives it and the one that takes it; each once.
    pub lines: Vec<(NodeId, usize, usize)>,
}

/// A closed item.
pub struct Closed<'i> {
    /// The item.
    pub item: &'i Item,
    /// The blocks around it, the outermost first, by their places.
    pub around: Vec<usize>,
}

/// An open block.
pub struct Open<'i> {
    /// The block, or the run whose first block is shown.
    pub item: &'i Item,
    /// The path of what is in it.
    pub path: &'i str,
    /// How many blocks are around it.
    pub level: usize,
}

impl<'i> Flat<'i> {
    /// What is on view of a network.
    pub fn of(shaped: &ShapedGraph, outline: &'i Body, view: View) -> Flat<'i> {
        let mut flat = Flat { boxes: Vec::new(), blocks: Vec::new(), lines: Vec::new() };
        let mut shown = Shown::default();
        flat.add(shaped, outline, view, &[], &mut shown);
        let graph = &shaped.graph;
        let mut seen = HashSet::new();
        let mut pass = |value: NodeId, from: Option<&usize>, to: Option<&usize>| {
            if let (Some(&from), Some(&to)) = (from, to)
                && from != to
                && seen.insert((value, from, to))
            {
                flat.lines.push((value, from, to));
            }
        };
        for (node, _) in graph.dag.iter() {
            for value in graph.dag.arguments(node) {
                pass(value, shown.giving(value), shown.box_of.get(&node));
            }
        }
        let outputs: Vec<(usize, usize)> =
            (0..).zip(&flat.boxes).filter_map(|(place, one)| output(one, place)).collect();
        for (output, place) in outputs {
            if let Some(output) = graph.outputs.get(output) {
                pass(output.node, shown.giving(output.node), Some(&place));
            }
        }
        flat
    }

    /// Adds what is in a body.
    fn add(&mut self, shaped: &ShapedGraph, body: &'i Body, view: View, around: &[usize], shown: &mut Shown) {
        for item in &body.items {
            let Some(inside) = view.inside(item) else {
                for_each_layer(item, &mut |layer| {
                    shown.box_of.insert(layer, self.boxes.len());
                });
                if let Content::Input(place) = item.content
                    && let Some(input) = shaped.graph.inputs.get(place)
                {
                    shown.box_of.insert(input.node, self.boxes.len());
                }
                self.boxes.push(Closed { item, around: around.to_vec() });
                continue;
            };
            let first = match &item.content {
                Content::Run(run) => run.body.items.first().unwrap_or(item),
                _ => item,
            };
            let around: Vec<usize> = around.iter().copied().chain([self.blocks.len()]).collect();
            self.blocks.push(Open { item, path: &first.path, level: around.len() - 1 });
            self.add(shaped, inside, view, &around, shown);
            if let Content::Run(run) = &item.content {
                shown.stand_in(first, &run.body.items);
            }
        }
    }

    /// What an item is called where it stands.
    pub fn name(&self, one: &Closed<'i>) -> &'i str {
        one.item.name_in(one.around.last().and_then(|&block| self.blocks.get(block)).map_or("", |block| block.path))
    }

    /// What an open block is called where it stands.
    pub fn block_name(&self, around: &[usize], place: usize) -> &'i str {
        let outer = around.iter().take_while(|&&block| block != place).last().and_then(|&block| self.blocks.get(block));
        self.blocks.get(place).map_or("", |block| block.item.name_in(outer.map_or("", |outer| outer.path)))
    }
}

/// The output that a box stands for, and the box's place.
fn output(one: &Closed<'_>, place: usize) -> Option<(usize, usize)> {
    if let Content::Output(output) = one.item.content { Some((output, place)) } else { None }
}

/// Which boxes show what.
#[derive(Default)]
struct Shown {
    /// Of the layers that are shown.
    box_of: HashMap<NodeId, usize>,
    /// Of the layers of a run's other blocks: the boxes of the first one's, which equal them.
    instead: HashMap<NodeId, usize>,
}

impl Shown {
    /// The box that gives a value. What a run gives is its last block's, of which nothing is shown.
    fn giving(&self, value: NodeId) -> Option<&usize> {
        self.box_of.get(&value).or_else(|| self.instead.get(&value))
    }

    fn stand_in(&mut self, first: &Item, blocks: &[Item]) {
        let mut places = Vec::new();
        for_each_layer(first, &mut |layer| places.push(self.giving(layer).copied()));
        for block in blocks.iter().skip(1) {
            let mut places = places.iter();
            for_each_layer(block, &mut |layer| {
                if let Some(&place) = places.next().and_then(Option::as_ref) {
                    self.instead.insert(layer, place);
                }
            });
        }
    }
}

fn for_each_layer(item: &Item, visit: &mut dyn FnMut(NodeId)) {
    match &item.content {
        Content::Input(_) | Content::Output(_) => {}
        Content::Layers(layers) => layers.iter().copied().for_each(visit),
        Content::Block(block) | Content::Run(block) => {
            block.body.items.iter().for_each(|item| for_each_layer(item, visit))
        }
    }
}
