//! `[access_log]`

use tollgate_control::document::Section;
use tollgate_control::document::kind::{Integer, Text};
use tollgate_proxy::SinkPath;

const RING: Integer<usize> = Integer::within(16, 1 << 20);

/// Whether and where requests are logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLog {
    /// Where; `None` = not at all.
    pub path: Option<SinkPath>,
    /// Requests that each worker may hold until they are written.
    pub ring: usize,
}

pub(super) fn read(section: &mut Section) -> AccessLog {
    let path = section.or("path", Text, String::new());
    AccessLog {
        path: match &*path {
            "" => None,
            "-" => Some(SinkPath::StandardOutput),
            file => Some(SinkPath::File(section.resolve(file))),
        },
        ring: section.or("ring", RING, 8192),
    }
}
