//! The `cnnc` executable; everything is in the library.

fn main() -> std::process::ExitCode {
    cnnc::main()
}
