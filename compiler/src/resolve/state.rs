//! What an expansion has made so far, and how it reports.
//!
//! One [`Expander`] writes out one model, or checks one declaration without expanding what it calls. Its methods are spread over
//! the files of this folder, a subject each. Errors go through [`Expander::report`], which adds the calls and loops that led to
//! the place and keeps one error of a code at a place, so that a loop reports once.

use super::declarations::Declarations;
use super::initialise::Rule;
use super::keep::Kept;
use super::limits::{Account, Budget};
use super::names::Place;
use super::scope::Scope;
use super::tied::{Sharing, Tied};
use super::value::Flow;
use super::{Program, Sources};
use crate::diagnostic::{Code, Diagnostic, Label, Problems, nearest};
use crate::graph::{Graph, ModuleId, NodeId, ParameterId, Trace, TraceId, Way};
use crate::shape::Shape;
use cnnc_grammar::ast::{Declaration, DeclarationKind};
use cnnc_grammar::span::{Files, Span};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The most calls and loops shown of the way to an error.
const SHOWN_STEPS: usize = 8;

/// What every expansion of one program shares.
pub(super) struct World<'a, 'p> {
    /// All files' trees.
    pub program: &'a Program,
    /// All blocks and models.
    pub declarations: &'p Declarations<'a>,
    /// The texts, for mends that quote them.
    pub files: &'p Files,
    /// Where files of labels come from.
    pub sources: &'p dyn Sources,
    /// What they have spent together.
    pub account: Account,
}

/// One expansion.
pub(super) struct Expander<'a, 'p> {
    /// What expansions share.
    pub world: &'p World<'a, 'p>,
    /// Where errors go.
    pub problems: &'p mut Problems,
    /// Whether calls and loops are written out; otherwise one declaration is checked by itself, and the flow is unknown.
    pub expanding: bool,
    /// Sizes that replace those of the inputs.
    pub input_shapes: &'p [Vec<usize>],
    /// What is made.
    pub graph: Graph,
    /// Items with a name by the module that they stand in, to find two of one name and to follow `encoder.weight`.
    pub named: HashMap<(ModuleId, Arc<str>), ModuleId>,
    /// Where each module is written, by its number.
    pub places: Vec<Place>,
    /// Whether some item has a number as its name, which may be the position of another.
    pub numbers_as_names: bool,
    /// The names of blocks and models, once each.
    pub shared_names: HashMap<&'a str, Arc<str>>,
    /// Kept values by call and name.
    pub kept: HashMap<(ModuleId, Arc<str>), Kept>,
    /// Parameters whose values the spec gives with `weight=`.
    pub constants: HashSet<ParameterId>,
    /// `init` statements, in order.
    pub rules: Vec<Rule<'a>>,
    /// `tied` layers, by number.
    pub tied: Vec<Tied>,
    /// The tied layers that are being written out, the outermost first.
    pub sharing: Vec<Sharing>,
    /// Where each symbol first stands.
    pub symbols: HashMap<Arc<str>, Span>,
    /// Calls that keep a value under a name that is not known.
    pub unknown_names: HashSet<ModuleId>,
    /// Where each output of the network stands.
    pub outputs: HashMap<Arc<str>, Span>,
    /// How many inputs of the network were read.
    pub inputs_seen: usize,
    /// Where the labels are listed.
    pub labels_span: Option<Span>,
    /// The calls and loops that lead here.
    pub steps: Vec<Step>,
    /// What may still be spent.
    pub budget: Budget,
    /// How many conditions or loops around this place are not decided: what stands here may not be written out, or more than
    /// once.
    pub undecided: usize,
    /// Whether errors are swallowed, for a value that is only wanted if it has none.
    pub quiet: bool,
    /// Whether anything was reported, or could not be read.
    pub failed: bool,
    reported: HashSet<(Code, Span)>,
}

/// One call or turn of a loop on the way to a place. Its entry in the graph is made when a layer needs it.
pub(super) struct Step {
    /// Where the call or loop is written.
    pub span: Span,
    /// What it is.
    pub way: Way,
    entry: Option<TraceId>,
}

/// One call of a block or model, while its body is read.
pub(super) struct Frame<'a> {
    /// The values that can be seen.
    pub scope: Scope<'a>,
    /// Block or model.
    pub kind: DeclarationKind,
    /// The declaration's first line, for labels.
    pub header: Span,
    /// Whether this is the model itself, whose inputs are the network's.
    pub is_root: bool,
    /// The modules that are open: the call's first, the one that gets the next item last.
    pub open: Vec<ModuleId>,
    /// The loops around this place within the declaration; a name where a `for` binds one.
    pub loops: Vec<Option<&'a str>>,
    /// Whether an item was seen, after which no input can come.
    pub begun: bool,
    /// Where the input without a name stands.
    pub unnamed_input: Option<Span>,
    /// The named inputs, to say what `from` could give.
    pub inputs: Vec<&'a str>,
}

impl<'a> Frame<'a> {
    /// A frame before its first statement.
    pub fn new(declaration: &'a Declaration, module: ModuleId, is_root: bool) -> Self {
        Frame {
            scope: Scope::default(),
            kind: declaration.kind,
            header: declaration.header,
            is_root,
            open: vec![module],
            loops: Vec::new(),
            begun: false,
            unnamed_input: None,
            inputs: Vec::new(),
        }
    }

    /// A frame of a body whose declaration could not be read.
    pub fn loose(module: ModuleId, header: Span) -> Self {
        let mut scope = Scope::default();
        scope.incomplete = true;
        Frame {
            scope,
            kind: DeclarationKind::Model,
            header,
            is_root: true,
            open: vec![module],
            loops: Vec::new(),
            begun: false,
            unnamed_input: None,
            inputs: Vec::new(),
        }
    }

    /// The module of the call.
    pub fn call(&self) -> ModuleId {
        self.open.first().copied().unwrap_or(ModuleId(0))
    }

    /// The module that gets the next item.
    pub fn module(&self) -> ModuleId {
        self.open.last().copied().unwrap_or(ModuleId(0))
    }
}

impl<'a, 'p> Expander<'a, 'p> {
    /// An expansion that has made nothing yet.
    pub fn new(world: &'p World<'a, 'p>, problems: &'p mut Problems, expanding: bool) -> Self {
        Expander {
            world,
            problems,
            expanding,
            input_shapes: &[],
            graph: Graph::default(),
            named: HashMap::new(),
            places: Vec::new(),
            numbers_as_names: false,
            shared_names: HashMap::new(),
            kept: HashMap::new(),
            constants: HashSet::new(),
            rules: Vec::new(),
            tied: Vec::new(),
            sharing: Vec::new(),
            symbols: HashMap::new(),
            unknown_names: HashSet::new(),
            outputs: HashMap::new(),
            inputs_seen: 0,
            labels_span: None,
            steps: Vec::new(),
            budget: Budget::default(),
            undecided: 0,
            quiet: false,
            failed: false,
            reported: HashSet::new(),
        }
    }

    /// Takes an error in, with the way that led to it.
    pub fn report(&mut self, mut diagnostic: Diagnostic) {
        if self.quiet {
            return;
        }
        self.failed = true;
        // What follows from what is not written out any more is no mistake of the spec.
        if self.budget.spent {
            return;
        }
        self.spend_less();
        let place = diagnostic.labels.first().map(|label| label.span).unwrap_or_default();
        if self.reported.insert((diagnostic.code, place)) {
            diagnostic.trace = self.shown_steps();
            self.problems.add(diagnostic);
        }
    }

    /// Takes a warning in, with the way that led to it.
    pub fn warn(&mut self, mut diagnostic: Diagnostic) {
        if !self.quiet && !self.budget.spent {
            diagnostic.trace = self.shown_steps();
            self.problems.add(diagnostic);
        }
    }

    /// The way to this place, as people see it.
    fn shown_steps(&self) -> Vec<Label> {
        let way = self.steps.iter().rev().take(SHOWN_STEPS);
        way.map(|step| Label { span: step.span, text: step.way.to_string() }).collect()
    }

    /// The nearest of many names, for the first errors of a program: looking takes long.
    pub fn near<'s, N: AsRef<str>>(
        &'s self,
        name: &str,
        candidates: impl FnOnce(&'s Self) -> Vec<N>,
    ) -> Option<String> {
        let is_wanted = !self.quiet && self.world.account.look_for_one_more();
        let candidates = is_wanted.then(|| candidates(self))?;
        nearest(name, candidates.iter().map(AsRef::as_ref)).map(str::to_owned)
    }

    /// The name of a block or model, in memory once.
    pub fn shared_name(&mut self, name: &'a str) -> Arc<str> {
        self.shared_names.entry(name).or_insert_with(|| name.into()).clone()
    }

    /// The names of the blocks, models and layers that are known at a place.
    pub fn callable_names(&self, place: Span) -> impl Iterator<Item = &'a str> {
        let layers = crate::ops::LAYERS.iter().map(|entry| entry.signature.name);
        let known = |name: &&str| match self.world.declarations.get(name) {
            Some(Some(callable)) => self.world.program.knows(place.file, callable.name.span.file),
            _ => true,
        };
        let declared: Vec<&str> = self.world.declarations.names().iter().copied().filter(known).collect();
        declared.into_iter().chain(layers)
    }

    /// Takes in that something could not be read, which is already reported.
    pub fn unreadable(&mut self) {
        if !self.quiet {
            self.failed = true;
            self.spend_less();
        }
    }

    /// Goes into a call or a turn.
    pub fn step_into(&mut self, span: Span, way: Way) {
        self.steps.push(Step { span, way, entry: None });
    }

    /// Leaves it.
    pub fn step_out(&mut self) {
        self.steps.pop();
    }

    /// The way to this place, for a node.
    pub fn trace(&mut self) -> Option<TraceId> {
        let known = self.steps.iter().rposition(|step| step.entry.is_some());
        let mut parent = known.and_then(|known| self.steps.get(known)).and_then(|step| step.entry);
        for step in self.steps.iter_mut().skip(known.map_or(0, |known| known + 1)) {
            self.graph.traces.push(Trace { span: step.span, way: step.way.clone(), parent });
            parent = Some(TraceId(self.graph.traces.len() as u32 - 1));
            step.entry = parent;
        }
        parent
    }

    /// The shape of a node.
    pub fn shape(&self, node: NodeId) -> Shape {
        self.graph.dag.get(node).map(|node| node.shape.clone()).unwrap_or_default()
    }

    /// The shape of the flow, when it is known.
    pub fn flow_shape(&self, flow: Flow) -> Option<Shape> {
        match flow {
            Flow::Node(node) => Some(self.shape(node)),
            Flow::Absent | Flow::Unknown => None,
        }
    }

    /// Where a node is written.
    pub fn node_span(&self, node: NodeId) -> Span {
        self.graph.dag.get(node).map(|node| node.span).unwrap_or_default()
    }
}
