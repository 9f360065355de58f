//! Where a listener listens.

use std::net::SocketAddr;

use tollgate_control::document::kind::{Address, Choice, Misfit, socket_path, string};
use tollgate_control::document::{Kind, Section, Value};
use tollgate_proxy::ListenAddress;

/// Who may connect to a Unix socket: its user, also its group, everybody.
const MODE: Choice<u32> = Choice::of(&[("0600", 0o600), ("0660", 0o660), ("0666", 0o666)]);

/// An address as it is written.
enum Written {
    Tcp(SocketAddr),
    Unix(std::path::PathBuf),
}

/// An IP address with a port, or the path of a Unix socket.
#[derive(Clone, Copy)]
struct Place;

impl Kind for Place {
    type Value = Written;

    fn expected(&self) -> String {
        format!("{}, or a socket such as \"unix:/run/tollgate.sock\"", Address.expected())
    }

    fn read(&self, value: &Value) -> Result<Written, Misfit> {
        match string(value)?.strip_prefix("unix:") {
            Some(path) => socket_path(path).map(Written::Unix),
            None => Address.read(value).map(Written::Tcp),
        }
    }

    fn show(&self, value: &Written) -> String {
        match value {
            Written::Tcp(address) => Address.show(address),
            Written::Unix(path) => format!("\"unix:{}\"", path.display()),
        }
    }
}

/// Reads it from the section of a listener.
pub(super) fn read(section: &mut Section) -> Option<ListenAddress> {
    let written = section.required("address", Place);
    let mode = section.optional("socket_mode", MODE).unwrap_or(0o660);
    if section.has("socket_mode") && matches!(written, Some(Written::Tcp(_))) {
        let message = "has no effect unless address is a Unix socket";
        section.problem("socket_mode", message);
    }
    Some(match written? {
        Written::Tcp(address) => ListenAddress::Tcp(address),
        Written::Unix(path) => ListenAddress::Unix { path, mode },
    })
}

/// Whether one process cannot listen on both. Port 0 is always another.
pub(super) fn meet(one: &ListenAddress, other: &ListenAddress) -> bool {
    match (one, other) {
        (ListenAddress::Tcp(one), ListenAddress::Tcp(other)) => {
            let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
            one.port() != 0 && one.port() == other.port() && (one.ip() == other.ip() || everywhere)
        }
        (ListenAddress::Unix { path: one, .. }, ListenAddress::Unix { path: other, .. }) => {
            one == other
        }
        _ => false,
    }
}
