//! From AST to plan: what a spec means, whether it is possible, and the kernel calls that compute it.
//!
//! Pure: no files, no device, no printing. Source text comes through [`resolve::Sources`], the machine through [`plan::Target`], and
//! what is wrong goes to [`diagnostic::Problems`]. Each stage is a type and each arrow one function:
//!
//! ```text
//! text -parse-> Ast -resolve-> Graph -infer-> ShapedGraph -write_kernels-> KernelGraph -passes-> KernelGraph -plan-> Plan
//! ```

pub mod diagnostic;
pub mod graph;
pub mod infer;
pub mod kernels;
pub mod ops;
pub mod passes;
pub mod plan;
pub mod resolve;
pub mod shape;
pub mod sizes;
pub mod summary;
pub mod write_kernels;
