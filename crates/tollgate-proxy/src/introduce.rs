//! What the upstream is told about a request: who called, from where, and that we stand between.

use std::fmt::Write;

use http::header::{HOST, VIA};
use http::{HeaderMap, HeaderValue};
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

    /// Sets our fields on a request that was cleaned of all others by their names.
    pub(crate) fn introduce(
        &self,
        headers: &mut HeaderMap,
        client: &Client,
        account: &mut Account,
        target: &Target<'_>,
        caller: &Caller<'_>,
        destination: &Destination,
    ) {
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
                headers.insert(field, value);
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
            headers.insert(FORWARDED_FOR, address);
        }
        let scheme = if whence.secure { "https" } else { "http" };
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
        if let Some(certificate) = client.certificate() {
            headers.insert(CLIENT_CERTIFICATE, certificate.field.clone());
        }
        let host = target.host_field.cloned().or_else(|| arena.value(target.authority?.as_bytes()));
        if let Some(host) = whence.host.as_deref().or(host.as_ref()) {
            headers.insert(FORWARDED_HOST, host.clone());
        }
        if let Some(via) = &self.settings.via {
            headers.append(VIA, via.clone());
        }
        if let Some(id) = account.identify(&mut arena) {
            headers.insert(REQUEST_ID, id);
        }
        let Destination::Server(pool) = destination else { return };
        match (pool.host_header, host) {
            (HostHeader::Client, Some(_)) if headers.contains_key(HOST) => {}
            (HostHeader::Client, Some(host)) => drop(headers.insert(HOST, host)),
            (HostHeader::Upstream, _) | (_, None) => {
                headers.insert(HOST, pool.authority());
            }
        }
    }
}
