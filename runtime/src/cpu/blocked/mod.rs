//! Float32 kernels for the CPU, written once over a trait of vectors and compiled for AVX-512, AVX2 with FMA, and plain arrays.
//!
//! Between the heavy kernels channels lie in blocks of the vector's width, `[N, C / LANES, H, W, LANES]`; [`layout`] goes
//! there and back. A kernel is described once (sizes, tables, work cut into tasks), packs weights into memory that the caller
//! owns, and is then run any number of times on a [`pool::Pool`] without allocating: [`call`] says with what. What a task
//! computes never depends on the number of threads, nor on how the work was cut, so results are the same bits for any of both;
//! they differ between instruction sets.
//!
//! The compiler's planner lays images out in blocks and names the method of each heavy step; `cpu/fast` turns steps into these
//! kernels. `tests` holds them to float64 and `runtime/benches/blocked_layers.rs` measures them.
//!
//! - [`direct`]: convolutions of any window, stride, dilation, padding and groups; 1×1; the stem from
//!   plain input; transposed. [`rows`]: few output channels, all plain. [`winograd`]: 3×3 of stride 1. [`window`]: depthwise
//!   convolution and pooling. [`reduce`]: sums and largest over an image. [`resample`], [`pad`]. [`linear`]: fully connected.
//! - [`conv_weight`] and [`pool_grad`]: what only training needs, gradients by weight and of pooling.
//! - `tile` is the one heavy loop, `band` the input copy that keeps branches out of it, `split` how work is
//!   cut into tasks (`planes` that of kernels without products), `epilogue` what is done to results before they are stored,
//!   [`cost`] what the choice of cut and algorithm goes by, [`peak`] what the machine can do.
// Loops over several arrays by index are what the compiler unrolls into registers; iterators hide the count.
#![allow(clippy::needless_range_loop, reason = "see above")]
mod band;
pub mod buffer;
pub mod call;
pub mod conv_weight;
pub mod cost;
pub mod direct;
mod epilogue;
pub mod integer;
pub mod layout;
pub mod linear;
pub mod pad;
pub mod peak;
mod planes;
pub mod pool;
pub mod pool_grad;
pub mod reduce;
pub mod resample;
pub mod rows;
pub mod shape;
mod split;
#[cfg(test)]
mod tests;
mod tile;
mod transpose;
pub mod vector;
pub mod window;
pub mod winograd;
