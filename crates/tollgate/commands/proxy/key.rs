//! `tollgate proxy key …`

use std::fmt::Write;
use std::process::ExitCode;

use hyper::http::Method;
use serde_json::{Value as Json, json};

use crate::cli::{AccessKeyIds, Asking, CreateAccessKey, RevokeAccessKeys};
use crate::client::{Answer, Ask, Client, Failure, clean, encoded};
use crate::commands::key::text;
use crate::output::{self, Column, Table, status};

const ACCESS_KEYS: &str = "/api/access-keys";

const COLUMNS: [Column; 5] = [
    Column { head: "ID", whole: true },
    Column { head: "STATUS", whole: true },
    Column { head: "CAPABILITY", whole: false },
    Column { head: "REGION", whole: false },
    Column { head: "CREATED", whole: false },
];

pub(super) fn create(arguments: &CreateAccessKey) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.asking.server)?;
    let CreateAccessKey { capability, region, certificate, id, .. } = arguments;
    let body = json!({
        "id": id, "capability": capability, "region": region, "certificate": certificate,
    });
    let made =
        client.ask(Ask::new(Method::POST, ACCESS_KEYS).json(&body)).and_then(Answer::json)?;
    let text = if arguments.asking.json { format!("{made}\n") } else { lines(&made) };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn list(asking: &Asking) -> Result<ExitCode, Failure> {
    let client = Client::new(&asking.server)?;
    let mut table = Table::new(&COLUMNS);
    client.list(ACCESS_KEYS, None, |key| {
        if asking.json {
            return output::print(&format!("{key}\n"));
        }
        let cell = |name| clean(text(&key, &[name]));
        let state = status(text(&key, &["status"]));
        table.row(vec![cell("id"), state, cell("capability"), cell("region"), cell("created")]);
        Ok(())
    })?;
    if !asking.json {
        output::print(&table.text(output::width()))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn revoke(arguments: &RevokeAccessKeys) -> Result<ExitCode, Failure> {
    let AccessKeyIds { asking, ids } = &arguments.keys;
    let client = Client::new(&asking.server)?;
    let question = match ids.as_slice() {
        [id] => format!("What is connected through {} will be cut off.", clean(id)),
        _ => format!("What is connected through {} access keys will be cut off.", ids.len()),
    };
    output::confirm(&question, arguments.yes)?;
    let target = format!("{ACCESS_KEYS}/revoke");
    let body = json!({ "confirm": true, "ids": ids });
    let answer = client.ask(Ask::new(Method::POST, &target).json(&body)).and_then(Answer::json)?;
    let mut refused = None;
    for one in answer.as_array().into_iter().flatten() {
        let id = clean(text(one, &["id"]));
        if text(one, &["outcome"]) != "done" {
            let failure = failure(one);
            failure.tell(Some(&id));
            refused.get_or_insert(failure.code());
        } else if !asking.json {
            output::print(&format!("{id}: revoked\n"))?;
        }
        if asking.json {
            output::print(&format!("{one}\n"))?;
        }
    }
    Ok(refused.map_or(ExitCode::SUCCESS, ExitCode::from))
}

pub(super) fn delete(arguments: &AccessKeyIds) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.asking.server)?;
    let mut refused = None;
    for id in &arguments.ids {
        let target = format!("{ACCESS_KEYS}/{}", encoded(id));
        match client.ask(Ask::new(Method::DELETE, &target)) {
            Ok(_) if arguments.asking.json => {
                output::print(&format!("{}\n", json!({ "id": id, "deleted": true })))?;
            }
            Ok(_) => output::print(&format!("{}: deleted\n", clean(id)))?,
            Err(failure) => {
                failure.tell(Some(&clean(id)));
                refused.get_or_insert(failure.code());
            }
        }
    }
    Ok(refused.map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// What became of one that was not revoked.
fn failure(one: &Json) -> Failure {
    let detail = clean(text(one, &["detail"]));
    match text(one, &["outcome"]) {
        "not_found" => Failure::Missing(detail),
        _ => Failure::Conflict(detail),
    }
}

/// A fresh key, for people: its secret is there this once.
fn lines(key: &Json) -> String {
    let mut lines = String::new();
    for (head, name) in [
        ("id", "id"),
        ("secret", "secret"),
        ("certificate", "certificate"),
        ("capability", "capability"),
        ("region", "region"),
        ("connect URL", "connectUrl"),
    ] {
        let value = clean(text(key, &[name]));
        if !value.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{head:<12} {value}");
        }
    }
    lines
}
