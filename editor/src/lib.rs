//! The language server: messages of the Language Server Protocol come in, answers and diagnostics go out.
//!
//! It draws what [`check`](cnnc_compiler::check::check) says of a text, and knows no more of the language than that, its grammar
//! and its formatter do. Nothing is run, and nothing is read but through the sources that it is given, before which stand the
//! documents that the client has open.
//!
//! `server.rs` is the loop over messages, `state.rs` what is known between them, `requests.rs` the list of what can be asked;
//! each request is a function of the state in a file of its own.

mod actions;
mod analysis;
mod completion;
mod cursor;
mod diagnostics;
mod documents;
mod edits;
mod hints;
mod hover;
mod lenses;
mod names;
mod outline;
mod positions;
mod requests;
mod scan;
mod server;
mod signature;
mod state;
mod tokens;

pub use server::{Ending, serve, serve_stdio};
