//! Control planes of one store read equal files (design §1): each says what its file holds, by hashes,
//! and takes no other file into force than those that run beside it.
//!
//! Where files are to change, each says what it would take. The last one to read it finds all others
//! wanting the same, and begins; the others follow.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::{Key, Name, Objects, Owner};
use crate::store::{Connection, Presence, StoreError};

/// What a file holds, by a hash for each kind of object. No key, secret or pepper is in it, only in what
/// is hashed their digests, wrapped secrets and fingerprints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parts(BTreeMap<String, String>);

/// What a control plane says of itself.
#[derive(Serialize, Deserialize)]
struct Said {
    /// Hashes are those of one version of the program.
    program: String,
    name: String,
    has: Parts,
    wants: Option<Parts>,
}

/// A control plane with another file.
#[derive(Debug, PartialEq, Eq)]
pub struct OtherFile {
    /// The control plane.
    pub name: String,
    /// The kinds of objects that differ.
    pub parts: Vec<String>,
}

const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// What the names of facts begin with.
const FACT: &str = "plane/";

impl Parts {
    /// Of what a file holds. Places in it, and whatever it says beside objects, do not count; nor
    /// where an upstream is, which may be another one at each place.
    pub(super) fn of(objects: &Objects) -> Self {
        let Objects {
            environment,
            key_brand,
            digests,
            upstreams,
            services,
            unrouted: _,
            packages,
            members,
            applications,
            keys,
        } = objects;
        let previous = digests.previous.as_ref().map(|previous| previous.mark());
        let marks = (digests.current.mark(), previous);
        let upstreams: Vec<&Name> = upstreams.keys().collect();
        let parts = [
            ("environment", hash([&(environment, key_brand)])),
            ("digest", hash([&marks])),
            ("upstreams", hash([&upstreams])),
            ("services", hash_of_file(services.values(), |service| &mut service.owner)),
            ("packages", hash_of_file(packages.values(), |package| &mut package.owner)),
            ("members", hash_of_file(members.values(), |member| &mut member.owner)),
            ("applications", hash_of_file(applications.values(), |one| &mut one.owner)),
            ("keys", hash_of_file(keys.values(), |key| &mut key.owner)),
            // A key's own words leave most of these out.
            ("digests and secrets of keys", hash_secrets(keys.values())),
        ];
        Self(parts.into_iter().map(|(part, hash)| (part.to_owned(), hash)).collect())
    }

    /// The kinds of objects in which two differ.
    fn differences(&self, other: &Self) -> Vec<String> {
        let names = self.0.keys().chain(other.0.keys().filter(|name| !self.0.contains_key(*name)));
        names.filter(|name| self.0.get(*name) != other.0.get(*name)).cloned().collect()
    }
}

/// Other control planes that run with another file, and would not take this one. Where `starts`, it
/// does not help that they would.
pub(super) fn against(
    connection: &mut dyn Connection,
    presence: &Presence,
    parts: &Parts,
    starts: bool,
) -> Result<Vec<OtherFile>, StoreError> {
    let live = live(connection, presence)?;
    let others = live.into_iter().filter(|(id, _)| *id != presence.id).map(|(_, said)| said);
    let against = others.filter_map(|said| {
        if said.program != PROGRAM {
            tracing::warn!(
                other = said.name,
                program = said.program,
                "another version of the program: its file is not compared with this one's"
            );
            return None;
        }
        let would = !starts && said.wants.as_ref() == Some(parts);
        let parts = said.has.differences(parts);
        (!would && !parts.is_empty()).then_some(OtherFile { name: said.name, parts })
    });
    Ok(against.collect())
}

/// Says what this control plane has, and what it would take, and forgets those that are gone.
pub(super) fn say(
    connection: &mut dyn Connection,
    presence: &Presence,
    has: &Parts,
    wants: Option<&Parts>,
) -> Result<(), StoreError> {
    let live = live(connection, presence)?;
    for row in connection.rows("SELECT name FROM facts WHERE name LIKE 'plane/%'", &[])? {
        let name = row.text(0)?;
        if !live.iter().any(|(id, _)| name == fact(*id)) {
            connection.run("DELETE FROM facts WHERE name = $1", &[name.into()])?;
        }
    }
    let said =
        Said { program: PROGRAM.to_owned(), name: name(), has: has.clone(), wants: wants.cloned() };
    let said = serde_json::to_string(&said).map_err(|error| StoreError::Failed(error.into()))?;
    let statement = "INSERT INTO facts (name, value) VALUES ($1, $2) \
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.run(statement, &[fact(presence.id).into(), said.into()])?;
    Ok(())
}

/// The control planes that live and have said something, by the numbers under which they do.
fn live(
    connection: &mut dyn Connection,
    presence: &Presence,
) -> Result<Vec<(i64, Said)>, StoreError> {
    let mut live = Vec::new();
    for row in connection.rows(presence.live, &[])? {
        let id = row.integer(0)?;
        let query = "SELECT value FROM facts WHERE name = $1";
        let Some(said) = connection.row(query, &[fact(id).into()])? else { continue };
        // What a later version says otherwise is not compared either.
        if let Ok(said) = serde_json::from_str(said.text(0)?) {
            live.push((id, said));
        }
    }
    Ok(live)
}

fn fact(id: i64) -> String {
    format!("{FACT}{id}")
}

/// What people find this process by.
fn name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{} (process {})", host.trim(), std::process::id())
}

/// Takes in what is written, so that nothing of it is ever held.
struct Hasher(Sha256);

impl Hasher {
    fn add(&mut self, part: &dyn Debug) {
        // It takes everything.
        let _ = writeln!(self, "{part:?}");
    }

    fn finish(self) -> String {
        self.0.finalize().iter().take(16).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl Write for Hasher {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}

fn hash<const N: usize>(parts: [&dyn Debug; N]) -> String {
    let mut hasher = Hasher(Sha256::new());
    parts.into_iter().for_each(|part| hasher.add(part));
    hasher.finish()
}

/// Hashes objects but for where they stand.
fn hash_of_file<'a, T: Clone + Debug + 'a>(
    objects: impl Iterator<Item = &'a T>,
    owner: impl Fn(&mut T) -> &mut Owner,
) -> String {
    let mut hasher = Hasher(Sha256::new());
    for object in objects {
        let mut object = object.clone();
        *owner(&mut object) = Owner::Store;
        hasher.add(&object);
    }
    hasher.finish()
}

fn hash_secrets<'a>(keys: impl Iterator<Item = &'a Key>) -> String {
    let mut hasher = Hasher(Sha256::new());
    for key in keys {
        let digests = [Some(key.digest), key.secret_digest];
        let digests = digests.map(|digest| digest.map(|digest| digest.to_string()));
        let wrapped = key.wrapped_secret.as_ref().map(ToString::to_string);
        hasher.add(&(digests, wrapped));
    }
    hasher.finish()
}

impl fmt::Display for OtherFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has other {}", self.name, self.parts.join(", "))
    }
}
