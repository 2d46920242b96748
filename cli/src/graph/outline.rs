//! What there is to draw: a network's layers, in boxes and blocks, with the values that pass between them.
//!
//! A tree of bodies, the model's first, which `draft.rs` makes of a shaped graph. Every body says by itself which of its
//! items a value passes between, and which values come in from outside and leave, so that it can be laid out alone, and the
//! bodies around it know it as one item. Layers that only follow one another stand in one box ([`Content::Layers`]): those that
//! take nothing but the value before, keep its shape and cost no multiply-adds, as a normalisation and an activation do. Equal
//! blocks one after another are a run (`runs.rs`).

use cnnc_compiler::graph::NodeId;
use cnnc_compiler::summary::Cost;
use std::sync::Arc;

/// One thing that is drawn.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its path, as in a `state_dict`; a run's is `layer3[1…35]`. A nameless join has that of the block around it.
    pub path: Arc<str>,
    /// What it is.
    pub content: Content,
    /// What all in it costs together.
    pub cost: Cost,
}

/// What an item is.
#[derive(Clone, Debug)]
pub enum Content {
    /// An input of the network, by its place.
    Input(usize),
    /// An output of the network, by its place.
    Output(usize),
    /// Layers and joins of one shape, each taking the one before.
    Layers(Vec<NodeId>),
    /// A block, group or named join.
    Block(Block),
    /// Equal blocks, each taking the one before; they are the items of its body.
    Run(Block),
}

/// What is in a block.
#[derive(Clone, Debug)]
pub struct Block {
    /// The block's name, `Sequential` or the join's word.
    pub class: Arc<str>,
    /// How deep it lies: the parts of its path.
    pub depth: usize,
    /// A number that equal blocks share: all that they compute, and in which shapes.
    pub signature: u64,
    /// What it is made of.
    pub body: Body,
}

/// What a block is made of.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// The items, in the order of the text.
    pub items: Vec<Item>,
    /// The values that come from outside.
    pub inputs: Vec<NodeId>,
    /// The values that are used outside.
    pub outputs: Vec<NodeId>,
    /// What passes where.
    pub flows: Vec<Flow>,
}

/// A value that passes from one end to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The value.
    pub value: NodeId,
    /// Where it comes from.
    pub from: End,
    /// Where it goes.
    pub to: End,
}

/// One end of a flow, by its place in the body's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// What comes in.
    Input(usize),
    /// One of its items.
    Item(usize),
    /// What leaves.
    Output(usize),
}

impl Item {
    /// Its block, if it is one or a run.
    pub fn block(&self) -> Option<&Block> {
        match &self.content {
            Content::Block(block) | Content::Run(block) => Some(block),
            Content::Input(_) | Content::Output(_) | Content::Layers(_) => None,
        }
    }

    /// How it is called in a block of that path.
    pub fn name_in(&self, around: &str) -> &str {
        name_in(&self.path, around)
    }

    /// The name of its block, and of a run how many there are: `Bottleneck ×35`.
    pub fn class(&self) -> String {
        match &self.content {
            Content::Run(run) => format!("{} ×{}", run.class, run.times()),
            Content::Block(block) => block.class.to_string(),
            Content::Input(_) | Content::Output(_) | Content::Layers(_) => String::new(),
        }
    }

    /// How many layers are in it.
    pub fn layers(&self) -> usize {
        match &self.content {
            Content::Input(_) | Content::Output(_) => 0,
            Content::Layers(layers) => layers.len(),
            Content::Block(block) | Content::Run(block) => block.body.items.iter().map(Item::layers).sum(),
        }
    }
}

/// A path without what the path of the block around it says already.
pub fn name_in<'p>(path: &'p str, around: &str) -> &'p str {
    let rest = path.strip_prefix(around).unwrap_or(path);
    rest.strip_prefix('.').unwrap_or(rest)
}
