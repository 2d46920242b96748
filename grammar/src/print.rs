//! Prints an AST.
