//! Files of other programs: bytes that anybody may have made come in, what they hold goes out as data.
//!
//! ONNX is written too: a network comes in as data, and bytes go out.
//!
//! A room a format. None opens a file, prints, or runs anything that a file says; each holds counts, depths and sizes against the
//! bytes that there are before it takes memory for them.

pub mod bytes;
pub mod darknet;
pub mod element;
pub mod failure;
pub mod onnx;
pub mod pytorch;
mod roll;
pub mod spec;
