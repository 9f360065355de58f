//! One proxy that follows the feed, from what it says first.

mod following;
mod messages;

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tollgate_feed::wire::{Goodbye, GoodbyeReason, Hello, ToControl, ToProxy, VERSION, Welcome};

use super::Access;
use crate::admin::Plane;
use crate::proxies::{HEARTBEAT, Newcomer, NotRegistered, Session};
use crate::store::NotChanged;
use following::Following;
use messages::Messages;

/// From the beginning to the end of what a proxy says first, and of what it waits for then.
const FIRST: Duration = Duration::from_secs(10);
/// How long the last message may wait for whoever takes it.
const LAST: Duration = Duration::from_millis(200);

/// Why it ends.
enum End {
    /// The proxy has gone.
    Gone,
    /// The proxy is told why.
    Told(GoodbyeReason, String),
}

impl End {
    fn told(reason: GoodbyeReason, text: impl Into<String>) -> Self {
        Self::Told(reason, text.into())
    }
}

/// Tells a proxy what is published until one of both goes.
pub(super) async fn run(plane: Plane, access: Access, body: Body, to: mpsc::Sender<Bytes>) {
    let end = follow(&plane, &access, Messages::of(body), &to).await;
    if let End::Told(reason, text) = end {
        tracing::info!(access_key = access.key.id, ?reason, text, "a proxy was told goodbye");
        let goodbye = ToProxy::Goodbye(Goodbye { reason, text }).to_bytes();
        // One that does not read is not waited for.
        let _ = timeout(LAST, to.send(goodbye)).await;
    }
    // The listener waits for the body, and lets go of the plane then.
    drop(plane);
    drop(to);
}

async fn follow(
    plane: &Plane,
    access: &Access,
    mut messages: Messages,
    to: &mpsc::Sender<Bytes>,
) -> End {
    let key = &access.key;
    let hello = match timeout(FIRST, messages.next()).await {
        Ok(Ok(Some(ToControl::Hello(hello)))) => hello,
        Ok(Ok(None)) => return End::Gone,
        Ok(Ok(Some(_))) => return End::told(GoodbyeReason::Malformed, "expected a hello first"),
        Ok(Err(error)) => return End::told(GoodbyeReason::Malformed, error),
        Err(_) => return End::told(GoodbyeReason::Malformed, "there was no hello in time"),
    };
    if hello.watches() {
        tracing::info!(access_key = key.id, "somebody looks on at the key feed");
        return welcomed(plane, (access, &hello), None, messages, to).await;
    }
    if let Err(end) = fits(plane, &hello) {
        return end;
    }
    let newcomer = Newcomer {
        name: hello.name.clone(),
        access_key: key.id.clone(),
        region: key.region.clone(),
        software: hello.software.chars().filter(|each| !each.is_control()).take(64).collect(),
        serve_for: hello.serve_for,
        enforced: hello.held.map(|held| held.revision),
        unix_ms: hello.unix_ms,
    };
    let session = match plane.roll.register(newcomer).await {
        Ok(session) => session,
        Err(NotChanged::Refused(why)) => {
            let reason = match why {
                NotRegistered::AccessKey => GoodbyeReason::AccessRevoked,
                NotRegistered::Name | NotRegistered::Taken | NotRegistered::Full => {
                    GoodbyeReason::WrongPlace
                }
            };
            return End::told(reason, why.to_string());
        }
        Err(NotChanged::Store(error)) => {
            tracing::warn!(%error, "a proxy cannot be registered");
            return End::told(GoodbyeReason::ShuttingDown, "the store cannot be used");
        }
    };
    if session.supersedes {
        plane.feed.look();
    }
    tracing::info!(proxy = session.name, access_key = key.id, "a proxy follows the key feed");
    plane.feed.metrics.proxies.inc();
    let end = welcomed(plane, (access, &hello), Some(&session), messages, to).await;
    plane.feed.metrics.proxies.dec();
    plane.roll.leave(&session);
    tracing::info!(proxy = session.name, "a proxy does not follow the key feed any more");
    end
}

/// Whether a proxy can be told anything here.
fn fits(plane: &Plane, hello: &Hello) -> Result<(), End> {
    let feed = &plane.feed;
    let wrong = |text: String| Err(End::told(GoodbyeReason::WrongPlace, text));
    if hello.version < VERSION {
        let text = format!("expected version {VERSION} of the format at least");
        return Err(End::told(GoodbyeReason::Version, text));
    }
    if hello.environment != feed.environment {
        return wrong(format!("this is the environment {}", feed.environment));
    }
    let own = &plane.settings.regions.own;
    if hello.region.as_ref().is_some_and(|region| region != own) {
        return wrong(format!("this is the region {own}"));
    }
    let Some(schemes) = feed.schemes() else {
        return Err(End::told(GoodbyeReason::ShuttingDown, "nothing is published yet"));
    };
    // Otherwise all of its keys would be unknown (design decision 1).
    if !hello.schemes.contains(&schemes.current) {
        return wrong(
            "keys are digested under a scheme or pepper that the proxy has not".to_owned(),
        );
    }
    Ok(())
}

async fn welcomed(
    plane: &Plane,
    (access, hello): (&Access, &Hello),
    session: Option<&Session>,
    messages: Messages,
    to: &mpsc::Sender<Bytes>,
) -> End {
    // Whoever committed more than this found the proxy on the roll.
    let mut newest = plane.feed.newest();
    let committed = session.map(|session| session.committed).unwrap_or_default();
    let reached = newest.wait_for(|newest| *newest >= committed);
    if !matches!(timeout(FIRST, reached).await, Ok(Ok(_))) {
        return End::told(GoodbyeReason::ShuttingDown, "what is committed is not published yet");
    }
    let welcome = ToProxy::Welcome(Welcome {
        version: VERSION,
        software: env!("CARGO_PKG_VERSION").to_owned(),
        numbering: plane.feed.numbering,
        environment: plane.feed.environment.clone(),
        newest: *plane.feed.newest().borrow(),
        heartbeat_ms: u32::try_from(HEARTBEAT.as_millis()).unwrap_or(u32::MAX),
        capabilities: 0,
        unix_ms: plane.clock.now().unix_ms,
    });
    if to.send(welcome.to_bytes()).await.is_err() {
        return End::Gone;
    }
    Following::of(plane, hello, session, messages, to).run(access).await
}
