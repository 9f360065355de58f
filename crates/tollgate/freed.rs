//! Memory that was freed, on its way back to the system.

use std::hint::black_box;

/// A block that the allocator cuts from no larger one.
const BLOCK: usize = 1 << 20;

/// Has the allocator give back what was freed a second ago or earlier, such as what a configuration was read with.
///
/// It looks for that when such a block is freed, which nobody does in a process that is idle. Nobody touches this
/// one, so that it costs no memory itself.
pub(crate) fn give_back() {
    drop(black_box(Vec::<u8>::with_capacity(BLOCK)));
}
