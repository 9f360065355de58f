//! Which change is previewed, as the API takes it.

use std::io::{self, Read};
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use crate::cli::PreviewArguments;
use crate::client::Failure;

/// Properties whose values nobody but their owner may read.
const SECRET: [&str; 3] = ["apikey", "secret", "passwdNew"];

/// The body of the call.
pub(super) fn of(arguments: &PreviewArguments) -> Result<Json, Failure> {
    if let Some(file) = &arguments.changes {
        let text = if is_input(file) { input() } else { std::fs::read(file) };
        // Without the path: what names no file can be a key, written in its place.
        let unread = |error| Failure::Wrong(format!("--changes: cannot be read: {error}"));
        let changes = read(&text.map_err(unread)?, "--changes")?;
        return match changes {
            Json::Object(_) => Ok(changes),
            _ => Err(Failure::Wrong("--changes: expected an object".to_owned())),
        };
    }
    let mut call = Map::new();
    for (name, value) in [("method", &arguments.method), ("path", &arguments.path)] {
        if let Some(value) = value {
            call.insert(name.to_owned(), json!(value));
        }
    }
    let body = match arguments.body.as_deref() {
        None => return Ok(call.into()),
        Some("-") => {
            let unread = |error| Failure::Wrong(format!("standard input cannot be read: {error}"));
            read(&input().map_err(unread)?, "the body")?
        }
        Some(text) => {
            let body = read(text.as_bytes(), "the body")?;
            if has_secret(&body) {
                return Err(Failure::Wrong(
                    "the body has something secret in it, and arguments can be read by others: \
                     expected -, and the body on standard input"
                        .to_owned(),
                ));
            }
            body
        }
    };
    call.insert("body".to_owned(), body);
    Ok(call.into())
}

fn is_input(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn input() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    Ok(text)
}

/// Without what the library says, which repeats what it found.
fn read(text: &[u8], what: &str) -> Result<Json, Failure> {
    serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Failure::Wrong(format!("{what}: line {line}, column {column}: expected JSON"))
    })
}

fn has_secret(body: &Json) -> bool {
    match body {
        Json::Object(object) => {
            object.iter().any(|(name, value)| SECRET.contains(&&**name) || has_secret(value))
        }
        Json::Array(array) => array.iter().any(has_secret),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_is_found_wherever_it_stands() {
        for secret in [
            json!({ "apikey": "k" }),
            json!({ "key": [{ "secret": "s" }] }),
            json!([{ "passwdNew": null }]),
        ] {
            assert!(has_secret(&secret), "{secret}");
        }
        assert!(!has_secret(&json!({ "status": "secret", "apikeys": [1] })));
    }
}
