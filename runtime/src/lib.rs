//! Networks that answer: a spec, weights and inputs come in, answers go out.
//!
//! ```
//! # #[cfg(feature = "pictures")] {
//! use cnnc_runtime::Model;
//!
//! let mut model = Model::load("../models/lenet.cnn")?.weights("../models/lenet.safetensors");
//! let picture = model.input("../models/sample.png")?;
//! let prepared = model.prepare()?;
//! let mut session = prepared.session();
//! for likely in &session.run(&[picture])?.top(3)?[0] {
//!     assert!(likely.probability > 0.0 && likely.label.is_some());
//! }
//! # }
//! # Ok::<(), cnnc_runtime::Error>(())
//! ```
//!
//! | what | is | threads |
//! |---|---|---|
//! | [`Model`] | a spec with its shapes, and where its parameters come from: [`Model::load`], [`Model::from_text`] | shared, cloned |
//! | [`Preprocess`] | how pictures become an input: raw pixels, files' bytes | shared, cloned |
//! | [`Prepared`] | its weights, packed once; plans for the sizes that were asked for | shared, cloned |
//! | [`Session`] | the memory of one run at a time | sent |
//! | [`Outputs`] | what a run answered: by name, by number, the likeliest classes | borrowed |
//! | [`Cancel`] | a way to stop a run from another thread | shared, cloned |
//! | [`Error`] | whatever is wrong, as text and as data | sent, shared |
//!
//! Below that door, [`Parameters`] are drawn from the spec's initialisers or read from a safetensors file ([`weights`]),
//! [`input`] reads arrays and pictures, and [`cpu::Engine`] and [`cuda::Cuda`] run the [`Plan`](cnnc_compiler::plan::Plan)s that
//! the compiler makes. [`train`] trains by recipes. Nothing here prints.
//!
//! All features are on by default. What is asked for and left out is an error that says so:
//!
//! | feature | with it | without it | crates that it alone needs |
//! |---|---|---|---|
//! | `cuda` | [`cuda`]: NVIDIA's GPUs | [`Device::list`] names the processor alone, any GPU is E501 | cudarc, libloading |
//! | `train` | [`train`], [`data`]: recipes in YAML, data sets | neither module is there | serde_yaml, saphyr-parser |
//! | `pictures` | PNG and JPEG files as inputs | those are E604; arrays, IDX files and raw pixels are read | image |

#![cfg_attr(
    not(feature = "train"),
    allow(
        dead_code,
        reason = "what data sets and recipes use stands with its kind: transforms, whole IDX files, loaders' threads"
    )
)]

pub mod answer;
pub mod backend;
mod cancel;
mod contained;
pub mod cpu;
#[cfg(feature = "cuda")]
pub mod cuda;
#[cfg(not(feature = "cuda"))]
#[path = "no_cuda.rs"]
mod cuda;
#[cfg(feature = "train")]
pub mod data;
mod device;
pub mod doctor;
mod failure;
mod files;
mod given;
#[cfg(all(test, target_os = "linux"))]
mod guarded;
mod host;
mod idx;
mod initialise;
pub mod input;
mod model;
mod parameters;
mod pictures;
pub mod random;
mod register;
mod session;
mod sources;
mod tensor;
mod threads;
#[cfg(feature = "train")]
pub mod train;
pub mod tuning;
pub mod weights;

#[cfg(all(test, target_os = "linux"))]
#[global_allocator]
static ALLOCATOR: guarded::Guarded = guarded::Guarded;

pub use backend::{Backend, Executable, Inputs, Trainer};
pub use cancel::Cancel;
pub use device::{Device, DeviceInfo};
pub use failure::{Detail, Error, ErrorKind, Mend, Place, Result};
pub use files::{is_same as is_same_file, write_whole};
pub use host::{available_memory_bytes, processor};
pub use input::{Preprocess, Rgb8};
pub use model::{Model, bind_batch, bind_input};
pub use parameters::Parameters;
pub use session::{Outputs, Prepared, RunOptions, Session};
pub use sources::{Disk, spec_name};
pub use tensor::Tensor;
pub use threads::MOST_THREADS;
