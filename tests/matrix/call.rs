//! A call of a cell, and the request that it is.

use super::{
    Cell, Place,
    house::{self, Kind, SECRET},
};
use crate::support::Request;

/// What a call brings; without key and proof it is what an upstream is to see.
pub(super) struct Call {
    pub(super) kind: Kind,
    pub(super) method: &'static str,
    /// Below the service's path.
    pub(super) below: String,
    pub(super) keys: Vec<String>,
    pub(super) secret: Option<&'static str>,
    pub(super) referer: &'static str,
    /// Bytes that its body has in addition.
    pub(super) filler: usize,
}

/// Where keys and proofs can be put.
pub(super) struct Parts {
    fields: Vec<(String, String)>,
    pub(super) cookies: Vec<String>,
    pub(super) query: Vec<String>,
    pub(super) form: Vec<String>,
    pub(super) segment: Option<String>,
}

impl Call {
    /// A call of an open service with the key of this name, which proves what it has to.
    pub(super) fn of(name: &str) -> Self {
        Self {
            kind: Kind::Open,
            method: "POST",
            below: "/items/7".to_owned(),
            keys: vec![house::key(name)],
            secret: Some(SECRET),
            referer: house::REFERER,
            filler: 0,
        }
    }

    /// The request, and what of it nobody behind the gate may see.
    pub(super) fn request(&self, cell: &Cell<'_>) -> (Request, Vec<String>) {
        let mut parts = Parts::new(self.filler);
        let mut unseen = self.keys.clone();
        for key in &self.keys {
            cell.place.put(key, &mut parts);
        }
        if let (Some(key), Some(secret)) = (self.keys.first(), self.secret) {
            unseen.extend(cell.proof.put((key, secret), cell.place, &mut parts));
        }
        (self.write(cell, parts), unseen)
    }

    /// The request without key and proof.
    pub(super) fn rest(&self, cell: &Cell<'_>) -> Request {
        self.write(cell, Parts::new(self.filler))
    }

    fn write(&self, cell: &Cell<'_>, parts: Parts) -> Request {
        let segment = parts.segment.map(|segment| format!("/{segment}")).unwrap_or_default();
        let path = format!("{}{segment}{}", self.kind.path(cell.place), self.below);
        let target = format!("{path}?{}", parts.query.join("&"));
        let mut request = Request::new(cell.house.gate.data(), self.method, &target)
            .header("Cookie", &parts.cookies.join("; "))
            .header("Referer", self.referer);
        for (name, value) in &parts.fields {
            request = request.header(name, value);
        }
        // Of a scheme in which no service looks for a key, and behind what one may look at.
        request = request.header("Authorization", "Digest a=1");
        match cell.place {
            Place::Form => crate::secrets::form(&request, &parts.form.join("&")),
            _ => request.header("Content-Type", "text/plain").body(&parts.form.join("\n")),
        }
    }
}

impl Parts {
    fn new(filler: usize) -> Self {
        let pairs = || ["a=%7e".to_owned(), "b".to_owned()].into();
        let mut form: Vec<_> = pairs();
        form.push("x".repeat(filler));
        Self {
            fields: vec![("X-Rest".to_owned(), "kept".to_owned())],
            cookies: vec!["a=1".to_owned(), "b=2".to_owned()],
            query: pairs(),
            form,
            segment: None,
        }
    }

    pub(super) fn field(&mut self, name: &str, value: &str) {
        self.fields.push((name.to_owned(), value.to_owned()));
    }
}
