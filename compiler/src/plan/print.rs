//! Prints a plan.
