//! Where a process listens, apart from data: its own sockets, or those of a process before it.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use tollgate_proxy::Sockets as DataSockets;

use crate::boot::Failure;
use crate::config::Settings;
use crate::private_socket::PrivateSocket;
use crate::takeover::{Held, Inherited, Purpose};

/// The sockets of everything but data.
pub(crate) struct Sockets {
    pub(crate) ops: TcpListener,
    /// There only with a control plane.
    pub(crate) admin: Option<TcpListener>,
    pub(crate) explain: Option<PrivateSocket>,
    pub(crate) takeover: Option<PrivateSocket>,
}

impl Sockets {
    /// Takes those that were passed on and makes the others.
    ///
    /// # Errors
    /// The first that cannot be had.
    pub(crate) fn bind(settings: &Settings, inherited: &mut Inherited) -> Result<Self, Failure> {
        let address = settings.ops.address;
        let ops = listen(address, inherited.ops(address))?;
        let control = settings.control.as_ref();
        let admin =
            control.map(|control| listen(control.address, inherited.admin(control.address)));
        let admin = admin.transpose()?;
        let explain = settings.ops.explain_socket.as_deref();
        let explain = explain.map(|path| {
            private(path, inherited.explain(path))
                .map_err(|error| format!("ops.explain_socket cannot be made: {error}"))
        });
        let takeover = settings.process.takeover_socket.as_deref();
        let takeover = takeover.map(|path| {
            private(path, inherited.takeover(path))
                .map_err(|error| format!("process.takeover_socket cannot be made: {error}"))
        });
        Ok(Self { ops, admin, explain: explain.transpose()?, takeover: takeover.transpose()? })
    }

    /// Copies of all of them and of those for data, to be passed on.
    ///
    /// # Errors
    /// If there are too many files open.
    pub(crate) fn held(
        &self,
        settings: &Settings,
        data: Vec<DataSockets>,
    ) -> Result<Held, Failure> {
        let mut held = Held::default();
        data.into_iter().for_each(|data| held.hold_data(data));
        let ops = self.ops.as_fd().try_clone_to_owned()?;
        held.hold(Purpose::Ops, &settings.ops.address.to_string(), vec![ops]);
        if let Some((admin, control)) = self.admin.as_ref().zip(settings.control.as_ref()) {
            let admin = admin.as_fd().try_clone_to_owned()?;
            held.hold(Purpose::Admin, &control.address.to_string(), vec![admin]);
        }
        if let Some(explain) = &self.explain {
            let (path, socket) = explain.handle()?;
            held.hold(Purpose::Explain, &path.to_string_lossy(), vec![socket]);
        }
        if let Some(takeover) = &self.takeover {
            let (path, socket) = takeover.handle()?;
            held.hold(Purpose::Takeover, &path.to_string_lossy(), vec![socket]);
        }
        Ok(held)
    }
}

fn listen(address: SocketAddr, inherited: Option<TcpListener>) -> Result<TcpListener, Failure> {
    let listener = match inherited {
        Some(listener) => listener,
        None => TcpListener::bind(address)
            .map_err(|error| format!("cannot listen on {address}: {error}"))?,
    };
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn private(path: &Path, inherited: Option<OwnedFd>) -> std::io::Result<PrivateSocket> {
    match inherited {
        Some(socket) => PrivateSocket::inherited(socket, path),
        None => PrivateSocket::bind(path),
    }
}
