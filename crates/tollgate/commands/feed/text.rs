//! A feed in words. Digests are told by their beginnings, secrets not at all.

use std::fmt::Write;

use jiff::Timestamp;
use tollgate_core::{Change, Record, Status};
use tollgate_feed::file::{Header, Piece};
use tollgate_feed::folder::TailHeader;
use tollgate_feed::receive::At;
use tollgate_feed::wire::{GivenName, SentBatch, SentKey, SentRoutes};

pub(super) fn header(header: &Header) -> String {
    let Header { environment, software, numbering, revision, published, schemes, keys } = header;
    let mut text = String::new();
    line(&mut text, format_args!("snapshot {} of {environment}", At(*revision)));
    line(&mut text, format_args!("published {}", instant(*published)));
    line(&mut text, format_args!("by tollgate {software}, numbering {:016x}", numbering.0));
    line(
        &mut text,
        format_args!("digests {:?}, before it {:?}", schemes.current, schemes.previous),
    );
    line(&mut text, format_args!("keys {keys}"));
    text
}

pub(super) fn tail(header: &TailHeader) -> String {
    let TailHeader { environment, numbering, after } = header;
    format!("batches after {} of {environment}, numbering {:016x}\n", At(*after), numbering.0)
}

pub(super) fn piece(piece: &Piece, brief: bool) -> String {
    let mut text = String::new();
    match piece {
        _ if brief => {}
        Piece::Given(given) => given.iter().for_each(|given| named(&mut text, given)),
        Piece::Routes(sent) => routes(&mut text, sent),
        Piece::Terms(terms) => {
            for (id, terms) in terms {
                line(&mut text, format_args!("terms {id}: {} grants", terms.grants.len()));
            }
        }
        Piece::Owners(owners) => {
            for (id, owner) in owners {
                let active = if owner.active { "active" } else { "inactive" };
                line(&mut text, format_args!("application {id}: {}, {active}", owner.application));
            }
        }
        Piece::Keys(keys) => keys.iter().for_each(|sent| key(&mut text, "key", sent)),
        Piece::Secrets(secrets) => {
            for secret in secrets {
                line(&mut text, format_args!("a secret of {:?}", secret.key));
            }
        }
    }
    text
}

pub(super) fn batch(batch: &SentBatch) -> String {
    let mut text = String::new();
    let published = instant(batch.published);
    line(&mut text, format_args!("revision {} published {published}", At(batch.revision)));
    if let Some(seal) = &batch.seal {
        line(&mut text, format_args!("  signed by {}", seal.signature.key()));
    }
    batch.given.iter().for_each(|given| named(&mut text, given));
    for change in &batch.keys {
        match change {
            Change::Put(sent) => key(&mut text, "  put", sent),
            Change::Remove(digest) => line(&mut text, format_args!("  remove {digest:?}")),
        }
    }
    for (from, to) in &batch.moved {
        line(&mut text, format_args!("  moved {from:?} to {to:?}"));
    }
    let parts = [
        ("secrets", batch.secrets.len()),
        ("terms", batch.terms.len()),
        ("applications", batch.owners.len()),
    ];
    for (what, count) in parts.into_iter().filter(|(_, count)| *count > 0) {
        line(&mut text, format_args!("  {count} {what}"));
    }
    if let Some(sent) = &batch.routes {
        routes(&mut text, sent);
    }
    if let Some(schemes) = &batch.schemes {
        line(&mut text, format_args!("  digests {:?}", schemes.current));
    }
    text
}

fn key(text: &mut String, what: &str, key: &SentKey) {
    let mut name = [0; 36];
    let status = match key.status {
        Status::Waiting => "waiting",
        Status::Active => "active",
        Status::Suspended => "suspended",
        Status::Revoked => "revoked",
    };
    let expires = match key.not_after {
        Record::NEVER => String::new(),
        second => format!(", expires {}", instant(u64::from(second) * 1000)),
    };
    let (name, digest) = (key.name.text(&mut name), key.digest);
    let (terms, owner) = (key.terms, key.owner);
    line(
        text,
        format_args!(
            "{what} {name} {digest:?}, {status}, terms {terms}, application {owner}{expires}"
        ),
    );
}

fn routes(text: &mut String, sent: &SentRoutes) {
    for sent in &sent.services {
        let (name, upstream) = (&sent.service.name, &sent.upstream);
        line(text, format_args!("service {name}, upstream {upstream}"));
    }
    line(text, format_args!("{} routes", sent.routes.len()));
}

fn named(text: &mut String, given: &GivenName) {
    match given {
        GivenName::Service(given) => {
            line(text, format_args!("service {} is {}", given.number, given.name));
        }
        GivenName::Endpoint(given) => line(
            text,
            format_args!("endpoint {} is {}/{}", given.number, given.service, given.name),
        ),
        GivenName::Method(given) => line(
            text,
            format_args!(
                "method {} is {}/{}/{}",
                given.number, given.service, given.endpoint, given.name
            ),
        ),
    }
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    // A string takes whatever is written.
    let _ = writeln!(text, "{what}");
}

fn instant(unix_ms: u64) -> String {
    let ms = i64::try_from(unix_ms).ok();
    let instant = ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    instant.map_or_else(|| "at no time".to_owned(), |instant| instant.to_string())
}
