//! What the upstream is told about a request: who called, from where, and that we stand between.

use std::fmt::Write;

use http::header::{HOST, VIA};
use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_core::{Caller, HostHeader, Shadow};

use crate::account::Account;
use crate::connection::Client;
use crate::headers::{
    APPLICATION, CLIENT_CERTIFICATE, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO, KEY, PACKAGE,
    PLAN, REQUEST_ID, SHADOW,
};
use crate::target::Target;
use crate::upstream::Destination;
use crate::worker::Worker;

/// What an upstream is told beside the fields of a request. They stay apart where they can, since a map is
/// slow to fill.
#[derive(Debug, Default)]
pub(crate) struct Introduction(Vec<(HeaderName, HeaderValue)>);

/// As many fields as it has at most.
const FIELDS: usize = 9;

impl Introduction {
    fn tell(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.push((name, value));
    }

    /// Each field.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Becomes a part of the fields of its request.
    pub(crate) fn join(&mut self, headers: &mut HeaderMap) {
        for (name, value) in self.0.drain(..) {
            headers.append(name, value);
        }
    }
}

impl Worker {
    /// Tells everybody but the client what an admitted request would have been refused for.
    pub(crate) fn tell_shadow(
        &self,
        headers: &mut HeaderMap,
        shadow: Shadow,
        account: &mut Account,
    ) {
        if shadow.is_empty() {
            return;
        }
        let told = self.arena.borrow_mut().build(|to| {
            for (number, refusal) in shadow.refusals().enumerate() {
                if number > 0 {
                    to.extend_from_slice(b", ");
                }
                to.extend_from_slice(refusal.code().as_bytes());
            }
        });
        if let Some(told) = told {
            headers.insert(SHADOW, told);
        }
        for refusal in shadow.refusals() {
            if let Some(counter) = self.cells.shadow_refusals.get(refusal.index()) {
                counter.add(1);
            }
        }
        account.noted(|note| note.shadow(shadow));
    }

    /// Our fields for a request that was cleaned of all others by their names. Its id and its host are put
    /// right among its own.
    pub(crate) fn introduce(
        &self,
        headers: &mut HeaderMap,
        client: &Client,
        account: &mut Account,
        target: &Target<'_>,
        caller: &Caller<'_>,
        destination: &Destination,
    ) -> Introduction {
        let mut introduction = Introduction(Vec::with_capacity(FIELDS));
        let mut arena = self.arena.borrow_mut();
        let mut names = self.names.borrow_mut();
        let whence = account.whence();
        let mut key = [0; 36];
        for (field, value) in [
            (APPLICATION, names.value(caller.application)),
            (PACKAGE, names.value(caller.package)),
            (PLAN, names.value(caller.plan)),
            (KEY, arena.value(caller.key(&mut key).as_bytes())),
        ] {
            if let Some(value) = value {
                introduction.tell(field, value);
            }
        }
        let address = match whence.address {
            direct if direct == client.address() => client.forwarded_for.clone(),
            address => address.and_then(|address| {
                // Writing to memory cannot fail.
                arena.build(|to| write!(to, "{address}").unwrap_or_default())
            }),
        };
        if let Some(address) = address {
            introduction.tell(FORWARDED_FOR, address);
        }
        let scheme = if whence.secure { "https" } else { "http" };
        introduction.tell(FORWARDED_PROTO, HeaderValue::from_static(scheme));
        if let Some(certificate) = client.certificate() {
            introduction.tell(CLIENT_CERTIFICATE, certificate.field.clone());
        }
        let host = target.host_field.cloned().or_else(|| arena.value(target.authority?.as_bytes()));
        if let Some(host) = whence.host.as_deref().or(host.as_ref()) {
            introduction.tell(FORWARDED_HOST, host.clone());
        }
        if let Some(via) = &self.settings.via {
            introduction.tell(VIA, via.clone());
        }
        if let Some(id) = account.identify(&mut arena) {
            headers.insert(REQUEST_ID, id);
        }
        let Destination::Server(pool) = destination else { return introduction };
        match (pool.host_header, host) {
            (HostHeader::Client, Some(_)) if target.host_field.is_some() => {}
            (HostHeader::Client, Some(host)) => drop(headers.insert(HOST, host)),
            (HostHeader::Upstream, _) | (_, None) => {
                headers.insert(HOST, pool.authority());
            }
        }
        introduction
    }
}
