//! Arguments in, exit code out.

use std::process::ExitCode;

/// Requests make and drop many small values on several threads; `benches/README.md` has what this allocator saves.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    usher::cli::main()
}
