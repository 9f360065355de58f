//! `POST /v3/token`: passwords and refresh tokens become tokens (domain.md §1.1, RFC 6749).
//! `POST /v3/token/revoke`: the login of a token ends (RFC 7009).

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use zeroize::Zeroizing;

use super::super::ask::Ask;
use super::super::{Plane, authorization};
use super::Failure;
use super::failure::refusal;
use crate::people::{
    Client, Ended, Issued, Login, NewLogin, Password, PasswordHash, Secret, TokenRefused,
};
use crate::store::{Deed, NotChanged, Shelf, StoreError};

/// What a client asks for.
struct Grant {
    kind: Kind,
    scope: Option<String>,
}

/// The fields of a form, each once.
struct Fields(Vec<(String, Zeroizing<String>)>);

enum Kind {
    Password { username: String, password: Password },
    Refresh(Secret),
}

/// Why there are no tokens, as RFC 6749 §5.2 says it.
enum Refused {
    Request(&'static str),
    GrantType,
    Client,
    Scope,
    Credentials,
    Refresh,
    Throttled(u64),
    Busy,
    Store(StoreError),
}

pub(super) async fn answer(State(plane): State<Plane>, request: Request) -> Response {
    let ask = match Ask::read(plane, request).await {
        Ok(ask) => ask,
        Err(unread) => return Failure::from(unread).into_response(),
    };
    match tokens(&ask).await {
        Ok((client, issued)) => granted(&ask, &client, &issued),
        Err(refused) => refused.into_response(),
    }
}

/// Ends the login of a token of the client's. A token that is good for nothing is no failure
/// (RFC 7009 §2.2).
pub(super) async fn revoke(State(plane): State<Plane>, request: Request) -> Response {
    let ask = match Ask::read(plane, request).await {
        Ok(ask) => ask,
        Err(unread) => return Failure::from(unread).into_response(),
    };
    match end(&ask).await {
        Ok(()) => Response::new(Body::empty()),
        Err(refused) => refused.into_response(),
    }
}

async fn end(ask: &Ask) -> Result<(), Refused> {
    ask.attempt().map_err(Refused::Throttled)?;
    let client = client(ask).await?;
    let fields = Fields::read(&ask.body)?;
    let token = Secret::brought(fields.required("token", "token is required")?.clone());
    let deed = deed("login.end", "", &client.id);
    let ended = ask.plane.store.change(deed, move |change, deed| {
        let Some(login) = Login::of_client(change.connection(), &token, &client.id)? else {
            return Err(NotChanged::Refused(TokenRefused::Unknown));
        };
        Login::end(change.connection(), &login.id)?;
        deed.actor.clone_from(&login.member);
        deed.object = login.member;
        Ok(())
    });
    match ended.await {
        Ok(_) | Err(NotChanged::Refused(_)) => Ok(()),
        Err(NotChanged::Store(error)) => Err(error.into()),
    }
}

pub(super) async fn wrong_method() -> Response {
    Failure::WrongMethod("POST").into_response()
}

async fn tokens(ask: &Ask) -> Result<(Client, Issued), Refused> {
    let plane = &ask.plane;
    // Before anything is compared: who guesses is slowed down, whether or not a guess is right.
    ask.attempt().map_err(Refused::Throttled)?;
    let client = client(ask).await?;
    let Grant { kind, scope } = Grant::read(&ask.body)?;
    if scope.is_some_and(|scope| scope != plane.area && scope != plane.environment()) {
        return Err(Refused::Scope);
    }
    let issued = match kind {
        Kind::Password { username, password } => {
            with_password(plane, &client, username, password).await
        }
        Kind::Refresh(token) => with_refresh_token(plane, &client, token).await,
    }?;
    Ok((client, issued))
}

/// The client of the Basic credentials.
async fn client(ask: &Ask) -> Result<Client, Refused> {
    let (id, secret) = authorization::basic(&ask.headers).ok_or(Refused::Client)?;
    let client = ask.plane.store.read(move |connection| Client::find(connection, &id)).await?;
    client.filter(|client| client.has(&secret)).ok_or(Refused::Client)
}

async fn with_password(
    plane: &Plane,
    client: &Client,
    username: String,
    password: Password,
) -> Result<Issued, Refused> {
    let name = username.clone();
    let known = plane.store.read(move |connection| {
        let Some(member) = Shelf::Members.named(connection, &name)? else { return Ok(None) };
        let hash = PasswordHash::of(connection, &member.id)?;
        Ok(hash.map(|hash| (member.id, hash)))
    });
    let (member, hash) = known.await?.unzip();
    let fits = plane.passwords.fits(password, hash).await.map_err(|_| Refused::Busy)?;
    let deed = deed("login", member.as_deref().unwrap_or_default(), &client.id);
    let Some(member) = member.filter(|_| fits) else {
        plane.refuse(deed, TokenRefused::WrongCredentials).await?;
        return Err(Refused::Credentials);
    };
    let new = NewLogin { member, client: client.id.clone() };
    let lifetimes = plane.settings.lifetimes;
    let issued = plane.store.change(deed, move |change, _| {
        let member = Shelf::Members.find(change.connection(), &new.member)?;
        if !member.is_some_and(|member| crate::people::is_active(&member)) {
            return Err(NotChanged::Refused(TokenRefused::MemberInactive));
        }
        Login::begin(change, &new, &lifetimes)
    });
    match issued.await {
        Ok((issued, _)) => Ok(issued),
        Err(NotChanged::Refused(_)) => Err(Refused::Credentials),
        Err(NotChanged::Store(error)) => Err(error.into()),
    }
}

async fn with_refresh_token(
    plane: &Plane,
    client: &Client,
    token: Secret,
) -> Result<Issued, Refused> {
    let (lifetimes, id) = (plane.settings.lifetimes, client.id.clone());
    let issued = plane.store.change(deed("login.refresh", "", &id.clone()), move |change, deed| {
        let issued = Login::refresh(change, &token, &id, &lifetimes)?;
        match &issued {
            Ok(issued) => {
                let member = Shelf::Members.find(change.connection(), &issued.member)?;
                if !member.is_some_and(|member| crate::people::is_active(&member)) {
                    return Err(NotChanged::Refused(TokenRefused::MemberInactive));
                }
                deed.object.clone_from(&issued.member);
                deed.actor.clone_from(&issued.member);
            }
            Err(Ended { member }) => {
                deed.action = "login.end_reused".to_owned();
                deed.object.clone_from(member);
            }
        }
        Ok(issued)
    });
    match issued.await {
        Ok((Ok(issued), _)) => Ok(issued),
        Ok((Err(Ended { member }), _)) => {
            tracing::warn!(member, "a refresh token came twice: the login was ended");
            Err(Refused::Refresh)
        }
        Err(NotChanged::Refused(_)) => Err(Refused::Refresh),
        Err(NotChanged::Store(error)) => Err(error.into()),
    }
}

/// Of a login nobody but the client and the member is told: a name that was tried can be a
/// password that was typed into the wrong field.
fn deed(action: &str, member: &str, client: &str) -> Deed {
    let actor = if member.is_empty() { "nobody" } else { member };
    Deed {
        actor: actor.to_owned(),
        action: action.to_owned(),
        kind: "member".to_owned(),
        object: member.to_owned(),
        details: json!({ "client": client }).to_string(),
    }
}

impl Grant {
    fn read(body: &[u8]) -> Result<Self, Refused> {
        let fields = Fields::read(body)?;
        let required = |name, missing| fields.required(name, missing);
        let grant = required("grant_type", "grant_type is required")?;
        let kind = match grant.as_str() {
            "password" => Kind::Password {
                username: required("username", "username is required")?.to_string(),
                password: Password::new(required("password", "password is required")?.clone()),
            },
            "refresh_token" => {
                let token = required("refresh_token", "refresh_token is required")?;
                Kind::Refresh(Secret::brought(token.clone()))
            }
            _ => return Err(Refused::GrantType),
        };
        Ok(Self { kind, scope: fields.get("scope").map(|scope| scope.to_string()) })
    }
}

impl Fields {
    fn read(body: &[u8]) -> Result<Self, Refused> {
        let mut fields: Vec<(String, Zeroizing<String>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(Refused::Request("a parameter stands twice"));
            }
            fields.push((name.into_owned(), Zeroizing::new(value.into_owned())));
        }
        Ok(Self(fields))
    }

    /// A field that is not empty.
    fn get(&self, name: &str) -> Option<&Zeroizing<String>> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &str, missing: &'static str) -> Result<&Zeroizing<String>, Refused> {
        self.get(name).ok_or(Refused::Request(missing))
    }
}

fn granted(ask: &Ask, client: &Client, issued: &Issued) -> Response {
    let body = json!({
        "token_type": "bearer",
        "mapi": client.id,
        "access_token": issued.access.reveal(),
        "expires_in": ask.plane.settings.lifetimes.access.as_secs(),
        "refresh_token": issued.refresh.reveal(),
        "scope": ask.plane.area,
    });
    let mut response = Response::new(Body::from(body.to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (error, description) = match self {
            Self::Request(what) => ("invalid_request", what),
            Self::GrantType => ("unsupported_grant_type", "expected password or refresh_token"),
            Self::Client => ("invalid_client", "Unknown client or wrong secret"),
            Self::Scope => ("invalid_scope", "expected the id of the area"),
            Self::Credentials => ("invalid_grant", "Invalid username or password"),
            Self::Refresh => ("invalid_grant", "Expired refresh token"),
            Self::Throttled(seconds) => return Failure::Throttled(seconds).into_response(),
            Self::Busy => return busy(),
            Self::Store(error) => return Failure::Store(error).into_response(),
        };
        let body = json!({ "error": error, "error_description": description });
        let mut response = refusal(StatusCode::BAD_REQUEST, "ERR_400_BAD_REQUEST", &body);
        if matches!(self, Self::Client) {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            let basic = HeaderValue::from_static("Basic realm=\"tollgate\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, basic);
        }
        response
    }
}

/// More passwords wait to be compared than the machine is lent for.
fn busy() -> Response {
    let body = json!({ "error": "temporarily_unavailable", "error_description": "try again" });
    let code = "ERR_503_SERVICE_UNAVAILABLE";
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, code, &body);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(1));
    response
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
