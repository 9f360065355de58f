//! The roll of registered proxies, as this process knows it. What it hears of a proxy is kept in the
//! store a moment later; that a proxy is there, and how long it may go on, before the proxy knows.

mod keeping;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tollgate_core::{Clock, Revision};

use super::{AccessKey, RegisteredProxy};
use crate::document::kind::Name;
use crate::store::{Change, Deed, NotChanged, Reason, Store, StoreError, newest};

/// How often proxy and control plane each say that they are there. One that was not heard for four
/// times as long is taken for gone.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// So many proxies are registered at once.
const MOST: i64 = 10_000;

/// So much longer than it is a lease is kept as, so that few of its renewals are written, in
/// milliseconds.
const AHEAD: i64 = 60_000;

/// The registered proxies.
pub struct Roll {
    pub(super) members: watch::Sender<BTreeMap<String, Member>>,
    pub(super) store: Arc<Store>,
    pub(super) clock: Arc<dyn Clock>,
}

/// A registered proxy, and what this process alone knows of it.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) proxy: RegisteredProxy,
    /// Its connection to this process.
    pub(super) session: Option<i64>,
    /// When its lease ends as it was renewed here for as long as it goes on now.
    pub(super) granted: i64,
    /// When every lease ends that it had otherwise: from another process, or for another time.
    pub(super) floor: i64,
    /// It is not kept as it is now.
    changed: bool,
}

/// A proxy that comes.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// Its name.
    pub name: String,
    /// The id of its access key.
    pub access_key: String,
    /// Where it stands.
    pub region: String,
    /// The version of the program.
    pub software: String,
    /// For how many seconds it goes on without a control plane; `None` = without a bound.
    pub serve_for: Option<u64>,
    /// What it enforces; `None` = nothing.
    pub enforced: Option<Revision>,
    /// Its wall clock, in milliseconds since 1970.
    pub unix_ms: u64,
}

/// The place of a connection on the roll, which the next one of the same proxy takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The name of the proxy.
    pub name: String,
    /// What was committed when it came.
    pub committed: Revision,
    /// Whether another connection had its place, which has to give way.
    pub supersedes: bool,
    number: i64,
}

/// What is heard of a proxy.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// What all of its workers enforce.
    pub enforced: Option<Revision>,
    /// How many keys it has.
    pub keys: u64,
    /// Its wall clock, in milliseconds since 1970.
    pub unix_ms: u64,
}

/// Why a proxy is not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRegistered {
    /// It has a name that none can have.
    Name,
    /// The access key is not good any more.
    AccessKey,
    /// A proxy of this name came by another access key, which is good still.
    Taken,
    /// There are too many.
    Full,
}

/// How long a proxy may go on from an instant on, in milliseconds: with what two clocks may differ by.
pub(super) fn lease(serve_for: i64) -> i64 {
    serve_for.saturating_mul(1001).saturating_add(1000)
}

impl Roll {
    /// The roll as the store has it.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub async fn load(store: Arc<Store>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let rows = store.read(RegisteredProxy::all).await?;
        let members = rows.into_iter().map(|proxy| (proxy.name.clone(), Member::of(proxy)));
        let members = watch::Sender::new(members.collect());
        Ok(Self { members, store, clock })
    }

    /// Registers a proxy that comes, or knows it again.
    ///
    /// # Errors
    /// [`NotRegistered`], else what the store said.
    pub async fn register(&self, newcomer: Newcomer) -> Result<Session, NotChanged<NotRegistered>> {
        if Name::new(&newcomer.name).is_none() {
            return Err(NotChanged::Refused(NotRegistered::Name));
        }
        let deed = Deed {
            actor: format!("access_key/{}", newcomer.access_key),
            action: "proxy.register".to_owned(),
            kind: "proxy".to_owned(),
            object: newcomer.name.clone(),
            details: "{}".to_owned(),
        };
        let registered = self.store.change(deed, move |change, _| enter(change, newcomer));
        let ((proxy, floor, committed), _) = registered.await?;
        let number = proxy.session;
        let name = proxy.name.clone();
        let mut supersedes = false;
        self.members.send_modify(|members| {
            let before = members.get(&name);
            supersedes = before.is_some_and(|member| member.session.is_some());
            let same = before.filter(|member| member.proxy.serve_for == proxy.serve_for);
            let floor = same.map_or(floor, |member| member.floor);
            let granted = proxy.seen.saturating_add(lease(proxy.serve_for.unwrap_or(0)));
            let granted = same.map_or(0, |member| member.granted).max(granted);
            let member = Member { session: Some(number), granted, floor, ..Member::of(proxy) };
            members.insert(name.clone(), member);
        });
        Ok(Session { name, committed, supersedes, number })
    }

    /// Whether a connection still has its place.
    #[must_use]
    pub fn holds(&self, session: &Session) -> bool {
        self.members.borrow().get(&session.name).is_some_and(|member| member.is(session))
    }

    /// What is known of a proxy.
    #[must_use]
    pub fn known(&self, name: &str) -> Option<RegisteredProxy> {
        self.members.borrow().get(name).map(|member| member.proxy.clone())
    }

    /// Notes what was heard of a proxy.
    pub fn hear(&self, session: &Session, heard: Heard) {
        let now = self.now();
        self.with(session, |member| {
            let proxy = &mut member.proxy;
            proxy.seen = now;
            proxy.keys = i64::try_from(heard.keys).unwrap_or(i64::MAX);
            proxy.skew = i64::try_from(heard.unix_ms).unwrap_or(i64::MAX).saturating_sub(now);
            if heard.enforced > proxy.enforced {
                proxy.enforced = heard.enforced;
                proxy.enforced_at = Some(now);
                proxy.problem = None;
            }
        });
    }

    /// Notes why a proxy does not enforce a revision.
    pub fn hear_problem(&self, session: &Session, why: String) {
        self.with(session, |member| member.proxy.problem = Some(why));
    }

    /// Notes that a connection has ended.
    pub fn leave(&self, session: &Session) {
        self.with(session, |member| {
            member.session = None;
            member.proxy.connected = false;
        });
    }

    fn with(&self, session: &Session, change: impl FnOnce(&mut Member)) {
        self.members.send_if_modified(|members| {
            let member = members.get_mut(&session.name).filter(|member| member.is(session));
            let Some(member) = member else { return false };
            change(member);
            member.changed = true;
            true
        });
    }

    pub(super) fn now(&self) -> i64 {
        i64::try_from(self.clock.now().unix_ms).unwrap_or(i64::MAX)
    }

    /// Whether other control planes have proxies on the same roll.
    pub(super) fn is_shared(&self) -> bool {
        self.store.presence().is_some()
    }
}

impl Member {
    fn of(proxy: RegisteredProxy) -> Self {
        let floor = proxy.leased_until;
        Self { proxy, session: None, granted: 0, floor, changed: false }
    }

    fn is(&self, session: &Session) -> bool {
        self.session == Some(session.number)
    }
}

/// Enters a proxy into the roll of the store. Returns it, when all leases end that it had before, and
/// what is committed at that moment: whoever commits more from then on finds it there.
fn enter(
    change: &mut Change<'_>,
    newcomer: Newcomer,
) -> Result<(RegisteredProxy, i64, Revision), NotChanged<NotRegistered>> {
    let now = change.now();
    let connection = change.connection();
    let is_good = |key: Option<AccessKey>| key.is_some_and(|key| key.revoked.is_none());
    if !is_good(AccessKey::find(connection, &newcomer.access_key)?) {
        return Err(NotChanged::Refused(NotRegistered::AccessKey));
    }
    let known = RegisteredProxy::find(connection, &newcomer.name)?;
    if known.is_none() && RegisteredProxy::count(connection)? >= MOST {
        return Err(NotChanged::Refused(NotRegistered::Full));
    }
    if let Some(known) = &known
        && known.access_key != newcomer.access_key
        && is_good(AccessKey::find(connection, &known.access_key)?)
    {
        return Err(NotChanged::Refused(NotRegistered::Taken));
    }
    let serve_for = newcomer.serve_for.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
    let floor = known.as_ref().map_or(0, |known| known.leased_until);
    let ends = now.saturating_add(lease(serve_for.unwrap_or(0))).saturating_add(AHEAD);
    let same_state = known.as_ref().filter(|known| known.enforced == newcomer.enforced);
    let since = same_state.and_then(|known| known.enforced_at);
    let proxy = RegisteredProxy {
        name: newcomer.name,
        access_key: newcomer.access_key,
        region: newcomer.region,
        software: newcomer.software,
        registered: known.as_ref().map_or(now, |known| known.registered),
        seen: now,
        connected: true,
        // It may have begun with less than it had.
        enforced: newcomer.enforced,
        enforced_at: newcomer.enforced.map(|_| since.unwrap_or(now)),
        keys: known.as_ref().map_or(0, |known| known.keys),
        skew: i64::try_from(newcomer.unix_ms).unwrap_or(i64::MAX).saturating_sub(now),
        serve_for,
        leased_until: ends.max(floor),
        problem: None,
        session: 0,
    };
    let mut session = [0; 8];
    getrandom::fill(&mut session).map_err(|_| StoreError::Closed)?;
    let proxy = RegisteredProxy { session: i64::from_be_bytes(session), ..proxy };
    let same = known.as_ref().is_some_and(|known| known.access_key == proxy.access_key);
    match known {
        Some(_) => proxy.take_over(change.connection())?,
        None => proxy.insert(change.connection())?,
    }
    if same {
        change.leave_untold();
    }
    let committed = newest(change.connection())?;
    Ok((proxy, floor, committed))
}

impl Reason for NotRegistered {
    fn code(&self) -> &str {
        match self {
            Self::Name => "invalid",
            Self::AccessKey => "access_key_revoked",
            Self::Taken | Self::Full => "conflict",
        }
    }
}

impl fmt::Display for NotRegistered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "a proxy's name has 1 to 64 of A-Z a-z 0-9 _ - . :",
            Self::AccessKey => "the access key was revoked",
            Self::Taken => "a proxy of this name came by another access key, which is good still",
            Self::Full => "10,000 proxies are registered; expected some to be forgotten",
        })
    }
}
