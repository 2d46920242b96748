//! Poolings: ONNX's own where they divide and count as ours, else what they are made of.

use super::super::{Refusal, Writer};
use super::plane::{attributes, pads};
use cnnc_compiler::graph::NodeId;
use cnnc_compiler::kernels::{AxisWindow, Divisor, Kernel, Pool, PoolAxis, Pooling};
use cnnc_compiler::onnx::{Attribute, Value};
use cnnc_compiler::shape::{Dim, Shape};

/// How a pooling lies along an axis, at every choice.
#[derive(Clone, Debug, PartialEq)]
enum Along {
    /// One window over all of it.
    Whole,
    /// Windows at regular steps, with as much padding behind.
    Windows(AxisWindow, usize),
    /// Parts of a known axis, each from its first element to before its end.
    Parts(Vec<[usize; 2]>),
}

impl Writer<'_> {
    pub(super) fn pool(&mut self, id: NodeId, pool: &Pool, x: Value, shape: &Shape) -> Result<Value, Refusal> {
        let rank = shape.rank();
        let is_plain_mean = !matches!(pool.pooling, Pooling::Mean(Divisor::Fixed(_)));
        let is_plain = is_plain_mean && pool.pooling != Pooling::Softmax;
        let [high, wide] = [self.pool_axis(id, 0, is_plain)?, self.pool_axis(id, 1, is_plain)?];
        let all = [rank.saturating_sub(2), rank.saturating_sub(1)];
        match (high, wide) {
            (Along::Windows(high, below), Along::Windows(wide, beside)) => {
                self.windows(id, pool.pooling, x, [(high, below), (wide, beside)], shape)
            }
            (Along::Whole, Along::Whole) if pool.pooling == Pooling::Max && rank > 2 => {
                Ok(self.nodes.node("GlobalMaxPool", &[x], Vec::new()))
            }
            (Along::Whole, Along::Whole) if matches!(pool.pooling, Pooling::Mean(_)) && rank > 2 => {
                Ok(self.nodes.node("GlobalAveragePool", &[x], Vec::new()))
            }
            (high, wide) if is_plain => {
                let operator = if pool.pooling == Pooling::Max { "ReduceMax" } else { "ReduceMean" };
                let high = self.parts(id, operator, x, all[0], high)?;
                self.parts(id, operator, high, all[1], wide)
            }
            _ => Err(self.variants.unclear(id, "its windows")),
        }
    }

    /// How the windows lie along an axis, 0 height and 1 width; one window over all of it is said to be that where it may.
    fn pool_axis(&self, id: NodeId, axis: usize, may_be_whole: bool) -> Result<Along, Refusal> {
        let sizes = self.along(id, 1 - axis);
        let axes: Vec<PoolAxis> = self
            .variants
            .nodes(id)
            .filter_map(|node| match &node.kernel {
                Kernel::Pool(pool) => Some(pool.axes[axis]),
                _ => None,
            })
            .collect();
        let is_whole = may_be_whole
            && axes.iter().zip(&sizes).all(|(axis, &[size, count])| {
                count == 1
                    && axis.elements(0, 1, size) == (0, 1, size)
                    && !matches!(axis, PoolAxis::Sliding(window) if window.before > 0 || window.kernel > size)
            });
        let regular = match axes.first() {
            Some(PoolAxis::Sliding(window)) if axes.iter().all(|other| Some(other) == axes.first()) => {
                self.after(window, &sizes).map(|after| (*window, after))
            }
            _ => None,
        };
        let is_known = sizes.iter().all(|other| Some(other) == sizes.first());
        match (regular, axes.first(), sizes.first()) {
            (Some((window, after)), ..) if window.kernel == 1 || !is_whole => Ok(Along::Windows(window, after)),
            _ if is_whole => Ok(Along::Whole),
            (_, Some(axis), Some(&[size, count])) if is_known => {
                let part = |place: usize| {
                    let (first, step, number) = axis.elements(place, count, size);
                    (step == 1).then_some([first, first + number])
                };
                let parts = (0..count).map(part).collect::<Option<Vec<[usize; 2]>>>();
                parts.map(Along::Parts).ok_or_else(|| self.variants.unclear(id, "its windows"))
            }
            _ => Err(self.variants.unclear(id, "how an axis is divided into parts")),
        }
    }

    /// Windows of a known axis, each by itself.
    fn windows_as_parts(
        &self,
        id: NodeId,
        window: AxisWindow,
        sizes: &[[usize; 2]],
    ) -> Result<Vec<[usize; 2]>, Refusal> {
        let axis = PoolAxis::Sliding(window);
        let known = sizes.first().filter(|first| window.dilation == 1 && sizes.iter().all(|other| other == *first));
        let &[size, count] = known.ok_or_else(|| self.variants.unclear(id, "its windows"))?;
        let part = |place| {
            let (first, _, number) = axis.elements(place, count, size);
            [first, first + number]
        };
        Ok((0..count).map(part).collect())
    }

    /// Part for part of an axis what an operator makes of it.
    fn parts(
        &mut self,
        id: NodeId,
        operator: &'static str,
        x: Value,
        axis: usize,
        along: Along,
    ) -> Result<Value, Refusal> {
        let parts = match along {
            Along::Whole => return Ok(self.nodes.reduce(operator, x, &[axis], true)),
            Along::Windows(AxisWindow { kernel: 1, stride: 1, before: 0, .. }, 0) => return Ok(x),
            Along::Windows(window, _) => {
                let sizes = self.along(id, self.variants.node(id).map_or(0, |node| node.shape.len()) - 1 - axis);
                self.windows_as_parts(id, window, &sizes)?
            }
            Along::Parts(parts) => parts,
        };
        let part = |[start, end]: [usize; 2]| {
            let part = self.nodes.slice(x, axis, [&Dim::from(start), &Dim::from(end)], 1);
            self.nodes.reduce(operator, part, &[axis], true)
        };
        let parts: Vec<Value> = parts.into_iter().map(part).collect();
        Ok(self.nodes.node("Concat", &parts, vec![("axis", Attribute::Int(axis as i64))]))
    }

    /// Ordinary windows. ONNX pools planes of channels of images, so that any other value becomes such for it.
    fn windows(
        &mut self,
        id: NodeId,
        pooling: Pooling,
        x: Value,
        axes: [(AxisWindow, usize); 2],
        shape: &Shape,
    ) -> Result<Value, Refusal> {
        let rank = shape.rank();
        let image = match rank {
            4 => x,
            _ => {
                let before = self.nodes.shape(x);
                let ones = std::iter::repeat_n(Dim::Number(1), 4usize.saturating_sub(rank));
                let sizes: Vec<Dim> = ones.chain(before.iter().cloned()).collect();
                self.nodes.reshape(x, &sizes)
            }
        };
        let pooled = match pooling {
            Pooling::Max => self.largest(image, axes),
            Pooling::Mean(divisor) => self.mean(id, image, axes, divisor)?,
            Pooling::Softmax => self.softmax_pooling(image, axes, shape),
        };
        Ok(if rank == 4 { pooled } else { self.nodes.reshape(pooled, shape) })
    }

    /// A plane with as much of a number around it, if padding is larger than programs take it, with the padding that is left.
    fn padded(
        &mut self,
        x: Value,
        axes: [(AxisWindow, usize); 2],
        with: f64,
        always: bool,
    ) -> (Value, [(usize, usize); 2]) {
        let around = axes.map(|(window, after)| (window.before, after));
        let is_large = axes.iter().any(|(window, after)| window.before.max(*after) >= window.kernel);
        if around == [(0, 0); 2] || !(is_large || always) {
            return (x, around);
        }
        let [high, wide] = around.map(|(before, after)| (before as i64, after as i64));
        let pads = self.nodes.ints(&[0, 0, high.0, wide.0, 0, 0, high.1, wide.1]);
        let number = self.nodes.float(with);
        (self.nodes.node("Pad", &[x, pads, number], Vec::new()), [(0, 0); 2])
    }

    fn largest(&mut self, x: Value, axes: [(AxisWindow, usize); 2]) -> Value {
        let (x, around) = self.padded(x, axes, f64::from(f32::MIN), false);
        let mut all = attributes(&axes.map(|(window, _)| window));
        all.push(pads(around));
        self.nodes.node("MaxPool", &[x], all)
    }

    /// A mean by what it divides by: elements that are there, or all of a window, times what makes another divisor of that.
    fn mean(
        &mut self,
        id: NodeId,
        x: Value,
        axes: [(AxisWindow, usize); 2],
        divisor: Divisor,
    ) -> Result<Value, Refusal> {
        let windows = axes.map(|(window, _)| window);
        let area = (windows[0].kernel * windows[1].kernel) as f64;
        let overhangs = match divisor {
            Divisor::Padded { after } => axes.iter().zip(after).any(|((_, needed), after)| *needed > after),
            Divisor::Elements | Divisor::Fixed(_) => false,
        };
        let is_padded = axes.iter().any(|(window, after)| window.before.max(*after) > 0);
        let is_large = axes.iter().any(|(window, after)| window.before.max(*after) >= window.kernel);
        let by_place = overhangs || (divisor == Divisor::Elements && is_padded && is_large);
        let counts = divisor != Divisor::Elements || by_place;
        let (x, around) = self.padded(x, axes, 0.0, by_place);
        let mut all = attributes(&windows);
        if windows.iter().all(|window| window.dilation == 1) {
            all.retain(|(name, _)| *name != "dilations");
        } else if self.nodes.set() < 19 {
            return Err(Refusal::set(("AveragePool` of dilated windows, `dilations", 19), self.nodes.set()));
        }
        all.push(pads(around));
        all.push(("count_include_pad", Attribute::Int(i64::from(counts))));
        let mean = self.nodes.node("AveragePool", &[x], all);
        if by_place {
            return self.divided_by_place(id, mean, axes, divisor, area);
        }
        let Divisor::Fixed(number) = divisor else { return Ok(mean) };
        let factor = self.nodes.float(area / number);
        Ok(self.nodes.node("Mul", &[mean, factor], Vec::new()))
    }

    /// Sums that are divided by another number at each place.
    fn divided_by_place(
        &mut self,
        id: NodeId,
        mean: Value,
        axes: [(AxisWindow, usize); 2],
        divisor: Divisor,
        area: f64,
    ) -> Result<Value, Refusal> {
        let sides = axes.map(|(window, _)| PoolAxis::Sliding(window));
        let counts = |axis: usize| -> Option<Vec<f32>> {
            let sizes = self.along(id, 1 - axis);
            let &[size, count] = sizes.first()?;
            let is_known = sizes.iter().all(|other| other == &[size, count]);
            let one = |place: usize| {
                let elements = sides[axis].elements(place, count, size).2;
                divisor.along(&sides, axis, place, size, elements) as f32
            };
            is_known.then(|| (0..count).map(one).collect())
        };
        let (Some(down), Some(across)) = (counts(0), counts(1)) else {
            return Err(self.variants.unclear(id, "what its last windows are divided by"));
        };
        let factors: Vec<f32> = down
            .iter()
            .flat_map(|down| across.iter().map(move |across| (area / f64::from(down * across)) as f32))
            .collect();
        let factors = self.nodes.floats(factors, &[down.len(), across.len()]);
        Ok(self.nodes.node("Mul", &[mean, factors], Vec::new()))
    }

    /// Every window as channels, by a convolution of ones at one place each; then their softmax and the sum of what it weighs.
    fn softmax_pooling(&mut self, x: Value, axes: [(AxisWindow, usize); 2], shape: &Shape) -> Value {
        let windows = axes.map(|(window, _)| window);
        let area = windows[0].kernel * windows[1].kernel;
        let before = self.nodes.shape(x);
        let (x, _) = self.padded(x, axes, f64::from(f32::MIN), true);
        let planes = self.nodes.ints(&[-1, 1]);
        let sizes = self.nodes.node("Shape", &[x], Vec::new());
        let (two, four, axis) = (self.nodes.ints(&[2]), self.nodes.ints(&[4]), self.nodes.ints(&[0]));
        let sizes = self.nodes.node("Slice", &[sizes, two, four, axis], Vec::new());
        let planes = self.nodes.node("Concat", &[planes, sizes], vec![("axis", Attribute::Int(0))]);
        let planes = self.nodes.node("Reshape", &[x, planes], Vec::new());
        let places = (0..area * area).map(|place| f32::from(u8::from(place / area == place % area)));
        let places = self.nodes.floats(places.collect(), &[area, 1, windows[0].kernel, windows[1].kernel]);
        let seen = self.nodes.node("Conv", &[planes, places], attributes(&windows));
        let weights = self.nodes.node("Softmax", &[seen], vec![("axis", Attribute::Int(1))]);
        let weighed = self.nodes.node("Mul", &[seen, weights], Vec::new());
        let sum = self.nodes.reduce("ReduceSum", weighed, &[1], true);
        let plane = shape.get(shape.rank().saturating_sub(2)..).unwrap_or_default();
        let sizes: Vec<Dim> = before.iter().take(2).chain(plane).cloned().collect();
        self.nodes.reshape(sum, &sizes)
    }
}
