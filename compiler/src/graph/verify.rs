//! Verifies a graph.
