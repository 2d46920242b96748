//! Attention that is written out: three projections of one value, scaled products of queries and keys, their softmax, products
//! with the values, and one projection more. That is `MultiheadAttention`, whatever moves elements in between.
//!
//! Exporters write the steps between in many ways, so none is looked for: the elements are followed ([`View`]), and what the
//! products take must be the heads of the projections. Another scale, a mask, or a projection of another value is not it.

use super::Reader;
use super::view::{Part, View, joined, moved};
use crate::onnx::tensor::{Made, Tensor};
use crate::spec::{Network, ValueId};
use cnnc_compiler::ops::Constant;
use cnnc_compiler::shape::Dim;
use cnnc_grammar::ast::JoinKind;

/// Axes of what is attended to, `[N, L, E]` or `[L, N, E]`, and two more that are followed: the features of a projection, and
/// the places that are looked at.
const EMBEDDING: usize = 2;
const FEATURES: usize = 3;
const KEYS: usize = 4;

/// What queries, keys or values are: rows of a linear layer's weight.
struct Projection {
    linear: ValueId,
    /// The row of the first head, and how far apart heads are.
    start: i64,
    step: i64,
}

struct Attention {
    x: ValueId,
    batch_first: bool,
    heads: i64,
    /// Features of a head.
    part: i64,
    /// Queries, keys and values.
    projections: [Projection; 3],
    out: ValueId,
}

/// Puts a `MultiheadAttention` in the place of its last node.
pub(super) fn attention(reader: &mut Reader<'_>, value: ValueId, uses: &[usize]) -> bool {
    if batch_first(reader, value, uses) {
        return true;
    }
    let Some(found) = found(&reader.network, value, uses) else { return false };
    let Some(tensors) = found.tensors(reader) else { return false };
    let mut arguments = vec![("num_heads", Constant::Int(found.heads))];
    if tensors.len() == 2 {
        arguments.push(("bias", Constant::Bool(false)));
    }
    if found.batch_first {
        arguments.push(("batch_first", Constant::Bool(true)));
    }
    let path = found.path(&reader.network, uses);
    let linears = found.projections.each_ref().map(|projection| projection.linear);
    let is_named_so = linears.iter().all(|&linear| reader.network.node(linear).path == path);
    let held = tensors.into_iter().map(|tensor| reader.hold(tensor)).collect();
    if reader.network.replace(value, "MultiheadAttention", arguments, &[found.x], held).is_err() {
        return false;
    }
    reader.network.name(value, path);
    if !is_named_so {
        reader.note(
            "attentions have their weights as `in_proj_weight` and `out_proj.weight`, whatever the file calls them",
        );
    }
    true
}

/// Axes that are turned before and after an attention over the first of them.
fn batch_first(reader: &mut Reader<'_>, value: ValueId, uses: &[usize]) -> bool {
    let network = &reader.network;
    let turned = |value: ValueId| {
        let node = network.node(value);
        let swap = Constant::Tuple([1, 0, 2].map(Constant::Int).into());
        let is_swap = node.is_layer("Permute") && node.argument("dims") == Some(&swap);
        node.inputs.first().copied().filter(|_| is_swap)
    };
    let Some(inner) = turned(value) else { return false };
    let node = network.node(inner);
    let is_first = node.argument("batch_first").is_some();
    if !node.is_layer("MultiheadAttention") || is_first || uses.get(inner.0) != Some(&1) {
        return false;
    }
    let Some(x) = node.inputs.first().and_then(|&before| turned(before)) else { return false };
    let mut arguments = node.arguments.clone();
    arguments.push(("batch_first", Constant::Bool(true)));
    let held = node.weights.iter().map(|held| (held.tensor, held.shape.clone())).collect();
    let path = node.path.clone();
    let done = reader.network.replace(value, "MultiheadAttention", arguments, &[x], held).is_ok();
    if done {
        reader.network.name(value, path);
    }
    done
}

/// The attention whose last node a value is.
fn found(network: &Network, value: ValueId, uses: &[usize]) -> Option<Attention> {
    let plain = |value: ValueId| moved(network, value, &mut |_| None);
    if network.shape(value).rank() != 3 || uses.get(value.0).is_none_or(|&uses| uses == 0) {
        return None;
    }
    let (out, after) = plain(value);
    let (seen, before_out) = plain(network.node(out).inputs.first().copied().filter(|_| is_linear(network, out))?);
    let [weighing, values] = product(network, seen)?;
    let (chances, to_seen) = plain(weighing);
    let softmax = network.node(chances);
    let last = network.shape(chances).rank() as i64 - 1;
    let over_last = matches!(softmax.argument("dim"), Some(Constant::Int(dim)) if [-1, last].contains(dim));
    let scores = softmax.inputs.first().copied().filter(|_| softmax.is_layer("Softmax") && over_last)?;
    let mut factor = 1.0;
    let mut scaled = |value: ValueId| {
        let (before, number) = scaled(network, value)?;
        factor *= number;
        Some(before)
    };
    let (scores, to_softmax) = moved(network, scores, &mut scaled);
    let [queries, keys] = product(network, scores)?;
    let sides = [moved(network, queries, &mut scaled), moved(network, keys, &mut scaled), plain(values)];
    let once = |value: ValueId| uses.get(value.0) == Some(&1);
    let is_whole =
        sides.iter().all(|(linear, _)| is_linear(network, *linear)) && [seen, chances, scores].map(once) == [true; 3];
    if !is_whole {
        return None;
    }
    // What is attended to may be any value on the way to the projections.
    let (first, steps) = plain(*network.node(sides[0].0).inputs.first()?);
    let mut candidates = steps.into_iter().rev().chain([first]).filter(|&x| network.shape(x) == network.shape(value));
    candidates.find_map(|x| {
        let views = sides.each_ref().map(|(linear, steps)| projected(network, x, *linear)?.through_all(network, steps));
        let [Some(queries), Some(keys), Some(values)] = views else { return None };
        let heads = Heads::of(network, x, [&queries, &keys, &values])?;
        let is_scaled = (factor * (heads.part as f64).sqrt() - 1.0).abs() < 1e-5;
        let scores =
            heads.scores(&queries).through_all(network, &to_softmax).filter(|view| ends_in_keys(&heads, view))?;
        let chances = scores.through_all(network, &to_seen).filter(|view| *view == heads.scores(&queries))?;
        let seen = heads.seen(&chances).through_all(network, &before_out)?;
        let all = View::of(network.shape(x));
        let is_all = seen.axes.last() == all.axes.last() && seen.through_all(network, &after)?.axes == all.axes;
        let starts = [queries, keys, values].map(|view| view.starts.get(FEATURES).copied().unwrap_or(0));
        let projection = |side: usize| Projection { linear: sides[side].0, start: starts[side], step: heads.step };
        (is_scaled && is_all).then(|| Attention {
            x,
            batch_first: heads.places.axis == 1,
            heads: heads.count,
            part: heads.part,
            projections: [0, 1, 2].map(projection),
            out,
        })
    })
}

/// How the features of projections are divided.
struct Heads {
    count: i64,
    /// Features of a head.
    part: i64,
    /// How far apart heads are.
    step: i64,
    /// The places that attend.
    places: Part,
}

impl Heads {
    /// Of queries `[…, L, part]`, keys `[…, part, L]` and values `[…, L, part]` whose other axes are the same images and heads.
    fn of(network: &Network, x: ValueId, [queries, keys, values]: [&View; 3]) -> Option<Heads> {
        let shape = network.shape(x);
        let [images @ .., places, part] = queries.axes.as_slice() else { return None };
        let same = [images, &[part.clone(), places.clone()]].concat() == keys.axes && queries.axes == values.axes;
        let ([places], [part]) = (places.as_slice(), part.as_slice()) else { return None };
        let whole = |axis: usize| Part { axis, size: shape.get(axis).cloned().unwrap_or(Dim::Number(1)), step: 1 };
        let is_sound =
            part.axis == FEATURES && part.step == 1 && places.axis < EMBEDDING && *places == whole(places.axis);
        let (heads, others): (Vec<&Part>, Vec<&Part>) = images.iter().flatten().partition(|part| part.axis == FEATURES);
        let is_batch = others.into_iter().cloned().eq(joined(vec![whole(1 - places.axis.min(1))]));
        let part = part.size.number()?;
        let (count, step) = match heads.as_slice() {
            [] => (1, part),
            [heads] => (heads.size.number()?, heads.step),
            _ => return None,
        };
        let embedding = shape.get(EMBEDDING).and_then(Dim::number)?;
        let starts = [queries, keys, values].map(|view| view.starts.get(..FEATURES) == Some(&[0; FEATURES]));
        let is_it = same && is_sound && is_batch && starts == [true; 3] && count.checked_mul(part)? == embedding;
        is_it.then(|| Heads { count, part, step, places: places.clone() })
    }

    /// The places that are looked at.
    fn keys(&self) -> Vec<Part> {
        vec![Part { axis: KEYS, size: self.places.size.clone(), step: 1 }]
    }

    /// The products of queries and keys.
    fn scores(&self, queries: &View) -> View {
        let mut axes = queries.axes.clone();
        axes.pop();
        axes.push(self.keys());
        View { axes, starts: vec![0; KEYS + 1] }
    }

    /// The products of chances and values; their features are those of the embedding, in order.
    fn seen(&self, chances: &View) -> View {
        let mut axes = chances.axes.clone();
        for part in axes.iter_mut().flatten().filter(|part| part.axis == FEATURES) {
            (part.axis, part.step) = (EMBEDDING, self.part);
        }
        axes.pop();
        axes.push(joined(vec![Part { axis: EMBEDDING, size: Dim::Number(self.part), step: 1 }]));
        View { axes, starts: chances.starts.clone() }
    }
}

/// Whether the last axis is that of the places that are looked at.
fn ends_in_keys(heads: &Heads, view: &View) -> bool {
    view.axes.last() == Some(&heads.keys())
}

/// What a projection of `x` gives, whose last axis becomes features; `None` where it takes another value, or a part of it.
fn projected(network: &Network, x: ValueId, linear: ValueId) -> Option<View> {
    let input = *network.node(linear).inputs.first()?;
    let (_, steps) = moved(network, input, &mut |_| None);
    let behind = match steps.iter().position(|&step| step == x) {
        Some(place) => steps.get(place + 1..)?,
        None => &steps,
    };
    let begins = behind.first().map_or(Some(input), |&first| network.node(first).inputs.first().copied());
    let all = View::of(network.shape(x));
    let mut view = all.through_all(network, behind).filter(|_| begins == Some(x))?;
    let is_whole = view.axes.last() == all.axes.last() && view.starts == all.starts;
    let features = network.shape(linear).last()?.clone();
    *view.axes.last_mut().filter(|_| is_whole)? = joined(vec![Part { axis: FEATURES, size: features, step: 1 }]);
    view.starts.push(0);
    Some(view)
}

impl Attention {
    /// `in_proj_weight`, `in_proj_bias`, `out_proj.weight`, `out_proj.bias`, without biases where there are none.
    fn tensors(&self, reader: &Reader<'_>) -> Option<Vec<Tensor>> {
        let held = |linear: ValueId, place: usize| {
            reader.network.node(linear).weights.get(place).map(|held| reader.tensors.get(held.tensor).cloned())
        };
        let embedding = (self.heads * self.part) as usize;
        let [queries, keys, values] = &self.projections;
        let has_bias = |linear: ValueId| held(linear, 1).is_some();
        let biased = self.projections.iter().map(|one| one.linear).chain([self.out]).any(has_bias);
        let bias_of =
            |linear: ValueId, rows: usize| held(linear, 1).unwrap_or_else(|| Some(Tensor::filled(vec![rows], 0.0)));
        let joined_rows = |of: &dyn Fn(ValueId) -> Option<Tensor>| {
            if queries.linear == keys.linear && keys.linear == values.linear {
                let rows = [queries, keys, values].into_iter().flat_map(|one| self.rows(one));
                return picked(of(queries.linear)?, rows.collect());
            }
            let parts = [queries, keys, values].map(|one| picked(of(one.linear)?, self.rows(one)));
            Tensor::made(Made::Concatenated(parts.into_iter().collect::<Option<Vec<Tensor>>>()?, 0))
        };
        let weight = |linear| held(linear, 0).flatten();
        let bias = |linear: ValueId| bias_of(linear, weight(linear)?.shape().first().copied()?);
        let mut tensors = vec![joined_rows(&weight)?, weight(self.out)?];
        if biased {
            tensors.insert(1, joined_rows(&bias)?);
            tensors.push(bias_of(self.out, embedding)?);
        }
        Some(tensors)
    }

    /// The rows of a projection's weight, head by head.
    fn rows(&self, projection: &Projection) -> Vec<usize> {
        let first = |head: i64| projection.start + head * projection.step;
        (0..self.heads).flat_map(|head| (first(head)..first(head) + self.part).map(|row| row as usize)).collect()
    }

    /// The module that all its projections are in.
    fn path(&self, network: &Network, uses: &[usize]) -> Vec<String> {
        let linears: Vec<ValueId> = self.projections.iter().map(|one| one.linear).chain([self.out]).collect();
        let paths = linears.iter().map(|&linear| network.node(linear).path.as_slice());
        let common = |a: &[String], b: &[String]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
        let mut path = paths.reduce(|a, b| a.get(..common(a, b)).unwrap_or_default()).unwrap_or_default().to_vec();
        if path.is_empty() {
            path = network.node(self.out).path.split_last().map(|(_, above)| above.to_vec()).unwrap_or_default();
        }
        let is_other = |(value, node): (ValueId, &crate::spec::Node)| {
            let is_needed = uses.get(value.0).is_some_and(|&uses| uses > 0) && !linears.contains(&value);
            is_needed && !node.weights.is_empty() && node.path.starts_with(&path)
        };
        if path.is_empty() || network.nodes().any(is_other) {
            path.push("attention".into());
        }
        path
    }
}

/// The rows of a tensor in that order.
fn picked(tensor: Tensor, rows: Vec<usize>) -> Option<Tensor> {
    let count = *tensor.shape().first()?;
    if rows.iter().copied().eq(0..count) {
        return Some(tensor);
    }
    Tensor::made(Made::Picked(tensor, 0, rows))
}

fn is_linear(network: &Network, value: ValueId) -> bool {
    network.node(value).is_layer("Linear")
}

/// The two sides of a product of matrices.
fn product(network: &Network, value: ValueId) -> Option<[ValueId; 2]> {
    let node = network.node(value);
    <[ValueId; 2]>::try_from(node.inputs.as_slice()).ok().filter(|_| node.is_join(JoinKind::Matmul))
}

/// What is multiplied with a number, or divided by one, and the factor.
fn scaled(network: &Network, value: ValueId) -> Option<(ValueId, f64)> {
    let node = network.node(value);
    let &[left, right] = node.inputs.as_slice() else { return None };
    let number = |value: ValueId| network.node(value).number();
    let (before, factor) = match (number(left), number(right)) {
        (None, Some(factor)) if node.is_join(JoinKind::Product) => (left, factor),
        (Some(factor), None) if node.is_join(JoinKind::Product) => (right, factor),
        (None, Some(divisor)) if node.is_join(JoinKind::Quotient) => (left, 1.0 / divisor),
        _ => return None,
    };
    (network.shape(before) == network.shape(value)).then_some((before, factor))
}
