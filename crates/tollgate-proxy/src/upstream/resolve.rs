//! Where names lead.

use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::task::spawn_blocking;

type LookUp = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Who says where names lead. Clones share it.
#[derive(Clone)]
pub struct Resolver(Arc<LookUp>);

impl Resolver {
    /// What the system says (getaddrinfo): its files, the DNS and whatever else it is told to ask.
    #[must_use]
    pub fn system() -> Self {
        Self::by(|name| Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }

    /// What `look_up` says, which may block.
    #[must_use]
    pub fn by(look_up: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(look_up))
    }

    /// The addresses of `name`, of which there is one at least: sorted, none twice.
    ///
    /// # Errors
    /// Whatever kept them from being found.
    pub(super) async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let (look_up, name) = (Arc::clone(&self.0), name.to_owned());
        let mut addresses = spawn_blocking(move || look_up(&name)).await??;
        if addresses.is_empty() {
            return Err(io::Error::other("the name has no address"));
        }
        addresses.sort_unstable();
        addresses.dedup();
        Ok(addresses)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}
