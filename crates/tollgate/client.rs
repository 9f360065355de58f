//! A client of the admin API: what commands reach a control plane by.

mod failure;
mod logins;
mod refusal;
mod server;
mod session;
mod tls;
mod wire;

use serde_json::Value as Json;

use crate::cli::ServerArguments;

pub(crate) use failure::Failure;
pub(crate) use logins::Logins;
pub(crate) use server::Server;
pub(crate) use session::{Credentials, end, log_in};
pub(crate) use wire::{Answer, Ask, Wire};

use session::Session;

/// Somebody at a control plane.
pub(crate) struct Client {
    wire: Wire,
    session: Session,
}

/// So many objects are asked for at once; the API gives no more.
const PAGE: usize = 1_000;

impl Client {
    /// Finds out which control plane is meant and by what token. Asks nobody yet.
    pub(crate) fn new(arguments: &ServerArguments) -> Result<Self, Failure> {
        let logins = Logins::open()?;
        let (server, ca_file) = place(arguments, &logins)?;
        let session = Session::find(&server, arguments, &logins)?;
        let ca_file = ca_file.or_else(|| session.ca_file());
        Ok(Self { wire: Wire::new(server, ca_file.as_deref())?, session })
    }

    /// Asks, once more with a fresh token if the one at hand has ended. Every answer that is none
    /// of success is a failure.
    pub(crate) fn ask(&self, ask: Ask<'_>) -> Result<Answer, Failure> {
        let again = ask.again();
        let answer = self.wire.send(ask, &self.session.authorization(&self.wire)?)?;
        match again {
            Some(again) if answer.is_bad_token() && self.session.renew(&self.wire)? => {
                self.wire.send(again, &self.session.authorization(&self.wire)?)?.success()
            }
            _ => answer.success(),
        }
    }

    /// GET of one object.
    pub(crate) fn get(&self, target: &str) -> Result<Json, Failure> {
        self.ask(Ask::get(target))?.json()
    }

    /// GET of one object that may not be there.
    pub(crate) fn get_if_there(&self, target: &str) -> Result<Option<Json>, Failure> {
        match self.get(target) {
            Ok(json) => Ok(Some(json)),
            Err(failure) if failure.code() == failure::MISSING => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The object of an id in a list, with these fields.
    pub(crate) fn find(&self, list: &str, id: &str, fields: &str) -> Result<Option<Json>, Failure> {
        if looks_like_id(id) {
            return self.get_if_there(&format!("{list}/{id}?fields={fields}"));
        }
        // It may be a key that was given in the place of an id. Paths are logged, queries are not.
        let target = format!("{list}?fields={fields}&filter=id:{}", encoded(id));
        let mut found = None;
        self.list(&target, Some(1), |object| {
            found = Some(object);
            Ok(())
        })?;
        Ok(found)
    }

    /// Hands over all objects of a list, page by page, `most` of them at most. `target` has no
    /// `limit` and no `offset`. Returns how many there are.
    pub(crate) fn list(
        &self,
        target: &str,
        most: Option<usize>,
        mut each: impl FnMut(Json) -> Result<(), Failure>,
    ) -> Result<usize, Failure> {
        let between = if target.contains('?') { '&' } else { '?' };
        let mut seen = 0;
        loop {
            let limit = most.map_or(PAGE, |most| PAGE.min(most - seen));
            let page = format!("{target}{between}limit={limit}&offset={seen}");
            let answer = self.ask(Ask::get(&page))?;
            let total = answer.total();
            let Json::Array(page) = answer.json()? else {
                return Err(Failure::Failed("the control plane answered with no list".to_owned()));
            };
            let got = page.len();
            page.into_iter().try_for_each(&mut each)?;
            seen += got;
            let all = total.is_some_and(|total| seen >= total) || got < limit;
            if all || most.is_some_and(|most| seen >= most) {
                return Ok(total.unwrap_or(seen).max(seen));
            }
        }
    }
}

/// Which control plane is meant, and by which authorities alone it is known.
pub(crate) fn place(
    arguments: &ServerArguments,
    logins: &Logins,
) -> Result<(Server, Option<std::path::PathBuf>), Failure> {
    let ca_file = arguments.ca_file.clone();
    let server = if let Some(url) = &arguments.server {
        Server::read(url)?
    } else if let Some(file) = &arguments.config {
        crate::commands::admin_address(file)?
    } else if let Some(url) = std::env::var("TOLLGATE_SERVER").ok().filter(|url| !url.is_empty()) {
        Server::read(&url)?
    } else if let Some(last) = logins.last() {
        last
    } else {
        return Err(Failure::Wrong(
            "no control plane is named, expected --server URL, --config FILE, TOLLGATE_SERVER, or \
             a login (`tollgate login`)"
                .to_owned(),
        ));
    };
    Ok((server, ca_file))
}

/// Whether it is of the form of the store's ids.
pub(crate) fn looks_like_id(id: &str) -> bool {
    id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// A text of somebody else's as it may go to a terminal: what would steer it stands as `?`.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|each| if each.is_control() { '?' } else { each }).collect()
}

/// A part of a path or a query, with whatever means something there encoded.
pub(crate) fn encoded(part: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_part_means_anything_in_a_url() {
        assert_eq!(encoded("a b/c?d=é&e"), "a%20b%2Fc%3Fd%3D%C3%A9%26e");
        assert_eq!(encoded("0192-a_b.c~"), "0192-a_b.c~");
    }

    #[test]
    fn nothing_of_a_text_steers_a_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\rc\u{9b}d"), "a?[2Jb?c?d");
    }
}
