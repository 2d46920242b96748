//! Statements.

use pest::iterators::Pair;

use super::expression::Deep;
use super::words::{is_keyword, is_reserved};
use super::{Builder, Rule, children};
use crate::ast::{
    BinaryOperator, Call, Expr, ExprKind, FlowItem, FlowKind, InitTarget, JoinKind, Label, Pattern, StatementKind,
};
use crate::span::Span;

impl Builder<'_> {
    /// A pair `statement`, and where it stands.
    pub(super) fn statement(&mut self, pair: Pair<'_, Rule>) -> (StatementKind, Span) {
        let span = self.span(&pair);
        let kind = pair.into_inner().next().and_then(|pair| self.statement_kind(pair));
        (kind.unwrap_or(StatementKind::Unreadable(None)), span)
    }

    fn statement_kind(&mut self, pair: Pair<'_, Rule>) -> Option<StatementKind> {
        match pair.as_rule() {
            Rule::flow_item | Rule::computed_label => self.flow_item(pair),
            Rule::group => Some(flow(None, FlowKind::Group(self.body(pair.into_inner().next()?)))),
            Rule::constant => Some(flow(None, FlowKind::Constant(self.expression(children(pair).next()?)))),
            Rule::join | Rule::sequential => Some(flow(None, self.labelled(pair)?)),
            Rule::if_statement => Some(self.if_statement(pair)),
            Rule::for_statement => self.for_statement(pair),
            Rule::repeat => self.repeat(pair),
            Rule::input => self.input(pair),
            Rule::output => Some(StatementKind::Output(self.label(children(pair).next()?))),
            Rule::keep => Some(StatementKind::Keep(self.label(children(pair).next()?))),
            Rule::from => Some(StatementKind::From(children(pair).map(|label| self.label(label)).collect())),
            Rule::expect => {
                let list = children(pair).next()?.into_inner().next()?;
                Some(StatementKind::Expect { shape_span: self.span(&list), shape: self.elements(list).0 })
            }
            Rule::assert => self.assert(pair),
            Rule::init => self.init(pair),
            Rule::labels => Some(StatementKind::Labels(self.labels(pair))),
            Rule::let_statement => self.let_statement(pair),
            Rule::tied => self.tied(pair),
            _ => None,
        }
    }

    /// `name: item`, or a use without a name.
    fn flow_item(&mut self, pair: Pair<'_, Rule>) -> Option<StatementKind> {
        let mut parts = pair.clone().into_inner();
        let (first, mut second) = (parts.next()?, parts.next());
        let member = second.take_if(|second| second.as_rule() == Rule::member);
        if member.is_some() {
            second = parts.next();
        }
        if second.is_none_or(|second| second.as_rule() != Rule::colon) {
            return match pair.clone().into_inner().find(|part| part.as_rule() == Rule::body) {
                Some(_) => Some(flow(None, self.filled(pair)?)),
                None => self.unlabelled(pair),
            };
        }
        let label = Label { member: member.and_then(|member| self.member(member)), ..self.label(first) };
        Some(flow(Some(label), self.labelled(parts.next()?)?))
    }

    /// A use without a name; of a keyword too, which `take_statement` reports.
    fn unlabelled(&mut self, pair: Pair<'_, Rule>) -> Option<StatementKind> {
        let (call, _) = self.deep_call(pair);
        let is_use = is_keyword(&call.callee.text) || !self.is_refused(&call.callee, "a statement");
        is_use.then(|| flow(None, FlowKind::Use(call)))
    }

    /// A join, a `Sequential`, a layer, or a body that stands for a `Sequential`.
    fn labelled(&mut self, pair: Pair<'_, Rule>) -> Option<FlowKind> {
        match pair.as_rule() {
            Rule::join => self.join(pair),
            Rule::sequential => {
                let body = children(pair).find(|part| part.as_rule() == Rule::body)?;
                Some(FlowKind::Sequential(self.body(body)))
            }
            Rule::body => Some(FlowKind::Sequential(self.body(pair))),
            Rule::call => self.layer(pair).map(FlowKind::Use),
            Rule::filled => self.filled(pair),
            _ => None,
        }
    }

    /// A call and the braces behind it.
    fn filled(&mut self, pair: Pair<'_, Rule>) -> Option<FlowKind> {
        let call = self.call(pair.clone());
        let body = self.body(children(pair).find(|part| part.as_rule() == Rule::body)?);
        let span = body.span;
        Some(FlowKind::Filled { call, items: Expr { kind: ExprKind::Items(Box::new(body)), span, grouped: false } })
    }

    /// A layer in use; `None` for a reserved word, which is reported.
    fn layer(&mut self, pair: Pair<'_, Rule>) -> Option<Call> {
        let call = self.call(pair);
        (!is_reserved(&call.callee.text)).then_some(call)
    }

    fn join(&mut self, pair: Pair<'_, Rule>) -> Option<FlowKind> {
        let call = self.call(pair.clone());
        let kind = JoinKind::of(&call.callee.text)?;
        let body = self.body(children(pair).find(|part| part.as_rule() == Rule::body)?);
        Some(FlowKind::Join { kind, call, body })
    }

    fn if_statement(&mut self, pair: Pair<'_, Rule>) -> StatementKind {
        let (mut arms, mut otherwise, mut condition) = (Vec::new(), None, None);
        for part in children(pair) {
            match part.as_rule() {
                Rule::expression | Rule::unreadable_header_value => {
                    condition = Some(self.value(part, Rule::lone_header_value))
                }
                Rule::body => {
                    let body = self.body(part);
                    match condition.take() {
                        Some(condition) => arms.push((condition, body)),
                        None => otherwise = Some(body),
                    }
                }
                _ => {}
            }
        }
        StatementKind::If { arms, otherwise }
    }

    fn for_statement(&mut self, pair: Pair<'_, Rule>) -> Option<StatementKind> {
        let mut parts = children(pair);
        let pattern = self.pattern(parts.next()?);
        let values = self.value(parts.next()?, Rule::lone_header_value);
        let body = self.body(parts.next()?);
        Some(StatementKind::For { pattern, values, body })
    }

    fn repeat(&mut self, pair: Pair<'_, Rule>) -> Option<StatementKind> {
        let mut parts = children(pair);
        let count = self.value(parts.next()?, Rule::lone_header_value);
        let body = self.body(parts.next()?);
        Some(StatementKind::Repeat { count, body })
    }

    fn input(&mut self, pair: Pair<'_, Rule>) -> Option<StatementKind> {
        let (mut name, mut shape, mut image) = (None, None, None);
        for part in children(pair) {
            match part.as_rule() {
                Rule::identifier => name = Some(self.name(&part)),
                Rule::shape => {
                    let list = part.into_inner().next()?;
                    shape = Some((self.span(&list), self.elements(list).0));
                }
                Rule::image => image = Some(self.call(part)),
                _ => {}
            }
        }
        let (shape_span, shape) = shape?;
        Some(StatementKind::Input { name, shape, shape_span, image })
    }

    /// A measure, a comparison and a bound.
    fn assert(&mut self, pair: Pair<'_, Rule>) -> Option<StatementKind> {
        let (mut measure, mut relation, mut bound) = (None, None, None);
        for part in children(pair) {
            match part.as_rule() {
                Rule::call => measure = Some(self.call(part)),
                Rule::comparison => relation = comparison(part.as_str()),
                Rule::amount => {
                    let (kind, span) = (self.amount(&part), self.span(&part));
                    bound = Some(Expr { kind, span, grouped: false });
                }
                Rule::expression => bound = Some(self.expression(part)),
                _ => {}
            }
        }
        Some(StatementKind::Assert { measure: measure?, relation: relation?, bound: bound? })
    }

    fn init(&mut self, pair: Pair<'_, Rule>) -> Option<StatementKind> {
        let (mut targets, mut scheme) = (Vec::new(), None);
        for part in children(pair) {
            match part.as_rule() {
                Rule::target => targets.push(self.target(part)?),
                Rule::call => scheme = Some(self.call(part)),
                _ => {}
            }
        }
        Some(StatementKind::Init { targets, scheme: scheme? })
    }

    fn target(&mut self, pair: Pair<'_, Rule>) -> Option<InitTarget> {
        let inner = pair.clone().into_inner().next()?;
        Some(match inner.as_rule() {
            Rule::string => InitTarget::Path(self.label(pair)),
            _ => InitTarget::Layer(self.name(&inner)),
        })
    }

    fn labels(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let value = children(pair).find(|part| matches!(part.as_rule(), Rule::list | Rule::string));
        value.map_or(Deep::unreadable(span), |value| self.atom(value)).expr
    }

    fn let_statement(&mut self, pair: Pair<'_, Rule>) -> Option<StatementKind> {
        let mut parts = children(pair);
        let pattern = self.pattern(parts.next()?);
        let value = self.value(parts.next()?, Rule::lone_value);
        Some(StatementKind::Let { pattern, value })
    }

    /// `tied name = layer`; where the layer is unreadable, a `let` of the name keeps the name known.
    fn tied(&mut self, pair: Pair<'_, Rule>) -> Option<StatementKind> {
        let mut parts = children(pair);
        let name = self.name(&parts.next()?);
        let layer = parts.next()?;
        Some(match layer.as_rule() {
            Rule::call => StatementKind::Tied { name, layer: self.call(layer) },
            _ => StatementKind::Let { pattern: Pattern::Name(name), value: self.value(layer, Rule::lone_call) },
        })
    }

    /// An expression, or the unreadable text in its place, which should have fitted `lone`.
    fn value(&mut self, pair: Pair<'_, Rule>, lone: Rule) -> Expr {
        if pair.as_rule() == Rule::expression {
            return self.expression(pair);
        }
        Expr { kind: ExprKind::Unreadable, span: self.report_unreadable(&pair, lone), grouped: false }
    }

    /// A name or a tuple of names; `(a)` is `a`.
    pub(super) fn pattern(&mut self, pair: Pair<'_, Rule>) -> Pattern {
        let span = self.span(&pair);
        let is_tuple = pair.clone().into_inner().any(|child| child.as_rule() == Rule::comma);
        let mut parts = children(pair.clone());
        match parts.next() {
            Some(inner) if is_tuple => {
                let rest: Vec<_> = std::iter::once(inner).chain(parts).map(|part| self.pattern(part)).collect();
                Pattern::Tuple(rest, span)
            }
            Some(inner) if inner.as_rule() == Rule::pattern => self.pattern(inner),
            Some(inner) => Pattern::Name(self.name(&inner)),
            None => Pattern::Name(self.name(&pair)),
        }
    }
}

/// The comparison that a budget's sign stands for; blanks and comments may follow it.
fn comparison(text: &str) -> Option<BinaryOperator> {
    let sign = text.split(|letter: char| !matches!(letter, '<' | '>' | '=')).next()?;
    Some(match sign {
        "<=" => BinaryOperator::LessEqual,
        ">=" => BinaryOperator::GreaterEqual,
        "==" => BinaryOperator::Equal,
        "<" => BinaryOperator::Less,
        ">" => BinaryOperator::Greater,
        _ => return None,
    })
}

fn flow(label: Option<Label>, kind: FlowKind) -> StatementKind {
    StatementKind::Item(FlowItem { label, kind })
}
