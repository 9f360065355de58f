//! `tollgate preview`: whom a change would refuse.

mod changes;
mod text;

use std::process::ExitCode;

use hyper::http::Method;
use serde_json::Value as Json;

use super::REFUSED;
use crate::cli::PreviewArguments;
use crate::client::{Answer, Ask, Client, Failure, encoded};
use crate::output;

pub(super) fn perform(arguments: &PreviewArguments) -> ExitCode {
    told(arguments).unwrap_or_else(|failure| failure.end())
}

fn told(arguments: &PreviewArguments) -> Result<ExitCode, Failure> {
    let changes = changes::of(arguments)?;
    let client = Client::new(&arguments.asking.server)?;
    let PreviewArguments { limit, offset, .. } = arguments;
    let mut target = format!("/api/preview?limit={limit}&offset={offset}");
    if let Some(since) = &arguments.used_since {
        target += &format!("&usedSince={}", encoded(since));
    }
    let preview = client.ask(Ask::new(Method::POST, &target).json(&changes))?;
    let preview = Answer::json(preview)?;
    let total = |name: &str| {
        let total = preview.get("totals").and_then(|totals| totals.get(name)?.as_u64());
        // Of an answer that does not say it, nobody may believe that nobody is refused.
        total.ok_or_else(|| Failure::Failed(format!("the control plane told no \"{name}\"")))
    };
    let refused = total("refused")?;
    let (changed, hidden) = (total("changed")?, total("hidden")?);
    if arguments.asking.json {
        output::print(&format!("{preview}\n"))?;
    } else {
        output::print(&text::of(&preview, output::width()))?;
        let keys = preview.get("keys").and_then(Json::as_array).map_or(0, Vec::len);
        let listed = changed.saturating_sub(hidden);
        if (keys as u64) < listed {
            super::say(format_args!("{keys} of {listed} keys"));
        }
    }
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}
