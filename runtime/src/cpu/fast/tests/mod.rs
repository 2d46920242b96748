//! The fast kernels against the reference: those that answers need, and those that only training does.

mod gradients;
mod kernels;
mod stock;
