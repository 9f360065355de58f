//! `[ops]`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tollgate_control::document::Section;
use tollgate_control::document::kind::{Address, NonEmpty};

/// The longest path of a Unix socket, in bytes (`sun_path` of Linux, less the final NUL).
const LONGEST_SOCKET: usize = 107;

/// Where operators and their tools ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ops {
    /// Where health and metrics are asked for.
    pub address: SocketAddr,
    /// Where `tollgate explain --running` asks; `None` = nowhere.
    pub explain_socket: Option<PathBuf>,
}

pub(super) fn read(section: &mut Section) -> Ops {
    let address = section.or("address", Address, SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)));
    let explain_socket = section.optional("explain_socket", NonEmpty("the path of a Unix socket"));
    let explain_socket = explain_socket.map(|path| section.resolve(&path));
    if explain_socket.as_ref().is_some_and(|path| path.as_os_str().len() > LONGEST_SOCKET) {
        section.problem(
            "explain_socket",
            format_args!("is too long for a socket, expected at most {LONGEST_SOCKET} bytes"),
        );
    }
    Ops { address, explain_socket }
}
