//! Modules found in a body: items whose paths begin alike stand in one group, so that their keys are those of the checkpoint.
//!
//! A group has its items side by side. Items of one module that stand apart are written `group[name]: …`; where that cannot be,
//! or two items want one name, the later one gets another, which is said. Items without parameters have no key and get no name;
//! they stand in a group where they stand between its items, or where the file says that they do.

use super::flow::Element;
use super::statements::{Argument, Label, Statement};
use super::syntax::is_word;
use super::{Network, ValueId};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// A body with names.
pub struct Named {
    /// The body.
    pub statements: Vec<Statement>,
    /// The path that each layer with parameters has now, in the order of the text.
    pub paths: Vec<(ValueId, String)>,
}

/// Names what has parameters.
pub fn named(network: &Network, body: Vec<Element>) -> Named {
    let mut naming = Naming { network, modules: vec![Module::default()], paths: Vec::new() };
    let statements = naming.body(&body, 0, 0);
    Named { statements, paths: naming.paths }
}

/// The names that both begin with.
fn common<'s>(a: &'s [String], b: &'s [String]) -> &'s [String] {
    let length = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    a.get(..length).unwrap_or_default()
}

/// A module that is being written.
#[derive(Default)]
struct Module {
    /// Its path.
    path: String,
    /// Names of its items.
    taken: HashSet<String>,
    /// Those of them that are groups.
    groups: HashMap<String, usize>,
}

struct Naming<'n> {
    network: &'n Network,
    modules: Vec<Module>,
    paths: Vec<(ValueId, String)>,
}

impl Naming<'_> {
    /// The statements of a part of a body that stands in a module, `depth` names below the model.
    fn body(&mut self, elements: &[Element], module: usize, depth: usize) -> Vec<Statement> {
        let mut statements = Vec::new();
        let mut place = 0;
        while let Some(element) = elements.get(place) {
            match self.group_of(element, depth) {
                Some(name) => {
                    let end = self.end_of_group(elements, place, &name, depth);
                    self.group(elements, place..end, module, (&name, depth), &mut statements);
                    place = end;
                }
                None => {
                    statements.push(self.statement(element, module, depth, None));
                    place += 1;
                }
            }
        }
        statements
    }

    /// The group that an element stands in, below `depth` names; `None` where it stands in none or has no parameters.
    fn group_of(&self, element: &Element, depth: usize) -> Option<String> {
        self.modules_of(element)?.get(depth).cloned()
    }

    /// The names that the modules of all its parameters begin with; `None` without parameters.
    fn modules_of<'s>(&'s self, element: &Element) -> Option<&'s [String]> {
        match element {
            Element::Node(value) => {
                let node = self.network.node(*value);
                (!node.weights.is_empty()).then(|| node.path.split_last().map_or(&[][..], |(_, modules)| modules))
            }
            Element::Join(value, branches) => {
                let own = Some(self.network.node(*value).path.as_slice()).filter(|path| !path.is_empty());
                let all = branches.iter().flatten().filter_map(|element| self.modules_of(element));
                let common = all.reduce(common)?;
                // Where the file says in which module they join, it is no deeper than that.
                Some(own.map_or(common, |own| self::common(common, own)))
            }
            Element::From(_) | Element::Keep(_) | Element::Output(_) => None,
        }
    }

    /// Where the run of elements ends that stand in one group and begin at `place`.
    fn end_of_group(&self, elements: &[Element], place: usize, name: &str, depth: usize) -> usize {
        let mut end = place + 1;
        for (position, element) in elements.iter().enumerate().skip(place + 1) {
            let bare = match element {
                Element::Output(_) => break,
                Element::Node(value) | Element::Join(value, _) => Some(*value),
                Element::From(_) | Element::Keep(_) => None,
            };
            match self.modules_of(element) {
                Some(modules) if modules.get(depth).is_some_and(|other| other == name) => end = position + 1,
                Some(_) => break,
                None => {
                    let scope = bare.and_then(|value| self.network.node(value).path.get(depth));
                    if scope.is_some_and(|scope| scope == name) {
                        end = position + 1;
                    }
                }
            }
        }
        end
    }

    /// Writes a run of elements as a group.
    fn group(
        &mut self,
        elements: &[Element],
        run: Range<usize>,
        module: usize,
        (name, depth): (&str, usize),
        statements: &mut Vec<Statement>,
    ) {
        let run = elements.get(run).unwrap_or_default();
        if self.take(module, name) {
            let label = Label::new(name);
            return statements.push(self.new_group(run, module, label, depth));
        }
        // Only a word can be the name of a group that its members name: `group[member]`.
        if let Some(&group) = self.modules[module].groups.get(name).filter(|_| is_word(name)) {
            return self.members(run, module, group, (name, depth), statements);
        }
        let name = self.fresh(module, name);
        statements.push(self.new_group(run, module, Label::new(name), depth));
    }

    fn new_group(&mut self, run: &[Element], module: usize, label: Label, depth: usize) -> Statement {
        let group = self.open(module, &label.name);
        Statement::Group(label, self.body(run, group, depth + 1))
    }

    /// Writes a run of elements whose group stands elsewhere: as members of it, as far as they are.
    fn members(
        &mut self,
        run: &[Element],
        module: usize,
        group: usize,
        (name, depth): (&str, usize),
        statements: &mut Vec<Statement>,
    ) {
        let mut place = 0;
        while let Some(element) = run.get(place) {
            let inner = self.group_of(element, depth + 1);
            let leaf = match element {
                Element::Node(value) if inner.is_none() && !self.network.node(*value).weights.is_empty() => {
                    self.network.node(*value).path.last().cloned()
                }
                _ => None,
            };
            let label = |member: &str| Label { member: Some(member.to_owned()), ..Label::new(name) };
            match (inner, leaf) {
                (Some(inner), _) => {
                    let end = self.end_of_group(run, place, &inner, depth + 1);
                    let part = run.get(place..end).unwrap_or_default();
                    let member = if self.take(group, &inner) { inner } else { self.fresh(group, &inner) };
                    let opened = self.open(group, &member);
                    statements.push(Statement::Group(label(&member), self.body(part, opened, depth + 2)));
                    place = end;
                }
                (None, Some(leaf)) => {
                    let member = if self.take(group, &leaf) { leaf } else { self.fresh(group, &leaf) };
                    statements.push(self.statement(element, group, depth + 1, Some(label(&member))));
                    place += 1;
                }
                (None, None) if self.modules_of(element).is_none() => {
                    statements.push(self.statement(element, module, depth, None));
                    place += 1;
                }
                // A join of several items of the group: no member of it.
                (None, None) => {
                    let name = self.fresh(module, name);
                    let one = run.get(place..place + 1).unwrap_or_default();
                    statements.push(self.new_group(one, module, Label::new(name), depth));
                    place += 1;
                }
            }
        }
    }

    /// A statement of its own; `label` is the name of a member, which is taken already.
    fn statement(&mut self, element: &Element, module: usize, depth: usize, label: Option<Label>) -> Statement {
        match element {
            Element::Node(value) if self.network.node(*value).weights.is_empty() => {
                Statement::Item(None, *value, self.arguments(*value))
            }
            Element::Node(value) => {
                let label = label.unwrap_or_else(|| {
                    let wanted = self.network.node(*value).path.last().cloned().unwrap_or_else(|| "layer".into());
                    let name = if self.take(module, &wanted) { wanted } else { self.fresh(module, &wanted) };
                    Label::new(name)
                });
                let name = label.member.as_ref().unwrap_or(&label.name);
                self.paths.push((*value, self.path(module, name)));
                Statement::Item(Some(label), *value, self.arguments(*value))
            }
            Element::Join(value, branches) => {
                Statement::Join(*value, branches.iter().map(|branch| self.body(branch, module, depth)).collect())
            }
            Element::From(value) => Statement::From(*value),
            Element::Keep(value) => Statement::Keep(*value),
            Element::Output(place) => Statement::Output(*place),
        }
    }

    fn arguments(&self, value: ValueId) -> Vec<(&'static str, Argument)> {
        let given = self.network.node(value).arguments.iter();
        given.map(|(name, constant)| (*name, Argument::Constant(constant.clone()))).collect()
    }

    /// Takes a name in a module, if it is free.
    fn take(&mut self, module: usize, name: &str) -> bool {
        self.modules[module].taken.insert(name.to_owned())
    }

    /// Takes a name that is free, like the one that is not.
    fn fresh(&mut self, module: usize, name: &str) -> String {
        let mut number = 2;
        loop {
            let other = format!("{name}_{number}");
            if self.take(module, &other) {
                return other;
            }
            number += 1;
        }
    }

    fn path(&self, module: usize, name: &str) -> String {
        match self.modules[module].path.as_str() {
            "" => name.to_owned(),
            above => format!("{above}.{name}"),
        }
    }

    /// A group of that name in a module.
    fn open(&mut self, module: usize, name: &str) -> usize {
        let path = self.path(module, name);
        let group = self.modules.len();
        self.modules.push(Module { path, ..Module::default() });
        self.modules[module].groups.insert(name.to_owned(), group);
        group
    }
}
