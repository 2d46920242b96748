//! The kernels over blocked channels against plain loops in float64, on every instruction set that this machine has.

mod common;
mod direct;
mod gradients;
mod images;
mod linear;
mod reference;
mod rows;
mod window;
mod winograd;
