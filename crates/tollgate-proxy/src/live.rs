//! The live list: the permits of a worker's open requests (design §3, step 5).

use tokio::task::AbortHandle;
use tollgate_core::{Dead, MeterId, Now, Permit, Refusal, Root, standing};

use crate::roster::{Entry, Handle, Roster};

/// The permits of a worker's open requests.
pub(crate) type LiveList = Roster<Live>;

/// A place on the list.
pub(crate) type LiveEntry = Entry<Live>;

/// An open request.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) permit: Permit,
    /// The client's connection that it came by.
    pub(crate) connection: Handle,
    pub(crate) kind: Kind,
    /// What stops the task of its stream; `None` = it has the connection for itself.
    pub(crate) task: Option<AbortHandle>,
}

/// What an open request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Request and response.
    Message,
    /// A tunnel.
    Tunnel,
    /// A tunnel that carries a WebSocket, which can be closed with a word.
    WebSocket,
}

/// What happens to open requests whose key dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnKeyDead {
    /// They are cut.
    Cut,
    /// They may finish.
    Finish,
}

impl LiveList {
    /// Ends the requests whose key may not be used any more under `root`. `dead` says where to
    /// look; whether a key is dead, the new root decides. Returns how many were ended.
    pub(crate) fn cut(&self, root: &Root, dead: &Dead, now: Now) -> u64 {
        let mut cut = 0;
        self.each(|live| live.permit.follow(root));
        self.end_where(|live| {
            let (digest, meter) = (live.permit.digest(), live.permit.meter());
            if !concerns(dead, meter) {
                return None;
            }
            let refusal: Refusal = standing(root, digest, meter, now).err()?;
            cut += 1;
            Some(refusal)
        });
        cut
    }
}

impl Live {
    /// Ends it from outside, as it was ended long ago and nobody polls it: its client does not read. Its stream
    /// is reset; `false` if it has none.
    pub(crate) fn stop(&self) -> bool {
        match (self.kind, &self.task) {
            (Kind::Message, Some(task)) => task.abort(),
            (Kind::Message, None) => return false,
            // It ends by itself, as soon as both sides have been told.
            (Kind::Tunnel | Kind::WebSocket, _) => {}
        }
        true
    }
}

impl LiveEntry {
    /// Says what stops the task of its stream, if it is one.
    pub(crate) fn stop_by(&self, task: Option<AbortHandle>) {
        if task.is_some() {
            self.change(|live| live.task = task);
        }
    }

    /// From now on it is a tunnel, which lasts as long as both sides like.
    pub(crate) fn become_tunnel(&self, kind: Kind) {
        self.lift_limit();
        self.change(|live| live.kind = kind);
    }
}

fn concerns(dead: &Dead, meter: MeterId) -> bool {
    match dead {
        Dead::None => false,
        Dead::Meters(meters) => meters.binary_search(&meter).is_ok(),
        Dead::Any => true,
    }
}
