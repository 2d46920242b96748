//! What would make the branches of a join meet (E304): strides, paddings, kernels, channels, or a projection by a kernel of 1×1.
//!
//! What could be changed is found in the text of the branches, by the names of arguments alone. Each change is made and the spec
//! checked, and those after which the branches meet are told: of a branch that changes nothing the projection first, since what
//! the others do is meant.

use crate::check::Checked;
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Fix, Problems};
use crate::ops::layer;
use crate::shape::Dim;
use crate::trial::{Text, Trial, argument, place};
use cnnc_grammar::ast::{Body, Call, Expr, ExprKind, FlowItem, FlowKind, ItemKind, Statement, StatementKind};
use cnnc_grammar::span::Span;

/// Changes that are told.
const TOLD: usize = 3;

/// Errors for which changes are looked for.
const MOST_ERRORS: usize = 3;

/// Changes that are tried for one error.
const MOST_TRIALS: usize = 80;

/// One change, in words: line 4, `Conv2d(8, kernel_size=3)`: `padding=1`.
struct Candidate {
    words: String,
    edits: Vec<Edit>,
    /// Whether it takes padding or a part of a kernel away, which is seldom meant.
    lessens: bool,
}

/// Gives branches that do not meet the changes by which they would, in the place of general advice.
pub(crate) fn mend(problems: Problems, checked: &Checked, trial: &Trial<'_>) -> Problems {
    let mut left = MOST_ERRORS;
    problems.changed(|problem| {
        if problem.code != Code::E304 || !problem.fixes.is_empty() || left == 0 {
            return problem;
        }
        left -= 1;
        let offered = offered(&problem, checked, trial);
        if offered.is_empty() {
            return problem;
        }
        let mut problem = Diagnostic { help: Vec::new(), ..problem };
        for candidate in offered {
            problem.help.push(format!("{} makes them meet", candidate.words));
            problem.fixes.push(Fix { applicability: Applicability::Guess, edits: candidate.edits });
        }
        problem
    })
}

fn offered(problem: &Diagnostic, checked: &Checked, trial: &Trial<'_>) -> Vec<Candidate> {
    let spans: Vec<Span> = problem.labels.iter().take(2).map(|label| label.span).collect();
    let trees = trial.text.loaded.trees.iter().flat_map(|(_, tree)| &tree.items);
    let bodies = trees.filter_map(|item| match &item.kind {
        ItemKind::Declaration(declaration) => Some(&declaration.body),
        ItemKind::Import(_) | ItemKind::Preset(_) | ItemKind::Unreadable(_) => None,
    });
    let [Some(later), Some(earlier)] = [spans.first(), spans.get(1)] else { return Vec::new() };
    let Some(join) = bodies.filter_map(|body| join_around(body, [*later, *earlier])).next() else { return Vec::new() };
    let find = |span: &Span| join.statements.iter().find(|statement| holds(statement.span, *span));
    let (Some(later_item), Some(earlier_item)) = (find(later), find(earlier)) else { return Vec::new() };
    let branches = [Branch::new(later_item, *later, checked), Branch::new(earlier_item, *earlier, checked)];
    let (mut layers, mut told) = (0, Vec::new());
    for candidate in candidates(&branches, trial.text).into_iter().take(MOST_TRIALS) {
        if told.len() == TOLD || layers > trial.most_layers {
            break;
        }
        layers += 1 + checked.partial.iter().map(|network| network.graph().dag.len()).sum::<usize>();
        let is_gone = |problems: &Problems| {
            let same = |other: &Diagnostic| (other.code, &other.message) == (problem.code, &problem.message);
            !problems.errors().any(same)
        };
        if trial.of(&candidate.edits).is_some_and(|(_, problems)| is_gone(&problems)) {
            told.push(candidate);
        }
    }
    told
}

/// The innermost join whose branches are at these places.
fn join_around(body: &Body, spans: [Span; 2]) -> Option<&Body> {
    let around = body.statements.iter().find(|statement| spans.iter().all(|span| holds(statement.span, *span)))?;
    let inner = around.kind.bodies().into_iter().find_map(|body| join_around(body, spans));
    inner.or(match &around.kind {
        StatementKind::Item(FlowItem { kind: FlowKind::Join { body, .. }, .. }) => Some(body),
        _ => None,
    })
}

fn holds(outer: Span, inner: Span) -> bool {
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}

/// A branch of the join.
struct Branch<'a> {
    item: &'a Statement,
    /// The layers that are called in it.
    calls: Vec<&'a Call>,
    /// Its channels, where one number is known.
    channels: Option<i64>,
}

impl<'a> Branch<'a> {
    fn new(item: &'a Statement, span: Span, checked: &Checked) -> Self {
        let mut calls = Vec::new();
        layers(item, &mut calls);
        let nodes = checked.partial.iter().flat_map(|network| {
            let graph = network.graph();
            graph.dag.iter().filter(move |(_, node)| holds(span, node.span)).map(|(_, node)| node.shape.clone())
        });
        let channels = nodes.last().and_then(|shape| shape.get(1).and_then(Dim::number));
        Branch { item, calls, channels }
    }

    /// Whether nothing is done in it.
    fn is_identity(&self) -> bool {
        match &self.item.kind {
            StatementKind::Item(FlowItem { kind: FlowKind::Group(body), .. }) => body.statements.is_empty(),
            StatementKind::Item(FlowItem { kind: FlowKind::Use(call), .. }) => call.callee.text == "Identity",
            _ => false,
        }
    }

    /// The layer that makes the channels: its name, and how they are written.
    fn channels(&self, text: Text<'_>) -> Option<(&str, String)> {
        let made = self.calls.iter().rev().filter_map(|call| {
            let first = call.arguments.iter().flatten().next()?;
            Some((call.callee.text.as_str(), text.files.text(first.value.span).to_owned()))
                .filter(|_| takes(call, "out_channels"))
        });
        let written = { made }.next();
        written.or_else(|| Some(("Conv2d", self.channels?.to_string())))
    }

    /// How its strides are written, where there is one; the product where they are numbers.
    fn stride(&self, text: Text<'_>) -> Option<String> {
        let strides: Vec<&Expr> = self.calls.iter().filter_map(|call| given(call, "stride")).collect();
        match strides.as_slice() {
            [] => None,
            [stride] => Some(text.files.text(stride.span).to_owned()),
            strides => {
                let product = strides.iter().try_fold(1i64, |product, stride| product.checked_mul(int(stride)?));
                product.map(|product| product.to_string())
            }
        }
    }
}

/// The built-in layers that are called in a statement.
fn layers<'a>(statement: &'a Statement, calls: &mut Vec<&'a Call>) {
    if let StatementKind::Item(FlowItem { kind: FlowKind::Use(call) | FlowKind::Filled { call, .. }, .. }) =
        &statement.kind
        && layer(&call.callee.text).is_some()
    {
        calls.push(call);
    }
    statement.kind.bodies().into_iter().flat_map(|body| &body.statements).for_each(|inner| layers(inner, calls));
}

/// What could be tried, the likeliest first.
fn candidates(branches: &[Branch<'_>; 2], text: Text<'_>) -> Vec<Candidate> {
    let mut all = Vec::new();
    let [later, earlier] = branches;
    let pairs = [(later, earlier), (earlier, later)];
    for (branch, other) in pairs {
        if branch.is_identity() {
            all.extend(projection(branch, other, text));
        }
    }
    for (branch, other) in pairs {
        for call in branch.calls.iter().rev() {
            all.extend(of_call(call, other, text));
        }
    }
    for (branch, other) in pairs {
        if !branch.is_identity() {
            all.extend(projection(branch, other, text));
        }
    }
    all.sort_by_key(|candidate| candidate.lessens);
    all
}

/// Other values of one layer's arguments.
fn of_call(call: &Call, other: &Branch<'_>, text: Text<'_>) -> Vec<Candidate> {
    let mut all = Vec::new();
    let mut add = |changes: &[(&str, String)], lessens: bool| {
        let edits: Vec<Edit> = changes.iter().map(|(name, value)| argument(call, name, value)).collect();
        let words: Vec<String> = changes.iter().map(|(name, value)| format!("{name}={value}")).collect();
        all.push(Candidate { words: format!("{}: `{}`", place(call.span, text), words.join(", ")), edits, lessens });
    };
    let number = |name: &str| given(call, name).and_then(int);
    if takes(call, "padding") {
        let now = number("padding").or(given(call, "padding").is_none().then_some(0));
        let values = (0..=4).filter(|value| Some(*value) != now);
        values.for_each(|value| add(&[("padding", value.to_string())], now.is_some_and(|now| value < now)));
    }
    if takes(call, "stride") {
        let now = number("stride").or(given(call, "stride").is_none().then_some(1));
        let values = other.stride(text).into_iter().chain((1..=4).map(|value| value.to_string()));
        values
            .filter(|value| Some(value) != now.map(|now| now.to_string()).as_ref())
            .for_each(|value| add(&[("stride", value)], false));
    }
    if let (Some(size), true) = (number("kernel_size"), takes(call, "padding")) {
        for next in [size + 1, size - 1].into_iter().filter(|next| *next > 0 && next % 2 == 1) {
            add(&[("kernel_size", next.to_string()), ("padding", ((next - 1) / 2).to_string())], next < size);
        }
    }
    if takes(call, "out_channels")
        && let Some(first) = call.arguments.iter().flatten().next()
        && let Some((_, channels)) = other.channels(text)
    {
        let words = format!("{}: `{channels}` for `{}`", place(call.span, text), text.files.text(first.value.span));
        let edits = vec![Edit { span: first.value.span, replacement: channels }];
        all.push(Candidate { words, edits, lessens: false });
    }
    all
}

/// A projection at the end of a branch: the channels and the strides of the other one, by a kernel of 1×1.
fn projection(branch: &Branch<'_>, other: &Branch<'_>, text: Text<'_>) -> Option<Candidate> {
    let (name, channels) = other.channels(text)?;
    let stride = other.stride(text).map(|stride| format!(", stride={stride}")).unwrap_or_default();
    let stride = if branch.is_identity() { stride } else { String::new() };
    let layer = format!("{name}({channels}, kernel_size=1{stride})");
    let span = branch.item.span;
    let (at, replacement) = match &branch.item.kind {
        _ if branch.is_identity() => (span, layer.clone()),
        StatementKind::Item(FlowItem { kind: FlowKind::Group(body) | FlowKind::Sequential(body), .. }) => {
            let last = body.statements.last()?.span;
            let line = text.files.get(span.file)?.text.get(..last.start as usize)?.rsplit('\n').next()?;
            let before = if text.files.text(span).contains('\n') && line.trim().is_empty() {
                format!("\n{line}")
            } else {
                "; ".to_owned()
            };
            (Span { start: last.end, end: last.end, ..span }, format!("{before}{layer}"))
        }
        _ => (span, format!("{{ {}; {layer} }}", text.files.text(span))),
    };
    let words = if branch.is_identity() {
        format!("{}: `{layer}` in its place", place(span, text))
    } else {
        format!("{}: `{layer}` at its end", place(span, text))
    };
    Some(Candidate { words, edits: vec![Edit { span: at, replacement }], lessens: false })
}

/// Whether a layer has such an argument.
fn takes(call: &Call, argument: &str) -> bool {
    let entry = layer(&call.callee.text);
    entry.is_some_and(|entry| entry.signature.arguments.iter().any(|known| known.name == argument))
}

/// The value of an argument, by its key or its place.
fn given<'a>(call: &'a Call, name: &str) -> Option<&'a Expr> {
    let signature = layer(&call.callee.text)?.signature;
    let mut arguments = call.arguments.iter().flatten().enumerate();
    let is_it = |(place, argument): &(usize, &cnnc_grammar::ast::Argument)| match &argument.key {
        Some(key) => key.text == name,
        None => signature.arguments.get(*place).is_some_and(|known| known.name == name),
    };
    arguments.find(is_it).map(|(_, argument)| &argument.value)
}

fn int(value: &Expr) -> Option<i64> {
    match &value.kind {
        ExprKind::Int(number) => Some(number.value),
        _ => None,
    }
}
