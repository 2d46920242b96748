//! Layers that move elements, or leave some away, and the joins.

use super::array::{Array, number_of, places};
use super::number::Number;
use cnnc_compiler::ops::{Filling, Pair};

pub fn flattened(x: &Array, start: i64, end: i64) -> Array {
    let (first, last) = (x.axis(start), x.axis(end));
    let folded = x.shape[first..=last].iter().product();
    x.reshaped(&[&x.shape[..first], &[folded], &x.shape[last + 1..]].concat())
}

pub fn permuted(x: &Array, dims: &[i64]) -> Array {
    let axes: Vec<usize> = dims.iter().map(|&dim| x.axis(dim)).collect();
    let shape: Vec<usize> = axes.iter().map(|&axis| x.shape[axis]).collect();
    Array::of(&shape, |place| {
        let mut from = vec![0; axes.len()];
        for (&axis, &index) in axes.iter().zip(place) {
            from[axis] = index;
        }
        x.at(&from)
    })
}

/// Elements `start, start + step, …` along an axis, as many as are asked for or are there.
pub fn narrowed(x: &Array, dim: i64, start: i64, length: Option<usize>, step: usize) -> Array {
    let axis = x.axis(dim);
    let size = x.shape[axis] as i64;
    let first = (if start < 0 { start + size } else { start }) as usize;
    let mut shape = x.shape.clone();
    shape[axis] = length.unwrap_or((x.shape[axis] - first).div_ceil(step));
    Array::of(&shape, |place| {
        let mut from = place.to_vec();
        from[axis] = first + place[axis] * step;
        x.at(&from)
    })
}

/// One of the parts of these sizes, one after another along an axis, until it ends.
pub fn part(x: &Array, dim: i64, sizes: impl IntoIterator<Item = usize>, index: usize) -> Array {
    let (size, mut first) = (x.shape[x.axis(dim)], 0);
    for (number, part) in sizes.into_iter().enumerate() {
        if number == index {
            return narrowed(x, dim, first as i64, Some(part.min(size - first)), 1);
        }
        first += part;
    }
    unreachable!("the part lies past the last")
}

/// The elements in order under sizes of which one may be what the others leave; `from` are the sizes that they stand for.
pub fn relaid(sizes: &[Option<usize>], from: &[usize]) -> Vec<usize> {
    let known: usize = sizes.iter().flatten().product();
    let whole: usize = from.iter().product();
    sizes.iter().map(|size| size.unwrap_or(whole / known)).collect()
}

/// Each axis repeated, the whole of it each time, by what stands for it among `repeats`, aligned at the last.
pub fn repeated(x: &Array, repeats: &[usize]) -> Array {
    let new = repeats.len() - x.shape.len();
    let own = [&vec![1; new], x.shape.as_slice()].concat();
    let shape: Vec<usize> = own.iter().zip(repeats).map(|(size, times)| size * times).collect();
    Array::of(&shape, |place| {
        let from: Vec<usize> = place[new..].iter().zip(&x.shape).map(|(index, size)| index % size).collect();
        x.at(&from)
    })
}

/// Each element moved on along an axis, around in a circle.
pub fn rolled(x: &Array, shift: i64, dim: i64) -> Array {
    let axis = x.axis(dim);
    let size = x.shape[axis] as i64;
    Array::of(&x.shape, |place| {
        let mut from = place.to_vec();
        from[axis] = (place[axis] as i64 - shift).rem_euclid(size) as usize;
        x.at(&from)
    })
}

/// What is made of all elements along some axes.
pub fn reduced(x: &Array, dim: &[i64], keepdim: bool, make: impl Fn(&[Number]) -> Number) -> Array {
    let axes: Vec<usize> = dim.iter().map(|&dim| x.axis(dim)).collect();
    let of = |gone: bool| -> Vec<usize> {
        let size = |(axis, &size): (usize, &usize)| if axes.contains(&axis) == gone { size } else { 1 };
        x.shape.iter().enumerate().map(size).collect()
    };
    let among = places(&of(true));
    let kept = Array::of(&of(false), |place| {
        let all = among.iter().map(|inner| {
            let at: Vec<usize> = place.iter().zip(inner).map(|(outer, inner)| outer + inner).collect();
            x.at(&at)
        });
        make(&all.collect::<Vec<Number>>())
    });
    let left = |(axis, &size): (usize, &usize)| (keepdim || !axes.contains(&axis)).then_some(size);
    let shape: Vec<usize> = kept.shape.iter().enumerate().filter_map(left).collect();
    kept.reshaped(&shape)
}

/// What is laid around the last axes, the last of them first; negative numbers cut off.
pub fn padded(x: &Array, sides: &[[i64; 2]], filling: Filling) -> Array {
    let rank = x.shape.len();
    sides.iter().enumerate().fold(x.clone(), |x, (back, &[before, after])| {
        let axis = rank - 1 - back;
        let size = x.shape[axis] as i64;
        let mut shape = x.shape.clone();
        shape[axis] = (size + before + after) as usize;
        Array::of(&shape, |place| {
            let mut from = place.to_vec();
            // Around in a circle goes what is left when the rest is cut off.
            let (first, end) = ((-before).max(0), size - (-after).max(0));
            let at = place[axis] as i64 - before;
            let source = match filling {
                Filling::Zeros | Filling::Constant(_) if at < 0 || at >= size => None,
                Filling::Zeros | Filling::Constant(_) => Some(at),
                Filling::Reflection if at < 0 => Some(-at),
                Filling::Reflection if at >= size => Some(2 * (size - 1) - at),
                Filling::Reflection => Some(at),
                Filling::Replication => Some(at.clamp(0, size - 1)),
                Filling::Circular => Some(first + (at - first).rem_euclid(end - first)),
            };
            match (source, filling) {
                (Some(source), _) => {
                    from[axis] = source as usize;
                    x.at(&from)
                }
                (None, Filling::Constant(value)) => Number::exact(value),
                (None, _) => Number::exact(0.0),
            }
        })
    })
}

/// Channel `c·r² + i·r + j` gives place `(i, j)` of every `r × r` square of channel `c`.
pub fn pixels_shuffled(x: &Array, r: usize) -> Array {
    let [batch, channels, height, width] = x.image();
    Array::of(&[batch, channels / (r * r), height * r, width * r], |place| {
        let &[image, channel, row, column] = place else { unreachable!() };
        x.at(&[image, (channel * r + row % r) * r + column % r, row / r, column / r])
    })
}

/// Place `(i, j)` of every `r × r` square of channel `c` gives channel `c·r² + i·r + j`.
pub fn pixels_unshuffled(x: &Array, r: usize) -> Array {
    let [batch, channels, height, width] = x.image();
    Array::of(&[batch, channels * r * r, height / r, width / r], |place| {
        let &[image, channel, row, column] = place else { unreachable!() };
        let within = channel % (r * r);
        x.at(&[image, channel / (r * r), row * r + within / r, column * r + within % r])
    })
}

/// First the first of each group, then the second of each.
pub fn channels_shuffled(x: &Array, groups: usize) -> Array {
    let of_group = x.shape[1] / groups;
    Array::of(&x.shape, |place| {
        let mut from = place.to_vec();
        from[1] = place[1] % groups * of_group + place[1] / groups;
        x.at(&from)
    })
}

/// How an axis is read at other places than its elements.
pub struct Reading {
    pub size: usize,
    pub length: usize,
    /// Output elements an input element, where the layer was told.
    pub factor: Option<f64>,
}

impl Reading {
    pub fn axis(size: Option<Pair>, factors: Option<(f64, f64)>, x: &Array) -> [Reading; 2] {
        let pick = |axis: usize, both: (f64, f64)| if axis == 0 { both.0 } else { both.1 };
        [0, 1].map(|axis| {
            let given = x.shape[axis + 2];
            let factor = factors.map(|both| pick(axis, both));
            let length = match (size, factor) {
                (Some(Pair(height, width)), _) => {
                    if axis == 0 {
                        height
                    } else {
                        width
                    }
                }
                (None, factor) => (given as f64 * factor.unwrap_or(1.0)).floor() as usize,
            };
            Reading { size: given, length, factor }
        })
    }

    /// Input elements an output element.
    fn step(&self) -> f64 {
        self.factor.map_or(self.size as f64 / self.length as f64, |factor| 1.0 / factor)
    }

    /// The element under the middle of a place.
    fn nearest_to_middle(&self, place: usize) -> usize {
        if self.length == self.size {
            place
        } else {
            (((place as f64 + 0.5) * self.step()).floor() as usize).min(self.size - 1)
        }
    }

    /// The four elements around a place, and what each counts for.
    fn four_around(&self, place: usize, align_corners: bool) -> [(usize, f64); 4] {
        let at = if self.length == self.size {
            place as f64
        } else if align_corners {
            if self.length > 1 { place as f64 * ((self.size - 1) as f64 / (self.length - 1) as f64) } else { 0.0 }
        } else {
            (place as f64 + 0.5) * self.step() - 0.5
        };
        let (first, a) = (at.floor(), -0.75);
        [-1.0, 0.0, 1.0, 2.0].map(|offset| {
            let d = (at - first - offset).abs();
            let share = if d <= 1.0 {
                ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0
            } else {
                a * d * d * d - 5.0 * a * d * d + 8.0 * a * d - 4.0 * a
            };
            ((first + offset).clamp(0.0, (self.size - 1) as f64) as usize, share)
        })
    }

    /// The element under a place.
    fn nearest(&self, place: usize) -> usize {
        if self.length == self.size {
            place
        } else if self.length == 2 * self.size {
            place / 2
        } else {
            ((place as f64 * self.step()).floor() as usize).min(self.size - 1)
        }
    }

    /// The two elements around a place, and what the second counts for.
    fn around(&self, place: usize, align_corners: bool) -> ([usize; 2], f64) {
        let at = if self.length == self.size {
            place as f64
        } else if align_corners {
            if self.length > 1 { place as f64 * ((self.size - 1) as f64 / (self.length - 1) as f64) } else { 0.0 }
        } else {
            ((place as f64 + 0.5) * self.step() - 0.5).max(0.0)
        };
        let first = (at.floor() as usize).min(self.size - 1);
        ([first, (first + 1).min(self.size - 1)], (at - first as f64).clamp(0.0, 1.0))
    }
}

pub fn read_nearest(x: &Array, [rows, columns]: &[Reading; 2], exact: bool) -> Array {
    let nearest = |axis: &Reading, place| if exact { axis.nearest_to_middle(place) } else { axis.nearest(place) };
    Array::of(&[x.shape[0], x.shape[1], rows.length, columns.length], |place| {
        x.at(&[place[0], place[1], nearest(rows, place[2]), nearest(columns, place[3])])
    })
}

pub fn read_cubic(x: &Array, [rows, columns]: &[Reading; 2], align_corners: bool) -> Array {
    Array::of(&[x.shape[0], x.shape[1], rows.length, columns.length], |place| {
        let across = columns.four_around(place[3], align_corners);
        let line = |row: usize| {
            across.iter().map(|&(column, share)| x.at(&[place[0], place[1], row, column]) * share).sum::<Number>()
        };
        rows.four_around(place[2], align_corners).iter().map(|&(row, share)| line(row) * share).sum()
    })
}

pub fn read_between(x: &Array, [rows, columns]: &[Reading; 2], align_corners: bool) -> Array {
    Array::of(&[x.shape[0], x.shape[1], rows.length, columns.length], |place| {
        let ([above, below], down) = rows.around(place[2], align_corners);
        let ([before, after], across) = columns.around(place[3], align_corners);
        let pixel = |row: usize, column: usize| x.at(&[place[0], place[1], row, column]);
        let line = |row: usize| pixel(row, before) * (1.0 - across) + pixel(row, after) * across;
        line(above) * (1.0 - down) + line(below) * down
    })
}

/// Element by element, axes aligned at the last, sizes of 1 repeated.
pub fn combined(branches: &[Array], combine: impl Fn(Number, Number) -> Number) -> Array {
    let rank = branches.iter().map(|branch| branch.shape.len()).max().unwrap_or(0);
    let size = |branch: &Array, axis: usize| {
        (axis + branch.shape.len()).checked_sub(rank).map_or(1, |axis| branch.shape[axis])
    };
    let common = |axis: usize| branches.iter().map(|branch| size(branch, axis)).find(|&size| size != 1).unwrap_or(1);
    let shape: Vec<usize> = (0..rank).map(common).collect();
    Array::of(&shape, |place| {
        let of = |branch: &Array| {
            let own = &place[rank - branch.shape.len()..];
            let own: Vec<usize> =
                own.iter().zip(&branch.shape).map(|(&index, &size)| if size == 1 { 0 } else { index }).collect();
            branch.elements[number_of(&own, &branch.shape)]
        };
        branches.iter().skip(1).fold(of(&branches[0]), |whole, branch| combine(whole, of(branch)))
    })
}

/// One after another along a new axis.
pub fn stacked(branches: &[Array], dim: i64) -> Array {
    let rank = branches[0].shape.len() as i64 + 1;
    let axis = (if dim < 0 { dim + rank } else { dim }) as usize;
    let mut shape = branches[0].shape.clone();
    shape.insert(axis, branches.len());
    Array::of(&shape, |place| {
        let mut own = place.to_vec();
        let branch = own.remove(axis);
        branches[branch].at(&own)
    })
}

/// One after another along an axis.
pub fn concatenated(branches: &[Array], dim: i64) -> Array {
    let axis = branches[0].axis(dim);
    let mut shape = branches[0].shape.clone();
    shape[axis] = branches.iter().map(|branch| branch.shape[axis]).sum();
    Array::of(&shape, |place| {
        let mut own = place.to_vec();
        for branch in branches {
            if own[axis] < branch.shape[axis] {
                return branch.at(&own);
            }
            own[axis] -= branch.shape[axis];
        }
        unreachable!("the place lies past the last branch")
    })
}
