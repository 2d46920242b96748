//! The hot loop of the gradient by weight: vectors of the gradient times numbers of the image, added up over pixels.
//!
//! A tile holds the sums of a few weights of a whole block of output channels in registers while it walks over images, rows and
//! pixels. It begins at zero and adds to what is in memory at the end, so that sums of many pixels are sums of sums.

use crate::cpu::blocked::vector::{Compiled, InstructionSet, Kernel, Vector};

/// Weights that one tile adds up at most.
const MOST: usize = 16;

/// What a tile walks over. A step is counted in floats.
pub(super) struct TileArguments {
    /// The number of the image that the first weight meets at the first pixel, and the gradient there.
    pub(super) image: *const f32,
    pub(super) gradient: *const f32,
    /// Images, and the steps from one to the next in both.
    pub(super) images: [usize; 3],
    /// Rows, and their steps.
    pub(super) rows: [usize; 3],
    /// Pixels of a row, and the image's step; the gradient's is a vector.
    pub(super) pixels: [usize; 2],
    /// The sums: a vector for each weight, and the step from one to the next.
    pub(super) sums: *mut f32,
    pub(super) sum_step: usize,
}

impl TileArguments {
    /// Rows that follow each other without a gap, in the image and in the gradient, as one.
    pub(super) fn join_rows(&mut self, lanes: usize) {
        let ([rows, image, gradient], [pixels, step]) = (self.rows, self.pixels);
        if image == pixels * step && gradient == pixels * lanes {
            (self.rows[0], self.pixels[0]) = (rows.min(1), rows * pixels);
        }
    }
}

/// What the numbers of an image are to a vector of the gradient.
trait Factor {
    /// The factor of weight `index`.
    ///
    /// # Safety
    /// The image holds it.
    unsafe fn load<V: Vector>(at: *const f32, index: usize) -> V;
}

/// Neighbouring numbers, one a weight, each the same for all channels.
struct Broadcast;
/// The same channels of the image: depthwise.
struct Lanewise;

impl Factor for Broadcast {
    #[inline(always)]
    unsafe fn load<V: Vector>(at: *const f32, index: usize) -> V {
        // SAFETY: the caller promises that the image holds the number.
        V::splat(unsafe { *at.add(index) })
    }
}

impl Factor for Lanewise {
    #[inline(always)]
    unsafe fn load<V: Vector>(at: *const f32, index: usize) -> V {
        // SAFETY: the caller promises that the image holds the vector.
        unsafe { V::load(at.add(index * V::LANES)) }
    }
}

/// `WEIGHTS` weights; `CHAINS` pixels side by side hide the latency where weights are few.
struct Tile<F, const WEIGHTS: usize, const CHAINS: usize>(std::marker::PhantomData<F>);

impl<F: Factor, const WEIGHTS: usize, const CHAINS: usize> Kernel for Tile<F, WEIGHTS, CHAINS> {
    type Arguments = TileArguments;

    #[inline(always)]
    unsafe fn run<V: Vector>(a: &TileArguments) {
        let mut sums = [[V::zero(); WEIGHTS]; CHAINS];
        let [pixels, step] = a.pixels;
        // SAFETY: the caller promises the pixels that are walked over, and the sums.
        unsafe {
            for image in 0..a.images[0] {
                for row in 0..a.rows[0] {
                    let mut from = a.image.add(image * a.images[1] + row * a.rows[1]);
                    let mut gradient = a.gradient.add(image * a.images[2] + row * a.rows[2]);
                    for _ in 0..pixels / CHAINS {
                        for chain in 0..CHAINS {
                            add_pixel::<F, V, WEIGHTS>(&mut sums[chain], from, gradient);
                            (from, gradient) = (from.wrapping_add(step), gradient.wrapping_add(V::LANES));
                        }
                    }
                    for _ in 0..pixels % CHAINS {
                        add_pixel::<F, V, WEIGHTS>(&mut sums[0], from, gradient);
                        (from, gradient) = (from.wrapping_add(step), gradient.wrapping_add(V::LANES));
                    }
                }
            }
            for weight in 0..WEIGHTS {
                let to = a.sums.add(weight * a.sum_step);
                let mut sum = V::load(to);
                for chain in 0..CHAINS {
                    sum = sum.add(sums[chain][weight]);
                }
                sum.store(to);
            }
        }
    }
}

/// Adds one pixel's products.
#[inline(always)]
unsafe fn add_pixel<F: Factor, V: Vector, const WEIGHTS: usize>(
    sums: &mut [V; WEIGHTS],
    from: *const f32,
    gradient: *const f32,
) {
    // SAFETY: the caller promises the pixel.
    unsafe {
        let gradient = V::load(gradient);
        for weight in 0..WEIGHTS {
            sums[weight] = F::load::<V>(from, weight).mul_add(gradient, sums[weight]);
        }
    }
}

/// The tile of so many weights, at most [`most_weights`].
pub(super) fn broadcast(set: InstructionSet, weights: usize) -> Compiled<TileArguments> {
    macro_rules! table {
        ($($weights:literal: $chains:literal)*) => {
            match weights {
                $($weights => set.entry::<Tile<Broadcast, $weights, $chains>>(),)*
                _ => panic!("no tile of {weights} weights"),
            }
        };
    }
    table!(1: 8 2: 4 3: 4 4: 2 5: 2 6: 2 7: 2 8: 1 9: 1 10: 1 11: 1 12: 1 13: 1 14: 1 15: 1 16: 1)
}

/// The tile of one weight of every channel.
pub(super) fn lanewise(set: InstructionSet) -> Compiled<TileArguments> {
    set.entry::<Tile<Lanewise, 1, 8>>()
}

/// The most weights of a tile, whose sums must fit the registers.
pub(super) fn most_weights(set: InstructionSet) -> usize {
    set.accumulators().min(MOST)
}
