//! `cnnc dump FILE --stage STAGE`: what a stage of the compiler made.
