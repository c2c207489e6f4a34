//! The `tintype` program; everything it does is in the library.

fn main() -> std::process::ExitCode {
    tintype::cli::main()
}
