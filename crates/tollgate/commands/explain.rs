//! `tollgate explain`: why a request would be answered as it would be. The key comes from standard
//! input or a file, and goes no further than its digests.

mod ask;
mod key;
mod text;

use std::io::Write;
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use hyper::http::Uri;
use prometheus::Registry;
use serde::Serialize;
use tollgate_control::{Publisher, PublisherMetrics};
use tollgate_core::{Clock, handoff};
use tollgate_proxy::explain::{Explainer, Explanation, KEY_STAND_IN, Unexplained};

use super::{FAILED, REFUSED, WRONG, load, refuse, say};
use crate::boot::{Failure, worker_settings};
use crate::cli::ExplainArguments;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::explain::Question;

/// Where the key stands, in arguments.
const PLACEHOLDER: &str = "{key}";

/// A key shorter than this is no secret, and can be a part of anything.
const SHORTEST_SECRET: usize = 8;

/// An explanation, and what it was made from.
#[derive(Serialize)]
struct Answered<'a> {
    against: &'static str,
    #[serde(flatten)]
    explanation: &'a Explanation,
}

pub(super) fn perform(arguments: &ExplainArguments) -> ExitCode {
    let clock = Arc::new(SystemClock::new());
    let config = match load(&arguments.file.config, &*clock) {
        Ok((config, _)) => config,
        Err(problems) => return refuse(&problems),
    };
    let key = match key::read(arguments.key_file.as_deref()) {
        Ok(key) => key,
        Err(error) => return failed(WRONG, &error),
    };
    let question = match question(arguments, &key, &config) {
        Ok(question) => question,
        Err(error) => return failed(WRONG, &error),
    };
    // Also before a process is asked: what holds a key is not sent.
    let explained = match afresh(&config, clock, &question) {
        Ok(Err(error)) => return failed(WRONG, &error.into()),
        Ok(Ok(_)) if arguments.running => ask::running(&config.settings.ops, &question),
        Ok(Ok(explanation)) => Ok(explanation),
        Err(error) => Err(error),
    };
    match explained {
        Ok(explanation) => show(arguments, &explanation),
        Err(error) => failed(FAILED, &error),
    }
}

fn failed(code: u8, error: &Failure) -> ExitCode {
    say(format_args!("tollgate: {error}"));
    ExitCode::from(code)
}

/// What the arguments ask. A host in the URL becomes a `Host` field, as a client would send it.
fn question(
    arguments: &ExplainArguments,
    key: &[u8],
    config: &Config,
) -> Result<Question, Failure> {
    let ExplainArguments { http_method, url, headers, .. } = arguments;
    let holds = |text: &String| {
        let key = str::from_utf8(key).ok().filter(|key| key.len() >= SHORTEST_SECRET);
        key.is_some_and(|key| text.contains(key))
    };
    if holds(http_method) || holds(url) || headers.iter().any(holds) {
        return Err("the arguments hold the key, which others can see; \
                    expected {key} in its place"
            .into());
    }
    let mut fields = Vec::new();
    for header in headers {
        let field = header.split_once(':');
        let (name, value) = field.ok_or(
            "found a header field without a colon, \
                                         expected 'Name: value'",
        )?;
        let value = value.trim_matches([' ', '\t']).replace(PLACEHOLDER, KEY_STAND_IN);
        fields.push((name.to_owned(), value));
    }
    let url = url.replace(PLACEHOLDER, KEY_STAND_IN);
    let (host, target) = split(&url)?;
    if let Some(host) = host
        && !fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"))
    {
        fields.push(("host".to_owned(), host));
    }
    let source = arguments.from.parse::<IpAddr>();
    let source =
        source.map_err(|_| "found an address that is none, expected one such as 192.0.2.7")?;
    let objects = &config.objects.objects;
    let question = Question::of(http_method.clone(), target, fields, source, key, objects);
    let question = question.ok_or("the pepper of the configuration cannot be used")?;
    question.asked().map_err(|unfit| unfit.to_string())?;
    Ok(question)
}

/// The host and the target of a URL; a path has no host.
fn split(url: &str) -> Result<(Option<String>, String), Failure> {
    const EXPECTED: &str = "found a URL that is none, expected http://HOST/PATH, https://HOST/PATH \
                            or a path that begins with /";
    let uri: Uri = url.parse().map_err(|_| EXPECTED)?;
    let scheme = uri.scheme_str();
    if !(matches!(scheme, Some("http" | "https")) || scheme.is_none() && url.starts_with('/')) {
        return Err(EXPECTED.into());
    }
    let host = uri.authority().map(|authority| authority.as_str().to_owned());
    if host.as_ref().is_some_and(|host| host.contains('@')) {
        return Err("found a URL with credentials in it, expected them on standard input".into());
    }
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    Ok((host, target.to_owned()))
}

/// What a process that starts now would do, before its first request.
fn afresh(
    config: &Config,
    clock: Arc<SystemClock>,
    question: &Question,
) -> Result<Result<Explanation, Unexplained>, Failure> {
    let (writer, reader) = handoff();
    let now = clock.now();
    let metrics = PublisherMetrics::register(&Registry::new())?;
    let mut publisher = Publisher::new(writer, now.unix_ms, metrics);
    publisher.publish(&config.objects.objects, None, now.unix(), Instant::now())?;
    let explainer = Explainer::new(reader, clock, worker_settings(&config.settings)?);
    let asked = question.asked().map_err(|unfit| unfit.to_string())?;
    Ok(explainer.explain(asked))
}

/// Prints the explanation. The exit code tells the verdict.
fn show(arguments: &ExplainArguments, explanation: &Explanation) -> ExitCode {
    let shown = if arguments.json {
        let against = if arguments.running { "process" } else { "file" };
        serde_json::to_string_pretty(&Answered { against, explanation }).unwrap_or_default() + "\n"
    } else {
        let path = arguments.file.config.display();
        let against = if arguments.running {
            format!("the running process of {path}, its snapshot and its meters")
        } else {
            format!("{path}, read afresh: no call has been counted yet")
        };
        text::of(&against, explanation)
    };
    // Whoever closed standard output does not read on.
    let _ = std::io::stdout().write_all(shown.as_bytes());
    if explanation.verdict.admitted { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) }
}
