//! Where logins are kept: one file of one's own, which nobody else can read.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tollgate_control::people::Secret;
use tollgate_control::secret::read_secret;
use zeroize::Zeroizing;

use super::{Failure, Server};

/// The file of the logins.
pub(crate) struct Logins {
    /// `None` = there is nowhere to keep them.
    folder: Option<PathBuf>,
    kept: Kept,
}

/// A login at one control plane, with what it is renewed by.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Login {
    pub(super) client: String,
    #[serde(with = "kept_secret")]
    pub(super) client_secret: Secret,
    #[serde(with = "kept_secret")]
    pub(super) access_token: Secret,
    #[serde(with = "kept_secret")]
    pub(super) refresh_token: Secret,
    /// When the access token ends, in seconds since 1970.
    pub(super) expires: u64,
    /// The authorities by which alone the control plane is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ca_file: Option<PathBuf>,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    /// By their control planes.
    logins: BTreeMap<String, Login>,
    /// The control plane of the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<String>,
}

impl Logins {
    /// Reads the file, if there is one.
    pub(crate) fn open() -> Result<Self, Failure> {
        let folder = folder();
        let kept = folder.as_ref().map(|folder| read(&folder.join(FILE))).transpose()?;
        Ok(Self { folder, kept: kept.unwrap_or_default() })
    }

    /// The control plane that somebody has last logged in to.
    pub(super) fn last(&self) -> Option<Server> {
        Server::read(self.kept.last.as_deref()?).ok()
    }

    pub(super) fn find(&self, server: &Server) -> Option<&Login> {
        self.kept.logins.get(server.as_str())
    }

    /// Changes the file, with every other process of its owner kept from it for so long. What
    /// `change` is given is as it stands in the file.
    pub(super) fn change<T>(
        change: impl FnOnce(&mut Change<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let folder = folder().ok_or_else(|| {
            Failure::Wrong(
                "neither XDG_CONFIG_HOME nor HOME is set, so no login can be kept".to_owned(),
            )
        })?;
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(unkept)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(folder.join("logins.lock"))
            .map_err(unkept)?;
        lock.lock().map_err(unkept)?;
        let path = folder.join(FILE);
        let mut kept = read(&path)?;
        let changed = change(&mut Change(&mut kept))?;
        write(&folder, &kept).map_err(unkept)?;
        Ok(changed)
    }

    /// The folder, to be told to people.
    pub(crate) fn place(&self) -> String {
        self.folder
            .as_ref()
            .map(|folder| folder.join(FILE).display().to_string())
            .unwrap_or_default()
    }
}

/// The logins, while nobody else changes them.
pub(super) struct Change<'a>(&'a mut Kept);

impl Change<'_> {
    pub(super) fn find(&self, server: &Server) -> Option<&Login> {
        self.0.logins.get(server.as_str())
    }

    /// Keeps a login. `newest`: commands that name no control plane mean its.
    pub(super) fn keep(&mut self, server: &Server, login: Login, newest: bool) {
        self.0.logins.insert(server.as_str().to_owned(), login);
        if newest {
            self.0.last = Some(server.as_str().to_owned());
        }
    }

    pub(super) fn forget(&mut self, server: &Server) -> Option<Login> {
        if self.0.last.as_deref() == Some(server.as_str()) {
            self.0.last = None;
        }
        self.0.logins.remove(server.as_str())
    }
}

const FILE: &str = "logins.json";

/// `$XDG_CONFIG_HOME/tollgate`, else `~/.config/tollgate`.
fn folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let of_xdg = variable("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let above = of_xdg.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".config")))?;
    Some(above.join("tollgate"))
}

fn read(path: &std::path::Path) -> Result<Kept, Failure> {
    if fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(Kept::default());
    }
    let text = read_secret(path)?;
    // What the library says could repeat a token.
    serde_json::from_slice(&text).map_err(|_| {
        Failure::Wrong(format!("{}: expected what `tollgate login` writes", path.display()))
    })
}

/// Writes the file anew: it is the old one or the new one, never a part.
fn write(folder: &std::path::Path, kept: &Kept) -> std::io::Result<()> {
    let next = folder.join("logins.next");
    if let Err(error) = fs::remove_file(&next)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&next)?;
    file.write_all(&Zeroizing::new(serde_json::to_vec_pretty(kept)?))?;
    file.sync_all()?;
    fs::rename(next, folder.join(FILE))
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn unkept(error: std::io::Error) -> Failure {
    Failure::Failed(format!("the login cannot be kept: {error}"))
}

/// A secret in the file, and nowhere else.
mod kept_secret {
    use serde::{Deserialize, Deserializer, Serializer};
    use tollgate_control::people::Secret;

    pub(super) fn serialize<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(secret.reveal())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
        String::deserialize(from).map(Secret::brought)
    }
}
