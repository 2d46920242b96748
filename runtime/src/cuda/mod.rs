//! CUDA: a plan becomes text and launches ([`program`]), NVRTC makes machine code of the text, and a device runs it.
//!
//! `lower.rs` writes the text: every step of a plan by its kernel's family in `kernels/`, over the C that `source.rs` and `expression.rs` write.
//!
//! Neither driver nor NVRTC is linked: both are looked for when they are asked for, so the same executable starts on machines without
//! either, and says what it looked for and where. `driver.rs` asks for the driver, `places.rs` says where libraries may lie, `nvrtc.rs` compiles,
//! `cache.rs` keeps what was compiled, `modules.rs` brings these together for a program.

mod cache;
mod driver;
mod expression;
mod kernels;
mod lower;
mod modules;
mod nvrtc;
mod places;
pub mod program;
mod source;
mod tiles;

pub use cache::folder as cache_folder;
pub use driver::{CudaReport, probe, refuse};
pub use modules::{Module, compile};
pub use nvrtc::{Architecture, Nvrtc};
