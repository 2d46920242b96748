//! `init TARGETS: scheme`: how parameters start.
//!
//! A statement speaks of the module around it and all that stands in it, whatever the order, so the statements are gathered and
//! applied once the model is written out; of several that fit a parameter the last wins. A scheme sets weights, `bias=` sets
//! biases; a path that names one parameter sets exactly that one. A statement by layer types of which none is there is a warning:
//! the same `init` is written into many nets.

mod apply;

use crate::graph::ModuleId;
use crate::ops;
use crate::resolve::builder::{Builder, Frame};
use crate::resolve::calls::{Scheme, scheme};
use crate::resolve::error::InitError;
use crate::resolve::report::KEPT;
use cnnc_grammar::ast::{Call, InitTarget};
use cnnc_grammar::span::Span;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A target of an `init` statement, its names looked up.
struct Rule<'a> {
    /// The scheme of the statement, by which its rules are known as one statement's in every turn and call.
    statement: Span,
    /// The module that it speaks of.
    module: ModuleId,
    target: Target<'a>,
    span: Span,
    scheme: Scheme,
}

/// What a rule sets.
enum Target<'a> {
    /// All layers of a type, or all calls of a block.
    Type(&'a str),
    /// A path below the module.
    Path(Arc<str>),
}

/// The `init` statements of a network, in order.
#[derive(Default)]
pub(in crate::resolve) struct Initialisers<'a> {
    rules: Vec<Rule<'a>>,
}

impl<'a> Initialisers<'a> {
    /// Reads an `init` statement.
    pub fn read(
        &mut self,
        builder: &mut Builder<'a, '_>,
        frame: &Frame<'a>,
        targets: &'a [InitTarget],
        scheme_call: &'a Call,
    ) {
        let scheme = builder.at(frame, |evaluator, _| scheme(evaluator, scheme_call));
        for target in targets {
            let (target, span) = match target {
                InitTarget::Layer(name) => {
                    match builder.declarations.get(&name.text) {
                        Some(Some(block)) => builder.reporter.note_use(&name.text, name.span, block.name.span),
                        Some(None) => {}
                        None if ops::layer(&name.text).is_some() => {}
                        None => {
                            report_unknown_type(builder, &name.text, name.span);
                            continue;
                        }
                    }
                    (Target::Type(name.text.as_str()), name.span)
                }
                InitTarget::Path(label) => match builder.at(frame, |evaluator, _| evaluator.text_of(&label.parts)) {
                    Some(path) => (Target::Path(path), label.span),
                    None => continue,
                },
            };
            if let Some(scheme) = &scheme {
                builder.reporter.spend(KEPT, span);
                let (statement, module) = (scheme_call.span, frame.module());
                self.rules.push(Rule { statement, module, target, span, scheme: scheme.clone() });
            }
        }
    }

    /// Applies all, in order.
    pub fn apply(&self, builder: &mut Builder<'a, '_>) {
        let last = last_of_each_type(&self.rules);
        let graph = &builder.network.graph;
        let all = (graph.modules.len() + graph.parameters.len()) as u64;
        let mut absent = HashSet::new();
        for (position, rule) in self.rules.iter().enumerate() {
            if !builder.reporter.spend(rule.cost(builder, all), rule.span) {
                return;
            }
            match &rule.target {
                Target::Path(path) => rule.apply_to_path(builder, path),
                Target::Type(name) => {
                    let last = last.get(&(rule.module, *name));
                    if last.is_some_and(|last| last.weight == position || last.bias == Some(position))
                        && !rule.apply_to_type(builder, name)
                    {
                        absent.insert((rule.module, *name));
                    }
                }
            }
        }
        self.warn_of_absent(builder, &absent);
    }

    /// Warns of the types of each statement none of whose types is there, wherever the statement is written out.
    fn warn_of_absent(&self, builder: &mut Builder<'a, '_>, absent: &HashSet<(ModuleId, &str)>) {
        let types = self.rules.iter().filter_map(|rule| match rule.target {
            Target::Type(name) => Some((rule, name)),
            Target::Path(_) => None,
        });
        let is_absent = |(rule, name): &(&Rule<'a>, &'a str)| absent.contains(&(rule.module, *name));
        let content: HashSet<Span> =
            types.clone().filter(|found| !is_absent(found)).map(|(rule, _)| rule.statement).collect();
        for (rule, name) in types.filter(|(rule, _)| !content.contains(&rule.statement)) {
            builder.reporter.warn(InitError::NoSuchLayer { name, span: rule.span }.diagnostic());
        }
    }
}

fn report_unknown_type(builder: &mut Builder<'_, '_>, name: &str, span: Span) {
    let Builder { reporter, declarations, .. } = builder;
    if declarations.loaded().incomplete {
        return reporter.unreadable();
    }
    let near = reporter.near(name, || {
        let layers = ops::LAYERS.iter().map(|entry| entry.signature.name);
        layers.chain(declarations.names().iter().copied()).collect()
    });
    reporter.report(InitError::UnknownType { name, span, near: near.as_deref() }.diagnostic());
}

/// The rules for one type in one module that have an effect.
struct LastRules {
    weight: usize,
    bias: Option<usize>,
}

/// Of the rules for one type in one module only the last has an effect on weights, and the last with a bias on biases. A loop may
/// hold an `init`, and each is applied to the whole module, so the others are passed over.
fn last_of_each_type<'r>(rules: &'r [Rule<'_>]) -> HashMap<(ModuleId, &'r str), LastRules> {
    let mut all: HashMap<(ModuleId, &str), LastRules> = HashMap::new();
    for (position, rule) in rules.iter().enumerate() {
        if let Target::Type(name) = rule.target {
            let last = all.entry((rule.module, name)).or_insert(LastRules { weight: position, bias: None });
            last.weight = position;
            if rule.scheme.bias.is_some() {
                last.bias = Some(position);
            }
        }
    }
    all
}
