//! Prints a graph.
