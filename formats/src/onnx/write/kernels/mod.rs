//! Kernels as nodes of ONNX: a kernel at every choice of the open sizes comes in, the value that says the same goes out.
//!
//! An exhaustive match, as every back end has: a new kernel is a line here. What differs from choice to choice in a kernel's own
//! fields must be of no consequence, or be found as a size.

mod convolution;
mod expression;
mod plane;
mod pool;
mod pool_grad;
mod resample;

use super::{Refusal, Writer};
use cnnc_compiler::graph::{NodeId, ParameterUse};
use cnnc_compiler::kernels::{Binary, Expression, Gemm, Kernel, Reduction};
use cnnc_compiler::onnx::{Attribute, Content, Value};
use cnnc_compiler::shape::{Dim, Shape};

impl Writer<'_> {
    /// Writes a kernel, if it is one that runs.
    pub(super) fn kernel(&mut self, id: NodeId) -> Result<(), Refusal> {
        if self.kernels.contains_key(&id) || self.is_tensor(id) {
            return Ok(());
        }
        let (path, shape) = (self.variants.path(id), self.variants.shape(id)?);
        let value = self.computed(id, &path, &shape)?;
        self.kernels.insert(id, value);
        Ok(())
    }

    /// What a kernel gives.
    pub(super) fn value(&mut self, id: NodeId) -> Result<Value, Refusal> {
        self.value_as(id, "constant")
    }

    /// What a kernel gives; where that is a constant, under a name of its own in the layer.
    fn value_as(&mut self, id: NodeId, name: &str) -> Result<Value, Refusal> {
        if let Some(&known) = self.kernels.get(&id) {
            return Ok(known);
        }
        if !self.is_tensor(id) {
            self.kernel(id)?;
            return self.kernels.get(&id).copied().ok_or_else(|| Refusal::new("a kernel gives nothing".into()));
        }
        let node = self.variants.node(id).cloned();
        let value = match node {
            Some(node) => match node.kernel {
                Kernel::Parameter(parameter) => self.parameter(ParameterUse { parameter, transposed: false }),
                _ => {
                    let path = self.variants.path(id);
                    let name = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                    self.nodes.initialiser(&name, &node.shape, Content::Computed(id))
                }
            },
            None => return Err(Refusal::new("a kernel that is not there is asked for".into())),
        };
        self.kernels.insert(id, value);
        Ok(value)
    }

    /// A constant as a row, under the name of a bias: the same numbers, whatever axes of one element it has besides.
    fn row(&mut self, id: NodeId, path: &str) -> Result<Value, Refusal> {
        let count = self.variants.node(id).and_then(|node| node.elements()).unwrap_or(0);
        let inner = self.variants.arguments(id).first().copied();
        let inner = inner.and_then(|inner| Some((inner, self.variants.node(inner)?)));
        if let (Some(Kernel::Reshape(_)), Some((inner, node))) =
            (self.variants.node(id).map(|node| &node.kernel), inner)
            && matches!(node.kernel, Kernel::Parameter(_))
            && node.shape == [count]
        {
            return self.value(inner);
        }
        let name = if path.is_empty() { "bias".to_owned() } else { format!("{path}.bias") };
        Ok(self.nodes.initialiser(&name, &[count], Content::Computed(id)))
    }

    /// A parameter that is an operand with axes of one element before its own: the parameter itself, under its key, where
    /// another operand has all axes.
    fn without_leading_axes(&self, id: NodeId, operands: &[NodeId], rank: usize) -> NodeId {
        let whole =
            |id: &NodeId| self.variants.node(*id).is_some_and(|node| node.shape.len() == rank) && !self.is_tensor(*id);
        let inner = self.variants.arguments(id).first().copied().filter(|_| operands.iter().any(whole));
        let nodes = inner.and_then(|inner| Some((inner, self.variants.node(id)?, self.variants.node(inner)?)));
        match nodes {
            Some((inner, reshaped, parameter))
                if matches!((&reshaped.kernel, &parameter.kernel), (Kernel::Reshape(_), Kernel::Parameter(_)))
                    && reshaped.shape.ends_with(&parameter.shape) =>
            {
                inner
            }
            _ => id,
        }
    }

    /// Whether a kernel's value is a tensor of the file.
    pub(super) fn is_tensor(&self, id: NodeId) -> bool {
        let Some(node) = self.variants.node(id) else { return false };
        // A number, however often it is repeated, is no tensor of its own.
        let is_made = !self.variants.arguments(id).is_empty() || node.kernel.is_given();
        self.variants.constants.contains(&id) && is_made
    }

    /// A kernel with what is done to its result.
    fn computed(&mut self, id: NodeId, path: &str, shape: &Shape) -> Result<Value, Refusal> {
        let Some(node) = self.variants.node(id).cloned() else { return Err(self.variants.unclear(id, "it")) };
        let arguments = self.variants.arguments(id);
        let (own, others) = arguments.split_at(node.own_arguments.min(arguments.len()));
        let mut values = Vec::with_capacity(own.len());
        for (place, &argument) in own.iter().enumerate() {
            let name = if node.kernel.is_weighted() && place > 0 { "weight" } else { "constant" };
            let argument = match node.kernel {
                Kernel::Map(_) => self.without_leading_axes(argument, own, node.shape.len()),
                _ => argument,
            };
            values.push(self.value_as(argument, name)?);
        }
        let mut epilogues: Vec<Expression> = self.variants.nodes(id).filter_map(|node| node.epilogue.clone()).collect();
        let bias = epilogues.first().filter(|_| node.kernel.is_weighted());
        if let Some(place) = bias.and_then(|epilogue| self.bias(epilogue, others, &node.shape)) {
            values.push(self.row(others[place - 1], path)?);
            let sums = sums(place);
            let without = |part: &Expression| sums.contains(part).then(|| Expression::operand(0));
            epilogues.iter_mut().for_each(|epilogue| *epilogue = epilogue.replace(&without));
        }
        let mut addends = Vec::new();
        let needed: Vec<usize> = epilogues.iter().flat_map(Expression::operands).collect();
        for (place, &other) in others.iter().enumerate() {
            // What was added as a bias is no operand any more.
            let is_needed = needed.contains(&(place + 1));
            addends.push(if is_needed { self.value(other)? } else { values[0] });
        }
        self.nodes.begin(path, Vec::new(), Vec::new(), shape.clone());
        let set = self.nodes.set();
        let refused = |missing| Refusal::set(missing, set);
        let result = self.written(id, &node.kernel, &values, shape)?;
        let result = self.nodes.shaped(result, shape).map_err(refused)?;
        let value = if epilogues.iter().all(|epilogue| *epilogue == Expression::Operand(0)) {
            result
        } else {
            let operands = [vec![result], addends].concat();
            let expression = self.varied(id, epilogues)?;
            self.expression(id, expression, operands, shape)?
        };
        let ended = if self.fused { self.nodes.end(value) } else { self.nodes.shaped(value, shape) };
        ended.map_err(refused)
    }

    /// The operand of an epilogue that is a constant and is added to each channel of a result before anything else.
    fn bias(&self, epilogue: &Expression, others: &[NodeId], shape: &[usize]) -> Option<usize> {
        let channels = *shape.get(1)?;
        (1..=others.len()).find(|&place| {
            let argument = others[place - 1];
            let node = self.variants.node(argument).filter(|_| self.is_tensor(argument));
            let by_channel =
                node.is_some_and(|node| node.shape.get(1) == Some(&channels) && node.elements() == Some(channels));
            let both = sums(place);
            let count = epilogue.all_parts().into_iter().filter(|part| both.contains(part)).count();
            by_channel && count > 0 && count == epilogue.count(0) && count == epilogue.count(place)
        })
    }

    /// The kernel itself, without its epilogue.
    fn written(&mut self, id: NodeId, kernel: &Kernel, own: &[Value], shape: &Shape) -> Result<Value, Refusal> {
        let given =
            |place: usize| own.get(place).copied().ok_or_else(|| Refusal::new("a kernel lacks an argument".into()));
        let rows = |axes: &[usize]| Attribute::Ints(axes.iter().map(|&axis| axis as i64).collect());
        match kernel {
            Kernel::Input(_) | Kernel::Parameter(_) => Err(Refusal::new("a value is given and computed".into())),
            Kernel::Conv(conv) => self.convolution(id, conv.0, own, shape),
            Kernel::ConvData(conv) => self.transposed_convolution(id, conv.0, own),
            Kernel::Gemm(Gemm { transpose_a, transpose_b }) => {
                let turned = |name, turned: bool| turned.then_some((name, Attribute::Int(1)));
                let attributes = turned("transA", *transpose_a).into_iter().chain(turned("transB", *transpose_b));
                Ok(self.nodes.node("Gemm", own, attributes.collect()))
            }
            Kernel::Pool(pool) => self.pool(id, pool, given(0)?, shape),
            Kernel::PoolGrad(pool) => self.places_of_largest(id, pool, own, shape),
            Kernel::Reduce(reduce) => {
                let axes: Vec<usize> = (0..reduce.axes.len()).filter(|&axis| reduce.axes[axis]).collect();
                let operator = if reduce.reduction == Reduction::Sum { "ReduceSum" } else { "ReduceMax" };
                Ok(self.nodes.reduce(operator, given(0)?, &axes, true))
            }
            Kernel::Map(_) => {
                let expressions = self.variants.nodes(id).filter_map(|node| match &node.kernel {
                    Kernel::Map(expression) => Some(expression.clone()),
                    _ => None,
                });
                let expression = self.varied(id, expressions.collect())?;
                self.expression(id, expression, own.to_vec(), shape)
            }
            Kernel::Resample(resample) => self.resample(id, &resample.0, given(0)?, shape),
            Kernel::Pad(pad) => {
                self.same(id, "how much is laid around")?;
                let (before, after): (Vec<i64>, Vec<i64>) =
                    pad.padding.iter().map(|&(before, after)| (before as i64, after as i64)).unzip();
                let pads = self.nodes.ints(&[before, after].concat());
                Ok(self.nodes.node("Pad", &[given(0)?, pads], Vec::new()))
            }
            Kernel::Reshape(_) => Ok(self.nodes.reshape(given(0)?, shape)),
            Kernel::Permute(permute) => Ok(self.nodes.node("Transpose", own, vec![("perm", rows(&permute.axes))])),
            Kernel::Slice(slice) => {
                let axis = slice.axis;
                let starts = self.variants.nodes(id).filter_map(|node| match &node.kernel {
                    Kernel::Slice(slice) => Some(slice.start),
                    _ => None,
                });
                let start = self.variants.dim(&starts.collect::<Vec<usize>>());
                let start = start.ok_or_else(|| self.variants.unclear(id, "where it begins"))?;
                let length = shape.get(axis).cloned().unwrap_or(Dim::Number(1));
                let end = start.plus(&length).map_err(|_| self.variants.unclear(id, "where it ends"))?;
                Ok(self.nodes.slice(given(0)?, axis, [&start, &end], 1))
            }
            Kernel::Concat(concat) => {
                Ok(self.nodes.node("Concat", own, vec![("axis", Attribute::Int(concat.axis as i64))]))
            }
            Kernel::ConvWeight(_) | Kernel::ResampleGrad(_) => {
                Err(Refusal::new(format!("`{}` is a gradient, and networks are exported that answer", kernel.name())))
            }
        }
    }

    /// Refuses a kernel that is not the same at all choices.
    fn same(&self, id: NodeId, what: &str) -> Result<(), Refusal> {
        let first = self.variants.node(id).map(|node| &node.kernel);
        let all = self.variants.nodes(id).all(|node| Some(&node.kernel) == first);
        if all { Ok(()) } else { Err(self.variants.unclear(id, what)) }
    }

    /// An expression, given at every choice, whose numbers may depend on open sizes.
    fn varied(&mut self, id: NodeId, all: Vec<Expression>) -> Result<Varied, Refusal> {
        let Some(expression) = all.first() else { return Err(self.variants.unclear(id, "its formula")) };
        let mut varied = Varied { expression: expression.clone(), numbers: Vec::new() };
        if all.iter().all(|other| other == expression) {
            return Ok(varied);
        }
        let numbers = |expression: &Expression| -> Vec<f64> {
            let number = |part: &&Expression| match part {
                Expression::Constant(number) => Some(*number),
                _ => None,
            };
            expression.all_parts().iter().filter_map(number).collect()
        };
        let bare = |expression: &Expression| {
            expression.replace(&|part| matches!(part, Expression::Constant(_)).then_some(Expression::Constant(0.0)))
        };
        let unclear = || self.variants.unclear(id, "a number of its formula");
        if all.iter().any(|other| bare(other) != bare(expression)) {
            return Err(unclear());
        }
        let by_choice: Vec<Vec<f64>> = all.iter().map(numbers).collect();
        for (place, &first) in by_choice[0].iter().enumerate() {
            let values: Vec<f64> = by_choice.iter().map(|numbers| numbers[place]).collect();
            if values.iter().any(|&value| value != first) {
                let found = self.variants.factor(&values).ok_or_else(unclear)?;
                varied.numbers.push((first, found));
            }
        }
        Ok(varied)
    }
}

/// An expression and those of its numbers that depend on open sizes: which number stands for it, and what it is.
struct Varied {
    expression: Expression,
    numbers: Vec<(f64, (f64, Dim, bool))>,
}

/// A result and an operand of its epilogue, added.
fn sums(place: usize) -> [Expression; 2] {
    let [x, other] = [0, place].map(Expression::operand);
    [x.clone() + other.clone(), other + x]
}

/// `operation` of two values.
fn operator(operation: Binary) -> &'static str {
    match operation {
        Binary::Add => "Add",
        Binary::Subtract => "Sub",
        Binary::Multiply => "Mul",
        Binary::Divide => "Div",
        Binary::Maximum => "Max",
        Binary::Minimum => "Min",
        Binary::Power => "Pow",
        Binary::Greater => "Greater",
    }
}
