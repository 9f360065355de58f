//! `tollgate proxy list`, `status` and `forget`

use std::fmt::Write;
use std::process::ExitCode;

use hyper::http::Method;
use serde_json::{Value as Json, json};

use crate::cli::{Asking, ForgetProxies, ProxyNames};
use crate::client::{Ask, Client, Failure, clean, encoded};
use crate::output::{self, Column, Table};

const PROXIES: &str = "/api/proxies";

const COLUMNS: [Column; 7] = [
    Column { head: "NAME", whole: true },
    Column { head: "STATE", whole: true },
    Column { head: "REGION", whole: false },
    Column { head: "VERSION", whole: false },
    Column { head: "LAG", whole: false },
    Column { head: "KEYS", whole: false },
    Column { head: "LAST CONTACT", whole: false },
];

/// What is shown of a proxy: the properties of the API, and what stands in front of them.
const LINES: [(&str, &str); 16] = [
    ("name", "id"),
    ("state", "state"),
    ("access key", "accessKey"),
    ("region", "region"),
    ("version", "version"),
    ("registered", "registered"),
    ("last contact", "lastContact"),
    ("enforced", "enforced"),
    ("since", "enforcedSince"),
    ("lag", "lag"),
    ("stale (s)", "staleSeconds"),
    ("keys", "keys"),
    ("clock ahead (ms)", "clockSkewMs"),
    ("serves for (s)", "serveForSeconds"),
    ("closes by", "closesBy"),
    ("problem", "problem"),
];

pub(super) fn list(asking: &Asking) -> Result<ExitCode, Failure> {
    let client = Client::new(&asking.server)?;
    let mut table = Table::new(&COLUMNS);
    client.list(PROXIES, None, |proxy| {
        if asking.json {
            return output::print(&format!("{proxy}\n"));
        }
        let names = ["id", "state", "region", "version", "lag", "keys", "lastContact"];
        table.row(names.map(|name| value(&proxy, name)).to_vec());
        Ok(())
    })?;
    if !asking.json {
        output::print(&table.text(output::width()))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn status(arguments: &ProxyNames) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.asking.server)?;
    of_each(&arguments.names, |name| {
        let proxy = client.get(&target(name))?;
        Ok(if arguments.asking.json { format!("{proxy}\n") } else { lines(&proxy) })
    })
}

pub(super) fn forget(arguments: &ForgetProxies) -> Result<ExitCode, Failure> {
    let ProxyNames { asking, names } = &arguments.proxies;
    let client = Client::new(&asking.server)?;
    let question = match names.as_slice() {
        [name] => format!("Nobody will wait for the proxy {} any more.", clean(name)),
        _ => format!("Nobody will wait for {} proxies any more.", names.len()),
    };
    output::confirm(&question, arguments.yes)?;
    of_each(names, |name| {
        client.ask(Ask::new(Method::DELETE, &target(name)))?;
        Ok(match asking.json {
            true => format!("{}\n", json!({ "id": name, "forgotten": true })),
            false => format!("{}: forgotten\n", clean(name)),
        })
    })
}

/// Does it with each, and prints what comes of it. The exit code is that of the first failure.
fn of_each(
    names: &[String],
    what: impl Fn(&str) -> Result<String, Failure>,
) -> Result<ExitCode, Failure> {
    let mut failed = None;
    for name in names {
        match what(name) {
            Ok(text) => output::print(&text)?,
            Err(failure) => {
                failure.tell(Some(&clean(name)));
                failed.get_or_insert(failure.code());
            }
        }
    }
    Ok(failed.map_or(ExitCode::SUCCESS, ExitCode::from))
}

fn target(name: &str) -> String {
    format!("{PROXIES}/{}", encoded(name))
}

fn lines(proxy: &Json) -> String {
    let mut lines = String::new();
    for (head, name) in LINES {
        let value = value(proxy, name);
        if !value.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{head:<17} {value}");
        }
    }
    if proxy["unbounded"] == true {
        lines.push_str("closes by         never: it goes on without a control plane\n");
    }
    lines
}

/// A property as people read it; what is not there is nothing.
fn value(proxy: &Json, name: &str) -> String {
    match &proxy[name] {
        Json::Null => String::new(),
        Json::String(text) => clean(text),
        Json::Object(revision) => {
            let part = |name: &str| revision.get(name).map(Json::to_string).unwrap_or_default();
            format!("{} (epoch {})", part("number"), part("epoch"))
        }
        other => other.to_string(),
    }
}
