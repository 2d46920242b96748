//! Expressions to values.
//!
//! `None` stands for a value that is not known because of an error that is already reported; whatever is computed from it is
//! unknown too, in silence, so that one mistake gives one error.

use super::arithmetic::{self, Fault};
use super::error::{NameError, ValueError};
use super::functions::{Function, function};
use super::state::{Expander, Frame};
use super::value::{CallSite, Given, Items, MAX_TEXT_BYTES, Recipe, Value};
use crate::shape::Dim;
use cnnc_grammar::ast::{Argument, BinaryOperator, Call, Expr, ExprKind, StringPart};
use cnnc_grammar::span::Span;
use std::rc::Rc;

impl<'a> Expander<'a, '_> {
    /// The value of an expression.
    pub fn evaluate(&mut self, frame: &Frame<'a>, expr: &'a Expr) -> Option<Value<'a>> {
        let span = expr.span;
        if !self.spend(1, span) {
            return None;
        }
        match &expr.kind {
            ExprKind::Int(number) => Some(Value::Int(number.value)),
            ExprKind::Float(number) => Some(Value::Float(number.value)),
            ExprKind::Bool(truth) => Some(Value::Bool(*truth)),
            ExprKind::String(parts) => self.text(frame, parts, span),
            ExprKind::Name(name) => self.named_value(frame, name, span),
            ExprKind::Call(call) => self.call_value(frame, call),
            ExprKind::List(elements) => self.items(frame, elements, span).map(Value::List),
            ExprKind::Tuple(elements) => self.items(frame, elements, span).map(Value::Tuple),
            ExprKind::Index(value, index) => self.index(frame, value, index),
            ExprKind::Field(value, name) => self.field(frame, value, name),
            ExprKind::Unary(operator, value) => {
                let value = self.evaluate(frame, value)?;
                let result = arithmetic::unary(*operator, &value);
                self.unwrap_unary(result, &value, *operator, span)
            }
            ExprKind::Binary(operator, left, right) => self.binary(frame, *operator, left, right, span),
            ExprKind::Range(start, end) => self.range(frame, start, end, span),
            ExprKind::Conditional { value, condition, otherwise } => {
                match self.condition(frame, condition, "the condition of `if`") {
                    Some(true) => self.evaluate(frame, value),
                    Some(false) => self.evaluate(frame, otherwise),
                    None => {
                        self.evaluate(frame, value);
                        self.evaluate(frame, otherwise);
                        None
                    }
                }
            }
            ExprKind::Unreadable => {
                self.unreadable();
                None
            }
        }
    }

    /// The value, or `None` without any report where it has an error.
    pub fn evaluate_quietly(&mut self, frame: &Frame<'a>, expr: &'a Expr) -> Option<Value<'a>> {
        let before = std::mem::replace(&mut self.quiet, true);
        let value = self.evaluate(frame, expr);
        self.quiet = before;
        value
    }

    /// A truth value; `what` says what it is for.
    pub fn condition(&mut self, frame: &Frame<'a>, expr: &'a Expr, what: &'static str) -> Option<bool> {
        match self.evaluate(frame, expr)? {
            Value::Bool(truth) => Some(truth),
            other => {
                self.report(ValueError::NotA { what, wanted: "a bool", value: &other, span: expr.span }.diagnostic());
                None
            }
        }
    }

    /// A whole number; `what` says what it is for.
    pub fn evaluate_int(&mut self, frame: &Frame<'a>, expr: &'a Expr, what: &'static str) -> Option<i64> {
        match self.evaluate(frame, expr)? {
            Value::Int(number) => Some(number),
            Value::Size(size) => {
                self.report_symbol(&size, expr.span, what);
                None
            }
            other => {
                self.report(ValueError::NotA { what, wanted: "an int", value: &other, span: expr.span }.diagnostic());
                None
            }
        }
    }

    /// A size of a shape: an int or an expression over symbols.
    pub fn evaluate_size(&mut self, frame: &Frame<'a>, expr: &'a Expr) -> Option<Dim> {
        let value = self.evaluate(frame, expr)?;
        let size = arithmetic::size(&value);
        if size.is_none() {
            let error =
                ValueError::NotA { what: "a size of a shape", wanted: "an int", value: &value, span: expr.span };
            self.report(error.diagnostic());
        }
        size
    }

    /// A value written out within a text.
    pub fn evaluate_text(&mut self, frame: &Frame<'a>, expr: &'a Expr) -> Option<String> {
        match self.evaluate(frame, expr)? {
            Value::Int(number) => Some(number.to_string()),
            Value::Float(number) => Some(format!("{number:?}")),
            Value::Bool(truth) => Some(truth.to_string()),
            Value::Text(text) => Some(text.to_string()),
            Value::Size(size) => {
                self.report_symbol(&size, expr.span, "a text");
                None
            }
            other => {
                let (what, wanted) = ("a value in a text", "an int or a str");
                self.report(ValueError::NotA { what, wanted, value: &other, span: expr.span }.diagnostic());
                None
            }
        }
    }

    /// Says that a symbol stands where a number is needed.
    pub fn report_symbol(&mut self, size: &Dim, span: Span, what: &str) {
        let origin = size.symbols().first().and_then(|name| self.symbols.get(name).map(|span| (name.clone(), *span)));
        self.report(ValueError::Symbol { size, span, what, origin }.diagnostic());
    }

    fn text(&mut self, frame: &Frame<'a>, parts: &'a [StringPart], span: Span) -> Option<Value<'a>> {
        let text = self.text_of(frame, parts)?;
        if text.len() > MAX_TEXT_BYTES {
            self.report(
                ValueError::NoResult { why: "the text is longer than any may be", span, note: None }.diagnostic(),
            );
            return None;
        }
        let value = Value::Text(Rc::from(&*text));
        self.spend_value(&value, span).then_some(value)
    }

    fn items(&mut self, frame: &Frame<'a>, elements: &'a [Expr], span: Span) -> Option<Rc<Items<'a>>> {
        let values: Vec<_> = elements.iter().map(|element| self.evaluate(frame, element)).collect();
        let items = Items::new(values.into_iter().collect::<Option<_>>()?);
        if items.is_none() {
            let why = "the list is longer, or nested deeper, than any may be";
            self.report(ValueError::NoResult { why, span, note: None }.diagnostic());
        }
        self.spend(elements.len() as u64, span).then_some(items).flatten()
    }

    fn named_value(&mut self, frame: &Frame<'a>, name: &'a str, span: Span) -> Option<Value<'a>> {
        if let Some(binding) = frame.scope.get(name) {
            return binding.clone();
        }
        if let Some(flow) = self.kept_value(frame, name) {
            return Some(Value::Tensor(flow));
        }
        if let Some(callee) = self.callee_at(name, span) {
            let site = CallSite { span, parentheses: false };
            return Some(Value::Layer(Rc::new(Recipe::new(callee, Vec::new(), site, None))));
        }
        if let Some(module) = self.module_in_reach(frame, name) {
            return Some(self.module_value(module));
        }
        self.unknown_value(frame, name, span);
        None
    }

    fn unknown_value(&mut self, frame: &Frame<'a>, name: &str, span: Span) {
        // A computed name of a kept value that is not known yet could be this one.
        let could_be_kept = !frame.open.is_empty() && self.unknown_names.contains(&frame.call());
        if frame.scope.incomplete || self.world.program.incomplete || could_be_kept {
            return self.unreadable();
        }
        let near = self.near(name, |expander| {
            let mut names = frame.scope.names();
            names.extend(expander.callable_names(span));
            names
        });
        let near = near.as_deref();
        self.report(NameError::UnknownValue { name, span, near }.diagnostic());
    }

    /// A function's result, or a layer with arguments.
    fn call_value(&mut self, frame: &Frame<'a>, call: &'a Call) -> Option<Value<'a>> {
        let name = call.callee.text.as_str();
        let function = function(name);
        match frame.scope.get(name) {
            Some(Some(Value::Layer(_))) => {}
            Some(None) => {
                self.given(frame, call);
                return None;
            }
            _ => {
                if let Some(function) = function {
                    return self.call_function(frame, function, call);
                }
            }
        }
        let recipe = self.recipe(frame, call)?;
        if recipe.is_too_large() {
            let why = "layers are nested deeper in each other's arguments, or hold more of them, than they may";
            self.report(ValueError::NoResult { why, span: call.span, note: None }.diagnostic());
            return None;
        }
        self.check_recipe(frame, &recipe);
        let is_known = recipe.arguments.iter().all(|given| given.value.is_some());
        is_known.then_some(Value::Layer(recipe))
    }

    fn call_function(&mut self, frame: &Frame<'a>, function: &'static Function, call: &'a Call) -> Option<Value<'a>> {
        let arguments = call.arguments.as_deref().unwrap_or_default();
        let values: Vec<_> = arguments.iter().map(|argument| self.evaluate(frame, &argument.value)).collect();
        let mut given: Vec<Option<Value<'a>>> = vec![None; function.parameters.len()];
        for (position, (argument, value)) in arguments.iter().zip(&values).enumerate() {
            let slot = self.function_slot(function, position, argument)?;
            if slot >= given.len() {
                given.resize(slot + 1, None);
            }
            if let Some(place) = given.get_mut(slot) {
                *place = value.clone();
            }
        }
        if arguments.len() < function.required {
            self.report(NameError::FunctionArguments { function, span: call.span }.diagnostic());
            return None;
        }
        if values.iter().any(Option::is_none) {
            return None;
        }
        for value in given.iter().flatten() {
            self.spend_value(value, call.span);
        }
        if self.budget.spent {
            return None;
        }
        let result = (function.body)(&given);
        self.unwrap_fault(result, call.span, |wanted| ValueError::Function {
            name: function.name,
            wanted,
            span: call.span,
        })
    }

    /// The parameter that an argument of a function is for.
    fn function_slot(&mut self, function: &'static Function, position: usize, argument: &'a Argument) -> Option<usize> {
        let slot = match &argument.key {
            Some(key) => function.parameters.iter().position(|name| *name == key.text),
            None => (function.variadic || position < function.parameters.len()).then_some(position),
        };
        if slot.is_none() {
            self.report(NameError::FunctionArguments { function, span: argument.span }.diagnostic());
        }
        slot
    }

    /// The arguments of a call, evaluated.
    pub fn given(&mut self, frame: &Frame<'a>, call: &'a Call) -> Vec<Given<'a>> {
        let arguments = call.arguments.as_deref().unwrap_or_default();
        let given = |argument: &'a Argument| Given {
            key: argument.key.as_ref(),
            value: self.evaluate(frame, &argument.value),
            expr: &argument.value,
            span: argument.span,
        };
        arguments.iter().map(given).collect()
    }

    /// A place without the blanks around its text.
    fn trimmed(&self, span: Span) -> Span {
        let text = self.world.files.text(span);
        let (before, after) = (text.len() - text.trim_start().len(), text.len() - text.trim_end().len());
        let (start, end) = (span.start + before as u32, span.end.saturating_sub(after as u32));
        if start < end { Span { start, end, ..span } } else { span }
    }

    fn index(&mut self, frame: &Frame<'a>, value: &'a Expr, index: &'a Expr) -> Option<Value<'a>> {
        let values = match &value.kind {
            ExprKind::Name(name) if frame.scope.get(name).is_none() => match self.module_in_reach(frame, name) {
                Some(module) => Some(Value::Module(module)),
                None => self.evaluate(frame, value),
            },
            _ => self.evaluate(frame, value),
        };
        if let Some(Value::Module(module)) = values {
            let name = self.evaluate_text(frame, index)?;
            return self.member(module, &name, index.span);
        }
        let position = self.evaluate_int(frame, index, "an index");
        let (values, position) = (values?, position?);
        let Some(length) = values.length() else {
            let error = ValueError::NotA {
                what: "what is indexed",
                wanted: "a list or a tuple",
                value: &values,
                span: value.span,
            };
            self.report(error.diagnostic());
            return None;
        };
        let from_start = if position < 0 { position.saturating_add(length) } else { position };
        match (0..length).contains(&from_start) {
            true => values.element(from_start),
            false => {
                self.report(
                    ValueError::Index { position, length, span: index.span, value_span: value.span }.diagnostic(),
                );
                None
            }
        }
    }

    fn binary(
        &mut self,
        frame: &Frame<'a>,
        operator: BinaryOperator,
        left: &'a Expr,
        right: &'a Expr,
        span: Span,
    ) -> Option<Value<'a>> {
        let first = self.evaluate(frame, left);
        match (operator, &first) {
            (BinaryOperator::And, Some(Value::Bool(false))) | (BinaryOperator::Or, Some(Value::Bool(true))) => {
                return first;
            }
            _ => {}
        }
        let second = self.evaluate(frame, right);
        let (first, second) = (first?, second?);
        if !self.spend_value(&first, span) || !self.spend_value(&second, span) {
            return None;
        }
        match arithmetic::binary(operator, &first, &second) {
            Ok(value) => self.spend_value(&value, span).then_some(value),
            Err(Fault::Type(wanted)) => {
                let sides = [(&first, left.span), (&second, right.span)];
                let span = self.trimmed(Span { start: left.span.end, end: right.span.start, ..span });
                self.report(ValueError::Operands { operator, wanted, sides, span }.diagnostic());
                None
            }
            Err(Fault::NoResult(why)) => {
                let note = Some(format!("{} {operator} {}", first.written(), second.written()));
                self.report(ValueError::NoResult { why, span, note }.diagnostic());
                None
            }
            Err(Fault::Symbol(size)) => {
                self.report_symbol(&size, span, &operator.to_string());
                None
            }
        }
    }

    fn unwrap_unary(
        &mut self,
        result: Result<Value<'a>, Fault>,
        value: &Value<'a>,
        operator: cnnc_grammar::ast::UnaryOperator,
        span: Span,
    ) -> Option<Value<'a>> {
        self.unwrap_fault(result, span, |wanted| ValueError::Operand { operator, wanted, value, span })
    }

    fn unwrap_fault<'e>(
        &mut self,
        result: Result<Value<'a>, Fault>,
        span: Span,
        of_type: impl FnOnce(&'static str) -> ValueError<'e, 'a>,
    ) -> Option<Value<'a>>
    where
        'a: 'e,
    {
        match result {
            Ok(value) => return Some(value),
            Err(Fault::Type(wanted)) => self.report(of_type(wanted).diagnostic()),
            Err(Fault::NoResult(why)) => self.report(ValueError::NoResult { why, span, note: None }.diagnostic()),
            Err(Fault::Symbol(size)) => self.report_symbol(&size, span, "this"),
        }
        None
    }

    fn range(&mut self, frame: &Frame<'a>, start: &'a Expr, end: &'a Expr, span: Span) -> Option<Value<'a>> {
        let first = self.evaluate_int(frame, start, "the start of a range");
        let last = self.evaluate_int(frame, end, "the end of a range");
        let (first, last) = (first?, last?);
        if last.checked_sub(first).is_none() {
            let why = "the range is longer than 64 bits can count";
            self.report(ValueError::NoResult { why, span, note: None }.diagnostic());
            return None;
        }
        Some(Value::Range(first, last.max(first)))
    }
}
