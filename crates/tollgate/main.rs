//! The `tollgate` program: reads its arguments and says how it ended.

use std::process::ExitCode;

use tollgate::cli::Arguments;

// Allocations of a worker are freed by the same worker; mimalloc keeps them apart without locks,
// and needs a C compiler only.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tollgate::commands::perform(Arguments::take())
}
