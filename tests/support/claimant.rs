//! A process that takes over only so far.

use std::io::{IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;

use rustix::net::{RecvAncillaryBuffer, RecvFlags, recvmsg};
use serde_json::{Value as Json, json};

use super::{PATIENCE, Tollgate};

/// A process that wants to take over, and does what a test says.
pub(crate) struct Claimant(UnixStream);

impl Claimant {
    pub(crate) fn of(gate: &Tollgate) -> Self {
        let stream = UnixStream::connect(gate.folder().join("takeover.sock")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    pub(crate) fn claim(mut self, protocol: u32, environment: &str) -> Self {
        self.say(&json!({ "Claim": {
            "protocol": protocol, "version": "0", "environment": environment,
        }}));
        self
    }

    pub(crate) fn say(&mut self, word: &Json) {
        let text = word.to_string();
        self.0.write_all(&(text.len() as u32).to_be_bytes()).unwrap();
        self.0.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn hear(&mut self) -> Json {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).unwrap();
        let mut text = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// Hears of the sockets and takes them.
    pub(crate) fn take(&mut self) -> Json {
        let offer = self.hear();
        for _ in offer["Offer"]["sockets"].as_array().unwrap() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut byte = [0];
            let mut room = [IoSliceMut::new(&mut byte)];
            recvmsg(&self.0, &mut room, &mut control, RecvFlags::CMSG_CLOEXEC).unwrap();
        }
        offer
    }
}
