//! What a proxy is told, and what it says, once it is welcome.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tollgate_core::Revision;
use tollgate_feed::wire::{Applied, GoodbyeReason, Hello, ServerHeartbeat, ToControl, ToProxy};

use super::super::{Access, unix};
use super::End;
use super::messages::Messages;
use crate::admin::Plane;
use crate::feed::{Log, Next, Snapshot};
use crate::proxies::{AccessKey, HEARTBEAT, Heard, RegisteredProxy, Session};
use crate::store::Connection;

/// After so long without a word a proxy is gone.
const SILENCE: Duration = HEARTBEAT.saturating_mul(4);
/// So many revisions are timed that a proxy does not enforce yet.
const MOST_SENT: usize = 1024;

/// What is sent to a proxy at present.
pub(super) struct Following<'a> {
    plane: &'a Plane,
    /// Its place on the roll; `None` = it looks on only.
    session: Option<&'a Session>,
    messages: Messages,
    to: &'a mpsc::Sender<Bytes>,
    /// What the proxy holds once it has read what was sent.
    position: Option<Revision>,
    /// What it came with, by whatever numbers.
    held: Option<Revision>,
    /// The heartbeat that is to be answered.
    answers: Option<u64>,
    /// A sign of life is due.
    beat: bool,
    heard: Instant,
    /// A snapshot that is being made, apart from the session.
    making: Option<Making>,
    /// One that was made and is to be sent next.
    made: Option<Arc<Snapshot>>,
    /// What was sent and is not enforced, with the instants at which it was published.
    sent: VecDeque<(Revision, std::time::Instant)>,
}

type Making = Pin<Box<dyn Future<Output = io::Result<Arc<Snapshot>>> + Send>>;

impl<'a> Following<'a> {
    /// What is sent to a proxy that said so of itself.
    pub(super) fn of(
        plane: &'a Plane,
        hello: &Hello,
        session: Option<&'a Session>,
        messages: Messages,
        to: &'a mpsc::Sender<Bytes>,
    ) -> Self {
        let held = hello.held.filter(|held| held.numbering == plane.feed.numbering);
        Self {
            plane,
            session,
            messages,
            to,
            position: held.map(|held| held.revision),
            held: hello.held.map(|held| held.revision),
            answers: None,
            beat: false,
            heard: Instant::now(),
            making: None,
            made: None,
            sent: VecDeque::new(),
        }
    }
}

impl Following<'_> {
    /// Until it ends, and why.
    pub(super) async fn run(mut self, access: &Access) -> End {
        let mut log = self.plane.feed.follow();
        let mut looks = self.plane.feed.looks();
        let mut closing = self.plane.closing.subscribe();
        let mut beats = interval(HEARTBEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // It may have been revoked since it was proven.
        looks.mark_changed();
        closing.mark_changed();
        loop {
            let next = self.next(&mut log);
            tokio::select! {
                biased;
                message = self.messages.next() => match message {
                    Ok(Some(message)) => if let Some(end) = self.hear(message).await {
                        return end;
                    },
                    Ok(None) => return End::Gone,
                    Err(error) => return End::told(GoodbyeReason::Malformed, error),
                },
                Ok(()) = looks.changed() => if let Some(end) = self.look(&access.key).await {
                    return end;
                },
                Ok(()) = closing.changed() => if *closing.borrow() {
                    return End::told(GoodbyeReason::ShuttingDown, "the control plane ends");
                },
                permit = self.to.reserve(), if next.is_some() => {
                    let (Ok(permit), Some((bytes, position))) = (permit, next) else {
                        return End::Gone;
                    };
                    permit.send(bytes);
                    match position {
                        Some(position) => {
                            self.position = Some(position);
                            self.made = None;
                        }
                        None => (self.answers, self.beat) = (None, false),
                    }
                }
                Ok(()) = log.changed(), if next.is_none() => {}
                made = made(&mut self.making) => {
                    self.making = None;
                    match made {
                        Ok(snapshot) => self.made = Some(snapshot),
                        Err(error) => {
                            tracing::error!(%error, "a snapshot for proxies cannot be made");
                            let text = "a snapshot cannot be made";
                            return End::told(GoodbyeReason::ShuttingDown, text);
                        }
                    }
                }
                _ = beats.tick() => {
                    if access.is_over(unix(self.plane)) {
                        let text = "the certificate has expired";
                        return End::told(GoodbyeReason::AccessRevoked, text);
                    }
                    self.beat = true;
                }
                () = sleep_until(self.heard + SILENCE) => {
                    return End::told(GoodbyeReason::TooSlow, "nothing was heard of the proxy");
                }
            }
        }
    }

    /// What is to be sent next, and where the proxy is then; `None` in its place for a heartbeat.
    fn next(&mut self, log: &mut watch::Receiver<Log>) -> Option<(Bytes, Option<Revision>)> {
        if self.beat || self.answers.is_some() {
            let beat = ServerHeartbeat {
                answers: self.answers,
                newest: *self.plane.feed.newest().borrow(),
                unix_ms: self.plane.clock.now().unix_ms,
            };
            return Some((ToProxy::Heartbeat(beat).to_bytes(), None));
        }
        let next = match self.position {
            Some(position) => log.borrow_and_update().after(position),
            None => Next::Gap,
        };
        match next {
            Next::Nothing => None,
            Next::Batch(revision, bytes, at) => {
                if self.sent.back().is_none_or(|(last, _)| *last < revision)
                    && self.sent.len() < MOST_SENT
                {
                    self.sent.push_back((revision, at));
                }
                Some((bytes, Some(revision)))
            }
            // None is made for whoever does not read.
            Next::Gap if self.to.capacity() == 0 => None,
            Next::Gap => {
                if let Some(snapshot) = &self.made {
                    let offer = ToProxy::Snapshot(snapshot.offer.clone()).to_bytes();
                    return Some((offer, Some(snapshot.revision())));
                }
                let (feed, held) = (&self.plane.feed, self.held.max(self.position));
                self.making.get_or_insert_with(|| Box::pin(Arc::clone(feed).snapshot(held)));
                None
            }
        }
    }

    async fn hear(&mut self, message: ToControl) -> Option<End> {
        self.heard = Instant::now();
        let plane = self.plane;
        let roll = &plane.roll;
        match message {
            ToControl::Hello(_) => {
                return Some(End::told(GoodbyeReason::Malformed, "a second hello"));
            }
            ToControl::Applied(applied) => {
                self.time(applied.revision);
                let Applied { revision, keys, unix_ms, .. } = applied;
                if let Some(session) = self.session {
                    roll.hear(session, Heard { enforced: Some(revision), keys, unix_ms });
                }
            }
            ToControl::Heartbeat(beat) => {
                let Some(session) = self.session else {
                    self.answers = Some(beat.sent);
                    return None;
                };
                let from = self.plane.now();
                let (enforced, keys, unix_ms) = (beat.enforced, beat.keys, beat.unix_ms);
                roll.hear(session, Heard { enforced, keys, unix_ms });
                match roll.renew(session, from).await {
                    Ok(()) => self.answers = Some(beat.sent),
                    Err(error) => tracing::warn!(%error, "the lease of a proxy is not renewed"),
                }
            }
            ToControl::Refused(refused) => {
                let why: String = refused.reason.chars().take(512).collect();
                let why: String = why.chars().filter(|each| !each.is_control()).collect();
                let session = self.session?;
                tracing::warn!(
                    proxy = session.name,
                    revision = refused.revision.number,
                    why,
                    "a proxy does not enforce a revision"
                );
                roll.hear_problem(session, why);
            }
            ToControl::Goodbye(_) => return Some(End::Gone),
        }
        None
    }

    /// Notes how long it took until the proxy enforced what it was sent.
    fn time(&mut self, enforced: Revision) {
        while let Some((_, at)) = self.sent.front().filter(|(sent, _)| *sent <= enforced) {
            self.plane.feed.metrics.note_propagation(at.elapsed());
            self.sent.pop_front();
        }
    }

    /// Whether the proxy may go on.
    async fn look(&mut self, key: &AccessKey) -> Option<End> {
        let (id, name) = (key.id.clone(), self.session.map(|session| session.name.clone()));
        let looked = self.plane.store.read(move |connection: &mut dyn Connection| {
            let key = AccessKey::find(connection, &id)?;
            let Some(name) = name else { return Ok((key, true)) };
            Ok((key, RegisteredProxy::find(connection, &name)?.is_some()))
        });
        match looked.await {
            Ok((None, _)) => Some(End::told(GoodbyeReason::AccessRevoked, "there is no such key")),
            Ok((Some(found), _)) if found.revoked.is_some() || found != *key => {
                Some(End::told(GoodbyeReason::AccessRevoked, "the access key was revoked"))
            }
            Ok((_, false)) => Some(End::told(GoodbyeReason::Forgotten, "the proxy was forgotten")),
            _ if self.session.is_some_and(|session| !self.plane.roll.holds(session)) => {
                Some(End::told(GoodbyeReason::Superseded, "another process came under the name"))
            }
            Ok(_) => None,
            // Whoever may be revoked is told nothing more.
            Err(error) => {
                tracing::warn!(%error, "access keys cannot be looked at");
                Some(End::told(GoodbyeReason::ShuttingDown, "the store cannot be used"))
            }
        }
    }
}

async fn made(making: &mut Option<Making>) -> io::Result<Arc<Snapshot>> {
    match making {
        Some(making) => making.await,
        None => std::future::pending().await,
    }
}
