//! CUDA: a plan becomes text and launches ([`program`]), NVRTC makes machine code of the text, and a GPU runs it
//! ([`Cuda`]).
//!
//! `lower.rs` writes the text: every step of a plan by its kernel's family in `kernels/`, over the C that `source.rs`
//! and `expression.rs` write.
//!
//! Neither driver nor NVRTC is linked: both are looked for when they are asked for, so the same executable starts on
//! machines without either, and says what it looked for and where. `driver.rs` asks for the driver, `search_paths.rs` says
//! where libraries may lie, `nvrtc.rs` compiles, `cache.rs` keeps what was compiled, `modules.rs` brings these
//! together for a program. `device.rs` opens a GPU, `footprint.rs` foretells its memory, `memory.rs` lays it out,
//! `execution.rs` runs a program on it through `handles.rs`, which has all calls of the driver; `backend.rs` is what
//! others see of it.

mod backend;
mod cache;
mod device;
mod driver;
mod execution;
mod expression;
mod footprint;
mod handles;
mod kernels;
mod libraries;
pub mod library_operation;
mod lower;
mod memory;
mod methods;
mod modules;
mod nvrtc;
pub mod program;
mod search_paths;
mod source;
mod tiles;
mod tolerance;
mod tuning;

pub use backend::Cuda;
pub(crate) use backend::{list, open};
pub use cache::folder as cache_folder;
pub use device::{Device, Properties};
pub use driver::{CudaReport, probe};
pub use libraries::{FoundLibrary, Libraries};
pub use methods::ProductMethod;
pub use modules::{Module, compile};
pub use nvrtc::{Architecture, Nvrtc};
