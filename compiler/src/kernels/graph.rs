//! The kernel graph: nodes, what comes in and goes out, parameters and what a run makes of them.
//!
//! Sizes are numbers here; a node has one value, of the shape that the node states.

use super::results::Results;
use super::{Expression, Kernel};
use crate::element::ElementType;
use crate::graph::{Dag, NodeId, ParameterId};
use std::collections::HashSet;
use std::sync::Arc;

/// A node of the kernel graph.
#[derive(Clone, Debug)]
pub struct KernelNode {
    /// What it computes.
    pub kernel: Kernel,
    /// What is then done to each element: operand 0 is the kernel's result, operand `i` the node's argument
    /// `own arguments + i − 1`, broadcast to the result as in [`Kernel::Map`].
    pub epilogue: Option<Expression>,
    /// How many of the node's arguments are the kernel's own; the others are the epilogue's.
    pub own_arguments: usize,
    /// The sizes of its value.
    pub shape: Vec<usize>,
    /// What the elements of its value are stored as.
    pub element: ElementType,
    /// What its sums and expressions are computed in, its epilogue too. Operands are converted to it where they are read, and
    /// what is stored as bytes where it is written; else a value is stored as what it was computed in.
    pub compute: ElementType,
    /// The layers that it came from, as `path Layer`, first the one that gave the kernel; a few dozen at most.
    pub origins: Vec<Arc<str>>,
}

/// A parameter that kernels read.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelParameter {
    /// Its key.
    pub path: Arc<str>,
    /// Its sizes.
    pub shape: Vec<usize>,
    /// What its elements are.
    pub element: ElementType,
    /// How it starts.
    pub start: Start,
}

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// As the store has it: drawn or loaded.
    Stored,
    /// This number everywhere, unless training goes on from where it was: the state of an optimiser.
    Constant(f64),
}

/// What a run leaves in a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The parameter. Everything that reads it in the same run reads its old value.
    pub parameter: ParameterId,
    /// The node whose value it has after the run.
    pub node: NodeId,
}

/// A value that comes in or goes out.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Its name in the spec; `input` or `output` when it has none.
    pub name: Arc<str>,
    /// The node.
    pub node: NodeId,
}

/// An input of class numbers: what is no whole number from 0 and below `classes` means nothing there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassInput {
    /// Which input.
    pub input: usize,
    /// How many classes there are.
    pub classes: usize,
}

/// A network in the kernel vocabulary.
#[derive(Clone, Debug, Default)]
pub struct KernelGraph {
    /// The kernels.
    pub dag: Dag<KernelNode>,
    /// The inputs, in order: `Kernel::Input(i)` is `inputs[i]`.
    pub inputs: Vec<Port>,
    /// The input that says a class of every sample, where there is one.
    pub class_input: Option<ClassInput>,
    /// The outputs, in order.
    pub outputs: Results<Port>,
    /// The parameters by [`ParameterId`]; states of an optimiser after those of the network.
    pub parameters: Vec<KernelParameter>,
    /// The parameters that a run writes, each at most once.
    pub updates: Results<Update>,
    /// Parameters that others write between runs; what is made of them is no constant either.
    pub changing: HashSet<ParameterId>,
}
