//! Which declaration calls which: circles, and how many layers each surely writes out.
//!
//! A call by name in a body leads from one declaration to another; a circle of calls that nothing ends can never be written out.
//! What may end one is an `if` around the call: such a call counts only if every arm makes it. A layer that is passed as a value
//! makes no circle: `Wrap(Wrap(ReLU))` ends.

use super::count::least_layers;
use super::declarations::Declarations;
use crate::diagnostic::Problems;
use crate::ops;
use crate::resolve::LoadedSpec;
use crate::resolve::error::StructureError;
use cnnc_grammar::ast::{Body, Call, Declaration, FlowKind, ItemKind, Name, Pattern, StatementKind};
use std::collections::{HashMap, HashSet};

/// The calls by name among declarations.
pub(in crate::resolve) struct CallGraph<'a> {
    /// The names of all declarations that lie on a circle.
    pub circular: HashSet<&'a str>,
    /// Every declaration once, after those that it calls as far as no circle is in the way, with the names that it binds itself.
    order: Vec<(&'a Declaration, HashSet<&'a str>)>,
}

impl<'a> CallGraph<'a> {
    /// Looks at all declarations, and reports each circle at the call that closes it.
    pub fn new(declarations: &Declarations<'a>, loaded: &'a LoadedSpec, problems: &mut Problems) -> Self {
        let graph = CallGraph { circular: HashSet::new(), order: Vec::new() };
        let mut search = Search { declarations, calls: HashMap::new(), state: HashMap::new(), graph };
        let all = loaded.trees.iter().flat_map(|(_, tree)| &tree.items).filter_map(|item| match &item.kind {
            ItemKind::Declaration(declaration) => Some(declaration),
            ItemKind::Import(_) | ItemKind::Preset(_) | ItemKind::Unreadable(_) => None,
        });
        for declaration in all {
            search.from(declaration, problems);
        }
        search.graph
    }

    /// The layers that each declaration surely writes out.
    pub fn least_layers(&self) -> HashMap<&'a str, u64> {
        let mut layers: HashMap<&'a str, u64> = HashMap::new();
        for (declaration, bound) in &self.order {
            let called = |name: &str| match layers.get(name) {
                _ if bound.contains(name) => 0,
                Some(layers) => *layers,
                None => u64::from(ops::layer(name).is_some()),
            };
            let count = least_layers(&declaration.body, &called);
            layers.insert(&declaration.name.text, count);
        }
        layers
    }
}

/// A depth-first search on a stack of its own.
struct Search<'a, 'd> {
    declarations: &'d Declarations<'a>,
    /// The calls of each declaration that was opened.
    calls: HashMap<&'a str, Gathered<'a>>,
    /// Whether a declaration that was opened is done.
    state: HashMap<&'a str, State>,
    graph: CallGraph<'a>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    Done,
}

impl<'a> Search<'a, '_> {
    fn from(&mut self, start: &'a Declaration, problems: &mut Problems) {
        // Each declaration of the path with the position of its next call.
        let mut path: Vec<(&'a Declaration, usize)> = Vec::new();
        self.open(start, &mut path);
        while let Some((declaration, next)) = path.last_mut() {
            let name = declaration.name.text.as_str();
            let call = self.calls.get(name).and_then(|gathered| gathered.calls.get(*next)).copied();
            *next += 1;
            match call.map(|callee| (callee, self.called(name, callee))) {
                None => {
                    self.state.insert(name, State::Done);
                    let bound = self.calls.remove(name).map(|gathered| gathered.bound).unwrap_or_default();
                    self.graph.order.push((declaration, bound));
                    path.pop();
                }
                Some((_, None)) => {}
                Some((callee, Some(called))) => match self.state.get(called.name.text.as_str()) {
                    None => self.open(called, &mut path),
                    Some(State::Done) => {}
                    Some(State::Open) => self.report(callee, called, &path, problems),
                },
            }
        }
    }

    fn open(&mut self, declaration: &'a Declaration, path: &mut Vec<(&'a Declaration, usize)>) {
        let name = declaration.name.text.as_str();
        if self.state.insert(name, State::Open).is_some() {
            self.state.insert(name, State::Done);
            return;
        }
        let mut gathered = Gathered { calls: Vec::new(), bound: HashSet::new() };
        gathered.bound.extend(declaration.parameters.iter().map(|parameter| parameter.name.text.as_str()));
        gathered.body(&declaration.body);
        self.calls.insert(name, gathered);
        path.push((declaration, 0));
    }

    /// The declaration that a name calls within another; a name that the other binds itself is a value.
    fn called(&self, within: &str, callee: &Name) -> Option<&'a Declaration> {
        let is_bound = self.calls.get(within).is_some_and(|gathered| gathered.bound.contains(callee.text.as_str()));
        let callable = self.declarations.get(&callee.text).filter(|_| !is_bound)?.as_ref()?;
        Some(callable.declaration)
    }

    /// The call of `called` leads back into the path.
    fn report(
        &mut self,
        callee: &'a Name,
        called: &'a Declaration,
        path: &[(&'a Declaration, usize)],
        problems: &mut Problems,
    ) {
        let start = path.iter().position(|(declaration, _)| std::ptr::eq(*declaration, called)).unwrap_or(0);
        let circle: Vec<&'a str> =
            path.iter().skip(start).map(|(declaration, _)| declaration.name.text.as_str()).collect();
        self.graph.circular.extend(&circle);
        let (span, declared) = (callee.span, called.name.span);
        problems.add(StructureError::Recursion { circle: &circle, span, declared }.diagnostic());
    }
}

/// What a body calls and binds, in order.
struct Gathered<'a> {
    calls: Vec<&'a Name>,
    bound: HashSet<&'a str>,
}

impl<'a> Gathered<'a> {
    fn body(&mut self, body: &'a Body) {
        for statement in &body.statements {
            match &statement.kind {
                StatementKind::Item(item) => match &item.kind {
                    // Whether a block places the items that it is given is not seen here.
                    FlowKind::Use(call) | FlowKind::Filled { call, .. } => self.call(call),
                    FlowKind::Constant(_) => {}
                    FlowKind::Join { body, .. } | FlowKind::Sequential(body) | FlowKind::Group(body) => self.body(body),
                },
                StatementKind::If { arms, otherwise } => {
                    self.arms(arms.iter().map(|(_, body)| body), otherwise.as_ref())
                }
                StatementKind::For { pattern, body, .. } => {
                    self.bind(pattern);
                    self.body(body);
                }
                StatementKind::Repeat { body, .. } => self.body(body),
                StatementKind::Let { pattern, .. } => self.bind(pattern),
                StatementKind::Tied { name, layer } => {
                    self.bound.insert(&name.text);
                    self.call(layer);
                }
                StatementKind::Unreadable(body) => body.iter().for_each(|body| self.body(body)),
                StatementKind::Input { .. }
                | StatementKind::Output(_)
                | StatementKind::Expect { .. }
                | StatementKind::Assert { .. }
                | StatementKind::Keep(_)
                | StatementKind::From(_)
                | StatementKind::Init { .. }
                | StatementKind::Labels(_) => {}
            }
        }
    }

    /// The arms of a condition: all that they bind, and the calls that each of them makes.
    fn arms(&mut self, arms: impl Iterator<Item = &'a Body>, otherwise: Option<&'a Body>) {
        let mut common: Option<Vec<&'a Name>> = None;
        for body in arms.chain(otherwise) {
            let mut arm = Gathered { calls: Vec::new(), bound: HashSet::new() };
            arm.body(body);
            self.bound.extend(arm.bound);
            common = Some(match common {
                None => arm.calls,
                Some(calls) => {
                    let names: HashSet<&str> = arm.calls.iter().map(|name| name.text.as_str()).collect();
                    calls.into_iter().filter(|name| names.contains(name.text.as_str())).collect()
                }
            });
        }
        self.calls.extend(common.filter(|_| otherwise.is_some()).into_iter().flatten());
    }

    fn call(&mut self, call: &'a Call) {
        self.calls.push(&call.callee);
    }

    fn bind(&mut self, pattern: &'a Pattern) {
        match pattern {
            Pattern::Name(name) => {
                self.bound.insert(&name.text);
            }
            Pattern::Tuple(parts, _) => parts.iter().for_each(|part| self.bind(part)),
        }
    }
}
