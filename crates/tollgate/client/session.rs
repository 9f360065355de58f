//! Who asks: a token that was brought, or a login that is kept and renewed.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::http::Method;
use serde_json::Value as Json;
use tollgate_control::people::Secret;
use tollgate_control::secret::read_secret;
use zeroize::Zeroizing;

use super::logins::{Login, Logins};
use super::refusal::Kind;
use super::{Answer, Ask, Failure, Server, Wire};
use crate::cli::ServerArguments;

/// What requests are authorized by.
pub(super) enum Session {
    /// A token of the environment or a file.
    Brought(Secret),
    /// A login.
    Kept(RefCell<Login>),
}

/// What somebody logs in with.
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) password: Secret,
    /// The program through which they come.
    pub(crate) client: String,
    pub(crate) client_secret: Secret,
}

/// A token is renewed so many seconds before it ends.
const EARLY: u64 = 30;

const TOKEN: &str = "/v3/token";
const REVOKE: &str = "/v3/token/revoke";

impl Session {
    /// The token file, `TOLLGATE_TOKEN`, or the login at `server`.
    pub(super) fn find(
        server: &Server,
        arguments: &ServerArguments,
        logins: &Logins,
    ) -> Result<Self, Failure> {
        let brought = std::env::var("TOLLGATE_TOKEN").ok().filter(|token| !token.is_empty());
        let file = arguments.token_file.clone();
        if let Some(token) = brought.filter(|_| file.is_none()) {
            return Self::brought(Secret::brought(token));
        }
        let file = file.or_else(|| std::env::var_os("TOLLGATE_TOKEN_FILE").map(PathBuf::from));
        if let Some(file) = file.filter(|file| !file.as_os_str().is_empty()) {
            let text = read_secret(&file)?;
            let text = str::from_utf8(&text).map_err(|_| no_token())?;
            return Self::brought(Secret::brought(text.trim().to_owned()));
        }
        let login = logins.find(server).cloned().ok_or_else(|| {
            Failure::NotLoggedIn(format!(
                "nobody is logged in at {server}: `tollgate login --server {server}`, \
                 or TOLLGATE_TOKEN"
            ))
        })?;
        Ok(Self::Kept(RefCell::new(login)))
    }

    fn brought(token: Secret) -> Result<Self, Failure> {
        let text = token.reveal();
        let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then_some(Self::Brought(token)).ok_or_else(no_token)
    }

    pub(super) fn ca_file(&self) -> Option<PathBuf> {
        match self {
            Self::Brought(_) => None,
            Self::Kept(login) => login.borrow().ca_file.clone(),
        }
    }

    /// What `Authorization` is to be now.
    pub(super) fn authorization(&self, wire: &Wire) -> Result<Zeroizing<String>, Failure> {
        let bearer = |token: &Secret| Zeroizing::new(format!("Bearer {}", token.reveal()));
        match self {
            Self::Brought(token) => Ok(bearer(token)),
            Self::Kept(login) => {
                if login.borrow().expires <= now() + EARLY {
                    self.renew(wire)?;
                }
                Ok(bearer(&login.borrow().access_token))
            }
        }
    }

    /// Renews the token. Returns whether that can be done at all.
    pub(super) fn renew(&self, wire: &Wire) -> Result<bool, Failure> {
        let Self::Kept(login) = self else { return Ok(false) };
        // A refresh token is good once: no two processes may bring the same one.
        let renewed = Logins::change(|logins| {
            let found = logins.find(&wire.server).cloned();
            let kept = found.ok_or_else(|| {
                Failure::NotLoggedIn(format!("the login at {} has been ended", wire.server))
            })?;
            let known = login.borrow().access_token.clone();
            if kept.access_token.reveal() != known.reveal() && kept.expires > now() + EARLY {
                return Ok(kept);
            }
            let form =
                [("grant_type", "refresh_token"), ("refresh_token", kept.refresh_token.reveal())];
            let ask = Ask::new(Method::POST, TOKEN).form(&form);
            let answer = wire.send(ask, &basic(&kept.client, &kept.client_secret))?;
            let server = &wire.server;
            let ended =
                |_| format!("the login at {server} has ended: `tollgate login --server {server}`");
            let tokens =
                Tokens::read(answer.success().map_err(|failure| refused(failure, ended))?)?;
            let renewed = tokens.into_login(kept.client, kept.client_secret, kept.ca_file);
            logins.keep(&wire.server, renewed.clone(), false);
            Ok(renewed)
        })?;
        login.replace(renewed);
        Ok(true)
    }
}

/// Logs somebody in and keeps the login.
pub(crate) fn log_in(
    wire: &Wire,
    credentials: Credentials,
    ca_file: Option<PathBuf>,
) -> Result<(), Failure> {
    let Credentials { username, password, client, client_secret } = credentials;
    let form =
        [("grant_type", "password"), ("username", &username), ("password", password.reveal())];
    let ask = Ask::new(Method::POST, TOKEN).form(&form);
    let answer = wire.send(ask, &basic(&client, &client_secret))?;
    let answer = answer.success().map_err(|failure| refused(failure, |said| said));
    let tokens = Tokens::read(answer?)?;
    let login = tokens.into_login(client, client_secret, ca_file);
    Logins::change(|logins| {
        logins.keep(&wire.server, login, true);
        Ok(())
    })
}

/// Ends the login here and at the control plane. Returns whether there was one.
pub(crate) fn end(server: &Server, ca_file: Option<PathBuf>) -> Result<bool, Failure> {
    let login = Logins::change(|logins| Ok(logins.forget(server)))?;
    let Some(login) = login else { return Ok(false) };
    let wire = Wire::new(server.clone(), ca_file.or_else(|| login.ca_file.clone()).as_deref())?;
    let ask = Ask::new(Method::POST, REVOKE).form(&[("token", login.refresh_token.reveal())]);
    wire.send(ask, &basic(&login.client, &login.client_secret))?.success()?;
    Ok(true)
}

/// What the control plane issues (RFC 6749 §5.1).
struct Tokens {
    access: Secret,
    refresh: Secret,
    lasts: u64,
}

impl Tokens {
    fn read(answer: Answer) -> Result<Self, Failure> {
        let json = answer.json()?;
        let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        let access = text("access_token").map(Secret::brought);
        let refresh = text("refresh_token").map(Secret::brought);
        let lasts = json.get("expires_in").and_then(Json::as_u64);
        let tokens = access.zip(refresh).zip(lasts);
        let ((access, refresh), lasts) = tokens.ok_or_else(|| {
            Failure::Failed("the control plane answered with no tokens".to_owned())
        })?;
        Ok(Self { access, refresh, lasts })
    }

    fn into_login(self, client: String, client_secret: Secret, ca_file: Option<PathBuf>) -> Login {
        Login {
            client,
            client_secret,
            access_token: self.access,
            refresh_token: self.refresh,
            expires: now().saturating_add(self.lasts),
            ca_file,
        }
    }
}

/// A refusal to issue tokens; whatever is none stays what it is.
fn refused(failure: Failure, told: impl FnOnce(String) -> String) -> Failure {
    match failure {
        Failure::Refused(refusal) if refusal.kind != Kind::Failed => {
            Failure::NotLoggedIn(told(refusal.message))
        }
        failure => failure,
    }
}

/// Basic credentials (RFC 7617).
fn basic(client: &str, secret: &Secret) -> Zeroizing<String> {
    use base64::Engine as _;
    let both = Zeroizing::new(format!("{client}:{}", secret.reveal()));
    let encoded = Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(both.as_bytes()));
    Zeroizing::new(format!("Basic {}", encoded.as_str()))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn no_token() -> Failure {
    Failure::Wrong(
        "TOLLGATE_TOKEN and --token-file hold no token, expected its text alone".to_owned(),
    )
}
