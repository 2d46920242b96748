//! Parameters of layers: declared under their key, shared by tied layers, or given by the spec with `weight=`.

use super::Builder;
use crate::diagnostic::Diagnostic;
use crate::graph::{Initialiser, Learning, Parameter, ParameterId, ParameterUse};
use crate::ops::ParameterDeclaration;
use crate::resolve::calls::{BoundLayer, GivenWeight};
use crate::resolve::error::{NameError, WeightError};
use crate::resolve::expression::{MAX_LEAVES, Value};
use cnnc_grammar::span::Span;
use std::sync::Arc;

/// What a safetensors file holds under this key is no tensor.
const FILE_METADATA: &str = "__metadata__";

/// Numbers of a nested list, and its sizes from the outermost list inwards.
struct Constants {
    numbers: Vec<f64>,
    sizes: Vec<usize>,
}

impl<'a> Builder<'a, '_> {
    /// Refuses values for parameters that the layer does not have here.
    pub(super) fn weights_exist(&mut self, bound: &BoundLayer<'a>, names: &[&'static str]) -> bool {
        let mut exist = true;
        for weight in &bound.weights {
            if !names.contains(&weight.name) {
                exist = false;
                let (layer, name, span) = (bound.op.name(), weight.name, weight.span);
                self.reporter.report(WeightError::Absent { layer, name, span, present: names }.diagnostic());
            }
        }
        exist
    }

    /// The parameter that a layer at `path` declares.
    pub(super) fn declare(
        &mut self,
        path: &Arc<str>,
        declaration: ParameterDeclaration,
        given: Option<&GivenWeight<'a>>,
        span: Span,
    ) -> Option<ParameterUse> {
        let key: Arc<str> = match (declaration.name, path.is_empty()) {
            ("", _) => path.clone(),
            (name, true) => name.into(),
            (name, false) => format!("{path}.{name}").into(),
        };
        match given.map(|given| (&given.value, given)) {
            Some((Value::Parameter { id, transposed }, given)) => self.borrow_parameter(
                key,
                &declaration,
                ParameterUse { parameter: *id, transposed: *transposed },
                given,
            ),
            Some((_, given)) => {
                given.value.spend(&mut self.reporter, given.span);
                let numbers = self.constants_for(&declaration, given)?;
                let initialiser = Initialiser::Values(numbers.into());
                let id = self.own_parameter(key, ParameterDeclaration { initialiser, ..declaration }, span)?;
                self.network.constants.insert(id);
                Some(ParameterUse { parameter: id, transposed: false })
            }
            None => {
                let id = self.own_parameter(key, declaration, span)?;
                Some(ParameterUse { parameter: id, transposed: false })
            }
        }
    }

    /// A parameter of the layer itself: a new one, or the one of an earlier use of a tied layer.
    fn own_parameter(&mut self, key: Arc<str>, declaration: ParameterDeclaration, span: Span) -> Option<ParameterId> {
        match self.network.tied.shared(&key) {
            Some(id) => {
                let shape =
                    self.network.graph.parameter(id).map(|parameter| parameter.shape.clone()).unwrap_or_default();
                if shape != declaration.shape {
                    let (name, first) =
                        (declaration.name, self.network.graph.parameter(id).map(|parameter| parameter.span));
                    let (is, wanted) = (&shape[..], &declaration.shape[..]);
                    self.reporter.report(WeightError::TiedShape { name, is, wanted, span, first }.diagnostic());
                    return None;
                }
                self.add_alias(id, key);
                Some(id)
            }
            None => {
                let id = ParameterId(self.network.graph.parameters.len() as u32);
                let ParameterDeclaration { shape, trainable, initialiser, is_counter, .. } = declaration;
                if *key == *FILE_METADATA {
                    self.reporter.report(NameError::FileMetadata { name: FILE_METADATA, span }.diagnostic());
                    return None;
                }
                let path = key.clone();
                self.network.graph.parameters.push(Parameter {
                    path,
                    aliases: Vec::new(),
                    shape,
                    trainable,
                    initialiser,
                    is_counter,
                    learning: Learning::default(),
                    span,
                });
                self.network.tied.record(&key, id);
                Some(id)
            }
        }
    }

    fn add_alias(&mut self, id: ParameterId, key: Arc<str>) {
        self.network.tied.record(&key, id);
        if let Some(parameter) = self.network.graph.parameters.get_mut(id.0 as usize) {
            parameter.aliases.push(key);
        }
    }

    /// Another layer's parameter in the place of the layer's own.
    fn borrow_parameter(
        &mut self,
        key: Arc<str>,
        declaration: &ParameterDeclaration,
        used: ParameterUse,
        given: &GivenWeight<'a>,
    ) -> Option<ParameterUse> {
        let parameter = self.network.graph.parameter(used.parameter)?;
        let mut shape = parameter.shape.clone();
        if used.transposed {
            shape.reverse();
        }
        if shape != declaration.shape {
            let mut reversed = shape.clone();
            reversed.reverse();
            let (is, wanted, span) = (&shape[..], &declaration.shape[..], given.span);
            let transpose = shape.len() == 2 && reversed == declaration.shape;
            let path = parameter.path.clone();
            let error = WeightError::Shape { name: declaration.name, path: &path, is, wanted, span, transpose };
            self.reporter.report(error.diagnostic());
            return None;
        }
        if !used.transposed {
            self.add_alias(used.parameter, key);
        }
        Some(used)
    }

    /// The numbers of a constant that fits a parameter; axes of size 1 may be left out in front.
    fn constants_for(&mut self, declaration: &ParameterDeclaration, given: &GivenWeight<'a>) -> Option<Vec<f64>> {
        let mut constants = Constants { numbers: Vec::new(), sizes: Vec::new() };
        if let Err(error) = constants.read(&given.value, 0) {
            self.reporter.report(error.diagnostic(declaration.name, given.span));
            return None;
        }
        let wanted = &declaration.shape[..];
        let left_out = wanted.len().saturating_sub(constants.sizes.len());
        let fits =
            wanted.get(left_out..) == Some(&constants.sizes[..]) && wanted.iter().take(left_out).all(|size| *size == 1);
        if !fits {
            let (name, is, span) = (declaration.name, &constants.sizes[..], given.span);
            let text = self.reporter.files.text(span);
            let error = WeightError::ConstantShape { name, is, wanted, span, text }.diagnostic();
            self.reporter.report(error);
            return None;
        }
        Some(constants.numbers)
    }
}

/// The numbers of a value and the lengths of its lists, or what is wrong with it as `name`.
pub(in crate::resolve) fn numbers_of(
    value: &Value<'_>,
    name: &'static str,
    span: Span,
) -> Result<(Vec<f64>, Vec<usize>), Box<Diagnostic>> {
    let mut constants = Constants { numbers: Vec::new(), sizes: Vec::new() };
    constants.read(value, 0).map_err(|error| Box::new(error.diagnostic(name, span)))?;
    Ok((constants.numbers, constants.sizes))
}

/// Why a nested list is no array of numbers.
enum Ragged {
    /// Something that is no number.
    Kind(&'static str),
    /// Lists of different lengths side by side.
    Lengths,
}

impl Ragged {
    fn diagnostic(self, name: &'static str, span: Span) -> Diagnostic {
        match self {
            Ragged::Kind(kind) => WeightError::NoNumbers { name, kind, span }.diagnostic(),
            Ragged::Lengths => WeightError::Ragged { name, span }.diagnostic(),
        }
    }
}

impl Constants {
    /// Reads a value at a depth of nesting; the first value at each depth sets the size that the others must have.
    fn read(&mut self, value: &Value<'_>, depth: usize) -> Result<(), Ragged> {
        let Some(length) = value.length() else {
            if depth < self.sizes.len() {
                return Err(Ragged::Lengths);
            }
            return match value {
                Value::Int(number) => {
                    self.numbers.push(*number as f64);
                    Ok(())
                }
                Value::Float(number) => {
                    self.numbers.push(*number);
                    Ok(())
                }
                other => Err(Ragged::Kind(other.kind())),
            };
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        match self.sizes.get(depth) {
            Some(size) if *size != length => return Err(Ragged::Lengths),
            None if !self.numbers.is_empty() => return Err(Ragged::Lengths),
            Some(_) => {}
            None => self.sizes.push(length),
        }
        if matches!(value, Value::Range(..)) && length > MAX_LEAVES {
            return Err(Ragged::Lengths);
        }
        (0..length)
            .filter_map(|position| value.element(position as i64))
            .try_for_each(|inner| self.read(&inner, depth + 1))
    }
}
