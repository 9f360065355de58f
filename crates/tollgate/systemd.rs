//! What a process and systemd tell each other: sockets that were made beforehand (sd_listen_fds(3)), and
//! how far it has come (sd_notify(3)). Without systemd nothing of it happens.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use listenfd::ListenFd;
use rustix::io::{FdFlags, fcntl_setfd};
use sd_notify::NotifyState;
use tollgate_proxy::ListenAddress;

use crate::boot::Failure;
use crate::config::Settings;
use crate::takeover::{Inherited, Purpose};

/// Sockets that were passed to this process, each with the name that it has in its unit.
#[derive(Default)]
pub(crate) struct Passed(Vec<(String, Listening)>);

enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Passed {
    /// Takes them out of the environment. To be called while the process has one thread.
    ///
    /// # Errors
    /// If one of them is neither listening on TCP nor a Unix socket for streams.
    pub(crate) fn take() -> Result<Self, Failure> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut descriptors = ListenFd::from_env();
        let mut passed = Vec::new();
        for place in 0..descriptors.len() {
            let name = names.next().unwrap_or_default().to_owned();
            let socket = match descriptors.take_unix_listener(place) {
                Ok(socket) => socket.map(Listening::Unix),
                // It stays where it is.
                Err(_) => descriptors
                    .take_tcp_listener(place)
                    .map_err(|error| format!("LISTEN_FDS: {name:?}: {error}"))?
                    .map(Listening::Tcp),
            };
            let Some(socket) = socket else { continue };
            // Not for the processes that this one starts.
            match &socket {
                Listening::Tcp(socket) => fcntl_setfd(socket, FdFlags::CLOEXEC)?,
                Listening::Unix(socket) => fcntl_setfd(socket, FdFlags::CLOEXEC)?,
            }
            passed.push((name, socket));
        }
        Ok(Self(passed))
    }

    /// The sockets by what the configuration has at their addresses. Where that leaves the port open, by
    /// its name.
    ///
    /// # Errors
    /// The first that is of nothing in the configuration.
    pub(crate) fn sort(self, settings: &Settings) -> Result<Inherited, Failure> {
        let mut inherited = Inherited::default();
        for (name, socket) in self.0 {
            let socket = match socket {
                Listening::Tcp(socket) => socket,
                Listening::Unix(socket) => {
                    let (listener, place) = unix(&name, &socket, settings)?;
                    inherited.add(Purpose::Data, &listener, &place, OwnedFd::from(socket));
                    continue;
                }
            };
            let bound = socket.local_addr()?;
            let fits = |section: &str, address: SocketAddr| match address.port() {
                0 => name == section && address.ip() == bound.ip(),
                _ => address == bound,
            };
            let listeners = settings.listeners.iter().filter_map(|listener| {
                let ListenAddress::Tcp(address) = listener.address else { return None };
                Some((Purpose::Data, listener.name.as_str(), address))
            });
            let mut places = listeners
                .chain([(Purpose::Ops, "ops", settings.ops.address)])
                .chain(settings.control.iter().map(|c| (Purpose::Admin, "admin", c.address)));
            let place = places.find(|(_, section, address)| fits(section, *address));
            let (purpose, section, address) = place.ok_or_else(|| {
                format!("LISTEN_FDS: nothing in the configuration listens on {bound} ({name:?})")
            })?;
            inherited.add(purpose, section, &address.to_string(), OwnedFd::from(socket));
        }
        Ok(inherited)
    }
}

/// The listener, and its address, of a Unix socket.
fn unix(
    name: &str,
    socket: &UnixListener,
    settings: &Settings,
) -> Result<(String, String), Failure> {
    let bound = socket.local_addr()?;
    let path = bound.as_pathname().ok_or_else(|| format!("LISTEN_FDS: {name:?} has no path"))?;
    let fits = |address: &ListenAddress| matches!(address, ListenAddress::Unix { path: other, .. } if other == path);
    let listener = settings.listeners.iter().find(|listener| fits(&listener.address));
    let listener = listener.ok_or_else(|| {
        let path = path.display();
        format!("LISTEN_FDS: no listener of the configuration is at unix:{path} ({name:?})")
    })?;
    Ok((listener.name.to_string(), listener.address.to_string()))
}

/// Says that this process serves, and that it is the one to look after.
pub(crate) fn serving() {
    tell(&[NotifyState::MainPid(std::process::id()), NotifyState::Ready]);
}

/// Says that the configuration is read again; [`serving`] says that it was.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "systemd is not told of a reload"),
    }
}

/// Says that this process ends.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says that all is well.
pub(crate) fn well() {
    tell(&[NotifyState::Watchdog]);
}

/// How often systemd wants to hear that all is well, if it does.
pub(crate) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told of the state of this process");
    }
}
