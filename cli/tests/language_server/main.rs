//! The language server, driven as editors drive it: a process, messages over its standard input and output.

mod client;
mod features;
mod protocol;
mod typing;
