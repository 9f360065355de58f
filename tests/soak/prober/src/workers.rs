//! Which worker of the gate holds a connection, by what the kernel says.
//!
//! Each worker has an epoll instance of its own, and in it its own listening socket and the
//! connections that it has accepted. /proc lists the inodes of all of them.

use std::fs;
use std::io;

use crate::process::resident;

/// The workers of a process, numbered.
pub(crate) struct Workers {
    pid: u32,
    port: u16,
    /// The epoll descriptor of each.
    epolls: Vec<String>,
}

struct Socket {
    port: u16,
    peer: u16,
    listens: bool,
    inode: u64,
}

impl Workers {
    /// The workers that listen on `port`.
    pub(crate) fn of(pid: u32, port: u16) -> io::Result<Self> {
        let mut epolls = Vec::new();
        for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
            let entry = entry?;
            let target = fs::read_link(entry.path()).unwrap_or_default();
            if target.to_str() == Some("anon_inode:[eventpoll]") {
                epolls.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        let mut workers = Self { pid, port, epolls: Vec::new() };
        for listener in workers.sockets()?.iter().filter(|socket| socket.listens) {
            // An instance may have several descriptors; one of them will do.
            let epoll = epolls.iter().find(|epoll| workers.watches(epoll, listener.inode));
            workers.epolls.extend(epoll.cloned());
        }
        Ok(workers)
    }

    pub(crate) fn count(&self) -> usize {
        self.epolls.len()
    }

    /// The worker that serves the client at this port.
    pub(crate) fn serving(&self, client: u16) -> io::Result<Option<usize>> {
        let sockets = self.sockets()?;
        let socket = sockets.iter().find(|socket| !socket.listens && socket.peer == client);
        Ok(socket.and_then(|socket| self.position(socket.inode)))
    }

    /// How many connections each worker serves.
    pub(crate) fn connections(&self) -> io::Result<Vec<usize>> {
        let mut counts = vec![0; self.count()];
        for socket in self.sockets()?.iter().filter(|socket| !socket.listens) {
            if let Some(worker) = self.position(socket.inode) {
                counts[worker] += 1;
            }
        }
        Ok(counts)
    }

    /// What the process has resident, in MiB.
    pub(crate) fn resident(&self) -> io::Result<u64> {
        resident(self.pid).map(|bytes| bytes >> 20)
    }

    fn position(&self, inode: u64) -> Option<usize> {
        self.epolls.iter().position(|epoll| self.watches(epoll, inode))
    }

    fn watches(&self, epoll: &str, inode: u64) -> bool {
        let watched = fs::read_to_string(format!("/proc/{}/fdinfo/{epoll}", self.pid));
        watched.is_ok_and(|watched| watched.contains(&format!(" ino:{inode:x} ")))
    }

    /// The gate's sockets on its data port.
    fn sockets(&self) -> io::Result<Vec<Socket>> {
        let table = fs::read_to_string(format!("/proc/{}/net/tcp", self.pid))?;
        let sockets = table.lines().skip(1).filter_map(socket);
        Ok(sockets.filter(|socket| socket.port == self.port).collect())
    }
}

/// A line of /proc/net/tcp, if the socket belongs to anyone still.
fn socket(line: &str) -> Option<Socket> {
    let mut columns = line.split_whitespace().skip(1);
    let mut port = || u16::from_str_radix(columns.next()?.split_once(':')?.1, 16).ok();
    let (port, peer) = (port()?, port()?);
    let listens = columns.next()? == "0A";
    let inode = columns.nth(5)?.parse().ok().filter(|inode| *inode != 0)?;
    Some(Socket { port, peer, listens, inode })
}
