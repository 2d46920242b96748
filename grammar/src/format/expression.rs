//! Expressions as tokens: with the parentheses that people wrote, and those without which they would mean something else.

use super::Unreadable;
use super::head::Head;
use super::token::{Token, Trailing};
use crate::ast::{BinaryOperator, Clause, Expr, ExprKind, StringPart, UnaryOperator};
use crate::parse::Operator;

/// How tightly `value if condition else otherwise` binds.
const CONDITIONAL: u8 = 0;
/// How tightly `[i]` and `.name` bind: as nothing else but brackets and words.
const ACCESS: u8 = 10;

impl<'ast> Head<'ast> {
    pub(super) fn expression(&mut self, expr: &'ast Expr) {
        self.operand(expr, CONDITIONAL);
    }

    /// A value that stands where only what binds at least so tightly may stand without parentheses.
    fn operand(&mut self, expr: &'ast Expr, least: u8) {
        let grouped = expr.grouped || precedence(&expr.kind) < least;
        if grouped {
            self.tokens.push(Token::Open('('));
        }
        self.ungrouped(expr);
        if grouped {
            self.tokens.push(Token::Close(')', Trailing::Never));
        }
    }

    fn ungrouped(&mut self, expr: &'ast Expr) {
        match &expr.kind {
            ExprKind::Int(number) => self.word(&*number.spelling),
            ExprKind::Float(number) => self.word(&*number.spelling),
            ExprKind::Bool(value) => self.word(if *value { "true" } else { "false" }),
            ExprKind::String(parts) => self.string(parts),
            ExprKind::Name(name) => self.word(name),
            ExprKind::Call(call) => self.call(call),
            ExprKind::List(values) => self.list(values),
            ExprKind::Tuple(values) => self.tuple(values, Head::expression),
            ExprKind::Index(value, index) => {
                self.operand(value, ACCESS);
                self.brackets(['[', ']'], Trailing::Never, std::slice::from_ref(&**index), Head::expression);
            }
            ExprKind::Slice { value, start, end, step } => {
                self.operand(value, ACCESS);
                self.tokens.push(Token::Open('['));
                self.bound("", start.as_deref());
                self.bound(":", end.as_deref());
                self.bound(if step.is_some() { ":" } else { "" }, step.as_deref());
                self.tokens.push(Token::Close(']', Trailing::Never));
            }
            ExprKind::Comprehension { element, clauses } => {
                self.tokens.push(Token::Open('['));
                self.expression(element);
                clauses.iter().for_each(|clause| self.clause(clause));
                self.tokens.push(Token::Close(']', Trailing::Never));
            }
            ExprKind::Field(value, name) => {
                self.operand(value, ACCESS);
                self.sign(".");
                self.word(&name.text);
            }
            ExprKind::Unary(operator, value) => {
                match operator {
                    UnaryOperator::Negate => self.sign("-"),
                    UnaryOperator::Not => self.keyword("not"),
                }
                self.tokens.push(Token::Place);
                self.operand(value, Operator::Unary(*operator).precedence());
            }
            ExprKind::Binary(operator, left, right) => {
                let binary = Operator::Binary(*operator);
                self.operand(left, binary.precedence() + u8::from(!binary.chains()));
                self.operator(*operator);
                self.operand(right, binary.right_precedence());
            }
            ExprKind::Range(start, end) => {
                let precedence = Operator::Range.precedence();
                self.operand(start, precedence + 1);
                self.sign("..");
                self.tokens.push(Token::Place);
                self.operand(end, precedence + 1);
            }
            ExprKind::Conditional { value, condition, otherwise } => {
                self.operand(value, CONDITIONAL + 1);
                self.word_operator("if");
                self.operand(condition, CONDITIONAL + 1);
                self.word_operator("else");
                self.operand(otherwise, CONDITIONAL);
            }
            // Braces stand behind a statement, which writes them.
            ExprKind::Items(_) | ExprKind::Unreadable => self.unreadable = Some(Unreadable),
        }
    }

    /// An end of a slice behind the sign before it.
    fn bound(&mut self, sign: &'static str, bound: Option<&'ast Expr>) {
        self.sign(sign);
        if let Some(bound) = bound {
            self.expression(bound);
        }
    }

    /// A loop in a list.
    fn clause(&mut self, clause: &'ast Clause) {
        self.clause_word("for");
        self.pattern(&clause.pattern);
        self.sign(" ");
        self.keyword("in");
        self.operand(&clause.values, CONDITIONAL + 1);
        for condition in &clause.conditions {
            self.clause_word("if");
            self.operand(condition, CONDITIONAL + 1);
        }
    }

    /// A word that may begin a line of a list.
    fn clause_word(&mut self, word: &'static str) {
        self.sign(" ");
        self.tokens.push(Token::Place);
        self.keyword(word);
    }

    pub(super) fn operator(&mut self, operator: BinaryOperator) {
        let sign = match operator {
            BinaryOperator::Or => return self.word_operator("or"),
            BinaryOperator::And => return self.word_operator("and"),
            BinaryOperator::Equal => " == ",
            BinaryOperator::NotEqual => " != ",
            BinaryOperator::Less => " < ",
            BinaryOperator::LessEqual => " <= ",
            BinaryOperator::Greater => " > ",
            BinaryOperator::GreaterEqual => " >= ",
            BinaryOperator::Add => " + ",
            BinaryOperator::Subtract => " - ",
            BinaryOperator::Multiply => " * ",
            BinaryOperator::Divide => " / ",
            BinaryOperator::FloorDivide => " // ",
            BinaryOperator::Remainder => " % ",
            BinaryOperator::Power => " ** ",
        };
        self.sign(sign);
        self.tokens.push(Token::Place);
    }

    /// An operator that is a word.
    fn word_operator(&mut self, word: &'static str) {
        self.sign(" ");
        self.keyword(word);
        self.tokens.push(Token::Place);
    }
}

/// How tightly what stands outermost in a value binds.
fn precedence(kind: &ExprKind) -> u8 {
    match kind {
        ExprKind::Conditional { .. } => CONDITIONAL,
        ExprKind::Unary(operator, _) => Operator::Unary(*operator).precedence(),
        ExprKind::Binary(operator, ..) => Operator::Binary(*operator).precedence(),
        ExprKind::Range(..) => Operator::Range.precedence(),
        _ => ACCESS,
    }
}

/// A string in quotes with the values in its braces, on one line.
pub(super) fn strings(parts: &[StringPart], unreadable: &mut Option<Unreadable>) -> String {
    let mut text = String::from("\"");
    for part in parts {
        match part {
            StringPart::Text(characters) => text.push_str(characters),
            StringPart::Value(value) => {
                let mut inner = Head::default();
                inner.expression(value);
                text.push('{');
                inner.tokens.iter().for_each(|token| token.write_flat(&mut text));
                text.push('}');
                *unreadable = unreadable.or(inner.unreadable);
            }
        }
    }
    text.push('"');
    text
}
