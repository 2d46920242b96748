//! Networks that answer: a spec, weights and inputs come in, answers go out.
//!
//! ```
//! # #[cfg(feature = "pictures")] {
//! use cnnc_runtime::{Device, Model, PrepareOptions, Weights};
//!
//! let model = Model::from_file("../models/lenet.cnn")?;
//! let weights = Weights::from_file("../models/lenet.safetensors", &model)?;
//! let picture = model.input("../models/sample.png")?;
//! let prepared = model.prepare(&weights, &Device::cpu(0), PrepareOptions::default())?;
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
//! | [`Model`] | a spec with its shapes: [`Model::from_file`], [`Model::from_text`], [`Model::builder`] | shared, cloned |
//! | [`Weights`] | its parameters, from a file, from bytes or as its initialisers draw them; [`WeightsOptions`] says how a file is read | shared, cloned |
//! | [`Device`] | the processor or a GPU, opened: [`Device::cpu`], [`Device::cuda`], [`Device::list`] | shared, cloned |
//! | [`Preprocess`] | how pictures become an input: raw pixels, files' bytes | shared, cloned |
//! | [`Prepared`] | its weights, packed once; plans for the sizes that were asked for | shared, cloned |
//! | [`Session`] | the memory of one run at a time | sent |
//! | [`Outputs`] | what a run answered: by name, by number, the likeliest classes | borrowed |
//! | [`Trainer`] | a network that learns, step by step; [`train::fit`] does it by a recipe | sent |
//! | [`Cancel`] | a way to stop work from another thread | shared, cloned |
//! | [`Error`] | whatever is wrong, as text and as data | sent, shared |
//!
//! [`input`] reads arrays and pictures, [`train`] trains by recipes, [`tuning`] keeps what was measured, and [`doctor`] holds a
//! device's kernels against their definition. Nothing here prints.
//!
//! All features are on by default. What is asked for and left out is an error that says so:
//!
//! | feature | with it | without it | crates that it alone needs |
//! |---|---|---|---|
//! | `cuda` | [`cuda`]: NVIDIA's GPUs | [`Device::list`] names the processor alone, any GPU is E501 | cudarc, libloading |
//! | `train` | [`train`], [`data`]: recipes in YAML, data sets | neither module is there | serde_yaml, saphyr-parser |
//! | `pictures` | files of pictures (PNG, JPEG, WebP, GIF, BMP, TIFF) as inputs | those are E604; arrays, IDX files and raw pixels are read | image |

#![cfg_attr(
    not(feature = "train"),
    allow(
        dead_code,
        reason = "what data sets and recipes use stands with its kind: transforms, whole IDX files, loaders' threads"
    )
)]

pub mod answer;
mod backend;
mod calibration;
mod cancel;
mod contained;
#[cfg(not(feature = "internals"))]
mod cpu;
#[cfg(feature = "internals")]
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
pub mod export;
mod failure;
mod files;
mod given;
#[cfg(all(test, target_os = "linux"))]
mod guarded;
mod host;
mod idx;
pub mod import;
mod initialise;
pub mod input;
mod labels;
mod large_pages;
mod level;
mod model;
mod parameters;
mod pictures;
mod precision;
pub mod random;
mod register;
mod session;
mod sources;
mod state;
mod tensor;
mod threads;
#[cfg(feature = "train")]
pub mod train;
mod trainer;
pub mod tuning;
mod view;
pub mod weights;

#[cfg(all(test, target_os = "linux"))]
#[global_allocator]
static ALLOCATOR: guarded::Guarded = guarded::Guarded;

#[cfg(not(feature = "internals"))]
use backend::{Backend, Executable, Inputs, Packed, Store, TrainingExecutable};
#[cfg(feature = "internals")]
pub use backend::{Backend, Executable, Inputs, Packed, Store, TrainingExecutable};
pub use calibration::{Agreement, Calibration, Clipping};
pub use cancel::Cancel;
pub use cpu::{Footprint, InstructionSet};
pub use device::{Device, DeviceInfo, DeviceName, DeviceOptions, Peak};
pub use failure::{Detail, Error, ErrorKind, Mend, Place, Result};
pub use files::{is_same as is_same_file, write_whole};
pub use host::{available_memory_bytes, processor};
pub use input::{Preprocess, Rgb8};
pub use model::{Explanation, InputReader, Model, ModelBuilder, bind_batch, bind_input};
pub use parameters::Parameters;
pub use precision::Precision;
pub use session::{Outputs, PrepareOptions, Prepared, RunOptions, Session};
pub use sources::{Disk, spec_name};
pub use tensor::Tensor;
pub use threads::{MOST_THREADS, cores};
pub use trainer::{Gradients, StepInputs, StepOutputs, Target, Trainer};
pub use view::{AsTensorView, TensorList, TensorView, TensorViewMut};
pub use weights::{Converted, Rename, Renamed, Weights, WeightsOptions, convert_file};
