//! The gradient of pooling by its input, over blocked channels: every window hands its gradient on to its elements, a vector of
//! channels at a time.

use crate::cpu::blocked::call::{Images, ImagesMut};
use crate::cpu::blocked::planes::Planes;
use crate::cpu::blocked::pool::Pool;
use crate::cpu::blocked::vector::{Compiled, InstructionSet, Kernel, Vector, exp};
use crate::cpu::blocked::window::PoolShape;
use crate::cpu::windows::{WindowElements, Windows};
use cnnc_compiler::kernels::Pooling;

/// A pooling's gradient: where its windows lie.
pub struct PoolGrad {
    shape: PoolShape,
    lanes: usize,
    windows: Windows,
    planes: Planes,
    entry: Compiled<Arguments>,
}

/// One plane.
struct Arguments {
    /// Null for a mean.
    x: *const f32,
    gradient: *const f32,
    into: *mut f32,
    kernel: *const PoolGrad,
}

impl PoolGrad {
    /// Of the pooling of `shape`.
    pub fn new(set: InstructionSet, shape: PoolShape, pooling: Pooling) -> Self {
        let (lanes, sizes) = (set.lanes(), shape.input);
        let windows = Windows::new(&shape.axes, sizes, shape.output, &pooling);
        let entry = match pooling {
            Pooling::Max => set.entry::<Largest>(),
            Pooling::Mean(_) => set.entry::<Mean>(),
            Pooling::Softmax => set.entry::<Softmax>(),
        };
        let vectors = 2 * windows.elements().max(sizes[0] * sizes[1]);
        let planes = Planes::new([shape.batch, shape.channels.div_ceil(lanes)], 1, vectors);
        Self { shape, lanes, windows, planes, entry }
    }

    /// Runs over blocked images; a mean does not read `x`.
    ///
    /// # Safety
    /// All are images of the sizes that `new` was told; the output overlaps nothing.
    pub unsafe fn run(&self, pool: &Pool, x: Option<Images>, gradient: Images, output: ImagesMut) {
        let plane = |[height, width]: [usize; 2]| height * width * self.lanes;
        let [large, small] = [plane(self.shape.input), plane(self.shape.output)];
        self.planes.run(pool, |part| {
            let arguments = Arguments {
                x: x.map_or(std::ptr::null(), |x| x.at(part.image, part.block * large)),
                gradient: gradient.at(part.image, part.block * small),
                into: output.at(part.image, part.block * large),
                kernel: self,
            };
            // SAFETY: the planes are whole by the caller's promise, and no other part writes this one; the kernel outlives the
            // call.
            unsafe {
                std::slice::from_raw_parts_mut(arguments.into, large).fill(0.0);
                (self.entry)(&arguments);
            }
        });
    }
}

impl Arguments {
    /// Calls `body` with each window's spans and its gradient.
    ///
    /// # Safety
    /// The planes are whole.
    #[inline(always)]
    unsafe fn each_window<V: Vector>(&self, mut body: impl FnMut(&PoolGrad, [WindowElements; 2], V)) {
        // SAFETY: the kernel lives during the call.
        let kernel = unsafe { &*self.kernel };
        let mut window = 0;
        for (row, rows) in kernel.windows.spans[0].iter().enumerate() {
            for (columns, &factor) in kernel.windows.spans[1].iter().zip(kernel.windows.factors(row)) {
                // SAFETY: the gradient has a vector for every window.
                let gradient = unsafe { V::load(self.gradient.add(window * V::LANES)) };
                body(kernel, [*rows, *columns], gradient.mul(V::splat(factor)));
                window += 1;
            }
        }
    }
}

/// Calls `body` with the place of each element of a window, in floats from the plane's first, rows first.
#[inline(always)]
fn each_element<V: Vector>(width: usize, [rows, columns]: [WindowElements; 2], mut body: impl FnMut(usize)) {
    for row in 0..rows.2 {
        let first = (rows.0 + row * rows.1) * width + columns.0;
        for column in 0..columns.2 {
            body((first + column * columns.1) * V::LANES);
        }
    }
}

/// Adds to a vector in memory.
///
/// # Safety
/// The vector is there.
#[inline(always)]
unsafe fn add_to<V: Vector>(to: *mut f32, value: V) {
    // SAFETY: the caller promises a vector there.
    unsafe { V::load(to).add(value).store(to) }
}

struct Mean;

impl Kernel for Mean {
    type Arguments = Arguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &Arguments) {
        // SAFETY: windows lie inside the plane, which the caller promises whole.
        unsafe {
            a.each_window::<V>(|kernel, spans, gradient| {
                each_element::<V>(kernel.shape.input[1], spans, |at| add_to(a.into.add(at), gradient));
            });
        }
    }
}

/// All to the first of the largest.
struct Largest;

impl Kernel for Largest {
    type Arguments = Arguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &Arguments) {
        // SAFETY: windows lie inside the planes of `x` and `into`, which the caller promises whole.
        unsafe {
            a.each_window::<V>(|kernel, spans, gradient| {
                let width = kernel.shape.input[1];
                // Numbers of elements are small enough to be exact.
                let (mut largest, mut place, mut number) = (V::splat(f32::NEG_INFINITY), V::zero(), 0.0);
                each_element::<V>(width, spans, |at| {
                    let x = V::load(a.x.add(at));
                    place = x.if_larger(largest, V::splat(number), place);
                    largest = largest.max_or_nan(x);
                    number += 1.0;
                });
                number = 0.0;
                each_element::<V>(width, spans, |at| {
                    add_to(a.into.add(at), V::splat(number).if_equal(place, gradient, V::zero()));
                    number += 1.0;
                });
            });
        }
    }
}

/// `w·(1 + x − y)`, `w` an element's weight and `y` the window's result.
struct Softmax;

impl Kernel for Softmax {
    type Arguments = Arguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &Arguments) {
        // SAFETY: windows lie inside the planes of `x` and `into`, which the caller promises whole.
        unsafe {
            a.each_window::<V>(|kernel, spans, gradient| {
                let width = kernel.shape.input[1];
                let mut largest = V::splat(f32::NEG_INFINITY);
                each_element::<V>(width, spans, |at| largest = largest.max_or_nan(V::load(a.x.add(at))));
                let (mut top, mut total) = (V::zero(), V::zero());
                each_element::<V>(width, spans, |at| {
                    let x = V::load(a.x.add(at));
                    let weight = exp(x.sub(largest));
                    top = weight.mul_add(x, top);
                    total = total.add(weight);
                });
                let (y, share) = (top.div(total), gradient.div(total));
                each_element::<V>(width, spans, |at| {
                    let x = V::load(a.x.add(at));
                    let slope = exp(x.sub(largest)).mul(x.sub(y).add(V::splat(1.0)));
                    add_to(a.into.add(at), slope.mul(share));
                });
            });
        }
    }
}
