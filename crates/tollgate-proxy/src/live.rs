//! The live list: the permits of a worker's open requests (design §3, step 5).

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

fn concerns(dead: &Dead, meter: MeterId) -> bool {
    match dead {
        Dead::None => false,
        Dead::Meters(meters) => meters.binary_search(&meter).is_ok(),
        Dead::Any => true,
    }
}
