//! Where the reading of a body stands: the call that it belongs to, and the value that flows.

use crate::graph::ModuleId;
use crate::resolve::error::StructureError;
use crate::resolve::expression::{Flow, Scope};
use crate::resolve::report::Reporter;
use cnnc_grammar::ast::{Declaration, DeclarationKind};
use cnnc_grammar::span::Span;

/// One call of a block or model, while its body is read.
pub(in crate::resolve) struct Frame<'a> {
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
    /// Where those loops stand.
    pub loop_places: Vec<Span>,
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
            loop_places: Vec::new(),
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
            loop_places: Vec::new(),
            begun: false,
            unnamed_input: None,
            inputs: Vec::new(),
        }
    }

    /// A frame of items in braces, which see the values of `scope`.
    pub fn of_items(scope: Scope<'a>, module: ModuleId, header: Span) -> Self {
        let kind = DeclarationKind::Block;
        Frame { scope, kind, is_root: false, ..Frame::loose(module, header) }
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

/// Where a body stands.
pub(in crate::resolve) struct Cursor {
    /// What the next item takes.
    pub value: Flow,
    /// The branches so far, in a join.
    pub branches: Option<Vec<Branch>>,
    /// Whether this is the outermost body of its declaration.
    pub top: bool,
}

/// A branch of a join.
#[derive(Clone, Copy)]
pub(in crate::resolve) struct Branch {
    /// Its value.
    pub flow: Flow,
    /// The item that it is.
    pub span: Span,
}

impl Cursor {
    /// Takes what an item gave.
    pub fn give(&mut self, flow: Flow, span: Span) {
        match &mut self.branches {
            Some(branches) => branches.push(Branch { flow, span }),
            None => self.value = flow,
        }
    }

    /// What the last item gave: the current value, or the last branch.
    pub fn latest(&self) -> Flow {
        match &self.branches {
            Some(branches) => branches.last().map_or(Flow::Unknown, |branch| branch.flow),
            None => self.value,
        }
    }

    /// Forgets what is known, after something that may have written out anything.
    pub fn forget(&mut self, span: Span) {
        self.give(Flow::Unknown, span);
    }

    /// The current value, of which a statement speaks; an error between the branches of a join, and where there is none.
    pub fn current(&self, reporter: &mut Reporter<'_>, frame: &Frame<'_>, word: &'static str, span: Span) -> Flow {
        if self.branches.is_some() {
            reporter.report(StructureError::BetweenBranches { word, span }.diagnostic());
            return Flow::Unknown;
        }
        if self.value == Flow::Absent {
            reporter.report(StructureError::NoCurrent { what: word, span, inputs: &frame.inputs }.diagnostic());
            return Flow::Unknown;
        }
        self.value
    }
}
