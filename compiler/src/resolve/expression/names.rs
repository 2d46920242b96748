//! Names in expressions: of values, functions, layers, items and their parameters.
//!
//! A value in scope comes first. Before a dot and before `[` labels are a namespace of their own: there a name is that of an
//! item, even where a value has the same name.

use super::arithmetic::{Fault, from_size};
use super::evaluate::Evaluator;
use super::functions::{Function, function};
use super::recipe::{Braces, Callee, Given, Recipe};
use super::tensors;
use super::value::{Flow, Items, Value};
use crate::graph::{ModuleId, ParameterId};
use crate::resolve::error::{CallSite, NameError, ValueError};
use crate::resolve::report::Reporter;
use crate::shape::Shape;
use cnnc_grammar::ast::{Argument, Body, Call, Expr, ExprKind, Name};
use cnnc_grammar::span::Span;
use std::rc::Rc;

/// What names mean that no value in scope has. At the top of a file there are no items, and nothing is kept.
pub(in crate::resolve) trait Names<'a> {
    /// The value of a name; one that nothing has is reported.
    fn value(&self, evaluator: &mut Evaluator<'_, 'a, '_>, name: &'a str, span: Span) -> Option<Value<'a>>;

    /// A layer, block, model or layer value with its arguments, which are checked.
    fn layer(&self, evaluator: &mut Evaluator<'_, 'a, '_>, call: &'a Call) -> Option<Rc<Recipe<'a>>>;

    /// The item of that name, in the innermost braces first.
    fn item(&self, _reporter: &mut Reporter<'_>, _name: &str, _span: Span) -> Option<ModuleId> {
        None
    }

    /// Says that no item has that name, unless it may still get one.
    fn report_no_item(&self, evaluator: &mut Evaluator<'_, 'a, '_>, name: &str, span: Span) {
        evaluator.reporter.report(NameError::UnknownItem { name, span, near: None }.diagnostic());
    }

    /// An item as a value: the parameter that it is, for a bare tensor.
    fn item_value(&self, item: ModuleId) -> Value<'a> {
        Value::Module(item)
    }

    /// The child, parameter or kept value of an item; what it does not have is reported.
    fn member(&self, _reporter: &mut Reporter<'_>, _item: ModuleId, _name: &str, _span: Span) -> Option<Value<'a>> {
        None
    }

    /// How many axes a parameter has.
    fn axes(&self, _parameter: ParameterId) -> usize {
        0
    }

    /// The sizes of a value, where they are known.
    fn shape(&self, _flow: Flow) -> Option<Shape> {
        None
    }

    /// The value that is kept under a name.
    fn kept(&self, _reporter: &mut Reporter<'_>, _name: &str, _span: Span) -> Option<Flow> {
        None
    }

    /// The value that is kept under a name, which has to be; `None` where nothing ever is.
    fn must_be_kept(&self, _evaluator: &mut Evaluator<'_, 'a, '_>, _name: &str, _span: Span) -> Option<Flow> {
        None
    }
}

impl<'e, 'a> Evaluator<'e, 'a, '_> {
    /// What a name in scope stands for.
    pub fn binding(&mut self, name: &str, span: Span) -> Option<&'e Option<Value<'a>>> {
        let binding = self.scope.get(name)?;
        if let Some(declared) = self.scope.declared(name).filter(|_| self.reporter.is_indexing()) {
            self.reporter.note_use(name, span, declared);
        }
        Some(binding)
    }

    pub(super) fn named_value(&mut self, name: &'a str, span: Span) -> Option<Value<'a>> {
        match self.binding(name, span) {
            Some(binding) => binding.clone(),
            None => self.names.value(self, name, span),
        }
    }

    /// A function's result, or a layer with arguments.
    pub(super) fn call_value(&mut self, call: &'a Call) -> Option<Value<'a>> {
        let name = call.callee.text.as_str();
        match (self.binding(name, call.callee.span), function(name)) {
            (Some(None), _) => {
                self.given(call);
                return None;
            }
            (Some(Some(Value::Layer(_))), _) | (_, None) => {}
            (_, Some(function)) => return self.call_function(function, call),
        }
        let recipe = self.names.layer(self, call)?;
        let is_known = recipe.arguments.iter().all(|given| given.value.is_some());
        is_known.then_some(Value::Layer(recipe))
    }

    /// Items in braces, with the values that they see.
    pub(super) fn braces(&mut self, body: &'a Body, span: Span) -> Option<Value<'a>> {
        if !self.reporter.spend(self.scope.size() as u64, span) {
            return None;
        }
        let callee = Callee::Items(Rc::new(Braces { body, scope: self.scope.inner() }));
        let recipe = Recipe::new(callee, Vec::new(), CallSite { span, parentheses: false }, None);
        if recipe.is_too_large() {
            let why = "items in braces see others, deeper nested than they may be";
            self.reporter.report(ValueError::NoResult { why, span, note: None }.diagnostic());
            return None;
        }
        Some(Value::Layer(Rc::new(recipe)))
    }

    /// The arguments of a call, evaluated.
    pub fn given(&mut self, call: &'a Call) -> Vec<Given<'a>> {
        let given = |argument: &'a Argument| Given {
            key: argument.key.as_ref(),
            value: self.evaluate(&argument.value),
            expr: &argument.value,
            span: argument.span,
        };
        call.arguments.iter().flatten().map(given).collect()
    }

    fn call_function(&mut self, function: &'static Function, call: &'a Call) -> Option<Value<'a>> {
        let arguments = call.arguments.as_deref().unwrap_or_default();
        let values: Vec<_> = arguments.iter().map(|argument| self.evaluate(&argument.value)).collect();
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
            self.report_arguments(function, call.span);
            return None;
        }
        if values.iter().any(Option::is_none) {
            return None;
        }
        for value in given.iter().flatten() {
            value.spend(self.reporter, call.span);
        }
        if self.reporter.is_spent() {
            return None;
        }
        let (result, name, span) = ((function.body)(&given), function.name, call.span);
        if let Err(Fault::Lengths(lengths)) = &result {
            let can_be_cut = |expr: &Expr| {
                !matches!(expr.kind, ExprKind::Binary(..) | ExprKind::Range(..) | ExprKind::Conditional { .. })
            };
            let list = |(argument, length): (&Argument, &i64)| {
                (*length, argument.value.span, can_be_cut(&argument.value) || argument.value.grouped)
            };
            let lists = arguments.iter().zip(lengths).map(list).collect();
            self.reporter.report(ValueError::Lengths { name, lists, span }.diagnostic());
            return None;
        }
        if let Ok(list @ Value::List(_)) = &result {
            list.spend(self.reporter, span);
        }
        self.result(result, span, |wanted| ValueError::Function { name, wanted, span })
    }

    /// The parameter that an argument of a function is for.
    fn function_slot(&mut self, function: &'static Function, position: usize, argument: &'a Argument) -> Option<usize> {
        let slot = match &argument.key {
            Some(key) => function.parameters.iter().position(|name| *name == key.text),
            None => (function.variadic || position < function.parameters.len()).then_some(position),
        };
        if slot.is_none() {
            self.report_arguments(function, argument.span);
        }
        slot
    }

    fn report_arguments(&mut self, function: &'static Function, span: Span) {
        let (name, signature) = (function.name, function.signature());
        self.reporter.report(NameError::FunctionArguments { name, signature, span }.diagnostic());
    }

    /// `value.name`
    pub(super) fn field(&mut self, value: &'a Expr, name: &'a Name) -> Option<Value<'a>> {
        let owner = match &value.kind {
            ExprKind::Name(label) => match self.names.item(self.reporter, label, value.span) {
                Some(item) => self.names.item_value(item),
                None => self.not_an_item(label, value.span, &name.text)?,
            },
            _ => self.evaluate(value)?,
        };
        match owner {
            Value::Module(item) => self.names.member(self.reporter, item, &name.text, name.span),
            Value::Parameter { id, transposed } if name.text == "T" => self.transposed(id, transposed, value.span),
            Value::Tensor(flow) if name.text == "shape" => {
                let shape = self.names.shape(flow)?;
                Items::new(shape.iter().cloned().map(from_size).collect()).map(Value::Tuple)
            }
            Value::List(rows) if name.text == "T" => {
                let turned = tensors::transposed(&rows).unwrap_or(Err(Fault::Type("rows of equally many numbers")));
                self.result(turned, value.span, |wanted| ValueError::Function { name: ".T", wanted, span: value.span })
            }
            other => {
                let error = NameError::NoField { name: &name.text, of: other.kind(), span: name.span };
                self.reporter.report(error.diagnostic());
                None
            }
        }
    }

    /// What stands before a dot and is no item: a value, a kept one among them, or a name that nothing has.
    fn not_an_item(&mut self, label: &'a str, span: Span, field: &str) -> Option<Value<'a>> {
        if let Some(binding) = self.binding(label, span) {
            return binding.clone();
        }
        let names = self.names;
        match if field == "shape" {
            names.must_be_kept(self, label, span)
        } else {
            names.kept(self.reporter, label, span)
        } {
            Some(flow) => Some(Value::Tensor(flow)),
            None => {
                names.report_no_item(self, label, span);
                None
            }
        }
    }

    fn transposed(&mut self, id: ParameterId, transposed: bool, span: Span) -> Option<Value<'a>> {
        let axes = self.names.axes(id);
        if axes != 2 {
            self.reporter.report(NameError::NotAMatrix { axes, span }.diagnostic());
            return None;
        }
        Some(Value::Parameter { id, transposed: !transposed })
    }

    /// `value[index]`
    pub(super) fn index(&mut self, value: &'a Expr, index: &'a Expr) -> Option<Value<'a>> {
        let item = match &value.kind {
            ExprKind::Name(name) if self.scope.get(name).is_none() => self.names.item(self.reporter, name, value.span),
            _ => None,
        };
        let values = match item {
            Some(item) => Some(Value::Module(item)),
            None => self.evaluate(value),
        };
        if let Some(Value::Module(item)) = values {
            let name = self.evaluate_text(index)?;
            return self.names.member(self.reporter, item, &name, index.span);
        }
        let position = self.evaluate_int(index, "an index");
        let (values, position) = (values?, position?);
        let Some(length) = values.length() else {
            let (what, wanted, span) = ("what is indexed", "a list or a tuple", value.span);
            self.reporter.report(ValueError::NotA { what, wanted, value: values.shown(), span }.diagnostic());
            return None;
        };
        let from_start = if position < 0 { position.saturating_add(length) } else { position };
        if (0..length).contains(&from_start) {
            return values.element(from_start);
        }
        let error = ValueError::Index { position, length, span: index.span, value_span: value.span };
        self.reporter.report(error.diagnostic());
        None
    }
}
