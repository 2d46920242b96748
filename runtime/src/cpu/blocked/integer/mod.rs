//! Kernels over bytes: images and rows whose elements are bytes that stand for numbers at equal steps, and weights of one scale
//! a channel.
//!
//! A product of bytes is exact, and so are their sums; what follows is done in float32, rounded once an operation. So the bits
//! are the same for any number of threads, any cut of the work, and any processor.
//!
//! Four channels of a pixel are a word. To everything that only moves data or counts places (bands, taps, cuts, addresses) an
//! image in blocks of bytes is one of fewer channels, each a word the size of a float: [`direct`](super::direct) and
//! [`linear`](super::linear) know no more of bytes than that. Here are the registers (`vector` and a file for each kind), the
//! tile of products (`tile`), how sums end (`ending`), how weights are packed (`weights`), windows that move over every channel
//! by itself ([`windowed`]), and the way from floats to bytes and back ([`conversion`]).

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod conversion;
pub(crate) mod ending;
mod portable;
#[cfg(test)]
mod tests;
pub(crate) mod tile;
pub(crate) mod vector;
pub(crate) mod weights;
pub mod windowed;
