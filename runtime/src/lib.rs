//! Plan to numbers: tensors, parameters and pictures come in, answers go out.
//!
//! What comes in is a [`Plan`](cnnc_compiler::plan::Plan), which the compiler made of a spec. [`Parameters`] are drawn from the
//! spec's initialisers or read from a safetensors file; [`input`] reads arrays and pictures. [`cpu::Engine`] prepares a plan once
//! and then runs it any number of times; [`Model`] does all of it. Nothing here prints; what is wrong is a
//! [`Diagnostic`](cnnc_compiler::diagnostic::Diagnostic).

pub mod backend;
mod contained;
pub mod cpu;
pub mod cuda;
pub mod data;
pub mod doctor;
mod draw;
mod failure;
mod files;
mod given;
#[cfg(all(test, target_os = "linux"))]
mod guarded;
mod host;
pub mod input;
mod model;
mod parameters;
pub mod random;
mod sources;
mod tensor;
mod threads;
pub mod train;
pub mod tuning;
pub mod weights;

#[cfg(all(test, target_os = "linux"))]
#[global_allocator]
static ALLOCATOR: guarded::Guarded = guarded::Guarded;

pub use backend::{Backend, Executable, Inputs, Trainer};
pub use failure::{Failure, Result};
pub use files::{is_same as is_same_file, write_whole};
pub use host::{available_memory_bytes, processor};
pub use model::{Model, Report, bind_batch, bind_input};
pub use parameters::Parameters;
pub use sources::{Disk, spec_name};
pub use tensor::Tensor;
pub use threads::MOST_THREADS;
