//! The leaves of the AST: names, labels, strings and numbers.

use pest::iterators::Pair;

use super::{Builder, Rule, children};
use crate::ast::{ExprKind, Label, Name, Number, StringPart};
use crate::error::SyntaxErrorKind;

/// What an amount must be below: from there on a float64 does not hold every whole number.
const MOST_AMOUNT: f64 = 9_007_199_254_740_992.0;

impl Builder<'_> {
    /// A word as a name.
    pub(super) fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        Name { text: pair.as_str().to_owned(), span: self.span(pair) }
    }

    /// A string without values in it as a name; the span holds the quotes, the text does not.
    pub(super) fn plain_string(&self, pair: Pair<'_, Rule>) -> Name {
        let span = self.span(&pair);
        let text = pair.into_inner().next().map(|characters| characters.as_str().to_owned()).unwrap_or_default();
        Name { text, span }
    }

    /// A word or a string, or a `label` or `target` that holds one.
    pub(super) fn label(&mut self, pair: Pair<'_, Rule>) -> Label {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::string => Label { parts: self.string_parts(pair).0, quoted: true, member: None, span },
            Rule::label | Rule::target => match pair.into_inner().next() {
                Some(inner) => self.label(inner),
                None => Label { parts: Vec::new(), quoted: true, member: None, span },
            },
            _ => {
                let parts = vec![StringPart::Text(pair.as_str().to_owned())];
                Label { parts, quoted: false, member: None, span }
            }
        }
    }

    /// `[i]` behind a label: the value as a name.
    pub(super) fn member(&mut self, pair: Pair<'_, Rule>) -> Option<Box<Label>> {
        let span = self.span(&pair);
        let value = self.deep_expression(children(pair).next()?).expr;
        Some(Box::new(Label { parts: vec![StringPart::Value(value)], quoted: true, member: None, span }))
    }

    /// The parts of a string and the depth of the deepest expression in it.
    pub(super) fn string_parts(&mut self, pair: Pair<'_, Rule>) -> (Vec<StringPart>, usize) {
        let mut depth = 0;
        let parts = pair
            .into_inner()
            .filter_map(|part| match part.as_rule() {
                Rule::characters => Some(StringPart::Text(part.as_str().to_owned())),
                Rule::interpolation => children(part).next().map(|value| {
                    let value = self.deep_expression(value);
                    depth = depth.max(value.depth);
                    StringPart::Value(value.expr)
                }),
                _ => None,
            })
            .collect();
        (parts, depth)
    }

    /// A number: whole without a dot and an exponent, else a float. One that does not fit is reported and unreadable.
    pub(super) fn number(&mut self, pair: &Pair<'_, Rule>) -> ExprKind {
        let digits = pair.as_str();
        let number = if digits.contains(['.', 'e', 'E']) {
            let value = digits.parse().ok().filter(|value: &f64| value.is_finite());
            value.map(|value| ExprKind::Float(Number { value, spelling: digits.into() }))
        } else {
            digits.parse().ok().map(|value| ExprKind::Int(Number { value, spelling: digits.into() }))
        };
        number.unwrap_or_else(|| self.too_large(pair))
    }

    /// An amount such as `5M`: the number that it stands for, whole where it is.
    pub(super) fn amount(&mut self, pair: &Pair<'_, Rule>) -> ExprKind {
        let text = pair.as_str();
        let (digits, unit) = text.split_at(text.find(char::is_alphabetic).unwrap_or(text.len()));
        let value = match unit {
            "k" => format!("{digits}e3").parse(),
            "M" => format!("{digits}e6").parse(),
            "G" => format!("{digits}e9").parse(),
            "KiB" => digits.parse().map(|number: f64| number * 1024.0),
            "MiB" => digits.parse().map(|number: f64| number * 1_048_576.0),
            _ => digits.parse().map(|number: f64| number * 1_073_741_824.0),
        };
        let value = value.ok().filter(|value: &f64| *value < MOST_AMOUNT);
        let spelling = text.into();
        match value {
            Some(value) if value.fract() == 0.0 => ExprKind::Int(Number { value: value as i64, spelling }),
            Some(value) => ExprKind::Float(Number { value, spelling }),
            None => self.too_large(pair),
        }
    }

    fn too_large(&mut self, pair: &Pair<'_, Rule>) -> ExprKind {
        self.report(SyntaxErrorKind::NumberTooLarge { digits: pair.as_str().to_owned() }, self.span(pair));
        ExprKind::Unreadable
    }
}
