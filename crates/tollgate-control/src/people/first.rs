//! The first administrator: how a fresh control plane comes by somebody who can log in.
//!
//! There is no default password. Where nobody has a password, the first start makes a member, a
//! client and a password, and writes them into a file that only its owner may read.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Map, json};

use super::{Client, Password, PasswordHash, RoleGrant, Secret, TokenRefused};
use crate::store::{Deed, Document, NotChanged, Shelf, Store, StoreError};

/// What the first administrator is called.
pub const FIRST_USERNAME: &str = "admin";
const FIRST_CLIENT: &str = "tollgate";

/// What came of looking for somebody who can log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// There is somebody.
    Known,
    /// There was nobody; the file says who there is now.
    Made,
}

/// Why there is no first administrator.
#[derive(Debug)]
pub enum FirstError {
    /// The file cannot be written.
    File(io::Error),
    /// The store failed.
    Store(StoreError),
    /// The system has no randomness.
    NoRandomness,
}

/// Makes the first administrator of `area`, where nobody can log in.
///
/// # Errors
/// [`FirstError`]; nobody has been made then.
pub async fn first_administrator(
    store: &Store,
    area: &str,
    file: &Path,
) -> Result<First, FirstError> {
    if store.read(PasswordHash::any).await.map_err(FirstError::Store)? {
        return Ok(First::Known);
    }
    let password = Secret::fresh().map_err(|_| FirstError::NoRandomness)?;
    let secret = Secret::fresh().map_err(|_| FirstError::NoRandomness)?;
    // Written before anybody is made: a password that nobody knows would lock everybody out. One
    // that is left over, from a start that was cut off here, opens nothing.
    write(file, &password, &secret, area).map_err(FirstError::File)?;
    let plain = Password::new(password.reveal().to_owned());
    let hash = tokio::task::spawn_blocking(move || plain.hash()).await.ok().flatten();
    let hash = hash.ok_or(FirstError::NoRandomness)?;
    let made = store.change(deed(), move |change, deed| {
        // Another control plane on the same store may have been faster.
        if PasswordHash::any(change.connection())? {
            return Err(NotChanged::Refused(TokenRefused::WrongCredentials));
        }
        let member = member(change.now());
        deed.object.clone_from(&member.id);
        let client = Client::new(FIRST_CLIENT, "Made at the first start", &secret, change.now());
        Shelf::Members.insert(change.connection(), &member)?;
        Client::delete(change.connection(), FIRST_CLIENT)?;
        client.insert(change.connection())?;
        hash.set(change, &member.id)?;
        Ok(())
    });
    match made.await {
        Ok(_) => Ok(First::Made),
        Err(NotChanged::Refused(_)) => {
            // What it says is not so.
            let _ = fs::remove_file(file);
            Ok(First::Known)
        }
        Err(NotChanged::Store(error)) => Err(FirstError::Store(error)),
    }
}

fn deed() -> Deed {
    Deed {
        actor: "start".to_owned(),
        action: "member.create".to_owned(),
        kind: "member".to_owned(),
        object: String::new(),
        details: json!({ "username": FIRST_USERNAME, "roles": ["owner"] }).to_string(),
    }
}

fn member(now: i64) -> Document {
    let mut body = Map::new();
    body.insert("email".to_owned(), json!(""));
    body.insert("areaStatus".to_owned(), json!("active"));
    body.insert("roles".to_owned(), json!([RoleGrant::everywhere("owner")]));
    Document {
        id: uuid::Uuid::new_v4().to_string(),
        parent: String::new(),
        name: FIRST_USERNAME.to_owned(),
        body,
        created: now,
        updated: now,
    }
}

/// Writes the file anew, with nobody able to read it in between.
fn write(path: &Path, password: &Secret, secret: &Secret, area: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file: File = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    write!(
        file,
        "# The first administrator. Log in, set a password of your own, and delete this file.\n\
         username = \"{FIRST_USERNAME}\"\n\
         password = \"{}\"\n\
         \n\
         # The client to log in through, as /v3/token wants it: Basic credentials and a scope.\n\
         client = \"{FIRST_CLIENT}\"\n\
         client_secret = \"{}\"\n\
         scope = \"{area}\"\n",
        password.reveal(),
        secret.reveal(),
    )?;
    file.sync_all()
}

impl std::fmt::Display for FirstError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(error) => {
                write!(f, "the file of the first administrator cannot be written: {error}")
            }
            Self::Store(error) => error.fmt(f),
            Self::NoRandomness => f.write_str("the system has no randomness"),
        }
    }
}

impl std::error::Error for FirstError {}
