//! Prints a kernel graph.
