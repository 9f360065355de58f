//! `[ops]`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tollgate_control::document::Section;
use tollgate_control::document::kind::{Address, NonEmpty};

use crate::private_socket::LONGEST_PATH;

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
    let explain_socket = socket(section, "explain_socket");
    Ops { address, explain_socket }
}

/// The path of a Unix socket, where there is to be one.
pub(super) fn socket(section: &mut Section, field: &'static str) -> Option<PathBuf> {
    let path = section.optional(field, NonEmpty("the path of a Unix socket"));
    let path = path.map(|path| section.resolve(&path));
    if path.as_ref().is_some_and(|path| path.as_os_str().len() > LONGEST_PATH) {
        section.problem(
            field,
            format_args!("is too long for a socket, expected at most {LONGEST_PATH} bytes"),
        );
    }
    path
}
