//! What the upstream is told about a request: who called, from where, and that we stand between.

use std::fmt::Write;

use http::header::{HOST, VIA};
use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_core::{Caller, HostHeader, Shadow, ToldField, ToldFields};

use crate::account::Account;
use crate::arena::{Arena, Names};
use crate::connection::Client;
use crate::headers::{
    APPLICATION, CLIENT_CERTIFICATE, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO, KEY, PACKAGE,
    PLAN, REQUEST_ID, SHADOW,
};
use crate::peer::Whence;
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
    fn tell(&mut self, name: HeaderName, value: Option<HeaderValue>) {
        self.0.extend(value.map(|value| (name, value)));
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

    /// Who calls.
    fn tell_caller(
        &mut self,
        caller: &Caller<'_>,
        tell: ToldFields,
        names: &mut Names,
        arena: &mut Arena,
    ) {
        for (field, name, value) in [
            (ToldField::Application, APPLICATION, caller.application),
            (ToldField::Package, PACKAGE, caller.package),
            (ToldField::Plan, PLAN, caller.plan),
        ] {
            if tell.has(field) {
                self.tell(name, names.value(value));
            }
        }
        if tell.has(ToldField::Key) {
            self.tell(KEY, arena.value(caller.key(&mut [0; 36]).as_bytes()));
        }
    }

    /// Where the call comes from.
    fn tell_whence(
        &mut self,
        client: &Client,
        whence: &Whence,
        tell: ToldFields,
        arena: &mut Arena,
    ) {
        if tell.has(ToldField::ForwardedFor) {
            let address = match whence.address {
                direct if direct == client.address() => client.forwarded_for.clone(),
                address => address.and_then(|address| {
                    // Writing to memory cannot fail.
                    arena.build(|to| write!(to, "{address}").unwrap_or_default())
                }),
            };
            self.tell(FORWARDED_FOR, address);
        }
        if tell.has(ToldField::ForwardedProto) {
            let scheme = if whence.secure { "https" } else { "http" };
            self.tell(FORWARDED_PROTO, Some(HeaderValue::from_static(scheme)));
        }
        if let Some(certificate) = client.certificate()
            && tell.has(ToldField::ClientCertificate)
        {
            self.tell(CLIENT_CERTIFICATE, Some(certificate.field.clone()));
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
        let mut arena = self.arena.borrow_mut();
        let Destination::Server(pool) = destination else {
            account.identify(&mut arena);
            return Introduction::default();
        };
        let tell = pool.tell;
        let mut introduction = Introduction(Vec::with_capacity(FIELDS));
        introduction.tell_caller(caller, tell, &mut self.names.borrow_mut(), &mut arena);
        introduction.tell_whence(client, account.whence(), tell, &mut arena);
        let host = target.host_field.cloned().or_else(|| arena.value(target.authority?.as_bytes()));
        if tell.has(ToldField::ForwardedHost) {
            let forwarded = account.whence().host.as_deref();
            introduction.tell(FORWARDED_HOST, forwarded.or(host.as_ref()).cloned());
        }
        introduction.tell(VIA, self.settings.via.clone());
        let named = tell.has(ToldField::RequestId);
        // The access log names a request also where its upstream is not told.
        let id = match named || account.note().is_some() {
            true => account.identify(&mut arena).filter(|_| named),
            false => None,
        };
        match id {
            Some(id) => drop(headers.insert(REQUEST_ID, id)),
            None => drop(headers.remove(REQUEST_ID)),
        }
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
