//! `tollgate key create`

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use console::Term;
use hyper::http::Method;
use serde_json::{Map, Value as Json, json};
use zeroize::Zeroizing;

use super::kept::{FIELDS, PACKAGE_KEYS};
use super::{named, show};
use crate::cli::CreateArguments;
use crate::client::{Answer, Ask, Client, Failure};
use crate::output;

/// A key and a secret of 255 bytes with their line breaks, and more to tell that it is too much.
const LONGEST: u64 = 1024;

pub(super) fn perform(arguments: &CreateArguments) -> Result<ExitCode, Failure> {
    let client = Client::new(&arguments.asking.server)?;
    let custom = arguments.custom.then(read_key).transpose()?;
    let application = named::application(&client, &arguments.application)?;
    let package = named::package(&client, &arguments.package)?;
    let plan = named::plan(&client, &package, &arguments.plan)?;
    let mut body = Map::new();
    let mut put = |name: &str, value: Json| body.insert(name.to_owned(), value);
    put("application", json!({ "id": application }));
    put("package", json!({ "id": package }));
    put("plan", json!({ "id": plan }));
    let mut fields = format!("{FIELDS},apikey,secret");
    if let Some((key, secret)) = &custom {
        put("apikey", json!(key.as_str()));
        // What somebody has brought they need not be told.
        fields = format!("{FIELDS},secret");
        if let Some(secret) = secret {
            put("secret", json!(secret.as_str()));
            fields = FIELDS.to_owned();
        }
    }
    if let Some(status) = arguments.status {
        put("status", json!(status.as_str()));
    }
    if let Some(expires) = &arguments.expires {
        put("expires", json!(expires));
    }
    if let Some(qps) = arguments.qps {
        put("qpsLimitCeiling", json!(qps));
    }
    if let Some(quota) = arguments.quota {
        put("rateLimitCeiling", json!(quota));
    }
    for (name, exempt) in
        [("qpsLimitExempt", arguments.qps_exempt), ("rateLimitExempt", arguments.quota_exempt)]
    {
        if exempt {
            put(name, json!(true));
        }
    }
    let target = format!("{PACKAGE_KEYS}?fields={fields}");
    let ask = Ask::new(Method::POST, &target).json(&Json::Object(body));
    let made = client.ask(ask).and_then(Answer::json)?;
    let text = if arguments.asking.json { format!("{made}\n") } else { show::lines(&made) };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

type Text = Zeroizing<String>;

/// The key on the first line of standard input, and the secret on the second.
fn read_key() -> Result<(Text, Option<Text>), Failure> {
    let input = std::io::stdin();
    if input.is_terminal() {
        let terminal = Term::stderr();
        let asked = terminal.write_str("The key (it is not shown): ");
        let key = asked.and_then(|()| terminal.read_secure_line());
        let key = key.map_err(|error| unread(&error))?;
        return Ok((Zeroizing::new(key), None));
    }
    let mut text = Zeroizing::new(String::with_capacity(1 + 2 * 255));
    let read = input.lock().take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| unread(&error))?;
    let mut lines = text.lines().map(|line| Zeroizing::new(line.to_owned()));
    let key = lines.next().filter(|key| !key.is_empty());
    let key =
        key.ok_or_else(|| Failure::Wrong("standard input is empty, expected the key".to_owned()))?;
    let secret = lines.next().filter(|secret| !secret.is_empty());
    if lines.next().is_some() {
        return Err(Failure::Wrong(
            "standard input has more than two lines, expected the key, and its secret".to_owned(),
        ));
    }
    Ok((key, secret))
}

fn unread(error: &std::io::Error) -> Failure {
    Failure::Failed(format!("standard input cannot be read: {error}"))
}
