//! The numbers of a spec on which its cost depends, and the steps in which each could be changed.
//!
//! Every number that is written as one: arguments of layers and blocks, defaults and presets, counts of loops, values of `let`. A
//! kernel's size moves with its padding, so that what comes out keeps its size; a layer that could work in groups may get some.
//! Layers are known by the names of their arguments alone.

use crate::diagnostic::Edit;
use crate::ops::{join, layer};
use crate::trial::{Text, argument};
use cnnc_grammar::ast::{Argument, Body, Call, Expr, ExprKind, FlowKind, ItemKind, Statement, StatementKind};
use cnnc_grammar::span::Span;
use std::collections::HashMap;

/// Something that could be changed, in steps from the smallest change to the largest.
pub(super) struct Number {
    /// What the layers that it stands in cost together.
    pub weight: u64,
    /// The statement, call or parameter that it stands in.
    pub place: Span,
    /// The steps.
    pub steps: Vec<Step>,
}

/// One change.
pub(super) struct Step {
    /// What is changed in the text.
    pub edits: Vec<Edit>,
    /// In words: `64` → `48`.
    pub words: String,
}

/// All numbers of a spec, those that cost most first; `grows` says whether larger ones are wanted.
pub(super) fn numbers(text: Text<'_>, weights: &HashMap<Span, u64>, grows: bool) -> Vec<Number> {
    let most = weights.values().copied().max().unwrap_or(0);
    let mut search = Search { weights, grows, weight: most, place: Span::default(), found: Vec::new() };
    for item in text.loaded.trees.iter().flat_map(|(_, tree)| &tree.items) {
        search.weight = most;
        match &item.kind {
            ItemKind::Declaration(declaration) => {
                for parameter in &declaration.parameters {
                    search.place = parameter.span;
                    parameter.default.iter().for_each(|default| search.value(default, true));
                }
                search.body(&declaration.body);
            }
            ItemKind::Preset(preset) => {
                search.place = preset.base.span;
                let arguments = preset.base.arguments.iter().flatten();
                arguments.for_each(|argument| search.value(&argument.value, true));
            }
            ItemKind::Import(_) | ItemKind::Unreadable(_) => {}
        }
    }
    search.found.sort_by_key(|number| std::cmp::Reverse(number.weight));
    search.found
}

/// Steps from a number to nothing, about.
const MOST_STEPS: i64 = 64;

/// The walk over the trees.
struct Search<'w> {
    weights: &'w HashMap<Span, u64>,
    grows: bool,
    /// What the layers cost that come out of the statement around.
    weight: u64,
    place: Span,
    found: Vec<Number>,
}

impl Search<'_> {
    fn body(&mut self, body: &Body) {
        let weight = self.weight;
        for statement in &body.statements {
            self.weight = self.weights.get(&statement.span).copied().unwrap_or(weight);
            self.statement(statement);
        }
        self.weight = weight;
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Item(item) => match &item.kind {
                FlowKind::Use(call) | FlowKind::Filled { call, .. } | FlowKind::Join { call, .. } => self.call(call),
                FlowKind::Sequential(_) | FlowKind::Group(_) | FlowKind::Constant(_) => {}
            },
            StatementKind::For { values, .. } => self.header(values),
            StatementKind::Repeat { count, .. } => self.header(count),
            StatementKind::Let { value, .. } => {
                self.place = statement.span;
                self.value(value, true);
            }
            StatementKind::Tied { layer, .. } => self.call(layer),
            StatementKind::If { .. }
            | StatementKind::Input { .. }
            | StatementKind::Output(_)
            | StatementKind::Expect { .. }
            | StatementKind::Assert { .. }
            | StatementKind::Keep(_)
            | StatementKind::From(_)
            | StatementKind::Init { .. }
            | StatementKind::Labels(_)
            | StatementKind::Unreadable(_) => {}
        }
        statement.kind.bodies().into_iter().for_each(|body| self.body(body));
    }

    fn header(&mut self, value: &Expr) {
        self.place = value.span;
        self.value(value, false);
    }

    /// The numbers in a value. Floats are taken where they may scale a network: not as arguments of layers.
    fn value(&mut self, value: &Expr, floats: bool) {
        match &value.kind {
            ExprKind::Int(number) => {
                let steps = self.ladder(number.value).into_iter();
                let steps = steps.map(|next| replaced(value.span, &number.spelling, &next.to_string()));
                self.add(steps.collect());
            }
            ExprKind::Float(number) if floats => {
                let scaled = if self.grows { [1.125, 1.25, 1.5, 2.0, 3.0] } else { [0.875, 0.75, 0.5, 0.375, 0.25] };
                let steps = scaled.map(|factor| (number.value * factor * 1000.0).round() / 1000.0);
                let steps = steps.into_iter().filter(|next| *next > 0.0);
                self.add(steps.map(|next| replaced(value.span, &number.spelling, &format!("{next:?}"))).collect());
            }
            ExprKind::List(values) | ExprKind::Tuple(values) => {
                values.iter().for_each(|value| self.value(value, floats))
            }
            ExprKind::Binary(_, left, right) | ExprKind::Range(left, right) => {
                self.value(left, floats);
                self.value(right, floats);
            }
            ExprKind::Call(call) => {
                call.arguments.iter().flatten().for_each(|argument| self.value(&argument.value, floats))
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &Call) {
        self.weight = self.weights.get(&call.span).copied().unwrap_or(self.weight);
        self.place = call.span;
        let arguments = call.arguments.as_deref().unwrap_or_default();
        let named = named(call, arguments);
        let of = |name: &str| named.iter().find(|(known, _)| *known == Some(name)).map(|(_, value)| *value);
        for (name, value) in &named {
            match *name {
                Some("kernel_size") => self.kernel(value, of("padding")),
                // They move with the kernel; alone they would only change what comes out.
                Some("padding" | "output_padding" | "dim" | "eps") => {}
                _ => self.value(value, false),
            }
        }
        if !self.grows && of("groups").is_none() && takes(call, "groups") {
            let channels = named.first().and_then(|(_, value)| int(value));
            self.groups(call, channels);
        }
    }

    /// A kernel's size with its padding.
    fn kernel(&mut self, value: &Expr, padding: Option<&Expr>) {
        let (ExprKind::Int(number), Some(size)) = (&value.kind, int(value)) else { return self.value(value, false) };
        let sizes: Vec<i64> = match self.grows {
            true => (1..=4).map(|step| size + 2 * step).collect(),
            false => (1..=size / 2).map(|step| size - 2 * step).filter(|size| *size > 0).collect(),
        };
        let steps = sizes.into_iter().filter_map(|next| {
            let mut step = replaced(value.span, &number.spelling, &next.to_string());
            step.words = format!("kernel_size {size} → {next}");
            if let Some(padding) = padding {
                let before = int(padding)?;
                let after = before + (next - size) / 2;
                step.edits.push(Edit { span: padding.span, replacement: (after >= 0).then(|| after.to_string())? });
                step.words += &format!(" with padding {before} → {after}");
            }
            Some(step)
        });
        let steps = steps.collect();
        self.add(steps);
    }

    /// Groups in a layer that has none.
    fn groups(&mut self, call: &Call, channels: Option<i64>) {
        let powers = [2, 4, 8, 16, 32]
            .into_iter()
            .filter(|groups| channels.is_none_or(|most| most % groups == 0 && *groups < most));
        let steps = powers.chain(channels).map(|groups| {
            let edits = vec![argument(call, "groups", &groups.to_string())];
            Step { edits, words: format!("with `groups={groups}`") }
        });
        let steps = steps.collect();
        self.add(steps);
    }

    fn add(&mut self, steps: Vec<Step>) {
        if !steps.is_empty() {
            self.found.push(Number { weight: self.weight, place: self.place, steps });
        }
    }

    /// The values of a whole number, from the next on: small ones one by one, large ones in multiples of 8.
    fn ladder(&self, value: i64) -> Vec<i64> {
        // In multiples of 8, as few as there are steps.
        let step = (value / MOST_STEPS / 8 + 1).saturating_mul(8);
        let multiples = |from: i64, to: i64| (from / step + 1..=to / step).map(move |times| times * step);
        let mut values: Vec<i64> = match (self.grows, value) {
            (_, ..1) => Vec::new(),
            (true, ..16) => (value + 1..=value + 8).collect(),
            (false, ..16) => (1..value).rev().collect(),
            (true, _) => multiples(value, value.saturating_mul(4)).collect(),
            (false, _) => multiples(0, value - 1).rev().collect(),
        };
        values.retain(|next| *next > 0 && *next != value);
        values
    }
}

/// The change of one number.
fn replaced(span: Span, before: &str, after: &str) -> Step {
    Step { edits: vec![Edit { span, replacement: after.to_owned() }], words: format!("`{before}` → `{after}`") }
}

/// The values of a call by the names of the layer's arguments; of a block's, by the keys that are written.
fn named<'a>(call: &Call, arguments: &'a [Argument]) -> Vec<(Option<&'a str>, &'a Expr)> {
    let signature = layer(&call.callee.text).or_else(|| join(&call.callee.text)).map(|entry| entry.signature);
    let by_place = |place: usize| Some(signature.as_ref()?.arguments.get(place)?.name);
    let arguments = arguments.iter().enumerate();
    let named = arguments.map(|(place, argument)| {
        let key = argument.key.as_ref().map(|key| key.text.as_str());
        (key.or_else(|| by_place(place)), &argument.value)
    });
    named.collect()
}

/// Whether it is a layer that has such an argument, and arguments are written.
fn takes(call: &Call, argument: &str) -> bool {
    let has = |signature: crate::ops::Signature| signature.arguments.iter().any(|known| known.name == argument);
    let is_written = call.arguments.as_ref().is_some_and(|arguments| !arguments.is_empty());
    is_written && layer(&call.callee.text).is_some_and(|entry| has(entry.signature))
}

fn int(value: &Expr) -> Option<i64> {
    match &value.kind {
        ExprKind::Int(number) => Some(number.value),
        _ => None,
    }
}
