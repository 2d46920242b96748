//! A body with names as syntax, and the text of that: the grammar's own formatter writes it. Values are [`expressions`].

use super::expressions::{self, constant, expr, int, name_of as name, size, value_of};
use super::statements::{Argument as Given, Block, Label, Parameter, Program, Statement, variables};
use super::{Network, Operation, ValueId};
use cnnc_compiler::ops::{self, Op};
use cnnc_compiler::shape::Dim;
use cnnc_grammar::ast::{
    self, Argument, Ast, Body, Call, Declaration, DeclarationKind, Expr, ExprKind, FlowItem, FlowKind, Gap, Item,
    ItemKind, Layout, StatementKind, StringPart, Type, TypeKind,
};
use cnnc_grammar::format;
use cnnc_grammar::span::Span;
use std::collections::{HashMap, HashSet};

/// Words that no value may be called.
const RESERVED: [&str; 9] = ["if", "else", "and", "or", "not", "in", "true", "false", "_"];

/// The text of a network whose program is this; `None` where some of it cannot be written.
pub fn text(network: &Network, program: &Program) -> Option<String> {
    let mut items = Vec::new();
    for block in &program.blocks {
        let parameters = block.parameters.iter().map(|parameter| &parameter.name);
        let mut writer = Writer::new(network, program, parameters.chain(variables(&block.body)));
        let mut body = writer.body(&block.body)?;
        on_lines(&mut body.statements);
        let parameters = block.parameters.iter().map(parameter).collect::<Option<_>>()?;
        items.push(declaration(DeclarationKind::Block, &block.name, parameters, body));
    }
    let mut writer = Writer::new(network, program, variables(&program.body).into_iter());
    writer.name_inputs();
    let mut statements = writer.input_statements()?;
    statements.extend(writer.body(&program.body)?.statements);
    on_lines(&mut statements);
    let body = Body { statements, comments: None, span: Span::default() };
    items.push(declaration(DeclarationKind::Model, &network.name, Vec::new(), body));
    format(&Ast { items, closing: Vec::new() }).ok()
}

/// Lets the body of a declaration begin a line.
fn on_lines(statements: &mut [ast::Statement]) {
    if let Some(first) = statements.first_mut() {
        first.layout.gap = Gap::NextLine;
    }
}

fn declaration(kind: DeclarationKind, called: &str, parameters: Vec<ast::Parameter>, body: Body) -> Item {
    let declaration = Declaration { kind, name: name(called), parameters, body, header: Span::default() };
    let layout = Layout { gap: Gap::EmptyLine, comments: None };
    Item { kind: ItemKind::Declaration(declaration), layout }
}

fn parameter(parameter: &Parameter) -> Option<ast::Parameter> {
    let named = |word: &str| Type { kind: TypeKind::Named(word.into()), span: Span::default() };
    let ty = match parameter.numbers {
        1 => named("int"),
        several => Type { kind: TypeKind::Tuple(vec![named("int"); several]), span: Span::default() },
    };
    let default = parameter.default.as_ref().map(value_of);
    let default = match default {
        Some(default) => Some(default?),
        None => None,
    };
    Some(ast::Parameter { name: name(&parameter.name), ty, default, span: Span::default() })
}

struct Writer<'n> {
    network: &'n Network,
    program: &'n Program,
    /// Names of values that are kept.
    kept: HashMap<ValueId, String>,
    taken: HashSet<String>,
    /// Names of the inputs, where there are several.
    inputs: Vec<String>,
}

impl<'n> Writer<'n> {
    /// One of a body in which there are values of these names.
    fn new(network: &'n Network, program: &'n Program, values: impl Iterator<Item = &'n String>) -> Writer<'n> {
        let taken = values.cloned().collect();
        Writer { network, program, kept: HashMap::new(), taken, inputs: Vec::new() }
    }

    /// Names the inputs, and takes the names of open sizes, which stand in the same place.
    fn name_inputs(&mut self) {
        let symbols = self.network.inputs.iter().flat_map(|input| self.network.shape(input.value).iter());
        let symbols: Vec<_> = symbols.flat_map(Dim::symbols).collect();
        self.taken.extend(symbols.iter().map(|symbol| symbol.to_string()));
        if self.network.inputs.len() > 1 {
            self.inputs = self.network.inputs.iter().map(|input| self.free(&input.name, "input")).collect();
            let named = self.network.inputs.iter().zip(&self.inputs);
            self.kept.extend(named.map(|(input, name)| (input.value, name.clone())));
        }
    }

    fn input_statements(&self) -> Option<Vec<ast::Statement>> {
        let statement = |(place, input): (usize, &super::Input)| {
            let shape = self.network.shape(input.value).iter().map(size).collect::<Option<Vec<Expr>>>()?;
            let name = self.inputs.get(place).map(|name| self::name(name));
            Some(statement(StatementKind::Input { name, shape, shape_span: Span::default(), image: None }))
        };
        self.network.inputs.iter().enumerate().map(statement).collect()
    }

    /// A name like that one which no other value has.
    fn free(&mut self, wanted: &str, otherwise: &str) -> String {
        let word = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
        let mut base: String = wanted.chars().take(40).map(word).collect();
        if !base.starts_with(|first: char| first.is_ascii_alphabetic()) {
            base = format!("{otherwise}{}{base}", if base.is_empty() { "" } else { "_" });
        }
        let mut name = base.clone();
        let mut number = 2;
        while RESERVED.contains(&name.as_str()) || ops::layer(&name).is_some() || !self.taken.insert(name.clone()) {
            name = format!("{base}_{number}");
            number += 1;
        }
        name
    }

    fn statement(&mut self, given: &Statement) -> Option<Vec<ast::Statement>> {
        let kind = match given {
            Statement::Item(label, value, arguments) => self.item(label.as_ref(), *value, arguments)?,
            Statement::Join(value, branches) => self.join(*value, branches)?,
            Statement::Group(label, inner) => {
                let body = self.body(inner)?;
                StatementKind::Item(FlowItem { label: Some(self.label(label)?), kind: FlowKind::Sequential(body) })
            }
            Statement::Call(label, block, arguments) => {
                let call = self.call_of_block(self.program.blocks.get(*block)?, arguments)?;
                let label = self.label_of(label.as_ref())?;
                StatementKind::Item(FlowItem { label, kind: FlowKind::Use(call) })
            }
            Statement::For(turns, inner) => {
                let (pattern, values) = expressions::turns(turns)?;
                StatementKind::For { pattern, values, body: self.body(inner)? }
            }
            Statement::Repeat(count, inner) => {
                StatementKind::Repeat { count: int(*count as i64), body: self.body(inner)? }
            }
            Statement::From(value) => StatementKind::From(vec![plain_label(self.kept.get(value)?)]),
            Statement::Keep(value) => StatementKind::Keep(plain_label(&self.name_kept(*value))),
            Statement::Output(place) => match self.network.outputs.as_slice() {
                [_] => return Some(Vec::new()),
                outputs => StatementKind::Output(plain_label(&printable(&outputs.get(*place)?.name))),
            },
        };
        Some(vec![statement(kind)])
    }

    fn name_kept(&mut self, value: ValueId) -> String {
        let path = &self.network.node(value).path;
        let wanted = path.get(path.len().saturating_sub(2)..).unwrap_or_default().join("_");
        let name = self.free(&wanted, if wanted.is_empty() { "kept" } else { "at" });
        self.kept.insert(value, name.clone());
        name
    }

    fn body(&mut self, inner: &[Statement]) -> Option<Body> {
        let mut statements = Vec::new();
        for statement in inner {
            let shares = !statements.is_empty() && follows(statement);
            let mut written = self.statement(statement)?;
            written.iter_mut().filter(|_| shares).for_each(|one| one.layout.gap = Gap::SameLine);
            statements.extend(written);
        }
        if is_short(inner) {
            statements.iter_mut().for_each(|one| one.layout.gap = Gap::SameLine);
        }
        Some(Body { statements, comments: None, span: Span::default() })
    }

    fn item(
        &self,
        label: Option<&Label>,
        value: ValueId,
        arguments: &[(&'static str, Given)],
    ) -> Option<StatementKind> {
        let node = self.network.node(value);
        let kind = match (&node.operation, &node.op) {
            (Operation::Layer(layer), _) => {
                let written = arguments.iter().map(|(name, given)| Some((*name, expressions::given(given)?)));
                FlowKind::Use(call(layer, written.collect::<Option<Vec<_>>>()?)?)
            }
            (Operation::Numbers, Some(Op::Numbers(numbers))) => FlowKind::Constant(constant(numbers, &self.taken)?),
            _ => return None,
        };
        Some(StatementKind::Item(FlowItem { label: self.label_of(label)?, kind }))
    }

    fn label_of(&self, label: Option<&Label>) -> Option<Option<ast::Label>> {
        label.map_or(Some(None), |label| self.label(label).map(Some))
    }

    fn label(&self, label: &Label) -> Option<ast::Label> {
        let member = label.member.as_ref().map(|member| {
            let number = member.parse::<i64>().ok().filter(|number| number.to_string() == *member && *number >= 0);
            let text = || expr(ExprKind::String(vec![StringPart::Text(member.clone())]));
            let parts = vec![StringPart::Value(number.map_or_else(text, int))];
            Box::new(ast::Label { parts, quoted: false, member: None, span: Span::default() })
        });
        let mut plain = plain_label(&label.name);
        if let Some(number) = &label.number {
            plain.parts.retain(|part| *part != StringPart::Text(String::new()));
            plain.parts.push(StringPart::Value(expressions::given(number)?));
            plain.quoted = true;
        }
        Some(ast::Label { member, ..plain })
    }

    /// The call of a block: parameters without a default by position, the others by name where they differ from it.
    fn call_of_block(&self, block: &Block, given: &[Given]) -> Option<Call> {
        let mut arguments = Vec::new();
        for (parameter, given) in block.parameters.iter().zip(given) {
            let is_default =
                matches!((given, &parameter.default), (Given::Constant(value), Some(default)) if value == default);
            if !is_default {
                let key = parameter.default.as_ref().map(|_| name(&parameter.name));
                arguments.push(Argument { key, value: expressions::given(given)?, span: Span::default() });
            }
        }
        let arguments = (!arguments.is_empty()).then_some(arguments);
        Some(Call { callee: name(&block.name), arguments, span: Span::default() })
    }

    fn join(&mut self, value: ValueId, branches: &[Vec<Statement>]) -> Option<StatementKind> {
        let node = self.network.node(value);
        let Operation::Join(kind) = node.operation else { return None };
        let arguments = node.arguments.iter().map(|(name, value)| Some((*name, value_of(value)?)));
        let call = call(kind.word(), arguments.collect::<Option<Vec<_>>>()?)?;
        let mut statements = Vec::new();
        for branch in branches {
            let item = |kind| statement(StatementKind::Item(FlowItem { label: None, kind }));
            let short = branches.len() <= 3 && branches.iter().all(|branch| is_short(branch) && branch.len() <= 1);
            statements.push(match branch.as_slice() {
                [] => item(FlowKind::Use(self::call("Identity", Vec::new())?)),
                [single] if !matches!(single, Statement::Keep(_) | Statement::For(..) | Statement::Repeat(..)) => {
                    self.statement(single)?.pop()?
                }
                several => item(FlowKind::Group(self.body(several)?)),
            });
            statements.iter_mut().for_each(|one| one.layout.gap = if short { Gap::SameLine } else { Gap::NextLine });
        }
        let body = Body { statements, comments: None, span: Span::default() };
        Some(StatementKind::Item(FlowItem { label: None, kind: FlowKind::Join { kind, call, body } }))
    }
}

/// Whether a statement stands behind the one before it, on its line: an activation, or what keeps a value.
fn follows(statement: &Statement) -> bool {
    match statement {
        Statement::Item(None, _, arguments) => arguments.is_empty(),
        Statement::Keep(_) => true,
        _ => false,
    }
}

/// Whether a body may stand on one line.
fn is_short(body: &[Statement]) -> bool {
    let is_plain = |statement: &Statement| {
        matches!(statement, Statement::Item(..) | Statement::Call(..) | Statement::From(_) | Statement::Keep(_))
    };
    let is_nameless = |statement: &Statement| matches!(statement, Statement::Item(None, ..));
    let few = |body: &[Statement]| match body.len() {
        0..=3 => body.iter().all(is_plain),
        4 => body.iter().all(is_nameless),
        _ => false,
    };
    match body {
        [Statement::Join(_, branches)] => branches.len() <= 3 && branches.iter().all(|branch| few(branch)),
        body => few(body),
    }
}

/// A name of the file as a string of a spec may hold it.
fn printable(text: &str) -> String {
    let harmless =
        |character: char| if matches!(character, '"' | '{' | '}') || character.is_control() { '_' } else { character };
    text.chars().map(harmless).collect()
}

fn statement(kind: StatementKind) -> ast::Statement {
    ast::Statement { kind, span: Span::default(), layout: Layout::default() }
}

/// Whether a name needs no quotes.
fn is_word(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn plain_label(text: &str) -> ast::Label {
    let parts = vec![StringPart::Text(text.to_owned())];
    ast::Label { parts, quoted: !is_word(text), member: None, span: Span::default() }
}

/// Arguments that people give by position: the first of their layer.
const POSITIONAL: [&str; 22] = [
    "out_channels",
    "out_features",
    "output_size",
    "negative_slope",
    "num_parameters",
    "num_groups",
    "num_heads",
    "dim",
    "dims",
    "shape",
    "padding",
    "p",
    "upscale_factor",
    "downscale_factor",
    "groups",
    "alpha",
    "repeats",
    "size",
    "kernel_size",
    "threshold",
    "lambd",
    "split_size",
];

fn call(callee: &str, mut sorted: Vec<(&'static str, Expr)>) -> Option<Call> {
    let entry = ops::layer(callee).or_else(|| ops::join(callee))?;
    let first = entry.signature.arguments.first().map(|argument| argument.name);
    let place = |key: &str| entry.signature.arguments.iter().position(|argument| argument.name == key);
    sorted.sort_by_key(|(key, _)| place(key));
    let written = sorted.into_iter().map(|(key, value)| {
        let positional = first == Some(key) && POSITIONAL.contains(&key) && ops::join(callee).is_none();
        let key = (!positional).then(|| name(key));
        Argument { key, value, span: Span::default() }
    });
    let written: Vec<Argument> = written.collect();
    let arguments = (!written.is_empty()).then_some(written);
    Some(Call { callee: name(callee), arguments, span: Span::default() })
}
